import type { Selectable } from 'kysely';
import type { Limits } from '../base/limits.ts';
import type { Nanousd } from '../base/money.ts';
import type { KeysTable, Mode } from './database.ts';
import { readLimits } from './limits.ts';
import { prepared, type Slot } from './prepared.ts';
import type { Executor, Transaction } from './transaction.ts';

/** A key without its secret, which nobody knows but its owner. */
export interface KeyRecord {
  readonly id: string;
  readonly accountId: string;
  readonly mode: Mode;
  readonly name: string;
  /** The last four characters of the secret. */
  readonly hint: string;
  /** Model ids; undefined: every model. */
  readonly allowedModels: readonly string[] | undefined;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  readonly deletedAt: number | undefined;
}

export interface NewKey {
  readonly id: string;
  readonly accountId: string;
  readonly mode: Mode;
  readonly name: string;
  /** SHA-256 of the secret, in hex. */
  readonly hash: string;
  readonly hint: string;
  readonly allowedModels: readonly string[] | undefined;
  readonly expiresAt: number | undefined;
}

/** A key with what it may use and spend: all that has to be known before a body is read. */
export interface KeyWithBalance extends KeyRecord {
  readonly hash: string;
  readonly available: Nanousd;
  /** As far as they are its own. */
  readonly limits: Limits;
  readonly accountLimits: Limits;
}

const LIMIT_COLUMNS = [
  'requests_per_minute',
  'images_per_minute',
  'megapixels_per_minute',
  'in_flight',
  'monthly_budget',
] as const;

export async function insertKey(tx: Transaction, key: NewKey): Promise<KeyRecord> {
  const row = await tx
    .insertInto('keys')
    .values({
      id: key.id,
      account_id: key.accountId,
      mode: key.mode,
      name: key.name,
      hash: key.hash,
      hint: key.hint,
      allowed_models: key.allowedModels === undefined ? null : JSON.stringify(key.allowedModels),
      created_at: tx.startedAt,
      expires_at: key.expiresAt ?? null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return readKey(row);
}

const selectKeyByHash = prepared((db, slot: Slot<{ hash: string }>) =>
  db
    .selectFrom('keys')
    .leftJoin('balances', (join) =>
      join
        .onRef('balances.account_id', '=', 'keys.account_id')
        .onRef('balances.mode', '=', 'keys.mode'),
    )
    .leftJoin('limits as own', 'own.subject', 'keys.id')
    .leftJoin('limits as shared', 'shared.subject', 'keys.account_id')
    .selectAll('keys')
    .select(['balances.balance', 'balances.held'])
    .select(LIMIT_COLUMNS.map((column) => `own.${column} as own_${column}` as const))
    .select(LIMIT_COLUMNS.map((column) => `shared.${column} as shared_${column}` as const))
    .where('keys.hash', '=', slot('hash')),
);

/** The key with this hash, in whatever state, and its balance, in one query. */
export async function findKeyByHash(
  executor: Executor,
  hash: string,
): Promise<KeyWithBalance | undefined> {
  const { rows } = await selectKeyByHash(executor, { hash });
  const row = rows[0];
  if (row === undefined) {
    return undefined;
  }
  const available = (row.balance ?? 0n) - (row.held ?? 0n);
  return {
    ...readKey(row),
    hash: row.hash,
    available,
    limits: readLimits({
      requests_per_minute: row.own_requests_per_minute,
      images_per_minute: row.own_images_per_minute,
      megapixels_per_minute: row.own_megapixels_per_minute,
      in_flight: row.own_in_flight,
      monthly_budget: row.own_monthly_budget,
    }),
    accountLimits: readLimits({
      requests_per_minute: row.shared_requests_per_minute,
      images_per_minute: row.shared_images_per_minute,
      megapixels_per_minute: row.shared_megapixels_per_minute,
      in_flight: row.shared_in_flight,
      monthly_budget: row.shared_monthly_budget,
    }),
  };
}

export async function findKey(executor: Executor, id: string): Promise<KeyRecord | undefined> {
  const row = await executor.selectFrom('keys').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : readKey(row);
}

/** The oldest key of the whole database, deleted ones included. */
export async function findOldestKey(executor: Executor): Promise<KeyRecord | undefined> {
  const row = await executor
    .selectFrom('keys')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : readKey(row);
}

/** The keys of an account, oldest first, without the deleted ones. */
export async function listKeysOfAccount(
  executor: Executor,
  accountId: string,
): Promise<KeyRecord[]> {
  const rows = await executor
    .selectFrom('keys')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('deleted_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(readKey);
}

export interface KeyChanges {
  readonly name?: string | undefined;
  /** null: every model. */
  readonly allowedModels?: readonly string[] | null | undefined;
  /** null: never. */
  readonly expiresAt?: number | null | undefined;
}

/** Changes what is given; undefined stays as it is. */
export async function updateKey(tx: Transaction, id: string, changes: KeyChanges): Promise<void> {
  const { name, allowedModels, expiresAt } = changes;
  if (name === undefined && allowedModels === undefined && expiresAt === undefined) {
    return;
  }
  await tx
    .updateTable('keys')
    .set({
      ...(name === undefined ? {} : { name }),
      ...(allowedModels === undefined
        ? {}
        : { allowed_models: allowedModels && JSON.stringify(allowedModels) }),
      ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    })
    .where('id', '=', id)
    .execute();
}

/** True when the key was neither revoked nor deleted before. */
export async function markKeyRevoked(tx: Transaction, id: string): Promise<boolean> {
  const result = await tx
    .updateTable('keys')
    .set({ revoked_at: tx.startedAt })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow();
  return result.numUpdatedRows === 1n;
}

/** True when the key was not deleted before. */
export async function markKeyDeleted(tx: Transaction, id: string): Promise<boolean> {
  const result = await tx
    .updateTable('keys')
    .set({ deleted_at: tx.startedAt })
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow();
  return result.numUpdatedRows === 1n;
}

function readKey(row: Selectable<KeysTable>): KeyRecord {
  return {
    id: row.id,
    accountId: row.account_id,
    mode: row.mode,
    name: row.name,
    hint: row.hint,
    allowedModels: row.allowed_models === null ? undefined : readModels(row.allowed_models),
    createdAt: Number(row.created_at),
    expiresAt: readTime(row.expires_at),
    revokedAt: readTime(row.revoked_at),
    deletedAt: readTime(row.deleted_at),
  };
}

function readModels(json: string): string[] {
  return JSON.parse(json) as string[];
}

function readTime(time: bigint | null): number | undefined {
  return time === null ? undefined : Number(time);
}
