import { Failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Payload } from '../payload/payload.ts';
import type { Spool } from '../payload/spool.ts';
import type { Job, JobWarning } from '../requests/job.ts';
import type { NewResult, Results } from '../requests/results.ts';

/** What becomes of the pictures of one request on their way to whoever asked. */
export interface Keeping {
  /** Whether readers may come later, and more than one of them. */
  readonly isLasting: boolean;
  /**
   * Takes a picture: `payload` is what readers get, `whole` resolves when its source has ended well
   * and it may be charged. A picture that must wait for others is said to.
   */
  readonly take: (picture: TakenPicture, job: Job) => Promise<HeldPicture>;
  /** Those that lie in the store now, for their rows. */
  readonly results: readonly NewResult[];
  /** What is to be said of pictures that could not be kept. */
  readonly warnings: readonly JobWarning[];
  /** Removes what was kept: the request has failed. */
  readonly discard: () => Promise<void>;
  /** Lets go of what was not kept: nobody reads it any more. */
  readonly release: () => Promise<void>;
}

export interface TakenPicture {
  readonly payload: Payload;
  readonly index: number;
  readonly waits: boolean;
}

export interface HeldPicture {
  readonly payload: Payload;
  readonly whole: () => Promise<void>;
}

/** Without a store: a picture passes to its one reader, and is charged once somebody has all of it. */
export function passOn(spool: Spool): Keeping {
  return {
    isLasting: false,
    results: [],
    warnings: [],
    take: async ({ payload, waits }, job) => {
      const watched = watchPayload(waits ? await spool.keep(payload) : payload);
      return {
        payload: watched.payload,
        whole: async () => {
          await job.delivered();
          if (!waits) {
            watched.throwUnlessWhole();
          }
        },
      };
    },
    discard: async () => undefined,
    release: async () => undefined,
  };
}

export interface KeepOptions {
  readonly requestId: string;
  readonly results: Results;
  readonly nowMs: () => number;
  readonly log: Log;
}

/** Into the store, read at full speed whoever listens; readers follow at their own pace. */
export function keepAll({ requestId, results, nowMs, log }: KeepOptions): Keeping {
  const kept: NewResult[] = [];
  const begun: string[] = [];
  const warnings: JobWarning[] = [];
  return {
    isLasting: true,
    results: kept,
    warnings,
    take: async ({ payload, index }, job) => {
      const name = results.nameOf(requestId, index);
      begun.push(name);
      const arriving = results.keep(requestId, index, payload);
      return {
        payload: arriving.payload,
        whole: async () => {
          const outcome = await Promise.race([job.aborted, arriving.finished]).catch(
            (error: unknown) => {
              throw error instanceof Failure ? error : notAPicture(error);
            },
          );
          if (outcome.isKept) {
            const { bytes } = outcome;
            const expiresAt = nowMs() + results.ttlMs;
            kept.push({ name, requestId, index, bytes, expiresAt });
            return;
          }
          log.error({ image: requestId, err: outcome.refusal }, 'a picture could not be kept');
          // It is nowhere but with who reads it now: nobody pays for one that nobody has.
          if (!(await job.hasReached())) {
            throw new Failure('internal_error', {
              internal: 'a picture could not be kept, and nobody was there to take it',
            });
          }
          warnings.push(notKept());
        },
      };
    },
    discard: () => results.drop(begun),
    release: () => {
      const lasting = new Set(kept.map(({ name }) => name));
      return results.drop(begun.filter((name) => !lasting.has(name)));
    },
  };
}

function notKept(): JobWarning {
  const message = 'A picture could not be kept: it is in this answer only.';
  return { param: 'store', code: 'not_kept', message };
}

export function notAPicture(cause: unknown): Failure {
  const internal = 'the upstream sent something else than a whole picture';
  return new Failure('upstream_error', { internal, cause });
}

/** Remembers whether a reader met the end of a payload, or the death of its source. */
function watchPayload(payload: Payload): {
  readonly payload: Payload;
  readonly throwUnlessWhole: () => void;
} {
  let isWhole = false;
  let broken: unknown = new Error('it was not read to its end');
  const note = (step: Promise<IteratorResult<Buffer>>): Promise<IteratorResult<Buffer>> => {
    step.then(
      ({ done }) => {
        isWhole ||= done === true;
      },
      (error: unknown) => {
        broken = error;
      },
    );
    return step;
  };
  return {
    payload: {
      ...payload,
      // Not a generator: this runs once for each chunk of each picture.
      chunks: () => ({
        [Symbol.asyncIterator]: () => {
          const source = payload.chunks()[Symbol.asyncIterator]();
          return {
            next: () => note(source.next()),
            return: async () => (await source.return?.()) ?? { done: true, value: undefined },
          };
        },
      }),
    },
    throwUnlessWhole: () => {
      if (!isWhole) {
        throw broken instanceof Failure ? broken : notAPicture(broken);
      }
    },
  };
}
