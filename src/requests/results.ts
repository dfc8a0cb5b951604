import type { ArrivingBlob, Blobs, OpenBlob } from '../blobs/blobs.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Payload } from '../payload/payload.ts';
import { deleteExpiredKeys } from '../store/idempotency.ts';
import {
  deleteResults,
  knownResults,
  listDeliveredResults,
  listExpiredResults,
  listResults,
  type ResultRecord,
  sumResultBytes,
} from '../store/results.ts';
import type { Store } from '../store/store.ts';

export type { NewResult } from '../store/results.ts';

/** A picture that lies in the store, opened: whoever opened it closes it. */
export interface OpenResult {
  readonly record: ResultRecord;
  readonly blob: OpenBlob;
}

/** The pictures of finished requests, for as long as they are kept. */
export interface Results {
  readonly ttlMs: number;
  /** Begins to keep a picture of a request; its row is the caller's to write. */
  readonly keep: (requestId: string, index: number, payload: Payload) => ArrivingBlob;
  readonly nameOf: (requestId: string, index: number) => string;
  /** Makes room for what has just come to its row: delivered ones go first, oldest first. */
  readonly count: (bytes: number) => Promise<void>;
  /** Of all pictures that are kept. */
  readonly bytes: () => number;
  /** All pictures of a request, in order; undefined when one of them is gone. */
  readonly find: (requestId: string, count: number) => Promise<ResultRecord[] | undefined>;
  /** All of these; undefined, and none is open, when one of them is gone. */
  readonly open: (records: readonly ResultRecord[]) => Promise<OpenResult[] | undefined>;
  readonly openOne: (requestId: string, index: number) => Promise<OpenResult | undefined>;
  /** Takes a request's pictures out, whoever is reading them. */
  readonly remove: (requestId: string) => Promise<void>;
  /** Removes files that a failed request has left. */
  readonly drop: (names: readonly string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ResultsOptions {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly log: Log;
  readonly ttlMs: number;
  readonly bytesMax: number;
}

const TIDY_INTERVAL_MS = 15_000;
const ROUNDS_OF_KEYS = 40;
const PAGE = 100;

/** Opens the store: files that no row knows are removed, and what it holds is counted. */
export async function openResults(options: ResultsOptions): Promise<Results> {
  const { store, blobs, log } = options;
  await removeUnknown(options);
  const keeper = new Keeper(options, await sumResultBytes(store.db));
  const timer = setInterval(() => keeper.tidy(), TIDY_INTERVAL_MS);
  timer.unref();
  return {
    ttlMs: options.ttlMs,
    nameOf,
    keep: (requestId, index, payload) => blobs.keep(nameOf(requestId, index), payload),
    count: (bytes) => keeper.count(bytes),
    bytes: () => keeper.bytes,
    find: async (requestId, count) => {
      const records = await listResults(store.db, requestId);
      // A row does not say that its file is there: only opening it does.
      const opened = records.length === count ? await openAll(blobs, records) : undefined;
      await closeAll(opened);
      return opened && records;
    },
    open: (records) => openAll(blobs, records),
    openOne: async (requestId, index) => {
      const records = await listResults(store.db, requestId);
      const found = records.filter((candidate) => candidate.index === index);
      return (await openAll(blobs, found))?.[0];
    },
    remove: async (requestId) => keeper.remove(await listResults(store.db, requestId)),
    drop: async (names) => {
      await Promise.all(names.map((name) => blobs.remove(name)));
    },
    close: async () => {
      clearInterval(timer);
      await keeper.idle();
      await blobs.close().catch((error: unknown) => {
        log.warn({ err: error }, 'the result store did not close well');
      });
    },
  };
}

async function openAll(
  blobs: Blobs,
  records: readonly ResultRecord[],
): Promise<OpenResult[] | undefined> {
  const steps = await Promise.allSettled(records.map(({ name }) => blobs.open(name)));
  const opened = steps.flatMap((step, index) => {
    const record = records[index];
    const blob = step.status === 'fulfilled' ? step.value : undefined;
    return record === undefined || blob === undefined ? [] : [{ record, blob }];
  });
  if (opened.length === records.length) {
    return opened;
  }
  await closeAll(opened);
  const failed = steps.find((step) => step.status === 'rejected');
  if (failed !== undefined) {
    throw failed.reason;
  }
  return undefined;
}

export async function closeAll(opened: readonly OpenResult[] = []): Promise<void> {
  await Promise.all(opened.map(({ blob }) => blob.close()));
}

function nameOf(requestId: string, index: number): string {
  return `${requestId}.${index}`;
}

/** What a process that died has written without coming to its row. */
async function removeUnknown({ store, blobs, log }: ResultsOptions): Promise<void> {
  let names: string[] = [];
  let removed = 0;
  const look = async (): Promise<void> => {
    const known = await knownResults(store.db, names);
    const unknown = names.filter((name) => !known.has(name));
    await Promise.all(unknown.map((name) => blobs.remove(name)));
    removed += unknown.length;
    names = [];
  };
  for await (const name of blobs.names()) {
    names.push(name);
    if (names.length === PAGE) {
      await look();
    }
  }
  await look();
  if (removed > 0) {
    log.info({ removed }, 'removed pictures that no request knows');
  }
}

/** Keeps the store within its time and its bytes; one round at a time. */
class Keeper {
  readonly #options: ResultsOptions;
  /** Of all rows, as the next start would count them. */
  #bytes: number;
  #round: Promise<void> = Promise.resolve();
  #rounds = 0;

  constructor(options: ResultsOptions, bytes: number) {
    this.#options = options;
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async count(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#bytes > this.#options.bytesMax) {
      await this.#next(() => this.#makeRoom());
    }
  }

  tidy(): void {
    this.#rounds += 1;
    void this.#next(async () => {
      await this.#expire();
      await this.#makeRoom();
      // Keys live for an hour at the least, and an expired one counts for nothing meanwhile.
      if (this.#rounds % ROUNDS_OF_KEYS === 0) {
        await this.#options.store.transaction((tx) => deleteExpiredKeys(tx));
      }
    });
  }

