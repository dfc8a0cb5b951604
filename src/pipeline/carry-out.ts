import { Failure, logFailure, toFailure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Provider, ProviderContext, UpstreamJob } from '../providers/provider.ts';
import type { Job } from '../requests/job.ts';
import type { RunningJob } from '../requests/registry.ts';
import type { TakenJob } from './fan-out.ts';
import { paint, type Painted, type Painting } from './paint.ts';
import type { EditInputs } from './pictures.ts';
import { endingOf, type HeldRequest, type Records } from './record.ts';
import { writeResumeState } from './resume-state.ts';

/** What carrying out works with. */
export interface CarryOutParts {
  readonly records: Records;
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
}

/** The reason of a job that is left for the next process: no end of it is written. */
class Suspended extends Failure {
  constructor() {
    super('overloaded', { internal: 'the server was stopped; the next one takes this up' });
  }
}

/** Begins to carry the request out, to its one end: the charge is posted or the hold released. */
export function carryOut(parts: CarryOutParts, run: Run): RunningJob {
  const { request, job, engine } = run;
  const jobs: TakenJob[] = [...(run.taken ?? [])];
  let noted: Promise<void> = Promise.resolve();
  const submitted: Painting['submitted'] = async (upstreamJob, { n, seed }) => {
    jobs.push({ job: upstreamJob, n, ...(seed === undefined ? {} : { seed }) });
    const { admitted, provider, warnings } = request;
    // One after the other: a write that is tried again must not undo a later one.
    noted = noted.then(() => {
      const resume = writeResumeState({ admitted, provider, jobs, warnings });
      return parts.records.submitted(request, resume);
    });
    await noted;
  };
  return {
    job,
    work: work(parts, run, submitted),
    cancel: async () => {
      if (job.end === undefined && (await isStopped(parts, run, jobs))) {
        job.abort(new Failure('request_cancelled'));
        return true;
      }
      return false;
    },
    suspend: () => {
      const canResume = request.keeping.isLasting && engine.resume !== undefined;
      if (canResume && jobs.length > 0) {
        job.abort(new Suspended());
        return true;
      }
      return false;
    },
  };
}

async function work(parts: CarryOutParts, run: Run, submitted: Painting['submitted']) {
  const { request, job } = run;
  try {
    const painted = await paintInTime(parts, run, submitted);
    if (painted instanceof Failure) {
      await giveUp(parts, run, painted);
      return;
    }
    const stored = await parts.records.stored(request, painted);
    const outcome = await parts.records.settle(endingOf(request), stored);
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
  submitted: Painting['submitted'],
): Promise<Painted | Failure> {
  const { request, job, engine, start } = run;
  const { log } = parts;
  const deadline = setTimeout(() => {
    job.abort(new Failure('upstream_timeout', { internal: 'the wall-clock cap was reached' }));
  }, parts.requestMs);
  try {
    // Nothing is painted before somebody watches: a stream's first comment goes out before it.
    await Promise.race([job.aborted, job.watched]);
    return await paint(request, { engine, job, log, start, submitted });
  } catch (error) {
    return toFailure(error);
  } finally {
    clearTimeout(deadline);
  }
}

/** Whether it is certain that nothing will be charged for what is under way. */
async function isStopped(
  { log }: CarryOutParts,
  { request, job, engine }: Run,
  jobs: readonly TakenJob[],
): Promise<boolean> {
  if (engine.isFree === true) {
    return true;
  }
  const { admitted } = request;
  const calls = Math.ceil(admitted.n / admitted.card.imagesPerCall);
  const { cancel } = engine;
  if (cancel === undefined || jobs.length < calls) {
    return false;
  }
  const context: ProviderContext = { signal: job.signal, log, spool: request.spool.keep };
  const stopped = await Promise.all(
    jobs.map(({ job: upstreamJob }: { readonly job: UpstreamJob }) => cancel(upstreamJob, context)),
  );
  return stopped.every(Boolean);
}
