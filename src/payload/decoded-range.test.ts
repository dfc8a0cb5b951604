import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodedBytes, decodedRange, type RangedPayload } from './decoded-range.ts';

const PICTURE = Buffer.from(Array.from({ length: 3001 }, (_, index) => (index * 31) % 251));

interface Watched {
  readonly payload: RangedPayload;
  readonly taken: () => number;
}

/** The payload, in chunks of a size that must not matter, and how much of it was read. */
function ranged(stored: Buffer, form: 'binary' | 'base64', chunkBytes: number): Watched {
  let taken = 0;
  return {
    taken: () => taken,
    payload: {
      form,
      async *read({ start, end }) {
        for (let position = start; position < Math.min(end, stored.length);) {
          const next = Math.min(position + chunkBytes, end);
          taken += next - position;
          yield stored.subarray(position, next);
          position = next;
        }
      },
    },
  };
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

function base64(picture: Buffer): Buffer {
  return Buffer.from(picture.toString('base64'));
}

test('the size of a picture is known from its length and its last two characters', () => {
  for (let bytes = 0; bytes < 50; bytes += 1) {
    const picture = PICTURE.subarray(0, bytes);
    const text = base64(picture);
    assert.equal(decodedBytes('base64', text.length, text.subarray(-2)), bytes);
    assert.equal(decodedBytes('binary', bytes, picture.subarray(-2)), bytes);
  }
});

test('a text that was cut off has no size', () => {
  assert.throws(() => decodedBytes('base64', 5, Buffer.from('AA')), /cut off/);
  assert.throws(() => decodedBytes('base64', 4, Buffer.from('=')), { name: 'AssertionError' });
});

test('every range of a small picture is its slice', async () => {
  for (const bytes of [1, 2, 3, 4, 5, 6, 7, 11]) {
    const picture = PICTURE.subarray(0, bytes);
    for (let start = 0; start <= bytes; start += 1) {
      for (let end = start; end <= bytes; end += 1) {
        for (const chunkBytes of [1, 3, 4, 100]) {
          const text = ranged(base64(picture), 'base64', chunkBytes).payload;
          const expected = picture.subarray(start, end);
          assert.deepEqual(await collect(decodedRange(text, { start, end })), expected);
        }
      }
    }
  }
});

test('ranges of a larger picture, of either form, read what they need', async () => {
  const text = base64(PICTURE);
  for (let count = 0; count < 500; count += 1) {
    const start = (count * 977) % PICTURE.length;
    const end = start + ((count * 613) % (PICTURE.length - start + 1));
    const chunkBytes = 1 + ((count * 131) % 900);
    for (const form of ['binary', 'base64'] as const) {
      const watched = ranged(form === 'binary' ? PICTURE : text, form, chunkBytes);
      const read = await collect(decodedRange(watched.payload, { start, end }));
      assert.ok(read.equals(PICTURE.subarray(start, end)));
      const enough = form === 'binary' ? end - start : ((end - start) / 3) * 4 + 8;
      assert.ok(watched.taken() <= enough);
    }
  }
});

test('a payload that is shorter than the range, or no base64, is an error', async () => {
  const short = ranged(base64(PICTURE.subarray(0, 30)), 'base64', 16);
  await assert.rejects(collect(decodedRange(short.payload, { start: 5, end: 31 })), /shorter/);
  const odd = ranged(Buffer.from('AAAA*AAA'), 'base64', 16);
  await assert.rejects(collect(decodedRange(odd.payload, { start: 0, end: 6 })), /not base64/);
  assert.equal((await collect(decodedRange(odd.payload, { start: 0, end: 3 }))).length, 3);
});

test('a range that makes no sense is refused', () => {
  const { payload } = ranged(PICTURE, 'binary', 100);
  for (const [start, end] of [
    [-1, 3],
    [4, 3],
    [0.5, 3],
    [0, Number.NaN],
  ] as const) {
    assert.throws(() => decodedRange(payload, { start, end }), { name: 'AssertionError' });
  }
});
