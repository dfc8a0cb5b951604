import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { SendWebhook, WebhookAnswer } from '../egress/webhook-sender.ts';
import type { Store } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';
import {
  type AfterAttempt,
  findNextWebhookTime,
  insertWebhook,
  listDueWebhooks,
  type NewWebhook,
  recordWebhookAttempt,
  type WebhookRecord,
} from '../store/webhooks.ts';
import { writeMessage } from './webhook-message.ts';
import { RETRY_DELAYS_MS, scheduleAfter } from './webhook-schedule.ts';
import { signingSecrets } from './webhook-secret.ts';

export interface WebhooksOptions {
  readonly store: Store;
  readonly send: SendWebhook;
  readonly log: Log;
  readonly clock: Clock;
  /**
   * The `data` of the message about the request with this `img_…` id, as JSON would have it: asked
   * for each attempt. If it throws, that attempt has failed.
   */
  readonly describe: (requestId: string) => Promise<object>;
  /** Waits after the first failed attempt, the second and so on. */
  readonly delaysMs?: readonly number[];
  /** What `stop` gives to attempts that are under way; 3 s by default. */
  readonly graceMs?: number;
}

export interface Webhooks {
  /** Says that one may be due: to be called after the commit of `enqueueWebhook`. Never throws. */
  readonly nudge: () => void;
  /**
   * Begins no further attempt, gives the running ones a moment and breaks those off that need more:
   * they leave no trace and are made again after the next start.
   */
  readonly stop: () => Promise<void>;
  /** Resolves when nothing that is due is left and nothing is being sent. */
  readonly idle: () => Promise<void>;
}

/**
 * Writes down what a caller is to be told, in the very transaction that ends its request. False,
 * and nothing changed, when the request has a webhook already. It is sent after `nudge`.
 */
export async function enqueueWebhook(
  tx: Transaction,
  ending: Omit<NewWebhook, 'id'>,
): Promise<boolean> {
  return insertWebhook(tx, { ...ending, id: newId('msg', tx.startedAt) });
}

/**
 * Sends webhooks until the receiver takes them or a day has passed, beginning with those that are
 * due already. What is due when lies in the database, so a restart loses none; a process that dies
 * in the middle of an attempt makes it again, with the same `webhook-id`. Only the one server of a
 * home may run it.
 */
export function startWebhooks(options: WebhooksOptions): Webhooks {
  const deliveries = new Deliveries(options);
  deliveries.nudge();
  return {
    nudge: () => {
      deliveries.nudge();
    },
    stop: () => deliveries.stop(),
    idle: () => deliveries.idle(),
  };
}

const PARALLEL = 8;

/** So the silent receivers of one account leave places to the others. */
const PARALLEL_OF_ACCOUNT = 4;

/** A look is due by then at the latest, whatever the database said or failed to say. */
const LOOK_MS_MAX = 60_000;

const GRACE_MS = 3_000;

/** How long a message rests whose attempt could not be written down: it is still due. */
const UNWRITTEN_MS = 30_000;

interface Running {
  readonly accountId: string;
  readonly work: Promise<void>;
}

