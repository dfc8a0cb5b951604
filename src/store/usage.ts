import { sql } from 'kysely';
import type { Nanousd } from '../base/money.ts';
import type { Mode } from './database.ts';
import type { Executor } from './transaction.ts';

/** What one model did on one day (UTC) in one mode. */
export interface UsageRow {
  /** `2026-11-21` */
  readonly day: string;
  readonly mode: Mode;
  readonly model: string;
  /** All that were admitted, whatever became of them. */
  readonly requests: number;
  /** Those of them that failed or were lost: they cost nothing. */
  readonly failed: number;
  readonly images: number;
  readonly cost: Nanousd;
}

export interface UsageFilter {
  /** Milliseconds since 1970: requests that were made earlier are left out. */
  readonly sinceMs: number;
  readonly accountId?: string | undefined;
}

const DAY_MS = 86_400_000;

const SUMS = sql`
      cast(count(*) as bigint) as "requests",
      cast(sum(case when status in ('failed', 'lost') then 1 else 0 end) as bigint) as "failed",
      cast(sum(images) as bigint) as "images",
      cast(sum(coalesce(cost, 0)) as bigint) as "cost"`;

/** Requests by day, mode and model, oldest day first. */
export async function sumUsage(
  executor: Executor,
  { sinceMs, accountId }: UsageFilter,
): Promise<UsageRow[]> {
  const ofAccount = accountId === undefined ? sql`` : sql`and account_id = ${accountId}`;
  const { rows } = await sql<Sums>`
    select
      created_at / ${sql.lit(DAY_MS)} as "day",
      mode as "mode",
      model as "model",
      ${SUMS}
    from requests
    where created_at >= ${sinceMs} ${ofAccount}
    group by created_at / ${sql.lit(DAY_MS)}, mode, model
    order by 1, 2, 3`.execute(executor);
  return rows.map(readSums);
}

function readSums(row: Sums): UsageRow {
  return {
    ...row,
    day: new Date(Number(row.day) * DAY_MS).toISOString().slice(0, 10),
    requests: Number(row.requests),
    failed: Number(row.failed),
    images: Number(row.images),
  };
}

interface Sums {
  day: bigint;
  mode: Mode;
  model: string;
  requests: bigint;
  failed: bigint;
  images: bigint;
  cost: Nanousd;
}

/** The same by key, with what upstreams said it cost. */
export interface KeyUsageRow extends UsageRow {
  readonly accountId: string;
  /** Absent: of no key, as on the command line. */
  readonly keyId: string | undefined;
  readonly upstreamCost: Nanousd;
}

export interface KeyUsageFilter {
  readonly fromMs: number;
  readonly toMs: number;
  readonly accountId?: string | undefined;
  /** Requests that were sent with this in their metadata. */
  readonly metadata?: { readonly name: string; readonly value: string } | undefined;
}

/** Requests by day, mode, model and key, oldest day first. */
export async function sumKeyUsage(
  executor: Executor,
  { fromMs, toMs, accountId, metadata }: KeyUsageFilter,
): Promise<KeyUsageRow[]> {
  const ofAccount = accountId === undefined ? sql`` : sql`and account_id = ${accountId}`;
  const withMetadata =
    metadata === undefined ? sql`` : sql`and metadata like ${`%${likeText(metadata)}%`} escape '!'`;
  const { rows } = await sql<Sums & KeySums>`
    select
      created_at / ${sql.lit(DAY_MS)} as "day",
      mode as "mode",
      model as "model",
      account_id as "accountId",
      key_id as "keyId",
      ${SUMS},
      cast(sum(coalesce(upstream_cost, 0)) as bigint) as "upstreamCost"
    from requests
    where created_at >= ${fromMs} and created_at < ${toMs} ${ofAccount} ${withMetadata}
    group by created_at / ${sql.lit(DAY_MS)}, mode, model, account_id, key_id
    order by 1, 2, 3, 4, 5`.execute(executor);
  return rows.map((row) => ({ ...row, ...readSums(row), keyId: row.keyId ?? undefined }));
}

interface KeySums {
  accountId: string;
  keyId: string | null;
  upstreamCost: bigint;
}

/** The member as it stands in the JSON, for LIKE. */
function likeText({ name, value }: { readonly name: string; readonly value: string }): string {
  return JSON.stringify({ [name]: value })
    .slice(1, -1)
    .replace(/[!%_]/g, '!$&');
}
