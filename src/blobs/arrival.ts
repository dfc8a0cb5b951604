import type { Payload } from '../payload/payload.ts';
import { ArrivalBytes, type ArrivalBytesOptions } from './arrival-bytes.ts';
import { ArrivalReader, type ReadableArrival } from './arrival-reader.ts';
import { BlobError } from './blob-error.ts';
import type { ArrivingBlob, BlobOutcome, OpenBlob } from './blobs.ts';
import type { Place } from './recent-chunks.ts';

export interface ArrivalOptions extends Omit<ArrivalBytesOptions, 'onWritten'> {
  /** Where the picture is read once it is whole and its arrival over. */
  readonly reopen: () => Promise<OpenBlob | undefined>;
  /** Called for the arrival itself and for each of its readers. */
  readonly enter: () => void;
  readonly leave: () => void;
}

/**
 * A picture on its way from its source into a file. The source is read at the disk's pace, never
 * at a reader's.
 */
export class Arrival implements ReadableArrival {
  readonly blob: ArrivingBlob;
  /** Resolves when it is known what became of it, and its source is no longer read. */
  readonly settled: Promise<void>;
  readonly #options: ArrivalOptions;
  readonly #bytes: ArrivalBytes;
  readonly #ended = Promise.withResolvers<void>();
  #source: AsyncIterator<Buffer> | undefined;
  #readers = 0;
  #waiting: (() => void)[] = [];
  #resumePump: () => void = () => undefined;
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #isDropped = false;
  #outcome: BlobOutcome | 'failed' | undefined;

  /** Begins at once. */
  constructor(payload: Payload, options: ArrivalOptions) {
    this.#options = options;
    this.#bytes = new ArrivalBytes({
      ...options,
      onWritten: () => this.#resumePump(),
    });
    options.enter();
    const finished = this.#run(payload);
    // Readers meet the failure, too: nobody has to listen to this.
    this.settled = finished.then(
      () => undefined,
      () => undefined,
    );
    this.blob = {
      payload: {
        form: payload.form,
        peek: (bytes) => this.#peek(bytes),
        chunks: () => new ArrivalReader(this),
      },
      finished,
    };
  }

  get isSettled(): boolean {
    return this.#outcome !== undefined;
  }

  /** What became of it can be read here only: neither did it fail, nor is it in the store. */
  get isHeld(): boolean {
    return typeof this.#outcome === 'object' && !this.#outcome.isKept && !this.#isDropped;
  }

  /** The source is given up, and readers meet the error. Nothing happens once it has ended. */
  abort(reason: BlobError): void {
    if (!this.#isEnded) {
      this.#fail(reason);
      // Not awaited: a source may be silent for long, and a generator ends only when it speaks.
      this.#endSource().catch(() => undefined);
    }
  }

  /** The name is gone; who reads reads to the end, and nothing is held beyond that. */
  async drop(): Promise<void> {
    this.#isDropped = true;
    try {
      await this.#bytes.discard();
    } finally {
      await this.#release();
    }
  }

  enter(): AsyncIterator<Buffer> | undefined {
    if (this.#failure !== undefined && this.isSettled) {
      throw this.#failure.error;
    }
    if (typeof this.#outcome === 'object' && !this.isHeld) {
      return storedChunks(this.#options.reopen);
    }
    this.#readers += 1;
    this.#options.enter();
    return undefined;
  }

  async leave(): Promise<void> {
    this.#readers -= 1;
    await this.#release();
    this.#options.leave();
  }

  take(place: Place): Buffer | undefined {
    return this.#bytes.take(place);
  }

  readBlock(place: Place): Promise<Buffer> | undefined {
    return this.#bytes.readBlock(place);
  }

  isOver(): boolean {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    return this.#isEnded;
  }

  wait(wake: () => void): void {
    this.#waiting.push(wake);
  }

  async #run(payload: Payload): Promise<BlobOutcome> {
    const writing = this.#bytes.write().catch((error: unknown) => this.#fail(error));
    void this.#pump(payload);
    await this.#ended.promise;
    await writing;
    const refusal = this.#isDropped ? removed() : this.#bytes.refusal;
    if (this.#failure !== undefined || refusal !== undefined) {
      // A part file that will not go is removed by the next process.
      await this.#bytes.discard().catch(() => undefined);
    }
    const outcome = this.#settle(refusal);
    await this.#release();
    this.#options.leave();
    if (outcome === undefined) {
      throw this.#failure?.error;
    }
    return outcome;
  }

  /** Undefined: it has failed. */
  #settle(refusal: BlobError | undefined): BlobOutcome | undefined {
    if (this.#failure !== undefined) {
      this.#outcome = 'failed';
      return undefined;
    }
    const bytes = this.#bytes.end;
    if (refusal === undefined) {
      this.#bytes.forgetRecent();
    }
    this.#outcome =
      refusal === undefined ? { bytes, isKept: true } : { bytes, isKept: false, refusal };
    return this.#outcome;
  }

  /** Reads the source to its end, or until the arrival has failed. */
  async #pump(payload: Payload): Promise<void> {
    try {
      const source = payload.chunks()[Symbol.asyncIterator]();
      this.#source = source;
      while (this.#failure === undefined) {
        const step = await source.next();
        if (step.done === true) {
          this.#end();
          return;
        }
        this.#push(step.value);
        while (this.#bytes.isFull && this.#failure === undefined) {
          await this.#untilWritten();
        }
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #push(chunk: Buffer): void {
    if (chunk.length === 0 || this.#failure !== undefined) {
      return;
    }
    try {
      this.#bytes.push(chunk);
    } catch (error) {
      if (!(error instanceof BlobError)) {
        throw error;
      }
      this.abort(error);
      return;
    }
    if (this.#waiting.length > 0) {
      this.#wakeReaders();
    }
  }

  async #endSource(): Promise<void> {
    await this.#source?.return?.();
  }

  #untilWritten(): Promise<void> {
    return new Promise((resolve) => {
      this.#resumePump = resolve;
    });
  }

  #end(): void {
    if (this.#failure === undefined) {
      this.#isEnded = true;
      this.#bytes.stop('whole');
      this.#ended.resolve();
      this.#wakeReaders();
    }
  }

  #fail(error: unknown): void {
    if (this.#failure === undefined && !this.isSettled) {
      this.#failure = { error };
      this.#bytes.stop('given up');
      this.#ended.resolve();
      this.#resumePump();
      this.#wakeReaders();
    }
  }

  #wakeReaders(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) {
      wake();
    }
  }

  /** Gives back what nobody will read any more. */
  async #release(): Promise<void> {
    if (this.isSettled && this.#readers === 0 && !this.isHeld) {
      await this.#bytes.release();
    }
  }

  async #peek(count: number): Promise<Buffer> {
    const reader = new ArrivalReader(this);
    const chunks: Buffer[] = [];
    try {
      for (let bytes = 0; bytes < count;) {
        const step = await reader.next();
        if (step.done === true) {
          break;
        }
        chunks.push(step.value);
        bytes += step.value.length;
      }
    } finally {
      await reader.return();
    }
    const [first] = chunks;
    const bytes = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
    return bytes.subarray(0, count);
  }
}

/** The picture from the store, for a reader who comes when its arrival is over. */
async function* storedChunks(reopen: ArrivalOptions['reopen']): AsyncGenerator<Buffer, void, void> {
  const blob = await reopen();
  if (blob === undefined) {
    throw removed();
  }
  try {
    yield* blob.payload.chunks();
  } finally {
    await blob.close();
  }
}

function removed(): BlobError {
  return new BlobError('removed', 'the picture was removed');
}
