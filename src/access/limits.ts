import { Failure } from '../base/errors.ts';
import type { CallerLimits, Limits, RateKind } from '../base/limits.ts';
import { divideRoundingUp, type Nanousd } from '../base/money.ts';
import type { Mode } from '../store/database.ts';
import {
  accountSubject,
  addSpend,
  listRates,
  type RateRecord,
  type RateTake,
  takeRate,
} from '../store/limits.ts';
import { sumRunning } from '../store/running.ts';
import type { Executor, Transaction } from '../store/transaction.ts';

/**
 * Limits by the minute are buckets that hold a minute's worth and fill steadily (GCRA): 60 requests
 * a minute are 60 at once, then one a second. One number says how full a bucket is: when all that
 * was taken will have been paid back. Whatever is refused takes nothing, since it is all taken in the
 * transaction that holds the money.
 */
const PERIOD_US = 60_000_000n;
const PIXELS_PER_MEGAPIXEL = 1_000_000n;

/** Whose limits they are. */
export interface Limited {
  readonly keyId: string;
  readonly accountId: string;
  readonly mode: Mode;
  readonly limits?: CallerLimits | undefined;
}

/** What a request takes of them. */
export interface Taking extends Limited {
  readonly n: number;
  /** Of all its pictures, as they were asked for. */
  readonly pixels: number;
  /** What is held for it. */
  readonly held: Nanousd;
}

interface Bucket {
  readonly subject: string;
  readonly kind: RateKind;
  /** A minute's worth: requests, images, or pixels. */
  readonly capacity: bigint;
}

/**
 * Takes from all limits of the caller, its key's before its account's. Throws `rate_limit_exceeded`
 * with the time after which it would pass, `insufficient_quota` when a month's budget does not cover
 * the hold, and `invalid_value` when it asks for more than a limit can ever give; the caller's
 * transaction must then be undone.
 */
export async function takeLimits(tx: Transaction, taking: Taking): Promise<void> {
  const { limits } = taking;
  if (limits === undefined) {
    return;
  }
  const nowUs = BigInt(tx.startedAt) * 1000n;
  const amounts: Readonly<Record<RateKind, bigint>> = {
    requests: 1n,
    images: BigInt(taking.n),
    megapixels: BigInt(Math.ceil(taking.pixels)),
  };
  const untilUs = nowUs + PERIOD_US;
  const takes = bucketsOf(taking, limits).map(({ subject, kind, capacity }): RateTake => {
    const amount = amounts[kind];
    if (amount > capacity) {
      throw neverFits(kind, capacity, amount);
    }
    // Rounded down: as many must fit as the limit says.
    return { subject, kind, nowUs, costUs: (amount * PERIOD_US) / capacity, untilUs };
  });
  for (const [index, take] of takes.entries()) {
    if (!(await takeRate(tx, take))) {
      const waitUs = await longestWait(tx, taking, takes.slice(index));
      throw limited(`${take.kind} a minute of ${take.subject}`, waitUs);
    }
  }
  await checkRunning(tx, taking, limits);
}

/** Until all of these have room: one that is refused by the first may have to wait for the last. */
async function longestWait(
  tx: Transaction,
  { keyId, accountId, mode }: Limited,
  takes: readonly RateTake[],
): Promise<bigint> {
  const rates = await listRates(tx, { key: keyId, account: accountSubject(accountId, mode) });
  const waits = takes.map(({ subject, kind, nowUs, costUs, untilUs }) => {
    const rate = rates.find((each) => each.subject === subject && each.kind === kind);
    return (rate?.paidBackAtUs ?? nowUs) + costUs - untilUs;
  });
  return waits.reduce((most, waitUs) => (waitUs > most ? waitUs : most), 0n);
}

/** Requests in flight and the month's budget, which both depend on what runs. */
async function checkRunning(tx: Transaction, taking: Taking, limits: CallerLimits): Promise<void> {
  const { keyId, accountId, mode, held } = taking;
  const owners = [
    { limits: limits.key, subject: keyId, of: { keyId } },
    { limits: limits.account, subject: accountSubject(accountId, mode), of: { accountId, mode } },
  ];
  for (const { limits: own, subject, of } of owners) {
    if (own.inFlight === undefined && own.monthlyBudget === undefined) {
      continue;
    }
    // Lets no other request of the same subject look before this one is counted.
    const spent = await addSpend(tx, { subject, cost: 0n });
    const running = await sumRunning(tx, of);
    if (own.inFlight !== undefined && running.requests >= own.inFlight) {
      throw limited(`requests in flight of ${subject}`, 1n);
    }
    if (own.monthlyBudget !== undefined && spent + running.held + held > own.monthlyBudget) {
      throw new Failure('insufficient_quota', { internal: `the budget of ${subject} is used up` });
    }
  }
}

