import { sql } from 'kysely';
import type { Executor, Transaction } from './transaction.ts';

/** Places of an upstream's account that a process has taken. */
interface Taken {
  readonly account: string;
  /** Of the process: what one that died had taken counts until its lease is gone. */
  readonly leaseId: string;
}

/** How many are taken by all processes that have a lease. */
export async function countPlaces(executor: Executor, account: string): Promise<number> {
  const { taken } = await executor
    .selectFrom('places')
    .select(sql<bigint>`cast(coalesce(sum(taken), 0) as bigint)`.as('taken'))
    .where('account', '=', account)
    .where('lease_id', 'in', executor.selectFrom('leases').select('id'))
    .executeTakeFirstOrThrow();
  return Number(taken);
}

/** Takes one, or gives one back with -1. */
export async function addPlaces(
  tx: Transaction,
  { account, leaseId, count }: Taken & { readonly count: 1 | -1 },
): Promise<void> {
  await tx
    .insertInto('places')
    .values({ account, lease_id: leaseId, taken: count })
    .onConflict((conflict) =>
      conflict
        .columns(['account', 'lease_id'])
        .doUpdateSet({ taken: sql<number>`places.taken + ${count}` }),
    )
    .execute();
}

/** Removes what processes have left whose lease is gone. */
export async function deleteStalePlaces(tx: Transaction): Promise<void> {
  await tx
    .deleteFrom('places')
    .where('lease_id', 'not in', tx.selectFrom('leases').select('id'))
    .execute();
}
