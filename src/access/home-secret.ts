import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { keepSecret } from '../store/secrets.ts';
import type { Store } from '../store/store.ts';

const SECRET_BYTES = 32;
/** In base64url. */
const SECRET_CHARACTERS = Math.ceil((SECRET_BYTES * 4) / 3);

/**
 * The secret of a home: made at its first start, for its owner's eyes only, and the same ever
 * after. Throws an Error in words when the file cannot be used.
 */
export function homeSecret(folder: string): string {
  const path = join(folder, 'secret');
  const { text } = keepOnce(path, () => randomBytes(SECRET_BYTES).toString('base64url'));
  if (text.length < SECRET_CHARACTERS) {
    // Signed with nothing, a link could be forged by anybody.
    throw new Error(`${path} is cut off or was changed. Delete it, and a new secret is made.`);
  }
  return text;
}

/**
 * What signs links. Of a home alone it lies in the home. Servers that share a database share it, too:
 * a link that one of them gave out leads to all. Then it is the home's of whichever came first.
 */
export async function linkSecret(store: Store, homeFolder: string): Promise<string> {
  return store.kind === 'sqlite'
    ? homeSecret(homeFolder)
    : store.transaction((tx) => keepSecret(tx, 'links', () => homeSecret(homeFolder)));
}

export interface KeptText {
  readonly text: string;
  /** It was made just now. */
  readonly isNew: boolean;
}

/**
 * A line in a file of its own, for its owner only (0600), made where it is missing. Of two that try
 * at once, one makes it. Throws what the file system throws.
 */
export function keepOnce(path: string, make: () => string): KeptText {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return { text: readFileSync(path, 'utf8').trim(), isNew: false };
    }
    throw error;
  }
  try {
    const text = make();
    writeSync(file, `${text}\n`);
    fsyncSync(file);
    return { text, isNew: true };
  } finally {
    closeSync(file);
  }
}
