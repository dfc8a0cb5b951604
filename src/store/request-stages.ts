import { sql } from 'kysely';
import { prepared, preparedRows, type Slot } from './prepared.ts';
import type { Executor, Transaction } from './transaction.ts';

/**
 * Notes that an upstream has taken a running request, with what takes it up again, as JSON. The ids
 * of its `jobs` stay in the row whatever becomes of it: the operator can ask the upstream with them.
 */
export async function markSubmitted(
  tx: Transaction,
  { id, resume }: { readonly id: string; readonly resume: string },
): Promise<void> {
  const { jobs } = JSON.parse(resume) as {
    readonly jobs: readonly { readonly job: { readonly id: string } }[];
  };
  const upstreamIds = JSON.stringify(jobs.map(({ job }) => job.id));
  await tx
    .updateTable('requests')
    .set({ stage: 'submitted', resume, upstream_ids: upstreamIds })
    .where('id', '=', id)
    .where('status', '=', 'running')
    .execute();
}

const updateStored = prepared((db, slot: Slot<{ id: string; outcome: string }>) =>
  db
    .updateTable('requests')
    .set({ stage: 'stored', outcome: slot('outcome') })
    .where('id', '=', slot('id'))
    .where('status', '=', sql.lit('running')),
);

/** Notes that the pictures of a running request are there, with what its answer says, as JSON. */
export async function markStored(
  tx: Transaction,
  values: { readonly id: string; readonly outcome: string },
): Promise<void> {
  await updateStored(tx, values);
}

/** Notes that its own client has left without the whole answer. */
export async function markOrphaned(tx: Transaction, id: string): Promise<void> {
  await tx
    .updateTable('requests')
    .set({ orphaned_at: tx.startedAt })
    .where('id', '=', id)
    .where('delivered_at', 'is', null)
    .where('status', 'in', ['running', 'completed'])
    .execute();
}

interface Delivered {
  readonly id: string;
  readonly at: number;
}

const updateDelivered = preparedRows((db, slots: readonly Slot<Delivered>[]) =>
  db
    .updateTable('requests')
    .set({ delivered_at: first(slots)('at'), orphaned_at: null })
    .where(
      'id',
      'in',
      slots.map((slot) => slot('id')),
    )
    .where('delivered_at', 'is', null),
);

const updateDeliveredResults = preparedRows((db, slots: readonly Slot<Delivered>[]) =>
  db
    .updateTable('results')
    .set({ delivered_at: first(slots)('at') })
    .where(
      'request_id',
      'in',
      slots.map((slot) => slot('id')),
    )
    .where('delivered_at', 'is', null),
);

function first<Values>([slot]: readonly Slot<Values>[]): Slot<Values> {
  if (slot === undefined) {
    throw new Error('a statement of no rows');
  }
  return slot;
}

/** Notes that somebody has got whole answers: their pictures may go when there is no room. */
export async function markDelivered(tx: Transaction, ids: readonly string[]): Promise<void> {
  const rows = ids.map((id) => ({ id, at: tx.startedAt }));
  await updateDelivered(tx, rows);
  await updateDeliveredResults(tx, rows);
}

export interface OrphanKey {
  readonly keyId: string;
  readonly fingerprint: string;
  /** Younger than this. */
  readonly sinceMs: number;
}

/**
 * Takes the oldest orphan of the same key that asked for the same: each is taken by one only, until
 * that one leaves, too. Its id; undefined when there is none.
 */
export async function takeOrphan(
  tx: Transaction,
  { keyId, fingerprint, sinceMs }: OrphanKey,
): Promise<string | undefined> {
  const orphan = await tx
    .selectFrom('requests')
    .select('id')
    .where('key_id', '=', keyId)
    .where('fingerprint', '=', fingerprint)
    .where('orphaned_at', 'is not', null)
    .where('status', 'in', ['running', 'completed'])
    .where('created_at', '>=', BigInt(sinceMs))
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst();
  if (orphan === undefined) {
    return undefined;
  }
  const { numUpdatedRows } = await tx
    .updateTable('requests')
    .set({ orphaned_at: null })
    .where('id', '=', orphan.id)
    .where('orphaned_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n ? orphan.id : undefined;
}

export interface ResumableRequest {
  readonly id: string;
  /** Of the process that it was left by; null: of one that gave it back. */
  readonly leaseId: string | null;
}

/** Running requests of processes that are gone and left more than a hold, oldest first. */
export async function listResumable(
  executor: Executor,
  liveLeases: readonly string[],
): Promise<ResumableRequest[]> {
  const rows = await executor
    .selectFrom('requests')
    .select(['id', 'lease_id'])
    .where('status', '=', 'running')
    .where('stage', 'is not', null)
    .orderBy('created_at')
    .execute();
  return rows
    .filter(({ lease_id: lease }) => lease === null || !liveLeases.includes(lease))
    .map(({ id, lease_id: leaseId }) => ({ id, leaseId }));
}

/**
 * Makes a request of a process that died this process's own: no sweep touches it while the lease is
 * kept up. Whoever waited for its answer has lost the connection, so that a retry may join it. False,
 * and nothing changed, when it has ended, or another process has it by now.
 */
export async function adoptRequest(
  tx: Transaction,
  {
    id,
    from,
    leaseId,
  }: { readonly id: string; readonly from: string | null; readonly leaseId: string },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('requests')
    .set({ lease_id: leaseId })
    .where('id', '=', id)
    .where('status', '=', 'running')
    .where('lease_id', from === null ? 'is' : '=', from)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) {
    return false;
  }
  await tx
    .updateTable('requests')
    // A server that stopped in good order has delivered an error, which is no picture.
    .set({ orphaned_at: tx.startedAt, delivered_at: null })
    .where('id', '=', id)
    .where('async_at', 'is', null)
    .execute();
  return true;
}

/** Without a lease a request is nobody's but that of its hold again. */
export async function disownRequest(tx: Transaction, id: string): Promise<void> {
  await tx
    .updateTable('requests')
    .set({ lease_id: null })
    .where('id', '=', id)
    .where('status', '=', 'running')
    .execute();
}

/**
 * Notes that the clients of these dead processes have left, as far as they had not got the whole
 * answer of a request that was completed and whose pictures are kept.
 */
export async function orphanUndelivered(
  tx: Transaction,
  deadLeases: readonly string[],
): Promise<void> {
  if (deadLeases.length === 0) {
    return;
  }
  await tx
    .updateTable('requests')
    .set({ orphaned_at: tx.startedAt })
    .where('id', 'in', (from) =>
      from.selectFrom('results').select('request_id').where('delivered_at', 'is', null),
    )
    .where('lease_id', 'in', [...deadLeases])
    .where('status', '=', 'completed')
    .where('async_at', 'is', null)
    .where('orphaned_at', 'is', null)
    .where('delivered_at', 'is', null)
    .execute();
}
