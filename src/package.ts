import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where this package lies: its cards, documents and `package.json`. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('..', import.meta.url));

/** The version of this package. */
export function readVersion(): string {
  const text = readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
