import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Mode } from '../store/database.ts';
import { listRequests, type RequestFilter } from '../store/request-list.ts';
import { findRequest, type RequestRecord, wasCancelled } from '../store/requests.ts';
import type { Store } from '../store/store.ts';
import type { Answerable, ImageFacts, Job } from './job.ts';
import { readOutcome } from './outcome-text.ts';
import type { JobRegistry } from './registry.ts';
import type { OpenResult, Results } from './results.ts';
import { storedAnswer } from './stored-answer.ts';

/** Whose requests these are: an account sees the requests of all its keys of one mode. */
export interface Owner {
  readonly accountId: string;
  readonly mode: Mode;
}

/** How a request stands, as the wire says it. */
export type WireStatus = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled' | 'lost';

/** What became of a DELETE. */
export type Removal = 'cancelled' | 'goes_on' | 'deleted';

/** A picture of a completed request, opened: whoever asked closes its blob. */
export interface Content extends OpenResult {
  readonly image: ImageFacts;
  /** How many the request has. */
  readonly images: number;
}

/** Requests of the past and of now, for those who made them. */
export interface Lookup {
  /** Throws `not_found` when there is none of this owner with that id. */
  readonly find: (owner: Owner, id: string) => Promise<RequestRecord>;
  readonly list: (
    owner: Owner,
    filter: Omit<RequestFilter, 'accountId' | 'mode'>,
  ) => Promise<RequestRecord[]>;
  readonly statusOf: (record: RequestRecord) => WireStatus;
  /** How many calls go to the upstream up to its first, while it waits for its turn there. */
  readonly placeOf: (record: RequestRecord) => number | undefined;
  /** The record once it has ended, or as it is after so long. */
  readonly ended: (
    record: RequestRecord,
    timeoutMs: number,
    signal: AbortSignal,
  ) => Promise<RequestRecord>;
  /** The answer of a completed one. Throws `result_expired`. */
  readonly answer: (record: RequestRecord) => Promise<Answerable>;
  /**
   * One picture, by whatever way its id is known: a signed link names no owner. Throws `not_found`
   * and `result_expired`.
   */
  readonly content: (id: string, index: number) => Promise<Content>;
  /** Cancels one that runs, where that is certain to cost nothing; else takes its pictures out. */
  readonly remove: (record: RequestRecord) => Promise<Removal>;
}

/** One of another process is asked after so often. */
const POLL_MS = 250;

export interface LookupOptions {
  readonly store: Store;
  readonly jobs: JobRegistry;
  readonly results: Results | undefined;
  readonly clock: Clock;
}

export function openLookup(options: LookupOptions): Lookup {
  const { store, jobs, results, clock } = options;
  const reread: Reread = async (id) => {
    const record = await findRequest(store.db, id);
    if (record === undefined) {
      throw notFound();
    }
    return record;
  };
  return {
    find: async ({ accountId, mode }, id) => {
      const record = await reread(id);
      if (record.accountId !== accountId || record.mode !== mode) {
        throw notFound();
      }
      return record;
    },
    list: (owner, filter) => listRequests(store.db, { ...filter, ...owner }),
    statusOf: (record) => statusOf(record, jobs),
    placeOf: ({ id }) => jobs.find(id)?.job.place,
    ended: async (record, timeoutMs, signal) => {
      const until = performance.now() + timeoutMs;
      let latest = record;
      while (latest.status === 'running' && performance.now() < until && !signal.aborted) {
        const left = Math.max(1, until - performance.now());
        await settledWithin(jobs.find(latest.id)?.work, left, signal);
        latest = await reread(latest.id);
      }
      return latest;
    },
    answer: async (record) => {
      if (results === undefined) {
        throw new Failure('result_expired');
      }
      return storedAnswer(record, results, clock.now());
    },
    content: async (id, index) => openContent(await reread(id), index, options),
    remove: async (record) => remove(record, { ...options, reread }),
  };
}

async function openContent(
  record: RequestRecord,
  index: number,
  { results, clock }: LookupOptions,
): Promise<Content> {
  if (record.status !== 'completed') {
    throw notFound();
  }
  if (record.outcome === undefined) {
    throw new Failure('result_expired');
  }
  const { images } = readOutcome(record.outcome).outcome;
  const image = images[index];
  if (image === undefined) {
    throw notFound();
  }
  const opened = await results?.openOne(record.id, index);
  // Until it is swept, a picture whose time is over still lies there.
  if (opened === undefined || opened.record.expiresAt <= clock.now()) {
    await opened?.blob.close();
    throw new Failure('result_expired');
  }
  return { ...opened, image, images: images.length };
}

type Reread = (id: string) => Promise<RequestRecord>;

async function remove(
  { id }: RequestRecord,
  { jobs, results, reread }: LookupOptions & { readonly reread: Reread },
): Promise<Removal> {
  const running = jobs.find(id);
  if (running === undefined || running.job.end !== undefined) {
    // It may have ended since the caller read it.
    if ((await reread(id)).status === 'running') {
      // Another process carries it out.
      return 'goes_on';
    }
    await results?.remove(id);
    return 'deleted';
  }
  if (!(await running.cancel())) {
    return 'goes_on';
  }
  await running.work;
  return wasCancelled(await reread(id)) ? 'cancelled' : 'goes_on';
}

function statusOf(record: RequestRecord, jobs: JobRegistry): WireStatus {
  switch (record.status) {
    case 'running':
      return isWaiting(jobs.find(record.id)?.job) ? 'queued' : 'running';
    case 'failed':
      return wasCancelled(record) ? 'cancelled' : 'failed';
    case 'completed':
    case 'lost':
      return record.status;
  }
}

function isWaiting(job: Job | undefined): boolean {
  return job !== undefined && (!job.hasStarted || job.place !== undefined);
}

/** Waits for the work, or for so long; of work that is elsewhere nobody tells. */
async function settledWithin(
  work: Promise<void> | undefined,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const timer = wait(work === undefined ? Math.min(POLL_MS, timeoutMs) : timeoutMs, undefined, {
    signal: AbortSignal.any([signal, over.signal]),
  }).catch(() => undefined);
  await Promise.race([timer, work ?? timer]);
  over.abort();
}

function notFound(): Failure {
  return new Failure('not_found', { message: 'There is no such request.' });
}
