import { bytesPayload, type Payload } from './payload.ts';
import { SpoolError } from './spool-error.ts';
import { SpoolFile } from './spool-file.ts';

/** Keeps payloads whole until their verdict, conversion or turn has come. One for each request. */
export interface Spool {
  /**
   * Reads the payload to its end. What it returns can be read again and again until the spool is
   * disposed of. Several may be kept at once. Throws a SpoolError, or what the payload throws;
   * nothing is left then of what was kept of it.
   */
  readonly keep: (payload: Payload) => Promise<Payload>;
  /**
   * Gives the disk space back; what is still being kept fails at its next chunk, what is being
   * read is read to its end. Twice is fine.
   */
  readonly dispose: () => Promise<void>;
}

export interface SpoolOptions {
  /** Where payloads go that do not fit into the memory; made when it is first needed. */
  readonly folder: string;
  /** What one request may keep in memory, all its payloads together. */
  readonly memoryBytes: number;
  /** Counts what all spools keep together. */
  readonly meter?: SpoolMeter;
  /** What one request may keep in all, in memory and on disk; 512 MiB by default. */
  readonly totalBytesMax?: number;
}

/** Bytes that are kept now. */
export interface SpoolMeter {
  bytes: number;
}

const TOTAL_BYTES_MAX = 512 * 1024 * 1024;

export function createSpool(options: SpoolOptions): Spool {
  const room = new Room(options);
  return {
    keep: async (payload) => {
      if (payload.isLasting === true) {
        return payload;
      }
      const place = new Place(room);
      try {
        for await (const chunk of payload.chunks()) {
          await place.put(chunk);
        }
        return await place.finish(payload.form);
      } catch (error) {
        await place.giveUp();
        throw error;
      }
    },
    dispose: () => room.close(),
  };
}

/** What the payloads of one request share. */
class Room {
  readonly folder: string;
  readonly files = new Set<SpoolFile>();
  freeMemoryBytes: number;
  freeBytes: number;
  readonly #totalBytesMax: number;
  #isClosed = false;

  readonly #meter: SpoolMeter;

  constructor({ folder, memoryBytes, totalBytesMax = TOTAL_BYTES_MAX, meter }: SpoolOptions) {
    this.#meter = meter ?? { bytes: 0 };
    this.folder = folder;
    this.freeMemoryBytes = memoryBytes;
    this.freeBytes = totalBytesMax;
    this.#totalBytesMax = totalBytesMax;
  }

  take(bytes: number): void {
    this.refuseClosed();
    if (bytes > this.freeBytes) {
      throw new SpoolError('full', `totalBytesMax of ${this.#totalBytesMax} is exceeded`);
    }
    this.freeBytes -= bytes;
    this.#meter.bytes += bytes;
  }

  give(bytes: number): void {
    // What is closed has given everything back.
    if (!this.#isClosed) {
      this.freeBytes += bytes;
      this.#meter.bytes -= bytes;
    }
  }

  refuseClosed(): void {
    if (this.#isClosed) {
      throw new SpoolError('closed', 'the spool of this request is closed');
    }
  }

  async close(): Promise<void> {
    this.give(this.#totalBytesMax - this.freeBytes);
    this.#isClosed = true;
    const files = [...this.files];
    this.files.clear();
    await Promise.all(files.map((file) => file.release()));
  }
}

/** Where one payload is being kept: in memory, and in a file once that is too small. */
class Place {
  readonly #room: Room;
  #bytes = 0;
  #chunks: Buffer[] = [];
  #memoryBytes = 0;
  #file: SpoolFile | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  async put(chunk: Buffer): Promise<void> {
    const room = this.#room;
    room.take(chunk.length);
    this.#bytes += chunk.length;
    if (this.#file === undefined && chunk.length <= room.freeMemoryBytes) {
      room.freeMemoryBytes -= chunk.length;
      this.#memoryBytes += chunk.length;
      this.#chunks.push(chunk);
      return;
    }
    const file = this.#file ?? (await this.#openFile());
    await file.append(chunk);
  }

  async finish(form: Payload['form']): Promise<Payload> {
    if (this.#file === undefined) {
      this.#room.refuseClosed();
      return bytesPayload(Buffer.concat(this.#chunks), form);
    }
    await this.#file.flush();
    this.#room.refuseClosed();
    // From here on it is the room that releases the file.
    this.#room.files.add(this.#file);
    return this.#file.payload(form);
  }

  async giveUp(): Promise<void> {
    this.#room.give(this.#bytes);
    this.#freeMemory();
    // Why the payload could not be kept matters more than that its file would not close.
    await this.#file?.release().catch(() => undefined);
  }

  async #openFile(): Promise<SpoolFile> {
    const file = await SpoolFile.create(this.#room.folder);
    this.#file = file;
    for (const chunk of this.#chunks) {
      await file.append(chunk);
    }
    this.#freeMemory();
    return file;
  }

  #freeMemory(): void {
    this.#room.freeMemoryBytes += this.#memoryBytes;
    this.#memoryBytes = 0;
    this.#chunks = [];
  }
}
