import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Payload } from '../payload/payload.ts';

type Form = Payload['form'];

const EXTENSIONS = { base64: '.b64', binary: '.bin' } as const satisfies Record<Form, string>;

/** Ends the name of a file that is not whole yet. */
export const PART_EXTENSION = '.part';

/** A picture's name: it stands in paths and in keys. */
export const NAME_PATTERN = /^[\w.-]+$/;

/** A file's name has 255 bytes at most, its extension among them. */
export const NAME_CHARACTERS_MAX = 200;

/** Where one picture's files lie. */
export interface BlobPaths {
  readonly folder: string;
  readonly part: string;
  readonly whole: Readonly<Record<Form, string>>;
}

/** Throws an AssertionError for a name that is not one of ours. */
export function blobPaths(root: string, name: string): BlobPaths {
  assert.match(name, NAME_PATTERN, 'a blob has a name of our own');
  assert.ok(name.length <= NAME_CHARACTERS_MAX, 'the name of a blob is too long');
  // Names begin with the time, so pictures of one day would all lie in one folder.
  const folder = join(root, hash('sha1', name).slice(0, 2));
  const path = join(folder, name);
  return {
    folder,
    part: path + PART_EXTENSION,
    whole: { base64: path + EXTENSIONS.base64, binary: path + EXTENSIONS.binary },
  };
}

/** The name of the whole picture that lies in a file. Undefined: none does. */
export function blobName(fileName: string): string | undefined {
  return /^([\w.-]+)\.(?:b64|bin)$/.exec(fileName)?.[1];
}

/** Whether pictures may lie in a folder of this name. */
export function isBlobFolder(folderName: string): boolean {
  return /^[\da-f]{2}$/.test(folderName);
}
