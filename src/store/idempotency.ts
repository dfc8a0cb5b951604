import type { Mode } from './database.ts';
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

/** False, and nothing changed, when the key stands for another request. */
export async function claimKey(tx: Transaction, claim: NewIdempotency): Promise<boolean> {
  // One whose time is over is anybody's.
  await tx
    .deleteFrom('idempotency')
    .where('account_id', '=', claim.accountId)
    .where('mode', '=', claim.mode)
    .where('key', '=', claim.key)
    .where('expires_at', '<=', BigInt(tx.startedAt))
    .execute();
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('idempotency')
    .values({
      account_id: claim.accountId,
      mode: claim.mode,
      key: claim.key,
      fingerprint: claim.fingerprint,
      request_id: claim.requestId,
      created_at: tx.startedAt,
      expires_at: claim.expiresAt,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
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

/** An error frees the key: the same request may be made again. */
export async function freeKey(tx: Transaction, requestId: string): Promise<void> {
  await tx.deleteFrom('idempotency').where('request_id', '=', requestId).execute();
}

/** Takes out what nobody can ask for any more. */
export async function deleteExpiredKeys(tx: Transaction): Promise<void> {
  await tx.deleteFrom('idempotency').where('expires_at', '<=', BigInt(tx.startedAt)).execute();
}
