import type { Caller } from '../access/authenticate.ts';
import type { Clock } from '../base/clock.ts';
import { Failure, logFailure, toFailure } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Admitted } from '../catalog/admitted.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { fixedCost, quote } from '../catalog/price.ts';
import type { ImageCall } from '../contract/call.ts';
import type { Spool } from '../payload/spool.ts';
import type { Provider } from '../providers/provider.ts';
import { Job, type JobFacts } from '../requests/job.ts';
import type { JobRegistry } from '../requests/registry.ts';
import { admit } from './admit.ts';
import { type TestFault, withTestFault } from './faults.ts';
import { paint, type Painted } from './paint.ts';
import {
  type EditInputs,
  type FetchPicture,
  NO_PICTURES,
  type Pictures,
  readPictures,
} from './pictures.ts';
import { type HeldRequest, type Records, Stopwatch } from './record.ts';
import { scopeOf } from './scope.ts';

/** What the pipeline works with; `app.ts` builds it. */
export interface Pipeline {
  readonly catalog: () => Catalog;
  readonly isConfigured: (provider: string) => boolean;
  /** The engine of an admitted call: the painter for test keys, else the card's provider. */
  readonly route: (admitted: Admitted, caller: Caller) => Provider;
  readonly records: Records;
  readonly jobs: JobRegistry;
  readonly clock: Clock;
  readonly log: Log;
  readonly openSpool: () => Spool;
  /** Begins to fetch a picture at an address that a caller named. */
  readonly fetchPicture: FetchPicture;
  /** The most that one request may take, in milliseconds. */
  readonly requestMs: number;
}

export interface GenerateOptions {
  /** The id of the HTTP request, for the log and for support. */
  readonly requestId: string;
  readonly fault?: TestFault;
  /** The pictures of an edit, whose spool is disposed of when the work has ended, or not begun. */
  readonly inputs?: EditInputs;
  /** Aborts when the caller leaves before there is a job. */
  readonly signal?: AbortSignal;
}

/**
 * One request, in order: admit → (pictures) → hold → (job) paint → settle → record. What is refused
 * before the hold is thrown; from there on the job carries it, and whoever subscribes reads how it
 * ends.
 */
export async function generate(
  parts: Pipeline,
  caller: Caller,
  call: ImageCall,
  options: GenerateOptions,
): Promise<Job> {
  try {
    return await begin(parts, caller, call, options);
  } catch (error) {
    await options.inputs?.spool.dispose();
    throw error;
  }
}

async function begin(
  parts: Pipeline,
  caller: Caller,
  call: ImageCall,
  options: GenerateOptions,
): Promise<Job> {
  const watch = new Stopwatch(parts.clock);
  const catalog = parts.catalog();
  const scope = scopeOf(caller, parts.isConfigured, watch.startedAtMs);
  const asked = admit(catalog, call, scope);
  const pictures = await picturesOf(parts, options);
  // The size and the price of an edit may follow its pictures.
  const referenceSizes = pictures.references;
  const admitted =
    referenceSizes.length === 0 ? asked : admit(catalog, call, { ...scope, referenceSizes });
  const provider = parts.route(admitted, caller);
  const request = await parts.records.hold({
    id: newId('img', watch.startedAtMs),
    requestId: options.requestId,
    caller,
    admitted,
    provider: provider.name,
    amount: quote(admitted.card, admitted, watch.startedAtMs).max,
    watch,
    pictures,
    spool: parts.openSpool(),
  });
  const job = new Job(factsOf(request));
  const engine = options.fault === undefined ? provider : withTestFault(provider, options.fault);
  parts.jobs.add(job, carryOut(parts, { request, job, engine, inputs: options.inputs }));
  return job;
}

function picturesOf(
  parts: Pipeline,
  { inputs, signal = new AbortController().signal }: GenerateOptions,
): Promise<Pictures> | Pictures {
  return inputs === undefined ? NO_PICTURES : readPictures(inputs, parts.fetchPicture, signal);
}

interface Run {
  readonly request: HeldRequest;
  readonly job: Job;
  readonly engine: Provider;
  readonly inputs: EditInputs | undefined;
}

/** Drives the job to its one end: the charge is posted or the hold released, never both. */
async function carryOut(parts: Pipeline, run: Run): Promise<void> {
  const { request, job } = run;
  try {
    const painted = await paintInTime(parts, run);
    if (painted instanceof Failure) {
      const { id, requestId, provider } = request;
      logFailure(parts.log, painted, { image: id, requestId, provider });
      await parts.records.release(request, painted);
      job.emit({ type: 'failed', failure: painted });
      return;
    }
    const outcome = await parts.records.settle(request, painted);
    job.emit({ type: 'completed', outcome });
  } catch (error) {
    // The database did not take the end of it. The hold stays until a sweep resolves it: a
    // settlement that failed is never turned into a release, nor the other way round.
    parts.log.error({ image: request.id, err: error }, 'the end of a request was not recorded');
    job.emit({ type: 'failed', failure: toFailure(error) });
  } finally {
    // A subscriber may still be writing the last picture from the one; the engine is done with the
    // other.
    const disposal = job.closed.then(request.spool.dispose);
    void Promise.all([disposal, Promise.resolve(run.inputs?.spool.dispose())]).catch(
      (error: unknown) => {
        parts.log.warn({ image: request.id, err: error }, 'spooled payloads could not be removed');
      },
    );
  }
}

/** What was painted, or why nothing was. */
async function paintInTime(parts: Pipeline, run: Run): Promise<Painted | Failure> {
  const { request, job, engine } = run;
  const deadline = setTimeout(() => {
    job.abort(new Failure('upstream_timeout', { internal: 'the wall-clock cap was reached' }));
  }, parts.requestMs);
  try {
    // Nothing is painted before somebody watches: a stream's first comment goes out before it.
    await Promise.race([job.aborted, job.watched]);
    return await paint(engine, request, job, parts.log);
  } catch (error) {
    return toFailure(error);
  } finally {
    clearTimeout(deadline);
  }
}

function factsOf({ id, admitted, caller, watch }: HeldRequest): JobFacts {
  const knownCost = fixedCost(admitted.card, admitted, watch.startedAtMs);
  return {
    id,
    createdAtMs: watch.startedAtMs,
    model: admitted.requestedModel,
    test: caller.mode === 'test',
    ...(knownCost === undefined ? {} : { fixedCost: knownCost }),
  };
}
