import { setTimeout as waitFor } from 'node:timers/promises';
import type { Failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { retryAfterSeconds } from '../egress/read-body.ts';
import type { ProviderAccount } from './account.ts';
import { troubleAfterPurchase } from './bought.ts';
import { brokenAnswer } from './upstream-errors.ts';

/** What one answer of the upstream says of the job. */
export type Verdict<Result> =
  | { readonly state: 'pending' }
  | { readonly state: 'settled'; readonly result: Result }
  | { readonly state: 'failed'; readonly reason: Failure };

export interface PollOptions<Result> {
  readonly provider: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Asks once. May throw an UpstreamFailure, which is trouble that may pass. */
  readonly ask: () => Promise<EgressAnswer>;
  /** Statuses 429 and 5xx stand for passing trouble; false where such an answer is the verdict. */
  readonly isPassing?: (answer: EgressAnswer) => boolean;
  /**
   * Reads an answer whose status does not stand for passing trouble. An UpstreamFailure that it
   * throws is such trouble, too: an answer that broke off is asked for again.
   */
  readonly judge: (answer: EgressAnswer) => Promise<Verdict<Result>>;
  /** The first wait; later ones grow to eight times it. */
  readonly intervalMs: number;
  /** Asks before the first wait: for what must be there already. */
  readonly startsAtOnce?: boolean;
  /** So much trouble in a row is put up with; 10 by default, some 15 seconds. */
  readonly troublesMax?: number;
  /** `setTimeout` of node:timers/promises by default. */
  readonly wait?: Wait;
}

type Wait = (
  delayMs: number,
  value: undefined,
  options: { readonly signal: AbortSignal },
) => Promise<unknown>;

/** 250 ms, which grows to 2 s, unless the account's `poll_interval_ms` says otherwise. */
const INTERVAL_MS = 250;
const INTERVAL_GROWTH = 1.5;
const INTERVAL_GROWTH_MAX = 8;
const TROUBLES_MAX = 10;
/** An upstream that asks for a longer pause is asked again after this one. */
const RETRY_AFTER_MS_MAX = 10_000;

/**
 * Asks until the job is settled, with growing pauses of uneven length. The signal is the only bound
 * of the whole. Asking is never billable, so a broken connection, a 429 or a 5xx is put up with a
 * bounded number of times in a row; what is thrown then never says that nothing was bought.
 */
export async function poll<Result>(options: PollOptions<Result>): Promise<Result> {
  const { provider, signal, log, intervalMs, wait = waitFor } = options;
  const troublesMax = options.troublesMax ?? TROUBLES_MAX;
  let pauseMs = intervalMs;
  let troubles = 0;
  let skipsWait = options.startsAtOnce === true;
  for (;;) {
    if (!skipsWait) {
      await pause(wait, uneven(pauseMs), signal);
      pauseMs = Math.min(pauseMs * INTERVAL_GROWTH, intervalMs * INTERVAL_GROWTH_MAX);
    }
    skipsWait = false;
    const asked = await askOnce(options);
    if (!(asked instanceof UpstreamFailure)) {
      troubles = 0;
      if (asked.state === 'settled') {
        return asked.result;
      }
      if (asked.state === 'failed') {
        throw asked.reason;
      }
      continue;
    }
    troubles += 1;
    log.debug({ provider, troubles, reason: asked.internal }, 'trouble while asking for a job');
    if (troubles > troublesMax) {
      throw asked;
    }
    const { retryAfterSeconds: seconds } = asked;
    pauseMs = Math.max(pauseMs, Math.min((seconds ?? 0) * 1000, RETRY_AFTER_MS_MAX));
  }
}

/** The first wait between two questions, as the operator set it for this account. */
export function pollIntervalMs(account: ProviderAccount): number {
  return settingMs(account, 'poll_interval_ms', INTERVAL_MS);
}

/** A setting that is a time in milliseconds; throws, in words, when it is something else. */
export function settingMs(account: ProviderAccount, name: string, fallbackMs: number): number {
  const value = account.settings[name] ?? fallbackMs;
  if (typeof value !== 'number' || !(value > 0) || value > 3_600_000) {
    throw new Error(`${account.name}: ${name} must be a number of milliseconds, 1 to 3600000`);
  }
  return value;
}

/** Closes an answer whose body nobody wants. */
export async function discard(answer: EgressAnswer): Promise<void> {
  await answer.body[Symbol.asyncIterator]().return?.();
}

/** The verdict, or the trouble that kept it away. */
async function askOnce<Result>(
  options: PollOptions<Result>,
): Promise<Verdict<Result> | UpstreamFailure> {
  const { provider, ask, judge, isPassing = () => true } = options;
  try {
    const answer = await ask();
    const isTrouble = answer.status === 429 || answer.status >= 500;
    if (!isTrouble || !isPassing(answer)) {
      return await judge(answer);
    }
    await discard(answer);
    return passingTrouble(provider, answer);
  } catch (error) {
    return troubleAfterPurchase(error, options);
  }
}

function passingTrouble(provider: string, { status, headers }: EgressAnswer): UpstreamFailure {
  const seconds = retryAfterSeconds(headers);
  const internal = `${provider} answered ${status} when asked for a job`;
  return seconds === undefined
    ? brokenAnswer(provider, internal)
    : new UpstreamFailure('upstream_error', {
        billed: 'unknown',
        internal,
        retryAfterSeconds: seconds,
      });
}

/** Many jobs that began together shall not ask together for ever. */
function uneven(delayMs: number): number {
  return delayMs * (0.8 + 0.4 * Math.random());
}

async function pause(wait: Wait, delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(delayMs, undefined, { signal });
  } catch (error) {
    // The timer's own AbortError says nothing; the signal's reason does.
    signal.throwIfAborted();
    throw error;
  }
}
