import type { Caller } from '../access/authenticate.ts';
import type { Trace } from '../base/trace.ts';
import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Admitted } from '../catalog/admitted.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { fixedCost } from '../catalog/price.ts';
import type { ImageCall } from '../contract/call.ts';
import type { Spool } from '../payload/spool.ts';
import type { Provider } from '../providers/provider.ts';
import type { AnswerOf } from '../requests/answers.ts';
import type { FindEarlier } from '../requests/claims.ts';
import { type Answerable, Job, type JobFacts, type JobWarning } from '../requests/job.ts';
import { KeyTaken } from '../requests/records.ts';
import type { JobRegistry } from '../requests/registry.ts';
import type { Results } from '../requests/results.ts';
import { admit } from './admit.ts';
import { carryOut, type CarryOutParts } from './carry-out.ts';
import { admitFallback } from './fallback.ts';
import { type TestFault, withTestFault } from './faults.ts';
import { fingerprintOf } from './fingerprint.ts';
import { keepAll, type Keeping, passOn } from './keep.ts';
import {
  type EditInputs,
  type FetchPicture,
  NO_PICTURES,
  type Pictures,
  readPictures,
} from './pictures.ts';
import { mostOf } from './quote.ts';
import { type HeldRequest, Stopwatch } from './record.ts';
import type { RouteState } from './route-state.ts';
import { scopeOf } from './scope.ts';

/** How often a request looks for the one that has its idempotency key. */
const MAX_TRIES = 5;

/** What the pipeline works with; `app.ts` builds it. */
export interface Pipeline extends CarryOutParts {
  readonly catalog: () => Catalog;
  readonly isConfigured: (provider: string) => boolean;
  /** The engine of an admitted call: the painter for test keys, else the card's routes. */
  readonly route: (admitted: Admitted, caller: Pick<Caller, 'mode' | 'accountId'>) => Provider;
  /** How the routes of all models stand. */
  readonly routeStates: () => readonly RouteState[];
  readonly jobs: JobRegistry;
  readonly clock: Clock;
  readonly openSpool: () => Spool;
  /** Begins to fetch a picture at an address that a caller named. */
  readonly fetchPicture: FetchPicture;
  /** Where pictures are kept; undefined when none are. */
  readonly results: Results | undefined;
  readonly findEarlier: FindEarlier;
  readonly answerOf: AnswerOf;
}

export interface GenerateOptions {
  /** The id of the HTTP request, for the log and for support. */
  readonly requestId: string;
  readonly fault?: TestFault;
  /** The pictures of an edit, whose spool is disposed of when the work has ended, or not begun. */
  readonly inputs?: EditInputs;
  /** Aborts when the caller leaves before there is a job. */
  readonly signal?: AbortSignal;
  readonly idempotencyKey?: string;
  /** An SDK says that it has sent this before. */
  readonly isRetry?: boolean;
  /** The caller does not wait for the answer. */
  readonly isAsync?: boolean;
  readonly webhookUrl?: string;
  /** What is to be said beside what the card says. */
  readonly warnings?: readonly JobWarning[];
  /** To which its steps are added. */
  readonly trace?: Trace | undefined;
}

export interface Started {
  readonly answer: Answerable;
  /** It is the answer of an earlier request, which this one repeats. */
  readonly isReplay: boolean;
}

/**
 * One request, in order: (repeats an earlier one?) → admit → (pictures) → hold → (job) paint →
 * store → settle → record. What is refused before the hold is thrown; from there on the job carries
 * it, and whoever subscribes reads how it ends.
 */
