/** What a body asks of the connection that it arrives on. */
export interface BodySource {
  readonly pause: () => void;
  readonly resume: () => void;
  /** Nobody wants the rest: the connection is closed. */
  readonly abandon: () => void;
  /** Throws when the reader may not go on. */
  readonly check: () => void;
}

/** Above this much unread, the connection waits for the reader. */
const UNREAD_BYTES_MAX = 256 * 1024;

/**
 * The bytes of one answer between the connection, which pushes, and one reader, who pulls. An
 * undici body stream does the same, at the cost of the stream machinery for each chunk.
 */
export class ArrivingBody implements AsyncIterable<Buffer> {
  readonly #source: BodySource;
  readonly #chunks: Buffer[] = [];
  #unreadBytes = 0;
  #paused = false;
  #isTaken = false;
  #state: 'arriving' | 'complete' | 'failed' | 'closed' = 'arriving';
  #failure: unknown;
  #waiting: PromiseWithResolvers<IteratorResult<Buffer, undefined>> | undefined;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Whether a reader has come. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  push(chunk: Buffer): void {
    if (this.#state !== 'arriving') {
      return;
    }
    if (this.#waiting !== undefined) {
      this.#waiting.resolve({ done: false, value: chunk });
      this.#waiting = undefined;
      return;
    }
    this.#chunks.push(chunk);
    this.#unreadBytes += chunk.length;
    if (this.#unreadBytes > UNREAD_BYTES_MAX && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  complete(): void {
    if (this.#state !== 'arriving') {
      return;
    }
    this.#state = 'complete';
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  /** The reader first gets what has come: a paid picture may lie in it, whole. */
  fail(failure: unknown): void {
    if (this.#state !== 'arriving') {
      return;
    }
    if (this.#waiting === undefined) {
      this.#state = 'failed';
      this.#failure = failure;
      return;
    }
    this.#state = 'closed';
    this.#waiting.reject(failure);
    this.#waiting = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    if (this.#isTaken) {
      throw new Error('the body of an answer can be read once');
    }
    this.#isTaken = true;
    return { next: () => this.#next(), return: () => this.#return() };
  }

  // Not async functions: these run once for each chunk of each picture.
  #next(): Promise<IteratorResult<Buffer, undefined>> {
    try {
      this.#source.check();
    } catch (error) {
      this.#close();
      return Promise.reject(error);
    }
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#unreadBytes -= chunk.length;
      this.#resumeWhenLow();
      return Promise.resolve({ done: false, value: chunk });
    }
    switch (this.#state) {
      case 'failed':
        this.#state = 'closed';
        return Promise.reject(this.#failure);
      case 'complete':
      case 'closed':
        return Promise.resolve({ done: true, value: undefined });
      case 'arriving':
        if (this.#waiting !== undefined) {
          return Promise.reject(new Error('a chunk is being waited for already'));
        }
        this.#waiting = Promise.withResolvers();
        return this.#waiting.promise;
    }
  }

  #return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  #close(): void {
    const wasArriving = this.#state === 'arriving';
    this.#state = 'closed';
    this.#chunks.length = 0;
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
    if (wasArriving) {
      this.#source.abandon();
    }
  }

  #resumeWhenLow(): void {
    const isLow = this.#unreadBytes <= UNREAD_BYTES_MAX / 2;
    if (this.#paused && isLow && this.#state === 'arriving') {
      this.#paused = false;
      this.#source.resume();
    }
  }
}
