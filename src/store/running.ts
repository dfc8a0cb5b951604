import { sql } from 'kysely';
import type { Nanousd } from '../base/money.ts';
import { type Mode, MODES } from './database.ts';
import type { Executor } from './transaction.ts';

export interface Running {
  readonly requests: number;
  /** What their holds keep from being spent. */
  readonly held: Nanousd;
}

/** What runs of a key, or of an account in one mode. */
export async function sumRunning(
  executor: Executor,
  of: { readonly keyId: string } | { readonly accountId: string; readonly mode: Mode },
): Promise<Running> {
  const running = selectRunning(executor);
  const query =
    'keyId' in of
      ? running.where('key_id', '=', of.keyId)
      : running.where('account_id', '=', of.accountId).where('mode', '=', of.mode);
  const { requests, held } = await query.executeTakeFirstOrThrow();
  return { requests: Number(requests), held };
}

/** What all running requests hold, by mode. */
export async function sumHolds(
  executor: Executor,
): Promise<{ mode: Mode; count: number; amount: Nanousd }[]> {
  const rows = await selectRunning(executor).select('mode').groupBy('mode').execute();
  return MODES.map((mode) => {
    const row = rows.find((each) => each.mode === mode);
    return { mode, count: Number(row?.requests ?? 0n), amount: row?.held ?? 0n };
  });
}

// As a literal: SQLite uses a partial index only for a query that says what the index says.
function selectRunning(executor: Executor) {
  return executor
    .selectFrom('requests')
    .select(({ fn }) => [
      fn.countAll<bigint>().as('requests'),
      sql<bigint>`cast(coalesce(sum(held), 0) as bigint)`.as('held'),
    ])
    .where('status', '=', sql.lit('running'));
}
