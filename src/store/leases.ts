import { sql } from 'kysely';
import type { LeaseKind } from './database.ts';
import { deletePlaces } from './places.ts';
import type { Executor, Transaction } from './transaction.ts';

export interface LeaseRecord {
  readonly id: string;
  readonly kind: LeaseKind;
  readonly pid: number;
  readonly startedAt: number;
  readonly expiresAt: number;
}

/** Makes the lease, or moves its end when it is there. */
export async function upsertLease(tx: Transaction, lease: LeaseRecord): Promise<void> {
  await tx
    .insertInto('leases')
    .values({
      id: lease.id,
      kind: lease.kind,
      pid: lease.pid,
      started_at: lease.startedAt,
      expires_at: lease.expiresAt,
    })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ expires_at: lease.expiresAt }))
    .execute();
}

export async function listLeases(executor: Executor): Promise<LeaseRecord[]> {
  const rows = await executor.selectFrom('leases').selectAll().orderBy('id').execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    pid: Number(row.pid),
    startedAt: Number(row.started_at),
    expiresAt: Number(row.expires_at),
  }));
}

/**
 * Whether a request runs whose process has said farewell: one that stops leaves to the next what an
 * upstream carries on, and takes its lease along.
 */
export async function hasOrphans(executor: Executor): Promise<boolean> {
  const orphan = await executor
    .selectFrom('requests')
    .leftJoin('leases', 'leases.id', 'requests.lease_id')
    .select('requests.id')
    // As a literal: SQLite uses a partial index only for a query that says what the index says.
    .where('requests.status', '=', sql.lit('running'))
    .where('leases.id', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return orphan !== undefined;
}

/** Ends the lease, and gives back the places of upstreams that its process has taken. */
export async function deleteLease(tx: Transaction, id: string): Promise<void> {
  await deletePlaces(tx, id);
  await tx.deleteFrom('leases').where('id', '=', id).execute();
}