class Deliveries {
  readonly #options: WebhooksOptions;
  /** By id of the webhook: what runs is not begun again. */
  readonly #running = new Map<string, Running>();
  readonly #ending = new AbortController();
  /** Looks run one after the other, so no two of them begin the same message. */
  #look: Promise<void> = Promise.resolve();
  #isLookAsked = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  nudge(): void {
    if (!this.#isStopped && !this.#isLookAsked) {
      this.#isLookAsked = true;
      this.#look = this.#look.then(() => this.#lookOnce());
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const grace = setTimeout(() => {
      this.#ending.abort(new Error('the server stops'));
    }, this.#options.graceMs ?? GRACE_MS);
    await this.idle();
    clearTimeout(grace);
    clearTimeout(this.#timer);
  }

  async idle(): Promise<void> {
    let seen: Promise<void> | undefined;
    // Whatever ends asks for another look.
    while (seen !== this.#look || this.#running.size > 0) {
      seen = this.#look;
      await seen;
      await Promise.all(Array.from(this.#running.values(), ({ work }) => work));
    }
  }

  async #lookOnce(): Promise<void> {
    const { store, clock, log } = this.#options;
    this.#isLookAsked = false;
    let waitMs = LOOK_MS_MAX;
    try {
      await this.#beginDue();
      const now = clock.now();
      const next = await findNextWebhookTime(store.db, now);
      waitMs = Math.min(waitMs, (next ?? Infinity) - now);
    } catch (error) {
      log.error({ err: error }, 'the webhooks that are due could not be read');
    }
    clearTimeout(this.#timer);
    if (!this.#isStopped) {
      this.#timer = setTimeout(() => {
        this.nudge();
      }, waitMs);
      this.#timer.unref();
    }
  }

  async #beginDue(): Promise<void> {
    const { store, clock } = this.#options;
    while (!this.#isStopped && this.#running.size < PARALLEL) {
      const due = await listDueWebhooks(store.db, {
        at: clock.now(),
        limit: PARALLEL - this.#running.size,
        // Read before the query begins: what ends meanwhile is still due in what the query sees.
        exceptIds: [...this.#running.keys()],
        exceptAccountIds: this.#fullAccounts(),
      });
      if (due.length === 0) {
        return;
      }
      for (const webhook of due) {
        if (!this.#isStopped && !this.#fullAccounts().includes(webhook.accountId)) {
          this.#begin(webhook);
        }
      }
    }
  }

  #fullAccounts(): string[] {
    const counts = new Map<string, number>();
    for (const { accountId } of this.#running.values()) {
      counts.set(accountId, (counts.get(accountId) ?? 0) + 1);
    }
    return [...counts].filter(([, count]) => count >= PARALLEL_OF_ACCOUNT).map(([id]) => id);
  }

  #begin(webhook: WebhookRecord): void {
    const { id, accountId } = webhook;
    const work = this.#deliver(webhook).finally(() => {
      this.#running.delete(id);
      this.nudge();
    });
    this.#running.set(id, { accountId, work });
  }

  /** One attempt. It rejects never, and is over only once it is written down. */
  async #deliver(webhook: WebhookRecord): Promise<void> {
    const { store, clock, log, delaysMs = RETRY_DELAYS_MS } = this.#options;
    const { id, attempts, createdAt } = webhook;
    const attempt = attempts + 1;
    const at = clock.now();
    const startedAtMs = performance.now();
    try {
      const answer = await this.#send(webhook, at);
      const durationMs = Math.round(performance.now() - startedAtMs);
      const after = scheduleAfter({ answer, attempt, createdAt, now: clock.now(), delaysMs });
      const told = 'status' in answer ? { status: answer.status } : { error: answer.error };
      const entry = { status: undefined, error: undefined, ...told };
      await store.transaction((tx) =>
        recordWebhookAttempt(tx, { ...entry, webhookId: id, attempt, at, durationMs }, after),
      );
      this.#writeLog(webhook, after, { attempt, durationMs, ...told });
    } catch (error) {
      if (!this.#ending.signal.aborted) {
        log.error({ webhook: id, err: error }, 'the attempt of a webhook could not be written');
        await wait(UNWRITTEN_MS, undefined, { signal: this.#ending.signal, ref: false }).catch(
          () => undefined,
        );
      }
    }
  }

  /** Throws the reason of an ending, and nothing else. */
  async #send(webhook: WebhookRecord, sentAt: number): Promise<WebhookAnswer> {
    const { store, send, describe, log } = this.#options;
    const { id, url, requestId, accountId } = webhook;
    const { signal } = this.#ending;
    try {
      const data = await describe(requestId);
      const secrets = await store.transaction((tx) => signingSecrets(tx, accountId));
      const message = writeMessage({ webhook, data, secrets, sentAt });
      return await send({ ...message, url, signal });
    } catch (error) {
      signal.throwIfAborted();
      log.error({ webhook: id, image: requestId, err: error }, 'a webhook could not be written');
      return { error: 'internal' };
    }
  }

  #writeLog(webhook: WebhookRecord, after: AfterAttempt, facts: object): void {
    const { log } = this.#options;
    const { id, requestId: image, accountId, event, url } = webhook;
    // Not all of the URL: callers put secrets of theirs into it.
    const fields = { webhook: id, image, accountId, event, host: URL.parse(url)?.host, ...facts };
    if (after.deliveredAt !== undefined) {
      log.info(fields, 'a webhook was delivered');
    } else if (after.nextAt !== undefined) {
      log.info({ ...fields, nextAt: new Date(after.nextAt) }, 'a webhook was not taken');
    } else {
      log.warn(fields, 'a webhook was given up');
    }
  }
}
