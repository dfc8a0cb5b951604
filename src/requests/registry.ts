import type { Failure } from '../base/errors.ts';
import type { Job } from './job.ts';

/** A job that is being carried out. */
export interface RunningJob {
  readonly job: Job;
  /** Must not reject. */
  readonly work: Promise<void>;
  /**
   * Asks whoever works on it to stop. True when it is certain that nothing will be charged: the job
   * then ends as cancelled. Otherwise it goes on.
   */
  readonly cancel: () => Promise<boolean>;
  /** Stops the work without ending the request, where a later process can take it up. */
  readonly suspend: () => boolean;
}

/** The jobs that run in this process, so that a shutdown can wait for them. */
export class JobRegistry {
  readonly #running = new Map<string, RunningJob & { readonly done: Promise<void> }>();

  get size(): number {
    return this.#running.size;
  }

  /** Keeps the job until what carries it out is done. */
  add(running: RunningJob): void {
    const { id } = running.job.facts;
    const done = running.work.finally(() => this.#running.delete(id));
    this.#running.set(id, { ...running, done });
  }

  find(id: string): RunningJob | undefined {
    return this.#running.get(id);
  }

  /** Resolves when no job runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
    }
  }

  /**
   * Gives all jobs up: each releases its hold and ends with this failure, but for those that an
   * upstream carries on, which are left for the next process.
   */
  abortAll(reason: Failure): void {
    for (const { job, suspend } of this.#running.values()) {
      if (!suspend()) {
        job.abort(reason);
      }
    }
  }
}
