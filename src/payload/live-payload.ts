import { Base64Text } from './base64-text.ts';
import type { ByteCursor } from './byte-cursor.ts';
import type { Payload } from './payload.ts';
import { limitError, SpliceError } from './splice-error.ts';

const QUOTE = 0x22;

const EMPTY: Buffer = Buffer.alloc(0);

export interface LivePayloadOptions {
  /** Stands inside the string, before the closing quote. */
  readonly cursor: ByteCursor;
  /** Text of the string that lies before the cursor. */
  readonly head: Buffer;
  readonly bytesMax: number;
  /** What readers meet in place of an error. */
  readonly describeError: (error: unknown) => unknown;
}

/**
 * A payload that is still arriving. Whoever reads it moves the source on; `skip` moves it to the
 * closing quote in any case. What was wrong for one reader is wrong for all that come later.
 */
export class LivePayload {
  readonly payload: Payload;
  readonly #cursor: ByteCursor;
  readonly #text = new Base64Text();
  readonly #bytesMax: number;
  readonly #describeError: (error: unknown) => unknown;
  #bytes = 0;
  /** Text that has come and was not given to the reader of `chunks` yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #fetching: Promise<boolean> | undefined;
  #state: 'unread' | 'reading' | 'read' | 'skipped' = 'unread';
  #isComplete = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: LivePayloadOptions) {
    this.#cursor = options.cursor;
    this.#bytesMax = options.bytesMax;
    this.#describeError = options.describeError;
    if (options.head.length > 0) {
      this.#bytes = options.head.length;
      this.#hold(this.#text.clean(options.head));
    }
    this.payload = {
      form: 'base64',
      peek: (count) => this.#peek(count),
      chunks: () => this.#chunks(),
    };
  }

  /** Reads what is left and checks it; the payload cannot be read after that. */
  async skip(): Promise<void> {
    this.abandon();
    do {
      this.#held = [];
      this.#heldBytes = 0;
    } while (await this.#fetch());
  }

  /** Whoever has not got all of the payload by now, will not. */
  abandon(): void {
    const isGiven = this.#state === 'reading' && this.#isComplete && this.#heldBytes === 0;
    if (this.#state !== 'read' && !isGiven) {
      this.#state = 'skipped';
    }
  }

  async #peek(count: number): Promise<Buffer> {
    this.#refuseLate();
    while (this.#heldBytes < count && (await this.#fetch())) {
      // Each round holds more.
    }
    // A reader may have come while this waited, and taken what would be missing here.
    this.#refuseLate();
    if (this.#held.length > 1) {
      this.#held = [Buffer.concat(this.#held)];
    }
    return (this.#held[0] ?? EMPTY).subarray(0, count);
  }

  #refuseLate(): void {
    if (this.#state !== 'unread') {
      throw new Error('a payload that arrives can be looked at only before it is read');
    }
  }

  #hold(text: Buffer): void {
    this.#held.push(text);
    this.#heldBytes += text.length;
  }

  #chunks(): AsyncIterable<Buffer> {
    if (this.#state === 'reading' || this.#state === 'read') {
      throw new Error('a payload that arrives can be read only once');
    }
    this.#refuseSkipped();
    this.#state = 'reading';
    // Not a generator: this runs once for each chunk of each picture.
    const iterator: AsyncIterator<Buffer> = { next: () => this.#next() };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  #next(): Promise<IteratorResult<Buffer>> {
    const text = this.#state === 'reading' ? this.#held.shift() : undefined;
    if (text === undefined) {
      return this.#nextArriving();
    }
    this.#heldBytes -= text.length;
    return Promise.resolve({ done: false, value: text });
  }

  async #nextArriving(): Promise<IteratorResult<Buffer>> {
    this.#refuseSkipped();
    if (this.#state === 'read' || !(await this.#fetch())) {
      this.#refuseSkipped();
      this.#state = 'read';
      return { done: true, value: undefined };
    }
    return this.#next();
  }

  /** A payload that was skipped must not look like a short one. */
  #refuseSkipped(): void {
    if (this.#state === 'skipped') {
      throw new Error('the payload was skipped before it was read');
    }
  }

  /** Holds the next text; false at the payload's end. All who wait, wait for the same text. */
  #fetch(): Promise<boolean> {
    // It clears the field by itself, unless it ends at once: then every later answer is the same.
    this.#fetching ??= this.#fetchNext();
    return this.#fetching;
  }

  async #fetchNext(): Promise<boolean> {
    try {
      if (this.#failure !== undefined) {
        throw this.#failure.error;
      }
      while (!this.#isComplete) {
        if (!(await this.#cursor.fill())) {
          throw new SpliceError('cut_off', 'the source ended inside a payload');
        }
        const text = this.#take();
        if (text.length > 0) {
          this.#hold(text);
          return true;
        }
      }
      return false;
    } catch (error) {
      this.#failure ??= { error: this.#describeError(error) };
      throw this.#failure.error;
    } finally {
      this.#fetching = undefined;
    }
  }

  /** Takes from the cursor's chunk what belongs to the payload, and its closing quote. */
  #take(): Buffer {
    const { chunk, position } = this.#cursor;
    const quote = chunk.indexOf(QUOTE, position);
    const end = quote === -1 ? chunk.length : quote;
    this.#bytes += end - position;
    if (this.#bytes > this.#bytesMax) {
      throw limitError('payloadBytesMax', this.#bytesMax);
    }
    // A quote behind a backslash ends here too, and is refused: it stands for no base64.
    const text = this.#text.clean(chunk.subarray(position, end));
    this.#cursor.position = end;
    if (quote === -1) {
      return text;
    }
    const missing = this.#text.end();
    this.#cursor.position = quote + 1;
    this.#isComplete = true;
    return missing.length === 0 ? text : Buffer.concat([text, missing]);
  }
}
