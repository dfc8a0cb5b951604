import assert from 'node:assert/strict';
import type { Payload } from '../payload/payload.ts';
import { Arrival } from './arrival.ts';
import type { ArrivingFile } from './arrival-bytes.ts';
import { BlobError } from './blob-error.ts';
import type { ArrivingBlob, OpenBlob } from './blobs.ts';
import { type MemoryBudget, MemoryShare } from './memory-budget.ts';
import { Uses } from './uses.ts';

const MEBIBYTE = 1024 * 1024;

/** What a store may keep in memory of what arrives. */
export interface ArrivalMemory {
  /** Newest bytes of each arriving picture that are kept for its readers; 1 MiB by default. */
  readonly windowBytes?: number;
  /** What one picture may keep in memory once the disk has refused it; 128 MiB by default. */
  readonly memoryBytes?: number;
  /** The same for all pictures together; 512 MiB by default. */
  readonly totalMemoryBytes?: number;
}

export interface ArrivalsOptions extends ArrivalMemory {
  /** Where a picture is read once its arrival is over. */
  readonly reopen: (name: string) => Promise<OpenBlob | undefined>;
}

/** The pictures that arrive in one store, and those that it has refused and are still held. */
export class Arrivals {
  readonly uses = new Uses();
  readonly #options: ArrivalsOptions;
  readonly #budget: MemoryBudget;
  /** Those that arrive, and those that are held because the storage has refused them. */
  readonly #arrivals = new Map<string, Arrival>();
  /** Those that arrive, though their name may be gone. */
  readonly #arriving = new Set<Arrival>();
  #isClosed = false;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
    this.#budget = { freeBytes: options.totalMemoryBytes ?? 512 * MEBIBYTE };
  }

  /** Throws a BlobError when the store is closed; a name that is arriving is a bug. */
  begin(name: string, payload: Payload, openFile: () => Promise<ArrivingFile>): ArrivingBlob {
    this.refuseClosed();
    const earlier = this.#arrivals.get(name);
    assert.ok(earlier === undefined || earlier.isSettled, 'a blob of this name is arriving');
    if (earlier?.isHeld === true) {
      // It has no file any more that could be in the way.
      earlier.drop().catch(() => undefined);
    }
    const { windowBytes = MEBIBYTE, memoryBytes = 128 * MEBIBYTE } = this.#options;
    const arrival = new Arrival(payload, {
      openFile,
      windowBytes,
      memory: new MemoryShare(this.#budget, memoryBytes),
      reopen: () => this.#options.reopen(name),
      enter: () => this.uses.enter(name),
      leave: () => this.uses.leave(name),
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
  }

  /**
   * Opens what is stored under the name, which counts as used until `leave`. Throws a BlobError
   * when the store is closed.
   */
  async opened(
    name: string,
    open: (leave: () => void) => Promise<OpenBlob | undefined>,
  ): Promise<OpenBlob | undefined> {
    this.refuseClosed();
    // Counted before it is open, so that nobody takes it away as unused meanwhile.
    this.uses.enter(name);
    const leave = (): void => this.uses.leave(name);
    let blob: OpenBlob | undefined;
    try {
      blob = await open(leave);
      return blob;
    } finally {
      if (blob === undefined) {
        leave();
      }
    }
  }

  /** Whoever reads what arrives under the name reads on, and nothing is held beyond that. */
  async drop(name: string): Promise<void> {
    const arrival = this.#arrivals.get(name);
    if (arrival !== undefined) {
      await arrival.drop();
      this.#forget(name, arrival);
    }
  }

  /** What is arriving fails at once, for its readers too. Twice is fine. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const arrival of this.#arriving) {
      arrival.abort(new BlobError('closed', 'the store was closed while the picture arrived'));
    }
    await Promise.all([...this.#arriving].map((arrival) => arrival.settled));
    await Promise.all([...this.#arrivals.values()].map((arrival) => arrival.drop()));
    this.#arrivals.clear();
  }

  refuseClosed(): void {
    if (this.#isClosed) {
      throw new BlobError('closed', 'the store of pictures is closed');
    }
  }

  #forget(name: string, arrival: Arrival): void {
    if (this.#arrivals.get(name) === arrival) {
      this.#arrivals.delete(name);
    }
  }
}
