import type { Insertable, Selectable } from 'kysely';
import type { Nanousd } from '../base/money.ts';
import type { Mode, RequestStage, RequestStatus, RequestsTable } from './database.ts';
import { readJson, writeJson } from './json.ts';
import { preparedRows, type Slot } from './prepared.ts';
import type { Executor, Transaction } from './transaction.ts';

/** What is known when a request is admitted and its hold is made. */
export interface NewRequest {
  /** `img_…` */
  readonly id: string;
  /** `req_…` */
  readonly requestId: string;
  readonly accountId: string;
  readonly keyId?: string | undefined;
  readonly mode: Mode;
  readonly operation: string;
  readonly model: string;
  readonly provider?: string | undefined;
  readonly upstreamModel?: string | undefined;
  readonly route?: string | undefined;
  readonly n: number;
  readonly held: Nanousd;
  readonly cardHash?: string | undefined;
  readonly priceVersion?: string | undefined;
  readonly size?: string | undefined;
  readonly outputFormat?: string | undefined;
  readonly metadata?: unknown;
  readonly leaseId?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly webhookUrl?: string | undefined;
  /** Its caller does not wait for the answer. */
  readonly isAsync?: boolean | undefined;
  /** When the request came; that of the transaction when absent. */
  readonly createdAt?: number | undefined;
}

/** A request's row. The fields of unknown type are JSON as it was given. */
export interface RequestRecord {
  readonly id: string;
  readonly requestId: string;
  readonly accountId: string;
  readonly keyId: string | undefined;
  readonly mode: Mode;
  readonly operation: string;
  readonly model: string;
  readonly provider: string | undefined;
  readonly upstreamModel: string | undefined;
  readonly route: string | undefined;
  readonly status: RequestStatus;
  readonly n: number;
  readonly images: number;
  readonly held: Nanousd;
  readonly cost: Nanousd | undefined;
  readonly upstreamCost: Nanousd | undefined;
  readonly cardHash: string | undefined;
  readonly priceVersion: string | undefined;
  readonly size: string | undefined;
  readonly outputFormat: string | undefined;
  readonly errorCode: string | undefined;
  readonly httpStatus: number | undefined;
  readonly warnings: unknown;
  readonly usage: unknown;
  readonly upstreamIds: unknown;
  readonly steps: unknown;
  readonly metadata: unknown;
  readonly leaseId: string | undefined;
  readonly createdAt: number;
  readonly finishedAt: number | undefined;
  readonly stage: RequestStage | undefined;
  readonly resume: unknown;
  readonly outcome: unknown;
  readonly error: unknown;
  readonly fingerprint: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly webhookUrl: string | undefined;
  readonly isAsync: boolean;
  readonly deliveredAt: number | undefined;
}

const insert = preparedRows((db, slots: readonly Slot<Insertable<RequestsTable>>[]) =>
  db.insertInto('requests').values(
    slots.map((slot) => ({
      id: slot('id'),
      request_id: slot('request_id'),
      account_id: slot('account_id'),
      key_id: slot('key_id'),
      mode: slot('mode'),
      operation: slot('operation'),
      model: slot('model'),
      provider: slot('provider'),
      upstream_model: slot('upstream_model'),
      route: slot('route'),
      status: slot('status'),
      n: slot('n'),
      images: slot('images'),
      held: slot('held'),
      card_hash: slot('card_hash'),
      price_version: slot('price_version'),
      size: slot('size'),
      output_format: slot('output_format'),
      metadata: slot('metadata'),
      lease_id: slot('lease_id'),
      created_at: slot('created_at'),
      fingerprint: slot('fingerprint'),
      idempotency_key: slot('idempotency_key'),
      webhook_url: slot('webhook_url'),
      async_at: slot('async_at'),
    })),
  ),
);

/** Adds a running request. Its hold is made in the same transaction. */
export function insertRequest(tx: Transaction, request: NewRequest): Promise<void> {
  return insertRequests(tx, [request]);
}

/** Adds running requests. Their holds are made in the same transaction. */
export async function insertRequests(
  tx: Transaction,
  requests: readonly NewRequest[],
): Promise<void> {
  const rows = requests.map((request) => newRow(request, tx.startedAt));
  await insert(tx, rows);
}

function newRow(request: NewRequest, nowMs: number): Insertable<RequestsTable> {
  return {
    id: request.id,
    request_id: request.requestId,
    account_id: request.accountId,
    key_id: request.keyId ?? null,
    mode: request.mode,
    operation: request.operation,
    model: request.model,
    provider: request.provider ?? null,
    upstream_model: request.upstreamModel ?? null,
    route: request.route ?? null,
    status: 'running',
    n: request.n,
    images: 0,
    held: request.held,
    card_hash: request.cardHash ?? null,
    price_version: request.priceVersion ?? null,
    size: request.size ?? null,
    output_format: request.outputFormat ?? null,
    metadata: writeJson(request.metadata) ?? null,
    lease_id: request.leaseId ?? null,
    created_at: request.createdAt ?? nowMs,
    fingerprint: request.fingerprint ?? null,
    idempotency_key: request.idempotencyKey ?? null,
    webhook_url: request.webhookUrl ?? null,
    async_at: request.isAsync === true ? nowMs : null,
  };
}

/** The request with this `img_…` id, whoever it belongs to: the caller compares the account. */
export async function findRequest(
  executor: Executor,
  id: string,
): Promise<RequestRecord | undefined> {
  const row = await executor
    .selectFrom('requests')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : readRequest(row);
}

/** The error code of what its caller cancelled. */
export const CANCELLED = 'request_cancelled';

export function wasCancelled({ status, errorCode }: RequestRecord): boolean {
  return status === 'failed' && errorCode === CANCELLED;
}

/** A row as the rest of Easel reads it. */
export function readRequest(row: Selectable<RequestsTable>): RequestRecord {
  return {
    id: row.id,
    requestId: row.request_id,
    accountId: row.account_id,
    keyId: row.key_id ?? undefined,
    mode: row.mode,
    operation: row.operation,
    model: row.model,
    provider: row.provider ?? undefined,
    upstreamModel: row.upstream_model ?? undefined,
    route: row.route ?? undefined,
    status: row.status,
    n: Number(row.n),
    images: Number(row.images),
    held: row.held,
    cost: row.cost ?? undefined,
    upstreamCost: row.upstream_cost ?? undefined,
    cardHash: row.card_hash ?? undefined,
    priceVersion: row.price_version ?? undefined,
    size: row.size ?? undefined,
    outputFormat: row.output_format ?? undefined,
    errorCode: row.error_code ?? undefined,
    httpStatus: readNumber(row.http_status),
    warnings: readJson(row.warnings),
    usage: readJson(row.usage),
    upstreamIds: readJson(row.upstream_ids),
    steps: readJson(row.steps),
    metadata: readJson(row.metadata),
    leaseId: row.lease_id ?? undefined,
    createdAt: Number(row.created_at),
    finishedAt: readNumber(row.finished_at),
    stage: row.stage ?? undefined,
    resume: readJson(row.resume),
    outcome: readJson(row.outcome),
    error: readJson(row.error),
    fingerprint: row.fingerprint ?? undefined,
    idempotencyKey: row.idempotency_key ?? undefined,
    webhookUrl: row.webhook_url ?? undefined,
    isAsync: row.async_at !== null,
    deliveredAt: readNumber(row.delivered_at),
  };
}

function readNumber(value: bigint | null): number | undefined {
  return value === null ? undefined : Number(value);
}
