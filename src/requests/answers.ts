import { setTimeout as wait } from 'node:timers/promises';
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
 * completed and its pictures are gone.
 */
export type AnswerOf = (id: string) => Promise<Answerable | undefined>;

/** A request of another process is asked after so often. */
const POLL_MS = { first: 20, most: 1000 };

export function openAnswers(options: {
  readonly store: Store;
  readonly jobs: JobRegistry;
  readonly results: Results | undefined;
}): AnswerOf {
  const { store, jobs, results } = options;
  return async (id) => {
    for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 2, POLL_MS.most)) {
      const running = jobs.find(id)?.job;
      if (running !== undefined) {
        return running;
      }
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
          return storedAnswer(record, results);
        case 'running':
          // Held a moment ago, and about to be begun; or another process carries it out.
          await wait(pauseMs);
      }
    }
  };
}
