import { BlobError } from '../blobs/blob-error.ts';
import type { ArrivingBlob, Blobs, OpenBlob } from '../blobs/blobs.ts';
import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Payload } from '../payload/payload.ts';
import { listResults, type ResultRecord, sumResultBytes } from '../store/results.ts';
import type { Store } from '../store/store.ts';
import { ResultsKeeper } from './results-keeper.ts';
import { removeStrays } from './stray-pictures.ts';

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
  /**
   * Others write into the store, too. A picture without a row may be one of theirs that has yet to
   * get its row, unless it is so old. Absent: nobody else does.
   */
  readonly strayAfterMs?: number;
}

const TIDY_INTERVAL_MS = 15_000;

/** Opens the store: pictures that no row knows are removed, and what it holds is counted. */
export async function openResults(options: ResultsOptions): Promise<Results> {
  const { store, blobs, log } = options;
  if (options.strayAfterMs === undefined) {
    await removeStrays(options);
  }
  const keeper = new ResultsKeeper(options, await sumResultBytes(store.db));
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
    remove: async (requestId) => {
      await keeper.remove(await listResults(store.db, requestId)).catch((error: unknown) => {
        throw told(error);
      });
    },
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
    throw told(failed.reason);
  }
  return undefined;
}

/** A storage that is away is no fault of the request: it may be made again in a moment. */
function told(error: unknown): unknown {
  return error instanceof BlobError && error.fault === 'away'
    ? new Failure('overloaded', { internal: error.message, cause: error })
    : error;
}

export async function closeAll(opened: readonly OpenResult[] = []): Promise<void> {
  await Promise.all(opened.map(({ blob }) => blob.close()));
}

function nameOf(requestId: string, index: number): string {
  return `${requestId}.${index}`;
}
