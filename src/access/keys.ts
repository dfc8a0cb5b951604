import { newId } from '../base/ids.ts';
import type { Mode } from '../store/database.ts';
import {
  findKey,
  insertKey,
  type KeyRecord,
  listKeysOfAccount,
  markKeyDeleted,
  markKeyRevoked,
} from '../store/keys.ts';
import type { Executor, Transaction } from '../store/transaction.ts';
import { newSecret, parseKey } from './secret.ts';

export interface KeySettings {
  readonly accountId: string;
  readonly mode: Mode;
  readonly name: string;
  /** Model ids; every model when absent. */
  readonly allowedModels?: readonly string[] | undefined;
  /** Milliseconds since 1970; never when absent. */
  readonly expiresAt?: number | undefined;
  /** A key that the operator chose; made up when absent. */
  readonly secret?: string | undefined;
}

export interface CreatedKey {
  readonly record: KeyRecord;
  /** To be shown once: it is not stored. */
  readonly secret: string;
}

/** Throws when a given secret does not have the form of a key of that mode, or is in use. */
export async function createKey(tx: Transaction, settings: KeySettings): Promise<CreatedKey> {
  const { accountId, mode, name, allowedModels, expiresAt } = settings;
  const secret = settings.secret ?? newSecret(mode);
  const parsed = parseKey(secret);
  if (parsed?.mode !== mode) {
    throw new Error(`A ${mode} key is sk-easel-${mode}- and 43 characters of 0-9, A-Z, a-z.`);
  }
  const id = newId('key', tx.startedAt);
  const { hash, hint } = parsed;
  const record = await insertKey(tx, {
    id,
    accountId,
    mode,
    name,
    hash,
    hint,
    allowedModels,
    expiresAt,
  });
  return { record, secret };
}

/** The keys of an account, oldest first; revoked and expired ones too, deleted ones not. */
export async function listKeys(executor: Executor, accountId: string): Promise<KeyRecord[]> {
  return listKeysOfAccount(executor, accountId);
}

/** From the commit on the key is 403 `api_key_revoked`. False when it was not in use. */
export async function revokeKey(tx: Transaction, keyId: string): Promise<boolean> {
  return markKeyRevoked(tx, keyId);
}

/** From the commit on the key is 401 `invalid_api_key`. False when there was no such key. */
export async function deleteKey(tx: Transaction, keyId: string): Promise<boolean> {
  return markKeyDeleted(tx, keyId);
}

/**
 * Deletes the key and makes another with the same settings. Undefined, and nothing changed, when
 * the key is not there or is revoked: a rotation must not bring a revoked key back to life.
 */
export async function rotateKey(tx: Transaction, keyId: string): Promise<CreatedKey | undefined> {
  const old = await findKey(tx, keyId);
  if (old === undefined || old.revokedAt !== undefined || !(await markKeyDeleted(tx, keyId))) {
    return undefined;
  }
  const { accountId, mode, name, allowedModels, expiresAt } = old;
  return createKey(tx, { accountId, mode, name, allowedModels, expiresAt });
}
