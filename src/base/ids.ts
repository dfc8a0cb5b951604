import { randomBytes, randomInt } from 'node:crypto';

/** One that the operator chose may be longer, and of any characters that a header takes. */
export const ADMIN_KEY_PATTERN = /^sk-easel-admin-[\w.~+/=-]{32,256}$/;

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const TIME_CHARACTERS = 8;
const RANDOM_CHARACTERS = 16;

export type IdPrefix = 'img' | 'req' | 'acct' | 'key' | 'tr' | 'lease' | 'msg' | 'log';

/**
 * A fresh id such as `img_0VkX2m9Q…`. The first eight characters hold the time in milliseconds, so
 * ids sort by age as text (base62 in ASCII order); the other sixteen are random (95 bits).
 */
export function newId(prefix: IdPrefix, nowMs: number = Date.now()): string {
  return `${prefix}_${base62Time(nowMs)}${randomBase62(RANDOM_CHARACTERS)}`;
}

/** What all ids of this prefix sort after that were made before a time, and before all others. */
export function idBound(prefix: IdPrefix, timeMs: number): string {
  return `${prefix}_${base62Time(timeMs)}`;
}

/** Characters of `0-9A-Za-z`, each drawn evenly from the system's random source. */
export function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 = 4 × 62: bytes above it would make some characters likelier than others.
      if (byte < 248 && text.length < length) {
        text += BASE62.charAt(byte % 62);
      }
    }
  }
  return text;
}

/** A seed for a picture whose caller gave none: 0 to 2^31 - 1, which every upstream takes. */
export function randomSeed(): number {
  return randomInt(2 ** 31);
}

function base62Time(nowMs: number): string {
  let rest = nowMs;
  let text = '';
  for (let position = 0; position < TIME_CHARACTERS; position += 1) {
    text = BASE62.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
