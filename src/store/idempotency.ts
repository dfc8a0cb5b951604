import type { Mode } from './database.ts';
import { preparedRows, type Slot } from './prepared.ts';
import type { Executor, Transaction } from './transaction.ts';

export interface IdempotencyKey {
  readonly accountId: string;
  readonly mode: Mode;
  readonly key: string;
}

export interface NewIdempotency extends IdempotencyKey {
  readonly fingerprint: string;
  readonly requestId: string;
  readonly expiresAt: number;
}

/** The request that a key stands for now. */
export interface IdempotencyRecord {
  readonly requestId: string;
  readonly fingerprint: string;
}

const deleteExpired = preparedRows((db, slots: readonly Slot<NewClaim>[]) =>
  db
    .deleteFrom('idempotency')
    .where((row) =>
      row.or(
        slots.map((slot) =>
          row.and([
            row('account_id', '=', slot('accountId')),
            row('mode', '=', slot('mode')),
            row('key', '=', slot('key')),
            row('expires_at', '<=', slot('now')),
          ]),
        ),
      ),
    ),
);

const insertClaims = preparedRows((db, slots: readonly Slot<NewClaim>[]) =>
  db
    .insertInto('idempotency')
    .values(
      slots.map((slot) => ({
        account_id: slot('accountId'),
        mode: slot('mode'),
        key: slot('key'),
        fingerprint: slot('fingerprint'),
        request_id: slot('requestId'),
        created_at: slot('createdAt'),
        expires_at: slot('expiresAt'),
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning('request_id as requestId'),
);

interface NewClaim extends NewIdempotency {
  readonly createdAt: number;
  readonly now: bigint;
}

/** The requests whose claim holds; for the others nothing changed: their key stands for another. */
export async function claimKeys(
  tx: Transaction,
  claims: readonly NewIdempotency[],
): Promise<ReadonlySet<string>> {
  const now = BigInt(tx.startedAt);
  const rows = claims.map((claim) => ({ ...claim, createdAt: tx.startedAt, now }));
  // One whose time is over is anybody's.
  await deleteExpired(tx, rows);
  const claimed = await insertClaims(tx, rows);
  return new Set(claimed.map(({ requestId }) => requestId));
}

export async function findKeyClaim(
  executor: Executor,
  { accountId, mode, key }: IdempotencyKey,
  nowMs: number,
): Promise<IdempotencyRecord | undefined> {
  const row = await executor
    .selectFrom('idempotency')
    .select(['request_id', 'fingerprint'])
    .where('account_id', '=', accountId)
    .where('mode', '=', mode)
    .where('key', '=', key)
    .where('expires_at', '>', BigInt(nowMs))
    .executeTakeFirst();
  return row && { requestId: row.request_id, fingerprint: row.fingerprint };
}

const deleteClaims = preparedRows((db, slots: readonly Slot<{ readonly requestId: string }>[]) =>
  db.deleteFrom('idempotency').where(
    'request_id',
    'in',
    slots.map((slot) => slot('requestId')),
  ),
);

/** An error frees the key: the same request may be made again. */
export function freeKey(tx: Transaction, requestId: string): Promise<void> {
  return freeKeys(tx, [requestId]);
}

export async function freeKeys(tx: Transaction, requestIds: readonly string[]): Promise<void> {
  await deleteClaims(
    tx,
    requestIds.map((requestId) => ({ requestId })),
  );
}

/** Takes out what nobody can ask for any more. */
export async function deleteExpiredKeys(tx: Transaction): Promise<void> {
  await tx.deleteFrom('idempotency').where('expires_at', '<=', BigInt(tx.startedAt)).execute();
}