  idle(): Promise<void> {
    return this.#round;
  }

  async remove(records: readonly ResultRecord[]): Promise<void> {
    const { store, blobs } = this.#options;
    const names = records.map(({ name }) => name);
    // Not what was listed: another may have deleted it meanwhile, and subtracted it.
    const bytes = await store.transaction((tx) => deleteResults(tx, names));
    this.#bytes -= bytes;
    await Promise.all(names.map((name) => blobs.remove(name)));
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#round = this.#round.then(work).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the result store could not be tidied');
    });
    return this.#round;
  }

  async #expire(): Promise<void> {
    const { store, clock } = this.#options;
    for (;;) {
      const records = await listExpiredResults(store.db, clock.now(), PAGE);
      const idle = this.#idle(records);
      await this.remove(idle);
      if (idle.length < PAGE) {
        return;
      }
    }
  }

  /** Pictures that nobody has got yet are paid for: they stay until their time is over. */
  async #makeRoom(): Promise<void> {
    const { store, bytesMax, log } = this.#options;
    while (this.#bytes > bytesMax) {
      const records = this.#idle(await listDeliveredResults(store.db, PAGE));
      const going: ResultRecord[] = [];
      let bytes = this.#bytes;
      for (const record of records) {
        if (bytes <= bytesMax) {
          break;
        }
        going.push(record);
        bytes -= record.bytes;
      }
      if (going.length === 0) {
        log.warn({ bytes: this.#bytes, bytesMax }, 'the result store is over its bytes');
        return;
      }
      await this.remove(going);
    }
  }

  #idle(records: readonly ResultRecord[]): ResultRecord[] {
    return records.filter(({ name }) => !this.#options.blobs.isInUse(name));
  }
}
