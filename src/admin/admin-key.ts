import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
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
  const made = make(path);
  if (made !== undefined) {
    return { key: made, isNew: true };
  }
  const key = readFileSync(path, 'utf8').trim();
  if (!ADMIN_KEY_PATTERN.test(key)) {
    throw new Error(`${path} holds no admin key. Delete it, and a new one is made.`);
  }
  return { key, isNew: false };
}

/** Undefined when there is one: of two that try, one makes it. */
function make(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return undefined;
    }
    throw error;
  }
  try {
    const key = `sk-easel-admin-${randomBase62(RANDOM_CHARACTERS)}`;
    writeSync(file, `${key}\n`);
    fsyncSync(file);
    return key;
  } finally {
    closeSync(file);
  }
}

/** Compares in constant time. */
export function isAdminKey(sent: string | undefined, key: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return sent !== undefined && timingSafeEqual(digest(sent), digest(key));
}
