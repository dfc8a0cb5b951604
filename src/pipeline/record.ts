import type { Caller } from '../access/authenticate.ts';
import type { Clock } from '../base/clock.ts';
import type { Failure } from '../base/errors.ts';
import { formatSize } from '../base/image.ts';
import type { Nanousd } from '../base/money.ts';
import type { Trace } from '../base/trace.ts';
import type { Admitted } from '../catalog/admitted.ts';
import { cost } from '../catalog/price.ts';
import type { Spool } from '../payload/spool.ts';
import type { JobWarning } from '../requests/job.ts';
import type { Outcome } from '../requests/job.ts';
import type { Ending, StoredOutcome } from '../requests/outcome-text.ts';
import type { EndingRequest, RequestRows } from '../requests/records.ts';
import { writeFailure } from '../requests/stored-answer.ts';
import type { Keeping } from './keep.ts';
import type { Painted } from './paint.ts';
import type { Pictures } from './pictures.ts';

/** Notes when each step of a request was done, in milliseconds from its start. */
export class Stopwatch {
  readonly startedAtMs: number;
  readonly #clock: Clock;
  readonly #steps: Record<string, number> = {};

  constructor(clock: Clock, startedAtMs: number = clock.now()) {
    this.#clock = clock;
    this.startedAtMs = startedAtMs;
  }

  get steps(): Readonly<Record<string, number>> {
    return this.#steps;
  }

  get elapsedMs(): number {
    return this.#clock.now() - this.startedAtMs;
  }

  mark(step: string): void {
    this.#steps[step] = this.#clock.now() - this.startedAtMs;
  }
}

export interface HeldRequest {
  /** `img_…` */
  readonly id: string;
  /** The id of the HTTP request. */
  readonly requestId: string;
  readonly caller: Caller;
  readonly admitted: Admitted;
  readonly provider: string;
  /** The same against the card that serves while this one's upstreams cannot. */
  readonly fallback?: Admitted | undefined;
  /** What is held: the quote's upper bound, the dearer of the two where there is a fallback. */
  readonly amount: Nanousd;
  readonly watch: Stopwatch;
  /** What an edit works on. */
  readonly pictures: Pictures;
  /** Keeps this request's payloads where they must be whole. */
  readonly spool: Spool;
  /** What becomes of its pictures. */
  readonly keeping: Keeping;
  /** What is to be said beside what the card says. */
  readonly warnings: readonly JobWarning[];
  /** Of what is asked for. */
  readonly fingerprint: string;
  readonly idempotencyKey?: string;
  readonly isAsync: boolean;
  readonly webhookUrl?: string;
  readonly trace?: Trace | undefined;
}

/** Steps 5 and 7 to 8 of a request: its money and its row, which are always written as one. */
export interface Records {
  /**
   * Throws `rate_limit_exceeded` or `insufficient_quota` when a limit, a budget or the balance does
   * not cover it, or a KeyTaken.
   */
  readonly hold: (request: HeldRequest) => Promise<HeldRequest>;
  /** Notes what takes the request up again: an upstream carries it on by itself. */
  readonly submitted: (request: HeldRequest, resume: string) => Promise<void>;
  /** Prices what was painted, and notes that nothing but the settlement is missing. */
  readonly stored: (request: HeldRequest, painted: Painted) => Promise<StoredOutcome>;
  /** Charges it, and returns what the answer says of it. */
  readonly settle: (request: EndingRequest, stored: StoredOutcome) => Promise<Outcome>;
  readonly release: (request: HeldRequest, failure: Failure) => Promise<void>;
}

export function openRecords(rows: RequestRows): Records {
  return {
    hold: async (request) => {
      request.watch.mark('admitted');
      await rows.open(newRow(request));
      request.watch.mark('held');
      return request;
    },
    submitted: async (request, resume) => {
      await rows.submitted(request.id, resume);
      request.watch.mark('submitted');
    },
    stored: async (request, painted) => {
      request.watch.mark('painted');
      const outcome = outcomeOf(request, painted);
      const stored = { outcome, ending: endOf(request, painted, outcome) };
      // Without a store there is nothing to come back to: the settlement alone says it all.
      if (request.keeping.isLasting) {
        await rows.stored(request.id, stored, request.keeping.results);
        request.watch.mark('stored');
      }
      return stored;
    },
    settle: async (request, { outcome, ending }) => {
      await rows.complete(request, outcome.cost, ending);
      return outcome;
    },
    release: async (request, failure) => {
      request.watch.mark('failed');
      await rows.fail(endingOf(request), {
        errorCode: failure.row.code ?? failure.errorName,
        httpStatus: failure.row.status,
        steps: request.watch.steps,
        error: writeFailure(failure),
      });
    },
  };
}

/** What the end of a request needs of it. */
export function endingOf({ id, caller, webhookUrl }: HeldRequest): EndingRequest {
  const { accountId, keyId, mode } = caller;
  return { id, accountId, keyId, mode, ...(webhookUrl === undefined ? {} : { webhookUrl }) };
}

function newRow(request: HeldRequest): Parameters<RequestRows['open']>[0] {
  const { admitted, caller } = request;
  return {
    id: request.id,
    requestId: request.requestId,
    accountId: caller.accountId,
    keyId: caller.keyId,
    mode: caller.mode,
    operation: admitted.call.operation,
    model: admitted.requestedModel,
    provider: request.provider,
    upstreamModel: admitted.card.upstreamModel,
    n: admitted.n,
    pixels: admitted.n * admitted.expectedSize.width * admitted.expectedSize.height,
    limits: caller.limits,
    held: request.amount,
    cardHash: admitted.card.hash,
    priceVersion: admitted.priceVersion,
    fingerprint: request.fingerprint,
    idempotencyKey: request.idempotencyKey,
    webhookUrl: request.webhookUrl,
    isAsync: request.isAsync,
    createdAt: request.watch.startedAtMs,
    ...(Object.keys(admitted.call.metadata).length > 0 ? { metadata: admitted.call.metadata } : {}),
  };
}

function outcomeOf({ admitted }: HeldRequest, painted: Painted): Outcome {
  const { images, receipt, tokens, warnings } = painted;
  const charge = cost(admitted.card, admitted.priceVersion, admitted, {
    images: images.length,
    ...(tokens === undefined ? {} : { tokens }),
    ...(receipt.upstreamCost === undefined ? {} : { upstreamCost: receipt.upstreamCost }),
  });
  const asked = admitted.parameters['quality'];
  const quality = receipt.quality ?? (typeof asked === 'string' ? asked : undefined);
  return {
    images,
    cost: charge,
    warnings,
    ...(tokens === undefined ? {} : { tokens }),
    ...(quality === undefined ? {} : { quality }),
    ...(receipt.background === undefined ? {} : { background: receipt.background }),
  };
}

function endOf(
  { watch, admitted }: HeldRequest,
  { images, receipt }: Painted,
  outcome: Outcome,
): Ending {
  const [first] = images;
  return {
    images: images.length,
    httpStatus: 200,
    provider: receipt.account,
    route: receipt.route,
    cardHash: admitted.card.hash,
    priceVersion: admitted.priceVersion,
    steps: watch.steps,
    usage: outcome.tokens,
    warnings: outcome.warnings,
    upstreamIds: receipt.upstreamIds,
    ...(first === undefined ? {} : { size: formatSize(first), outputFormat: first.format }),
    ...(receipt.upstreamCost === undefined ? {} : { upstreamCost: receipt.upstreamCost }),
    ...(receipt.servedModel === undefined ? {} : { upstreamModel: receipt.servedModel }),
  };
}
