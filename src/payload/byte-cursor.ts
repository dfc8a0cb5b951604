const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Where several readers stand in one source of chunks: each takes bytes from `chunk` at `position`
 * and moves `position` on. The source is asked for more only by `fill`.
 */
export class ByteCursor {
  chunk: Buffer = EMPTY;
  position = 0;
  readonly #source: AsyncIterator<Buffer>;
  #state: 'open' | 'ended' | 'closed' = 'open';
  #failure: { readonly error: unknown } | undefined;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /**
   * Makes sure that there is a byte at `position`; false at the source's end. Throws what the
   * source throws, and again whenever it is called after that.
   */
  async fill(): Promise<boolean> {
    while (this.position >= this.chunk.length) {
      // Let go first: while the source waits, its last chunk may be needed elsewhere.
      this.chunk = EMPTY;
      this.position = 0;
      if (this.#failure !== undefined) {
        throw this.#failure.error;
      }
      if (this.#state === 'ended') {
        return false;
      }
      try {
        const step = await this.#source.next();
        if (step.done === true) {
          this.#state = 'ended';
        } else {
          this.chunk = step.value;
        }
      } catch (error) {
        this.#state = 'ended';
        this.#failure = { error };
        throw error;
      }
    }
    return true;
  }

  /** Lets the source go if it has not ended. Nothing can be read after that. */
  async close(): Promise<void> {
    const isOpen = this.#state === 'open';
    this.#state = 'closed';
    this.chunk = EMPTY;
    this.position = 0;
    this.#failure ??= { error: new Error('the source of this payload was closed') };
    if (isOpen) {
      await this.#source.return?.();
    }
  }
}
