const FIRST_BYTES = 4 * 1024;

/** Bytes that are appended to, in one buffer that doubles. */
export class GrowingBuffer {
  length = 0;
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);

  append(source: Buffer, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    source.copy(this.#buffer, this.length, start, end);
    this.length = length;
  }

  /** A view, not a copy: it changes with what is cut off and appended. */
  view(start: number, end: number): Buffer {
    return this.#buffer.subarray(start, end);
  }

  /** Drops all behind this length. */
  cut(length: number): void {
    this.length = length;
  }
}
