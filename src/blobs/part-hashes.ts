import { createHash } from 'node:crypto';

/** SHA-256 of each part of a file, known when it is written: nobody has to read it for that. */
export class PartHashes {
  readonly #partBytes: number;
  readonly #full: string[] = [];
  #hash = createHash('sha256');
  #hashedBytes = 0;

  constructor(partBytes: number) {
    this.#partBytes = partBytes;
  }

  /** So many bytes of the chunks were written behind what was written before. */
  add(chunks: readonly Buffer[], bytes: number): void {
    let restBytes = bytes;
    for (const chunk of chunks) {
      for (let start = 0; start < chunk.length && restBytes > 0;) {
        const room = Math.min(this.#partBytes - this.#hashedBytes, restBytes);
        const piece = chunk.subarray(start, start + room);
        this.#hash.update(piece);
        this.#hashedBytes += piece.length;
        restBytes -= piece.length;
        start += piece.length;
        this.#endFullPart();
      }
    }
  }

  /** In hex, of the part with that number, from 1; of the last one as far as it was written. */
  of(number: number): string {
    return this.#full[number - 1] ?? this.#hash.copy().digest('hex');
  }

  #endFullPart(): void {
    if (this.#hashedBytes === this.#partBytes) {
      this.#full.push(this.#hash.digest('hex'));
      this.#hash = createHash('sha256');
      this.#hashedBytes = 0;
    }
  }
}
