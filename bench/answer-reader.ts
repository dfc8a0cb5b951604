const LINE_END = 0x0a;
const LINE_BYTES_MAX = 65_536;

export interface AnswerHandlers {
  readonly onBody?: (piece: Buffer) => void;
  readonly onEnd: () => void;
}

/**
 * Reads one HTTP/1.1 answer out of the bytes of a connection: with a length, or in chunks. Copies
 * none of the body, so that the load takes little from the upstream on the same core. Throws on
 * what is no such answer, and on bytes after its end.
 */
export class AnswerReader {
  status = 0;
  /** By their names in small letters; of several with one name the last. */
  readonly headers = new Map<string, string>();
  readonly #handlers: AnswerHandlers;
  #state: 'head' | 'body' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'done' = 'head';
  #line = '';
  #left = 0;
  #isChunked = false;
  #length: number | undefined;

  constructor(handlers: AnswerHandlers) {
    this.#handlers = handlers;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** The bytes are the caller's again on return. */
  feed(data: Buffer): void {
    for (let position = 0; position < data.length;) {
      position =
        this.#state === 'body' || this.#state === 'chunk'
          ? this.#takeBody(data, position)
          : this.#takeLine(data, position);
    }
  }

  #takeBody(data: Buffer, position: number): number {
    const end = Math.min(data.length, position + this.#left);
    this.#left -= end - position;
    this.#handlers.onBody?.(data.subarray(position, end));
    if (this.#left === 0) {
      if (this.#state === 'chunk') {
        this.#state = 'chunk-end';
      } else {
        this.#finish();
      }
    }
    return end;
  }

  #takeLine(data: Buffer, position: number): number {
    const end = data.indexOf(LINE_END, position);
    const next = end === -1 ? data.length : end + 1;
    this.#line += data.toString('latin1', position, next);
    if (this.#line.length > LINE_BYTES_MAX) {
      throw new Error('a line of the answer never ends');
    }
    if (end !== -1) {
      const line = this.#line.trimEnd();
      this.#line = '';
      this.#onLine(line);
    }
    return next;
  }

  #onLine(line: string): void {
    switch (this.#state) {
      case 'head':
        this.#onHeadLine(line);
        break;
      case 'chunk-size':
        this.#left = Number.parseInt(line, 16);
        if (Number.isNaN(this.#left)) {
          throw new Error(`'${line.slice(0, 40)}' is not the size of a chunk`);
        }
        this.#state = this.#left === 0 ? 'trailer' : 'chunk';
        break;
      case 'chunk-end':
        if (line !== '') {
          throw new Error('a chunk is longer than it said');
        }
        this.#state = 'chunk-size';
        break;
      case 'trailer':
        if (line === '') {
          this.#finish();
        }
        break;
      case 'body':
      case 'chunk':
      case 'done':
        throw new Error('bytes came after the answer');
    }
  }

  #onHeadLine(line: string): void {
    if (this.status === 0) {
      this.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1]);
      if (!(this.status >= 200)) {
        throw new Error(`'${line.slice(0, 40)}' is not the beginning of an answer`);
      }
    } else if (line !== '') {
      const [name = '', value = ''] = line.toLowerCase().split(/:\s*/, 2);
      this.headers.set(name, value);
      this.#isChunked ||= name === 'transfer-encoding' && value === 'chunked';
      this.#length = name === 'content-length' ? Number(value) : this.#length;
    } else if (this.#isChunked) {
      this.#state = 'chunk-size';
    } else if (this.#length === undefined) {
      throw new Error('the answer has neither a length nor chunks');
    } else {
      this.#left = this.#length;
      this.#state = 'body';
      if (this.#left === 0) {
        this.#finish();
      }
    }
  }

  #finish(): void {
    this.#state = 'done';
    this.#handlers.onEnd();
  }
}
