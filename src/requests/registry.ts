import type { Failure } from '../base/errors.ts';
import type { Job } from './job.ts';

/** The jobs that run in this process, so that a shutdown can wait for them. */
export class JobRegistry {
  readonly #running = new Map<Job, Promise<void>>();

  get size(): number {
    return this.#running.size;
  }

  /** Keeps the job until what carries it out is done. That promise must not reject. */
  add(job: Job, work: Promise<void>): void {
    const forget = work.finally(() => this.#running.delete(job));
    this.#running.set(job, forget);
  }

  /** Resolves when no job runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled(this.#running.values());
    }
  }

  /** Gives all jobs up: each releases its hold and ends with this failure. */
  abortAll(reason: Failure): void {
    for (const job of this.#running.keys()) {
      job.abort(reason);
    }
  }
}
