import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SECRET_BYTES = 32;
/** In base64url. */
const SECRET_CHARACTERS = Math.ceil((SECRET_BYTES * 4) / 3);

/**
 * The secret of a home: made at its first start, for its owner's eyes only, and the same ever
 * after. Throws an Error in words when the file cannot be used.
 */
export function homeSecret(folder: string): string {
  const path = join(folder, 'secret');
  const made = make(path);
  if (made !== undefined) {
    return made;
  }
  const secret = readFileSync(path, 'utf8').trim();
  if (secret.length < SECRET_CHARACTERS) {
    // Signed with nothing, a link could be forged by anybody.
    throw new Error(`${path} is cut off or was changed. Delete it, and a new secret is made.`);
  }
  return secret;
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
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    writeSync(file, `${secret}\n`);
    fsyncSync(file);
    return secret;
  } finally {
    closeSync(file);
  }
}