/** Adds a charge to what its key and its account have spent this month. */
export async function recordSpend(
  tx: Transaction,
  charge: Omit<Limited, 'keyId' | 'limits'> & {
    readonly keyId: string | undefined;
    readonly cost: Nanousd;
  },
): Promise<void> {
  const { keyId, accountId, mode, cost } = charge;
  if (cost === 0n) {
    return;
  }
  for (const subject of [keyId, accountSubject(accountId, mode)]) {
    if (subject !== undefined) {
      await addSpend(tx, { subject, cost });
    }
  }
}

/** How a limit by the minute stands, for the headers of an answer. */
export interface Allowance {
  readonly kind: RateKind;
  readonly limit: number;
  readonly remaining: number;
  /** Until all of it is there again, in milliseconds. */
  readonly resetMs: number;
  /** Until one more fits; 0: now. */
  readonly nextMs: number;
}

/**
 * How the limits on requests and images stand: of a kind that both key and account limit, the tighter
 * one. Empty where there are none.
 */
export async function readAllowances(
  executor: Executor,
  caller: Limited,
  nowMs: number,
): Promise<readonly Allowance[]> {
  const { limits, keyId, accountId, mode } = caller;
  const buckets =
    limits === undefined
      ? []
      : bucketsOf(caller, limits).filter(({ kind }) => kind !== 'megapixels');
  if (buckets.length === 0) {
    return [];
  }
  const subjects = { key: keyId, account: accountSubject(accountId, mode) };
  const rates = await listRates(executor, subjects);
  const tightest = new Map<RateKind, Allowance>();
  for (const bucket of buckets) {
    const allowance = allowanceOf(bucket, rates, BigInt(nowMs) * 1000n);
    const other = tightest.get(bucket.kind);
    if (other === undefined || isTighter(allowance, other)) {
      tightest.set(bucket.kind, allowance);
    }
  }
  return [...tightest.values()];
}

function isTighter(one: Allowance, other: Allowance): boolean {
  return one.remaining === other.remaining
    ? one.nextMs > other.nextMs
    : one.remaining < other.remaining;
}

function allowanceOf(
  { subject, kind, capacity }: Bucket,
  rates: readonly RateRecord[],
  nowUs: bigint,
): Allowance {
  const paidBackAtUs =
    rates.find((rate) => rate.subject === subject && rate.kind === kind)?.paidBackAtUs ?? nowUs;
  const openUs = paidBackAtUs > nowUs ? paidBackAtUs - nowUs : 0n;
  const freeUs = openUs > PERIOD_US ? 0n : PERIOD_US - openUs;
  const nextUs = openUs + PERIOD_US / capacity - PERIOD_US;
  return {
    kind,
    limit: Number(capacity),
    remaining: Number((freeUs * capacity) / PERIOD_US),
    resetMs: Number(divideRoundingUp(openUs, 1000n)),
    nextMs: Number(divideRoundingUp(nextUs > 0n ? nextUs : 0n, 1000n)),
  };
}

/** Throws `rate_limit_exceeded` when not even one more request for one picture would pass now. */
export function refuseExhausted(allowances: readonly Allowance[]): void {
  const exhausted = allowances.filter(({ remaining }) => remaining === 0);
  if (exhausted.length > 0) {
    const waitMs = Math.max(...exhausted.map(({ nextMs }) => nextMs));
    throw limited(
      exhausted.map(({ kind }) => `${kind} a minute`).join(', '),
      BigInt(waitMs) * 1000n,
    );
  }
}

function bucketsOf({ keyId, accountId, mode }: Limited, limits: CallerLimits): readonly Bucket[] {
  return [
    ...bucketsIn(keyId, limits.key),
    ...bucketsIn(accountSubject(accountId, mode), limits.account),
  ];
}

function bucketsIn(subject: string, limits: Limits): Bucket[] {
  const { requestsPerMinute, imagesPerMinute, megapixelsPerMinute } = limits;
  const pixels =
    megapixelsPerMinute === undefined
      ? undefined
      : BigInt(megapixelsPerMinute) * PIXELS_PER_MEGAPIXEL;
  const bucket = (kind: RateKind, capacity: number | bigint | undefined): Bucket[] =>
    capacity === undefined ? [] : [{ subject, kind, capacity: BigInt(capacity) }];
  return [
    ...bucket('requests', requestsPerMinute),
    ...bucket('images', imagesPerMinute),
    ...bucket('megapixels', pixels),
  ];
}

function limited(what: string, waitUs: bigint): Failure {
  const retryAfterSeconds = Math.max(1, Math.ceil(Number(waitUs) / 1_000_000));
  return new Failure('rate_limit_exceeded', { internal: what, retryAfterSeconds });
}

/** No wait would help: the request itself is too large. */
function neverFits(kind: RateKind, capacity: bigint, amount: bigint): Failure {
  if (kind === 'megapixels') {
    const [most, asked] = [capacity, amount].map((pixels) => (Number(pixels) / 1e6).toFixed(1));
    const message = `The request is ${asked} megapixels, and the limit is ${most} a minute.`;
    return new Failure('invalid_value', { message });
  }
  const message = `n is ${amount}, and the limit is ${capacity} ${kind} a minute.`;
  return new Failure('invalid_value', { message, param: 'n' });
}
