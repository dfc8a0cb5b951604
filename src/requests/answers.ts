import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { findRequest } from '../store/requests.ts';
import type { Store } from '../store/store.ts';
import type { Answerable } from './job.ts';
import type { JobRegistry } from './registry.ts';
import type { Results } from './results.ts';
import { storedAnswer } from './stored-answer.ts';

/**
 * What a request is answered from: the running job, or what is kept of it. Undefined when it has
 * failed or is gone, so that the same may be asked for anew. Throws `result_expired` when it is
 * completed and its pictures are gone, `overloaded` when another process does not end it in time,
 * and the signal's reason.
 */
export type AnswerOf = (
  id: string,
  /** Aborts when nobody wants the answer any more. */
  signal: AbortSignal | undefined,
) => Promise<Answerable | undefined>;

/** A request of another process is asked after so often. */
const POLL_MS = { first: 20, most: 1000 };

export interface AnswersOptions {
  readonly store: Store;
  readonly jobs: JobRegistry;
  readonly results: Results | undefined;
  readonly clock: Clock;
  /** How long a request of another process is waited for: as long as one may run. */
  readonly waitMs: number;
}

export function openAnswers(options: AnswersOptions): AnswerOf {
  const { store, jobs, results, clock, waitMs } = options;
  return async (id, signal) => {
    const until = performance.now() + waitMs;
    for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 2, POLL_MS.most)) {
      const running = jobs.find(id)?.job;
      if (running !== undefined) {
        return running;
      }
      // From before the look: what ends after it is heard.
      using heard = store.announcements.hear(id);
      const record = await findRequest(store.db, id);
      switch (record?.status) {
        case undefined:
          return undefined;
        case 'failed':
        case 'lost':
          // Its key is free again.
          return undefined;
        case 'completed':
          if (results === undefined) {
            throw new Failure('result_expired');
          }
          return storedAnswer(record, results, clock.now());
        case 'running':
          // Held a moment ago, and about to be begun; or another process carries it out.
          await pause(pauseMs, until, { signal, ended: heard.promise });
      }
    }
  };
}

interface Pause {
  readonly signal: AbortSignal | undefined;
  /** Resolves when it need not be waited any longer. */
  readonly ended: Promise<void>;
}

async function pause(pauseMs: number, until: number, { signal, ended }: Pause): Promise<void> {
  if (performance.now() >= until) {
    throw new Failure('overloaded', { internal: 'another process did not end a request in time' });
  }
  const over = new AbortController();
  const signals = signal === undefined ? [over.signal] : [signal, over.signal];
  const waiting = wait(pauseMs, undefined, { signal: AbortSignal.any(signals) });
  await Promise.race([waiting.catch(() => signal?.throwIfAborted()), ended]);
  over.abort();
}
