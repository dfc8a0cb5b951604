import { createHash } from 'node:crypto';
import { randomBase62 } from '../base/ids.ts';
import type { Mode } from '../store/database.ts';

export interface ParsedKey {
  readonly mode: Mode;
  /** SHA-256 of the whole key, in hex: all of it that is ever stored. */
  readonly hash: string;
  /** The last four characters, by which an owner tells keys apart. */
  readonly hint: string;
}

const RANDOM_CHARACTERS = 43;
const KEY_PATTERN = /^sk-easel-(test|live)-[0-9A-Za-z]{43}$/;

/** A fresh key: `sk-easel-{mode}-` and 43 base62 characters, 256 bits of chance. */
export function newSecret(mode: Mode): string {
  return `sk-easel-${mode}-${randomBase62(RANDOM_CHARACTERS)}`;
}

/** Undefined when the text does not have the form of a key. Says nothing of whether it exists. */
export function parseKey(text: string): ParsedKey | undefined {
  const mode = KEY_PATTERN.exec(text)?.[1];
  if (mode !== 'test' && mode !== 'live') {
    return undefined;
  }
  const hash = createHash('sha256').update(text).digest('hex');
  return { mode, hash, hint: text.slice(-4) };
}
