import { BlobError, storageError } from './blob-error.ts';
import type { MemoryShare } from './memory-budget.ts';
import { type Place, RecentChunks } from './recent-chunks.ts';
import type { SharedFile } from './shared-file.ts';
import { READ_BYTES } from './stored-blob.ts';

/** The disk is asked to write once so much waits for it. */
const WRITE_BYTES = 256 * 1024;
/** The most that it is given at once. The operating system takes 1,024 pieces. */
const WRITE_BYTES_MAX = 1024 * 1024;
const WRITE_CHUNKS_MAX = 1024;

/** The source waits for the disk once so much waits to be written. */
const UNWRITTEN_BYTES_MAX = 2 * 1024 * 1024;
const UNWRITTEN_CHUNKS_MAX = 4096;

/** Written chunks that are kept for readers near the head, beside the bound on their bytes. */
const WINDOW_CHUNKS_MAX = 1024;

/** Where a picture is written while it arrives. */
export interface ArrivingFile {
  /** To be let go by whoever opened it. */
  readonly file: SharedFile;
  /** Writes some of the bytes, at least one, and says how many. */
  readonly write: (chunks: readonly Buffer[], position: number) => Promise<number>;
  /** It is whole: it gets its name, unless it was discarded. */
  readonly commit: () => Promise<void>;
  /** Takes its name away. What was written can be read until the file is let go. Twice is fine. */
  readonly discard: () => Promise<void>;
}

export interface ArrivalBytesOptions {
  readonly openFile: () => Promise<ArrivingFile>;
  /** What readers near the head find in memory. */
  readonly windowBytes: number;
  /** What may be kept in memory once the disk has refused. */
  readonly memory: MemoryShare;
  /** `isFull` may have changed. */
  readonly onWritten: () => void;
}

/**
 * What has come of a picture: the newest bytes in memory, the others in its file. One that the disk
 * refuses stays readable: what was not written by then stays in memory.
 */
export class ArrivalBytes {
  readonly #options: ArrivalBytesOptions;
  readonly #recent = new RecentChunks();
  /** Up to where it stands in the file. */
  #written: Place = { position: 0, sequence: 0 };
  #part: ArrivingFile | undefined;
  #opening: Promise<unknown> = Promise.resolve();
  #state: 'arriving' | 'whole' | 'given up' = 'arriving';
  #refusal: BlobError | undefined;
  #isReleased = false;
  #wakeWriter: () => void = () => undefined;

  constructor(options: ArrivalBytesOptions) {
    this.#options = options;
  }

  /** How many have come. */
  get end(): number {
    return this.#recent.end;
  }

  /** Why the disk does not have it. */
  get refusal(): BlobError | undefined {
    return this.#refusal;
  }

  /** The source is ahead of the disk by as much as it may be. */
  get isFull(): boolean {
    return (
      this.#refusal === undefined &&
      (this.#unwrittenBytes >= UNWRITTEN_BYTES_MAX || this.#unwrittenChunks >= UNWRITTEN_CHUNKS_MAX)
    );
  }

  get #unwrittenBytes(): number {
    return this.#recent.end - this.#written.position;
  }

  get #unwrittenChunks(): number {
    return this.#recent.sequence - this.#written.sequence;
  }

  /** Throws a BlobError when the disk has refused and the memory is used up. */
  push(chunk: Buffer): void {
    if (this.#refusal !== undefined) {
      this.#takeMemory(chunk.length, 1);
    }
    this.#recent.push(chunk);
    if (this.#unwrittenBytes >= WRITE_BYTES || this.#unwrittenChunks >= WRITE_CHUNKS_MAX) {
      this.#wakeWriter();
    }
  }

  /** No more will come. `given up`: what came is not worth being written. */
  stop(state: 'whole' | 'given up'): void {
    this.#state = state;
    this.#wakeWriter();
  }

  /** The chunk at the place, from memory, or undefined; the place moves on. */
  take(place: Place): Buffer | undefined {
    return this.#recent.take(place);
  }

  /** A block from the place on, from the file, or undefined; the place moves on. */
  readBlock(place: Place): Promise<Buffer> | undefined {
    const start = place.position;
    if (this.#part === undefined || start >= this.#written.position) {
      return undefined;
    }
    place.position = Math.min(start + READ_BYTES, this.#written.position);
    return this.#part.file.read(start, place.position);
  }

  /**
   * Writes what comes until no more will, and gives the file its name. A storage that refuses becomes
   * the `refusal`; throws a BlobError if there is no memory for what it refused.
   */
  async write(): Promise<void> {
    try {
      const part = await this.#open();
      for (let isOver = false; !isOver;) {
        isOver = await this.#writeNext(part);
      }
      if (this.#state === 'whole') {
        await part.commit();
      }
    } catch (error) {
      this.#refusal = storageError('written', error);
      if (this.#state !== 'given up') {
        this.#takeMemory(this.#unwrittenBytes, this.#unwrittenChunks);
      }
    } finally {
      this.#options.onWritten();
    }
  }

  /** Takes the file's name away; its bytes can be read until the release. Twice is fine. */
  async discard(): Promise<void> {
    await this.#opening.catch(() => undefined);
    await this.#part?.discard();
  }

  /** Frees the memory of what is whole: the file has everything. */
  forgetRecent(): void {
    this.#recent.clear();
  }

  /** Nothing can be read after this. Twice is fine. */
  async release(): Promise<void> {
    if (!this.#isReleased) {
      this.#isReleased = true;
      this.#recent.clear();
      this.#options.memory.release();
      await this.#part?.file.letGo();
    }
  }

  async #open(): Promise<ArrivingFile> {
    const opening = this.#options.openFile();
    this.#opening = opening;
    this.#part = await opening;
    return this.#part;
  }

  /** Writes a block, or waits until there is one. True when there is nothing left to write. */
  async #writeNext(part: ArrivingFile): Promise<boolean> {
    const isArriving = this.#state === 'arriving';
    if (this.#state === 'given up' || (!isArriving && this.#unwrittenBytes === 0)) {
      return true;
    }
    const isBlock =
      this.#unwrittenBytes >= WRITE_BYTES || this.#unwrittenChunks >= WRITE_CHUNKS_MAX;
    if (isArriving && !isBlock) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeWriter = resolve;
      await promise;
      return false;
    }
    await this.#writeBlock(part);
    return false;
  }

  async #writeBlock(part: ArrivingFile): Promise<void> {
    const { position } = this.#written;
    const place = { ...this.#written };
    const chunks: Buffer[] = [];
    while (place.position < position + WRITE_BYTES_MAX && chunks.length < WRITE_CHUNKS_MAX) {
      const chunk = this.#recent.take(place);
      if (chunk === undefined) {
        break;
      }
      chunks.push(chunk);
    }
    const bytes = await part.write(chunks, position);
    // What was written in part is found by its position.
    const isWhole = position + bytes === place.position;
    this.#written = isWhole ? place : { ...this.#written, position: position + bytes };
    this.#trim();
    this.#options.onWritten();
  }

  /** Drops what stands in the file and is no longer near the head. */
  #trim(): void {
    const recent = this.#recent;
    const { windowBytes } = this.#options;
    while (recent.bytes > windowBytes || recent.count > WINDOW_CHUNKS_MAX) {
      if (!recent.dropBefore(this.#written.position)) {
        return;
      }
    }
  }

  #takeMemory(bytes: number, chunks: number): void {
    if (!this.#options.memory.take(bytes, chunks)) {
      const message = 'the disk refuses the picture and it is too large for the memory';
      throw new BlobError('full', message, { cause: this.#refusal });
    }
  }
}
