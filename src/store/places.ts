import { sql } from 'kysely';
import type { Executor, Transaction } from './transaction.ts';

/** Places of an upstream's account that a process has taken. */
interface Taken {
  readonly account: string;
  /** Of the process: what it has taken goes with its lease. */
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

export async function takePlace(tx: Transaction, { account, leaseId }: Taken): Promise<void> {
  await tx
    .insertInto('places')
    .values({ account, lease_id: leaseId, taken: 1 })
    .onConflict((conflict) =>
      conflict
        .columns(['account', 'lease_id'])
        .doUpdateSet({ taken: sql<number>`places.taken + 1` }),
    )
    .execute();
}

/** Nothing changes where none is taken: its lease was given up for dead meanwhile. */
export async function givePlaceBack(tx: Transaction, { account, leaseId }: Taken): Promise<void> {
  await tx
    .updateTable('places')
    .set({ taken: sql<number>`taken - 1` })
    .where('account', '=', account)
    .where('lease_id', '=', leaseId)
    .where('taken', '>', 0n)
    .execute();
}

/** All that a process has taken, with its lease. */
export async function deletePlaces(tx: Transaction, leaseId: string): Promise<void> {
  await tx.deleteFrom('places').where('lease_id', '=', leaseId).execute();
}
