import type { Place } from './recent-chunks.ts';

type Step = IteratorResult<Buffer, undefined>;

/** What a reader sees of a picture that arrives. */
export interface ReadableArrival {
  /**
   * The reader will be told of the end by `leave`. Instead of an answer: where the picture must be
   * read because its arrival is long over. Throws when it can be read no more.
   */
  readonly enter: () => AsyncIterator<Buffer> | undefined;
  readonly leave: () => Promise<void>;
  /** The chunk at the place, from memory, or undefined; the place moves on. */
  readonly take: (place: Place) => Buffer | undefined;
  /** A block from the place on, from the disk, or undefined; the place moves on. */
  readonly readBlock: (place: Place) => Promise<Buffer> | undefined;
  /** True: all has been read. False: more will come. Throws what the source failed with. */
  readonly isOver: () => boolean;
  /** Calls back once, when something has changed. */
  readonly wait: (wake: () => void) => void;
}

/** Reads a picture from its first byte while it arrives. Not a generator: one step is one chunk. */
export class ArrivalReader implements AsyncIterableIterator<Buffer, undefined> {
  readonly #arrival: ReadableArrival;
  readonly #place: Place = { position: 0, sequence: 0 };
  #state: 'new' | 'reading' | 'over' = 'new';
  #late: AsyncIterator<Buffer> | undefined;

  constructor(arrival: ReadableArrival) {
    this.#arrival = arrival;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    if (this.#state === 'reading') {
      const chunk = this.#arrival.take(this.#place);
      if (chunk !== undefined) {
        return Promise.resolve({ done: false, value: chunk });
      }
    }
    return this.#nextSlow();
  }

  async return(): Promise<Step> {
    if (this.#late !== undefined) {
      await this.#late.return?.();
    }
    await this.#stop();
    return { done: true, value: undefined };
  }

  async #nextSlow(): Promise<Step> {
    if (this.#state === 'new') {
      this.#state = 'over';
      this.#late = this.#arrival.enter();
      if (this.#late === undefined) {
        this.#state = 'reading';
      }
    }
    if (this.#late !== undefined) {
      const { done = false, value } = await this.#late.next();
      return done ? { done, value: undefined } : { done, value };
    }
    return this.#state === 'over' ? { done: true, value: undefined } : this.#nextArriving();
  }

  async #nextArriving(): Promise<Step> {
    try {
      // No wait between a look at what there is and the look whether more will come.
      const chunk = this.#arrival.take(this.#place);
      if (chunk !== undefined) {
        return { done: false, value: chunk };
      }
      const block = this.#arrival.readBlock(this.#place);
      if (block !== undefined) {
        return { done: false, value: await block };
      }
      if (this.#arrival.isOver()) {
        await this.#stop();
        return { done: true, value: undefined };
      }
    } catch (error) {
      await this.#stop();
      throw error;
    }
    const { promise, resolve } = Promise.withResolvers<Step>();
    this.#arrival.wait(() => resolve(this.next()));
    return promise;
  }

  async #stop(): Promise<void> {
    const wasReading = this.#state === 'reading';
    this.#state = 'over';
    if (wasReading) {
      await this.#arrival.leave();
    }
  }
}
