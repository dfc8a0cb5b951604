import assert from 'node:assert/strict';
import { decodeBase64 } from './base64.ts';
import type { Payload } from './payload.ts';

/** Bytes from `start` on, `end` is not one of them. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A whole payload of which any part can be read. */
export interface RangedPayload {
  readonly form: Payload['form'];
  /** Part of it, in its form. */
  readonly read: (range: ByteRange) => AsyncIterable<Buffer>;
}

const PADDING = 0x3d;

/**
 * The size of the picture itself. `bytes` is the payload's length in its form, `tail` its last two
 * bytes, or what there is of them. Throws when that is no base64 with its padding in full.
 */
export function decodedBytes(form: Payload['form'], bytes: number, tail: Buffer): number {
  if (form === 'binary') {
    return bytes;
  }
  assert.equal(tail.length, Math.min(bytes, 2), 'the tail is the last two bytes');
  if (bytes % 4 !== 0) {
    throw new Error('the payload is not base64: it was cut off');
  }
  const [last, lastButOne] = [tail.at(-1), tail.at(-2)];
  const padding = last !== PADDING ? 0 : lastButOne !== PADDING ? 1 : 2;
  return (bytes / 4) * 3 - padding;
}

/**
 * The picture's own bytes in a range, which must lie inside the picture. No more of the payload is
 * read than that takes. Throws when it holds fewer, or is no base64 there.
 */
export function decodedRange(payload: RangedPayload, range: ByteRange): AsyncIterable<Buffer> {
  const { start, end } = range;
  assert.ok(Number.isInteger(start) && Number.isInteger(end), 'a range consists of integers');
  assert.ok(start >= 0 && start <= end, 'a range has a beginning and an end');
  return payload.form === 'binary' ? payload.read(range) : decodeRange(payload, range);
}

async function* decodeRange(
  payload: RangedPayload,
  { start, end }: ByteRange,
): AsyncGenerator<Buffer, void, void> {
  if (start === end) {
    return;
  }
  // Four characters are three bytes, wherever in the text they stand.
  const text = payload.read({ start: Math.floor(start / 3) * 4, end: Math.ceil(end / 3) * 4 });
  let surplus = start % 3;
  let missing = end - start;
  for await (const bytes of decodeBase64(text)) {
    const wanted = bytes.subarray(surplus, surplus + missing);
    surplus = 0;
    missing -= wanted.length;
    if (wanted.length > 0) {
      yield wanted;
    }
  }
  if (missing > 0) {
    throw new Error('the payload is shorter than the range');
  }
}
