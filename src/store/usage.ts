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
      cast(count(*) as bigint) as "requests",
      cast(sum(case when status in ('failed', 'lost') then 1 else 0 end) as bigint) as "failed",
      cast(sum(images) as bigint) as "images",
      cast(sum(coalesce(cost, 0)) as bigint) as "cost"
    from requests
    where created_at >= ${sinceMs} ${ofAccount}
    group by created_at / ${sql.lit(DAY_MS)}, mode, model
    order by 1, 2, 3`.execute(executor);
  return rows.map((row) => ({
    ...row,
    day: new Date(Number(row.day) * DAY_MS).toISOString().slice(0, 10),
    requests: Number(row.requests),
    failed: Number(row.failed),
    images: Number(row.images),
  }));
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
