import type { Selectable } from 'kysely';
import type { WebhookAttemptsTable, WebhookEvent, WebhooksTable } from './database.ts';
import type { Executor, Transaction } from './transaction.ts';

export interface NewWebhook {
  /** `msg_…` */
  readonly id: string;
  /** The `img_…` id of the request that ended. */
  readonly requestId: string;
  readonly accountId: string;
  readonly url: string;
  readonly event: WebhookEvent;
}

export interface WebhookRecord extends NewWebhook {
  readonly attempts: number;
  /** When it is to be sent; undefined once it was delivered or given up. */
  readonly nextAt: number | undefined;
  readonly deliveredAt: number | undefined;
  readonly givenUpAt: number | undefined;
  readonly createdAt: number;
}

export interface WebhookAttempt {
  readonly webhookId: string;
  /** From 1. */
  readonly attempt: number;
  readonly at: number;
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly durationMs: number;
}

/** What an attempt makes of its webhook: exactly one of these is set. */
export interface AfterAttempt {
  readonly nextAt?: number;
  readonly deliveredAt?: number;
  readonly givenUpAt?: number;
}

export interface DueFilter {
  readonly at: number;
  readonly limit: number;
  readonly exceptIds: readonly string[];
  readonly exceptAccountIds: readonly string[];
}

/** Adds a webhook that is due at once; false, and nothing changed, when its request has one. */
export async function insertWebhook(tx: Transaction, webhook: NewWebhook): Promise<boolean> {
  const result = await tx
    .insertInto('webhooks')
    .values({
      id: webhook.id,
      request_id: webhook.requestId,
      account_id: webhook.accountId,
      url: webhook.url,
      event: webhook.event,
      attempts: 0,
      next_at: tx.startedAt,
      created_at: tx.startedAt,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** What is to be sent by then, the one that has waited longest first. */
export async function listDueWebhooks(
  executor: Executor,
  { at, limit, exceptIds, exceptAccountIds }: DueFilter,
): Promise<WebhookRecord[]> {
  let query = executor.selectFrom('webhooks').selectAll().where('next_at', '<=', BigInt(at));
  if (exceptIds.length > 0) {
    query = query.where('id', 'not in', exceptIds);
  }
  if (exceptAccountIds.length > 0) {
    query = query.where('account_id', 'not in', exceptAccountIds);
  }
  const rows = await query.orderBy('next_at').orderBy('id').limit(limit).execute();
  return rows.map(readWebhook);
}

/** When the next webhook is due that is not due by then. */
export async function findNextWebhookTime(
  executor: Executor,
  after: number,
): Promise<number | undefined> {
  const row = await executor
    .selectFrom('webhooks')
    .select('next_at')
    .where('next_at', '>', BigInt(after))
    .orderBy('next_at')
    .limit(1)
    .executeTakeFirst();
  return readNumber(row?.next_at ?? null);
}

/** Adds to the delivery log, and says what comes after that attempt. */
export async function recordWebhookAttempt(
  tx: Transaction,
  { webhookId, attempt, at, status, error, durationMs }: WebhookAttempt,
  { nextAt, deliveredAt, givenUpAt }: AfterAttempt,
): Promise<void> {
  await tx
    .insertInto('webhook_attempts')
    .values({ webhook_id: webhookId, attempt, at, status, error, duration_ms: durationMs })
    .execute();
  await tx
    .updateTable('webhooks')
    .set({
      attempts: attempt,
      next_at: nextAt ?? null,
      delivered_at: deliveredAt ?? null,
      given_up_at: givenUpAt ?? null,
    })
    .where('id', '=', webhookId)
    .execute();
}

/** The webhook of the request with this `img_…` id. */
export async function findWebhookOfRequest(
  executor: Executor,
  requestId: string,
): Promise<WebhookRecord | undefined> {
  const row = await executor
    .selectFrom('webhooks')
    .selectAll()
    .where('request_id', '=', requestId)
    .executeTakeFirst();
  return row === undefined ? undefined : readWebhook(row);
}

/** The delivery log of a webhook, oldest first. */
export async function listWebhookAttempts(
  executor: Executor,
  webhookId: string,
): Promise<WebhookAttempt[]> {
  const rows = await executor
    .selectFrom('webhook_attempts')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .orderBy('attempt')
    .execute();
  return rows.map(readAttempt);
}

function readWebhook(row: Selectable<WebhooksTable>): WebhookRecord {
  return {
    id: row.id,
    requestId: row.request_id,
    accountId: row.account_id,
    url: row.url,
    event: row.event,
    attempts: Number(row.attempts),
    nextAt: readNumber(row.next_at),
    deliveredAt: readNumber(row.delivered_at),
    givenUpAt: readNumber(row.given_up_at),
    createdAt: Number(row.created_at),
  };
}

function readAttempt(row: Selectable<WebhookAttemptsTable>): WebhookAttempt {
  return {
    webhookId: row.webhook_id,
    attempt: Number(row.attempt),
    at: Number(row.at),
    status: readNumber(row.status),
    error: row.error ?? undefined,
    durationMs: Number(row.duration_ms),
  };
}

function readNumber(value: bigint | null): number | undefined {
  return value === null ? undefined : Number(value);
}
