import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { Arrival } from './arrival.ts';
import { BlobError, diskError } from './blob-error.ts';
import { blobFiles, openExisting, removeFile, removeParts } from './blob-files.ts';
import { blobName, type BlobPaths, blobPaths } from './blob-paths.ts';
import type { Blobs, OpenBlob } from './blobs.ts';
import { type MemoryBudget, MemoryShare } from './memory-budget.ts';
import type { Durability } from './part-file.ts';
import { SharedFile } from './shared-file.ts';
import { StoredBlob } from './stored-blob.ts';
import { Uses } from './uses.ts';

const MEBIBYTE = 1024 * 1024;

export interface DiskBlobsOptions {
  /** Made when it is missing. */
  readonly folder: string;
  readonly durability: Durability;
  /**
   * Another process may be writing into the folder: its part files are left alone. Otherwise those
   * of a process that died are removed.
   */
  readonly isShared?: boolean;
  /** Newest bytes of each arriving picture that are kept for its readers; 1 MiB by default. */
  readonly windowBytes?: number;
  /** What one picture may keep in memory once the disk has refused it; 128 MiB by default. */
  readonly memoryBytes?: number;
  /** The same for all pictures together; 512 MiB by default. */
  readonly totalMemoryBytes?: number;
}

/** Pictures as files, one each. Throws a BlobError when the folder cannot be used. */
export async function createDiskBlobs(options: DiskBlobsOptions): Promise<Blobs> {
  try {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    if (options.isShared !== true) {
      await removeParts(options.folder);
    }
  } catch (error) {
    throw diskError('written', error);
  }
  return new DiskBlobs(options);
}

class DiskBlobs implements Blobs {
  readonly #options: DiskBlobsOptions;
  readonly #uses = new Uses();
  readonly #budget: MemoryBudget;
  /** Those that arrive, and those that are held because the disk has refused them. */
  readonly #arrivals = new Map<string, Arrival>();
  /** Those that arrive, though their name may be gone. */
  readonly #arriving = new Set<Arrival>();
  #isClosed = false;

  constructor(options: DiskBlobsOptions) {
    this.#options = options;
    this.#budget = { freeBytes: options.totalMemoryBytes ?? 512 * MEBIBYTE };
  }

  readonly keep: Blobs['keep'] = (name, payload) => {
    const paths = this.#paths(name);
    this.#refuseClosed();
    const earlier = this.#arrivals.get(name);
    assert.ok(earlier === undefined || earlier.isSettled, 'a blob of this name is arriving');
    if (earlier?.isHeld === true) {
      // It has no file any more that could be in the way.
      earlier.drop().catch(() => undefined);
    }
    const { durability, windowBytes = MEBIBYTE, memoryBytes = 128 * MEBIBYTE } = this.#options;
    const arrival = new Arrival(payload, {
      paths,
      durability,
      windowBytes,
      memory: new MemoryShare(this.#budget, memoryBytes),
      reopen: () => this.open(name),
      enter: () => this.#uses.enter(name),
      leave: () => this.#uses.leave(name),
    });
    this.#arrivals.set(name, arrival);
    this.#arriving.add(arrival);
    void arrival.settled.then(() => {
      this.#arriving.delete(arrival);
      if (!arrival.isHeld) {
        this.#forget(name, arrival);
      }
    });
    return arrival.blob;
  };

  readonly open: Blobs['open'] = async (name) => {
    const paths = this.#paths(name);
    this.#refuseClosed();
    // Counted before it is open, so that nobody takes it away as unused meanwhile.
    this.#uses.enter(name);
    let blob: OpenBlob | undefined;
    try {
      blob = await this.#openFile(name, paths);
      return blob;
    } catch (error) {
      throw diskError('read', error);
    } finally {
      if (blob === undefined) {
        this.#uses.leave(name);
      }
    }
  };

  readonly remove: Blobs['remove'] = async (name) => {
    const { whole } = this.#paths(name);
    const arrival = this.#arrivals.get(name);
    try {
      if (arrival !== undefined) {
        await arrival.drop();
        this.#forget(name, arrival);
      }
      await Promise.all(Object.values(whole).map((path) => removeFile(path)));
    } catch (error) {
      throw diskError('removed', error);
    }
  };

  readonly isInUse: Blobs['isInUse'] = (name) => this.#uses.has(name);

  readonly names: Blobs['names'] = () => this.#names();

  readonly close: Blobs['close'] = async () => {
    this.#isClosed = true;
    for (const arrival of this.#arriving) {
      arrival.abort(new BlobError('closed', 'the store was closed while the picture arrived'));
    }
    await Promise.all([...this.#arriving].map((arrival) => arrival.settled));
    await Promise.all([...this.#arrivals.values()].map((arrival) => arrival.drop()));
    this.#arrivals.clear();
  };

  async #openFile(name: string, { whole }: BlobPaths): Promise<OpenBlob | undefined> {
    for (const form of ['base64', 'binary'] as const) {
      const found = await openExisting(whole[form]);
      if (found !== undefined) {
        const file = new SharedFile(found.handle, () => this.#uses.leave(name));
        return new StoredBlob({ file, bytes: found.bytes, form });
      }
    }
    return undefined;
  }

  async *#names(): AsyncGenerator<string, void, void> {
    try {
      for await (const { fileName } of blobFiles(this.#options.folder)) {
        const name = blobName(fileName);
        if (name !== undefined) {
          yield name;
        }
      }
    } catch (error) {
      throw diskError('read', error);
    }
  }

  #paths(name: string): BlobPaths {
    return blobPaths(this.#options.folder, name);
  }

  #forget(name: string, arrival: Arrival): void {
    if (this.#arrivals.get(name) === arrival) {
      this.#arrivals.delete(name);
    }
  }

  #refuseClosed(): void {
    if (this.#isClosed) {
      throw new BlobError('closed', 'the store of pictures is closed');
    }
  }
}
