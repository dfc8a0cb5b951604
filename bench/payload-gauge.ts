const QUOTE = 0x22;
const NAME = '"b64_json"';
/** A document that does not begin its picture within this much holds none. */
const PREFIX_BYTES_MAX = 65_536;

/**
 * Measures the picture of an answer while it passes: how long the string of the first `b64_json`
 * is, whether it was closed, and whether the document was closed behind it.
 */
export class PayloadGauge {
  /** Bytes of base64 text so far. */
  payloadBytes = 0;
  /** All bytes so far. */
  documentBytes = 0;
  #state: 'before' | 'inside' | 'after' = 'before';
  #prefix = '';
  #tail = '';

  /** The document's first bytes, as far as no picture had begun: a refusal, where it is one. */
  get prefix(): string {
    return this.#prefix;
  }

  /** Whether picture and document are closed. */
  get isWhole(): boolean {
    return this.#state === 'after' && this.#tail.trimEnd().endsWith('}');
  }

  feed(piece: Buffer): void {
    this.documentBytes += piece.length;
    let rest = piece;
    if (this.#state === 'before') {
      rest = this.#findBeginning(piece);
    }
    if (this.#state === 'inside') {
      const quote = rest.indexOf(QUOTE);
      this.payloadBytes += quote === -1 ? rest.length : quote;
      if (quote === -1) {
        return;
      }
      this.#state = 'after';
      rest = rest.subarray(quote);
    }
    if (this.#state === 'after') {
      this.#tail = (this.#tail + rest.toString('latin1', Math.max(0, rest.length - 16))).slice(-16);
    }
  }

  /** What follows the opening quote of the picture, once that has come. */
  #findBeginning(piece: Buffer): Buffer {
    const known = this.#prefix.length;
    this.#prefix += piece.toString('latin1', 0, Math.min(piece.length, PREFIX_BYTES_MAX));
    const name = this.#prefix.indexOf(NAME);
    const quote = name === -1 ? -1 : this.#prefix.indexOf('"', name + NAME.length);
    if (quote === -1) {
      this.#prefix = this.#prefix.slice(0, PREFIX_BYTES_MAX);
      return piece;
    }
    this.#prefix = this.#prefix.slice(0, quote + 1);
    this.#state = 'inside';
    return piece.subarray(quote + 1 - known);
  }
}
