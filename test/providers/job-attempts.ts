import assert from 'node:assert/strict';
import { createLog } from '../../src/base/log.ts';
import type { Failure } from '../../src/base/errors.ts';
import { UpstreamFailure } from '../../src/base/upstream-failure.ts';
import type { ImageTask, Provider, UpstreamJob } from '../../src/providers/provider.ts';
import { type Attempt, type TryOut, tryOut, type TryOutOptions } from './attempt.ts';

/** An adapter of an asynchronous upstream, tried with and without its purchase. */
export interface JobTryOut extends TryOut {
  /** The jobs that `submitted` events named, as a database would give them back. */
  readonly jobs: readonly UpstreamJob[];
  /** Takes up a job in place of buying. */
  readonly resume: (job: UpstreamJob | undefined, task?: Partial<ImageTask>) => Promise<Attempt>;
  readonly cancel: (job: UpstreamJob | undefined) => Promise<boolean>;
}

export interface JobTryOutOptions extends TryOutOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Polls follow each other at once, so that no test waits. */
const SETTINGS = { poll_interval_ms: 1 };

export async function tryOutJobs(options: JobTryOutOptions): Promise<JobTryOut> {
  const jobs: UpstreamJob[] = [];
  let resumed: UpstreamJob | undefined;
  let cancelJob: Provider['cancel'];
  const base = await tryOut({
    ...options,
    create: (account) => {
      const settings = { ...SETTINGS, ...options.settings };
      const provider = options.create({ ...account, settings });
      const { resume } = provider;
      assert(resume !== undefined, 'the adapter cannot resume');
      cancelJob = provider.cancel;
      return {
        ...provider,
        generate: (task, context) =>
          resumed === undefined
            ? watched(provider.generate(task, context), jobs)
            : resume(resumed, task, context),
      };
    },
  });
  return {
    ...base,
    jobs,
    resume: async (job, task = {}) => {
      assert(job !== undefined, 'there is no job to resume');
      resumed = job;
      try {
        return await base.attempt(task);
      } finally {
        resumed = undefined;
      }
    },
    cancel: async (job) => {
      assert(job !== undefined && cancelJob !== undefined);
      const { signal } = new AbortController();
      const log = createLog({ level: 'silent' });
      return cancelJob(job, { signal, log, spool: async (payload) => payload });
    },
  };
}

/** The same events; jobs are kept as JSON keeps them. */
async function* watched(
  events: ReturnType<Provider['generate']>,
  jobs: UpstreamJob[],
): ReturnType<Provider['generate']> {
  for (;;) {
    const step = await events.next();
    if (step.done === true) {
      return step.value;
    }
    if (step.value.type === 'submitted') {
      jobs.push(JSON.parse(JSON.stringify(step.value.job)) as UpstreamJob);
    }
    yield step.value;
  }
}

/** A failure by its row and, where it is an upstream's, by what is known of its cost. */
export function assertFailure(
  failure: Failure,
  name: Failure['errorName'],
  billed?: 'no' | 'unknown',
): void {
  assert.equal(failure.errorName, name, failure.internal);
  const told = failure instanceof UpstreamFailure ? failure.billed : undefined;
  assert.equal(told, billed, failure.internal);
}
