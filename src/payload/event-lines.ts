import type { ByteCursor } from './byte-cursor.ts';
import { SpliceError } from './splice-error.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;

/** Longer field names are none that the format knows. */
const NAME_BYTES_MAX = 32;

const VALUE_BYTES_MAX = 1024;

export type EventLine =
  /** The cursor stands at the value, behind the colon and one space. */
  | { readonly kind: 'field'; readonly name: string }
  /** An empty line: the event's end. */
  | { readonly kind: 'blank' }
  | { readonly kind: 'end' };

/**
 * The lines of a stream of Server-Sent Events, ended by CR, LF or both. Values are left to the
 * caller: what it does not take is skipped.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class EventLines {
  readonly #cursor: ByteCursor;
  #isInsideLine = false;
  #isFirst = true;
  #isAfterCarriageReturn = false;

  constructor(cursor: ByteCursor) {
    this.#cursor = cursor;
  }

  async next(): Promise<EventLine> {
    if (this.#isInsideLine) {
      await this.#readUntilLineEnd(0);
      await this.#takeLineEnd();
    }
    const byte = await this.#byte();
    if (byte === undefined) {
      return { kind: 'end' };
    }
    if (isLineEnd(byte)) {
      await this.#takeLineEnd();
      return { kind: 'blank' };
    }
    this.#isInsideLine = true;
    const name = await this.#readUntilLineEnd(NAME_BYTES_MAX, COLON);
    if ((await this.#byte()) === COLON) {
      this.#cursor.position += 1;
      if ((await this.#byte()) === SPACE) {
        this.#cursor.position += 1;
      }
    }
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    return { kind: 'field', name: isFirst ? name.replace(/^\uFEFF/, '') : name };
  }

  /** The rest of the line. Throws a SpliceError when it is longer than 1,024 bytes. */
  async value(): Promise<string> {
    const value = await this.#readUntilLineEnd(VALUE_BYTES_MAX + 1);
    if (Buffer.byteLength(value) > VALUE_BYTES_MAX) {
      throw new SpliceError('limit', `an event's name is longer than ${VALUE_BYTES_MAX} bytes`);
    }
    return value;
  }

  /** Moves up to the line's end, or to the byte `stop`. Returns no more than so many bytes. */
  async #readUntilLineEnd(bytesMax: number, stop = LINE_FEED): Promise<string> {
    const bytes: number[] = [];
    for (;;) {
      const byte = await this.#byte();
      if (byte === undefined || isLineEnd(byte) || byte === stop) {
        return Buffer.from(bytes).toString();
      }
      const { chunk } = this.#cursor;
      let { position } = this.#cursor;
      for (; position < chunk.length; position += 1) {
        const next = chunk[position] ?? LINE_FEED;
        if (isLineEnd(next) || next === stop) {
          break;
        }
        if (bytes.length < bytesMax) {
          bytes.push(next);
        }
      }
      this.#cursor.position = position;
    }
  }

  async #takeLineEnd(): Promise<void> {
    const byte = await this.#byte();
    this.#isInsideLine = false;
    if (byte !== undefined) {
      this.#cursor.position += 1;
      this.#isAfterCarriageReturn = byte === CARRIAGE_RETURN;
    }
  }

  /** The byte at the cursor. The LF of a CR LF is passed over only when a byte is wanted: it may
   * come much later, and the event that the CR ended must not wait for it. */
  async #byte(): Promise<number | undefined> {
    if (!(await this.#cursor.fill())) {
      return undefined;
    }
    if (this.#isAfterCarriageReturn) {
      this.#isAfterCarriageReturn = false;
      if (this.#cursor.chunk[this.#cursor.position] === LINE_FEED) {
        this.#cursor.position += 1;
        return this.#byte();
      }
    }
    return this.#cursor.chunk[this.#cursor.position];
  }
}

function isLineEnd(byte: number): boolean {
  return byte === LINE_FEED || byte === CARRIAGE_RETURN;
}
