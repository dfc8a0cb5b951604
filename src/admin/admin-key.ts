import { createHash, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { keepOnce } from '../access/home-secret.ts';
import { ADMIN_KEY_PATTERN, randomBase62 } from '../base/ids.ts';

const RANDOM_CHARACTERS = 43;

export interface HomeAdminKey {
  readonly key: string;
  /** It was made just now: it is to be shown, once. */
  readonly isNew: boolean;
}

/**
 * The admin key of a home: made at its first start, in a file for its owner only, and the same ever
 * after. Throws an Error in words when the file cannot be used.
 */
export function homeAdminKey(folder: string): HomeAdminKey {
  const path = join(folder, 'admin-key');
  const { text: key, isNew } = keepOnce(
    path,
    () => `sk-easel-admin-${randomBase62(RANDOM_CHARACTERS)}`,
  );
  if (!ADMIN_KEY_PATTERN.test(key)) {
    throw new Error(`${path} holds no admin key. Delete it, and a new one is made.`);
  }
  return { key, isNew };
}

/** Compares in constant time. */
export function isAdminKey(sent: string | undefined, key: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return sent !== undefined && timingSafeEqual(digest(sent), digest(key));
}
