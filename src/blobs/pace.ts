/**
 * How far a source may be ahead of its fastest reader. One who keeps up finds everything in memory,
 * and little of it grows old there: V8 looks through its whole heap for each 64 MB of buffers that
 * have outlived two of its small collections.
 */
const AHEAD_BYTES = 128 * 1024;

/** For so long in all a source waits for readers. One who stalls must not hold up paid work. */
const PATIENCE_MS = 1000;

/** Holds a source back for the fastest of its readers, and not for long. */
export class Pace {
  #readPosition = 0;
  #patienceMs = PATIENCE_MS;
  #wake: () => void = () => undefined;

  /** A reader has come to a position. True: further than any before. */
  reach(position: number): boolean {
    if (position <= this.#readPosition) {
      return false;
    }
    this.#readPosition = position;
    this.#wake();
    return true;
  }

  /** Whether a source that has come to its `end` is to wait, if somebody reads. */
  isAhead(end: number): boolean {
    return this.#patienceMs > 0 && end - this.#readPosition > AHEAD_BYTES;
  }

  /** Resolves when a reader is near the end, nobody reads any more, or patience is at its end. */
  async untilNear(end: number, isRead: () => boolean): Promise<void> {
    const sinceMs = performance.now();
    const timer = setTimeout(() => {
      this.#patienceMs = 0;
      this.#wake();
    }, this.#patienceMs);
    while (isRead() && this.isAhead(end)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    clearTimeout(timer);
    this.#patienceMs -= performance.now() - sinceMs;
  }

  /** Whether somebody reads may have changed. */
  look(): void {
    this.#wake();
  }
}
