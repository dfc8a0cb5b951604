import { Failure, logFailure, toFailure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Provider, ProviderContext, UpstreamJob } from '../providers/provider.ts';
import type { Job } from '../requests/job.ts';
import type { RunningJob } from '../requests/registry.ts';
import type { TakenJob } from './fan-out.ts';
import { paint, type Painted, type Painting } from './paint.ts';
import type { EditInputs } from './pictures.ts';
import { endingOf, type HeldRequest, type Records } from './record.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { tellReleased, tellSettled } from './tell.ts';
import { writeResumeState } from './resume-state.ts';
import { verdictOf } from './verdict.ts';

/** What carrying out works with. */
export interface CarryOutParts {
  readonly records: Records;
  readonly telemetry: Telemetry;
  readonly log: Log;
  /** The most that one request may take, in milliseconds. */
  readonly requestMs: number;
}

/** A held request on its way. */
export interface Run {
  readonly request: HeldRequest;
  readonly job: Job;
  readonly engine: Provider;
  /** Begins the engine's work, or takes it up. */
  readonly start: Painting['start'];
  /** The jobs that an upstream has taken already. */
  readonly taken?: readonly TakenJob[];
  /** The pictures of an edit, which are let go when the work has ended. */
  readonly inputs?: EditInputs | undefined;
  /** The engine of the request's fallback. */
  readonly fallback?: Provider | undefined;
}

/** Who works on it, and for which card: the fallback's once that has taken over. */
interface Serving {
  readonly request: HeldRequest;
  readonly engine: Provider;
  readonly start: Painting['start'];
}

/** How far it has come. */
interface Progress {
  serving: Serving;
  /** The jobs that upstreams have taken. */
  readonly jobs: TakenJob[];
  readonly submitted: Painting['submitted'];
}

/** The reason of a job that is left for the next process: no end of it is written. */
class Suspended extends Failure {
  constructor() {
    super('overloaded', { internal: 'the server was stopped; the next one takes this up' });
  }
}

/** Begins to carry the request out, to its one end: the charge is posted or the hold released. */
export function carryOut(parts: CarryOutParts, run: Run): RunningJob {
  const { request, job } = run;
  const jobs: TakenJob[] = [...(run.taken ?? [])];
  let noted: Promise<void> = Promise.resolve();
  const progress: Progress = {
    serving: run,
    jobs,
    submitted: async (upstreamJob, { n, seed }) => {
      jobs.push({ job: upstreamJob, n, ...(seed === undefined ? {} : { seed }) });
      const { admitted, provider, warnings } = progress.serving.request;
      // One after the other: a write that is tried again must not undo a later one.
      noted = noted.then(() => {
        const resume = writeResumeState({ admitted, provider, jobs, warnings });
        return parts.records.submitted(request, resume);
      });
      await noted;
    },
  };
  return {
    job,
    work: work(parts, run, progress),
    cancel: async () => {
      // What waits for its turn has bought nothing, and leaves its line in the same moment.
      const isQueued = job.place !== undefined;
      if (job.end === undefined && (isQueued || (await isStopped(parts, progress, job)))) {
        job.abort(new Failure('request_cancelled'));
        return true;
      }
      return false;
    },
    suspend: () => {
      const { engine } = progress.serving;
      const canResume = request.keeping.isLasting && engine.resume !== undefined;
      if (canResume && jobs.length > 0) {
        job.abort(new Suspended());
        return true;
      }
      return false;
    },
  };
}

async function work(parts: CarryOutParts, run: Run, progress: Progress): Promise<void> {
  const { request, job } = run;
  try {
    const painted = await paintInTime(parts, run, progress);
    if (painted instanceof Failure) {
      await giveUp(parts, run, painted);
      return;
    }
    const served = progress.serving.request;
    const stored = await parts.records.stored(served, painted);
    const outcome = await parts.records.settle(endingOf(request), stored);
    tellSettled(parts.telemetry, served, { outcome, painted });
    job.emit({ type: 'completed', outcome });
  } catch (error) {
    // The database did not take the end of it. The hold stays until a sweep resolves it: a
    // settlement that failed is never turned into a release, nor the other way round.
    parts.log.error({ image: request.id, err: error }, 'the end of a request was not recorded');
    job.emit({ type: 'failed', failure: toFailure(error) });
  } finally {
    letGo(parts, run);
  }
}

async function giveUp(parts: CarryOutParts, run: Run, failure: Failure): Promise<void> {
  const { request, job } = run;
  const { id, requestId, provider } = request;
  logFailure(parts.log, failure, { image: id, requestId, provider });
  await request.keeping.discard().catch((error: unknown) => {
    parts.log.warn({ image: id, err: error }, 'pictures of a failed request could not be removed');
  });
  if (!(failure instanceof Suspended)) {
    await parts.records.release(request, failure);
    tellReleased(parts.telemetry, request, failure);
  }
  job.emit({ type: 'failed', failure });
}

/** A subscriber may still be writing the last picture; the engine is done with the references. */
function letGo(parts: CarryOutParts, { request, job, inputs }: Run): void {
  const disposals = [
    job.closed.then(request.spool.dispose),
    job.closed.then(request.keeping.release),
    Promise.resolve(inputs?.spool.dispose()),
  ];
  void Promise.all(disposals).catch((error: unknown) => {
    parts.log.warn({ image: request.id, err: error }, 'spooled payloads could not be removed');
  });
}

/** What was painted, or why nothing was. */
async function paintInTime(
  parts: CarryOutParts,
  run: Run,
  progress: Progress,
): Promise<Painted | Failure> {
  const { request, job } = run;
  const { log } = parts;
  const paintNow = (): Promise<Painted> => {
    const { request: served, engine, start } = progress.serving;
    return paint(served, { engine, job, log, start, submitted: progress.submitted });
  };
  const deadline = setTimeout(() => {
    job.abort(new Failure('upstream_timeout', { internal: 'the wall-clock cap was reached' }));
  }, parts.requestMs);
  try {
    // Nothing is painted before somebody watches: a stream's first comment goes out before it.
    await Promise.race([job.aborted, job.watched]);
    return await paintNow().catch((error: unknown) => {
      const { fallback } = run;
      // Only if nothing was bought, and there is nothing yet that the caller could have seen.
      if (fallback === undefined || request.fallback === undefined || !verdictOf(error).mayRepeat) {
        throw error;
      }
      log.warn({ image: request.id, model: request.fallback.card.id }, 'the fallback takes over');
      const served = { ...request, admitted: request.fallback, provider: fallback.name };
      progress.serving = { request: served, engine: fallback, start: fallback.generate };
      return paintNow();
    });
  } catch (error) {
    return toFailure(error);
  } finally {
    clearTimeout(deadline);
  }
}

/** Whether it is certain that nothing will be charged for what is under way. */
async function isStopped(
  { log }: CarryOutParts,
  { serving, jobs }: Progress,
  { signal }: Job,
): Promise<boolean> {
  const { request, engine } = serving;
  if (engine.isFree === true) {
    return true;
  }
  const { admitted } = request;
  const calls = Math.ceil(admitted.n / admitted.card.imagesPerCall);
  const { cancel } = engine;
  if (cancel === undefined || jobs.length < calls) {
    return false;
  }
  const context: ProviderContext = { signal, log, spool: request.spool.keep };
  const stopped = await Promise.all(
    jobs.map(({ job: upstreamJob }: { readonly job: UpstreamJob }) => cancel(upstreamJob, context)),
  );
  return stopped.every(Boolean);
}