export async function generate(
  parts: Pipeline,
  caller: Caller,
  call: ImageCall,
  options: GenerateOptions,
): Promise<Started> {
  const fingerprint = fingerprintOf(call, options.inputs);
  const claim = { ...claimOf(caller, options), fingerprint };
  let isTakenOver = false;
  try {
    for (let tries = 1; ; tries += 1) {
      const earlier = await parts.findEarlier(claim);
      const answer =
        earlier === undefined ? undefined : await parts.answerOf(earlier, options.signal);
      if (answer !== undefined) {
        return { answer, isReplay: true };
      }
      try {
        const job = await begin(parts, caller, call, { ...options, fingerprint });
        isTakenOver = true;
        return { answer: job, isReplay: false };
      } catch (error) {
        // Of two that came at once the other was first: its answer is this one's, too.
        if (!(error instanceof KeyTaken)) {
          throw error;
        }
        // Its request may fail and free the key before this one looks, but hardly each time.
        if (tries === MAX_TRIES) {
          const internal = 'an idempotency key stayed taken, and had no request to answer from';
          throw new Failure('overloaded', { internal, cause: error });
        }
      }
    }
  } finally {
    if (!isTakenOver) {
      await options.inputs?.spool.dispose();
    }
  }
}

async function begin(
  parts: Pipeline,
  caller: Caller,
  call: ImageCall,
  options: GenerateOptions & { readonly fingerprint: string },
): Promise<Job> {
  const watch = new Stopwatch(parts.clock);
  const catalog = parts.catalog();
  const scope = scopeOf(caller, parts.isConfigured, watch.startedAtMs);
  const asked = admit(catalog, call, scope);
  const pictures = await picturesOf(parts, options);
  // The size and the price of an edit may follow its pictures.
  const referenceSizes = pictures.references;
  const known = { ...scope, referenceSizes };
  const admitted = referenceSizes.length === 0 ? asked : admit(catalog, call, known);
  const fallback = admitFallback(catalog, call, admitted, known);
  const provider = parts.route(admitted, caller);
  const id = newId('img', watch.startedAtMs);
  const spool = parts.openSpool();
  const { idempotencyKey, webhookUrl, isAsync = false, warnings = [] } = options;
  const request = await parts.records.hold({
    id,
    requestId: options.requestId,
    caller,
    admitted,
    provider: provider.name,
    fallback,
    amount: mostOf([admitted, fallback], watch.startedAtMs),
    watch,
    pictures,
    spool,
    keeping: keepingOf(parts, { id, spool }),
    warnings,
    fingerprint: options.fingerprint,
    isAsync,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
    trace: options.trace,
  });
  const job = new Job(factsOf(request), { survives: request.keeping.isLasting, isAsync });
  const engine = options.fault === undefined ? provider : withTestFault(provider, options.fault);
  const { inputs } = options;
  const other = fallback && parts.route(fallback, caller);
  parts.jobs.add(
    carryOut(parts, { request, job, engine, start: engine.generate, inputs, fallback: other }),
  );
  return job;
}

/** What becomes of a request's pictures. */
export function keepingOf(
  { results, clock, log }: Pick<Pipeline, 'results' | 'clock' | 'log'>,
  { id, spool }: { readonly id: string; readonly spool: Spool },
): Keeping {
  return results === undefined
    ? passOn(spool)
    : keepAll({ requestId: id, results, nowMs: () => clock.now(), log });
}

function claimOf({ accountId, mode, keyId }: Caller, options: GenerateOptions) {
  const { idempotencyKey: key, isRetry = false } = options;
  return { accountId, mode, keyId, isRetry, ...(key === undefined ? {} : { key }) };
}

function picturesOf(
  parts: Pipeline,
  { inputs, signal = new AbortController().signal }: GenerateOptions,
): Promise<Pictures> | Pictures {
  return inputs === undefined ? NO_PICTURES : readPictures(inputs, parts.fetchPicture, signal);
}

/** What every answer says about a held request. */
export function factsOf({ id, admitted, fallback, caller, watch }: HeldRequest): JobFacts {
  const knownCost =
    fallback === undefined ? fixedCost(admitted.card, admitted, watch.startedAtMs) : undefined;
  return {
    id,
    createdAtMs: watch.startedAtMs,
    model: admitted.requestedModel,
    test: caller.mode === 'test',
    ...(knownCost === undefined ? {} : { fixedCost: knownCost }),
  };
}
