import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { NAME_CHARACTERS_MAX, NAME_PATTERN } from './blob-paths.ts';

const EXTENSION = '.picture';

/** Where one picture lies. Throws an AssertionError for a name that is not one of ours. */
export function blobKey(prefix: string, name: string): string {
  assert.match(name, NAME_PATTERN, 'a blob has a name of our own');
  assert.ok(name.length <= NAME_CHARACTERS_MAX, 'the name of a blob is too long');
  // Names begin with the time; storages divide their work by how keys begin.
  return `${begin(prefix)}${hash('sha1', name).slice(0, 2)}/${name}${EXTENSION}`;
}

/**
 * The name of the picture with this key. Undefined: whatever lies there is not ours, and not to be
 * touched.
 */
export function keyedName(prefix: string, key: string): string | undefined {
  if (!key.startsWith(begin(prefix)) || !key.endsWith(EXTENSION)) {
    return undefined;
  }
  const name = key.slice(begin(prefix).length + 3, -EXTENSION.length);
  const isName = NAME_PATTERN.test(name) && name.length <= NAME_CHARACTERS_MAX;
  return isName && blobKey(prefix, name) === key ? name : undefined;
}

/** What all keys under a prefix have in common. */
export function begin(prefix: string): string {
  return prefix === '' ? '' : `${prefix}/`;
}
