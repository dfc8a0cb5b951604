import type { WebhookAnswer } from '../egress/webhook-sender.ts';
import type { AfterAttempt } from '../store/webhooks.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** After the first failed attempt, the second and so on; the last one again and again. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
];

const GIVE_UP_AFTER_MS = 24 * HOUR_MS;
const RETRY_AFTER_MS_MAX = HOUR_MS;

/** Delays are up to a fifth shorter or longer, so that those that failed together spread out. */
const JITTER = 0.2;

/** The receiver's way to say that it will never want this message. */
const GONE = 410;

export interface Attempted {
  readonly answer: WebhookAnswer;
  /** Of this attempt, from 1. */
  readonly attempt: number;
  /** When the message was made. */
  readonly createdAt: number;
  readonly now: number;
  readonly delaysMs: readonly number[];
}

/** What comes after an attempt: the end, or the time of the next. */
export function scheduleAfter(attempted: Attempted): AfterAttempt {
  const { answer, attempt, createdAt, now, delaysMs } = attempted;
  const status = 'status' in answer ? answer.status : undefined;
  if (status !== undefined && status >= 200 && status < 300) {
    return { deliveredAt: now };
  }
  const delayMs = delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0;
  const waitMs = Math.max(delayMs * (1 + JITTER * (2 * Math.random() - 1)), askedForMs(answer));
  const nextAt = now + Math.ceil(waitMs);
  return status === GONE || nextAt > createdAt + GIVE_UP_AFTER_MS ? { givenUpAt: now } : { nextAt };
}

/** A receiver may put the next attempt off, not bring it forward, nor put it off for good. */
function askedForMs(answer: WebhookAnswer): number {
  const seconds = 'status' in answer ? (answer.retryAfterSeconds ?? 0) : 0;
  return Math.min(seconds * SECOND_MS, RETRY_AFTER_MS_MAX);
}
