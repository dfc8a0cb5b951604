import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { isBase64 } from './base64-alphabet.ts';
import { Base64Text } from './base64-text.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';

const ALPHABET = /[A-Za-z0-9+/]/;

async function* inChunks(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    yield bytes.subarray(start, start + chunkBytes);
  }
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

test('large bodies go there and back, in chunks of any size', async () => {
  for (const chunkBytes of [1, 2, 3, 5, 1000, 16_384, 65_536, 262_144, 262_145, 1_000_000]) {
    const bytes = randomBytes(chunkBytes < 10 ? 5000 : 700_001);
    const text = bytes.toString('base64');
    const encoded = await collect(encodeBase64(inChunks(bytes, chunkBytes)));
    assert.ok(encoded.equals(Buffer.from(text)), `${chunkBytes}`);
    const decoded = await collect(decodeBase64(inChunks(encoded, chunkBytes)));
    assert.ok(decoded.equals(bytes), `${chunkBytes}`);
  }
});

test('chunks of 64 KiB and more come of a large source', async () => {
  const encoded = await Array.fromAsync(encodeBase64(inChunks(randomBytes(1_000_000), 500_000)));
  assert.ok(encoded.filter(({ length }) => length >= 65_536).length >= 18);
  const text = Buffer.from(randomBytes(1_500_000).toString('base64'));
  const decoded = await Array.fromAsync(decodeBase64(inChunks(text, 500_000)));
  assert.ok(decoded.filter(({ length }) => length >= 65_536).length >= 7);
});

test('the alphabet is checked at every place', () => {
  for (const length of [1, 4, 63, 100, 16_384, 16_388, 40_003]) {
    const text = Buffer.alloc(length, 'aZ09+/');
    assert.ok(isBase64(text), `${length}`);
    for (const position of [0, 1, length >> 1, length - 2, length - 1]) {
      const inside = Math.min(Math.max(0, position), length - 1);
      const before = text[inside] ?? 0;
      for (let byte = 0; byte < 256; byte += 1) {
        text[inside] = byte;
        const expected = ALPHABET.test(String.fromCharCode(byte));
        assert.equal(isBase64(text), expected, `byte ${byte} at ${inside} of ${length}`);
      }
      text[inside] = before;
    }
  }
});

test('decoding is strict wherever the chunks end', async () => {
  const bad = ['A', 'AA', 'AAA', 'AA=', 'A===', '====', '=', 'AA==A', 'AA==AAAA', 'AAA=AAA='];
  bad.push('AAAA=', 'AAAAAA=A', 'AA-_', 'AA\nA', 'AA A', 'AAA\0', 'AAAé', 'AAAAAAAAAAA"', 'AA==\n');
  for (const text of bad) {
    for (const chunkBytes of [1, 2, 3, 4, 5, 100]) {
      const decoding = collect(decodeBase64(inChunks(Buffer.from(text), chunkBytes)));
      await assert.rejects(decoding, /not base64/, `${text} in chunks of ${chunkBytes}`);
    }
  }
  for (const text of ['', 'AAAA', 'AAA=', 'AA==', 'AAAAAA==']) {
    for (const chunkBytes of [1, 2, 3, 4, 5, 100]) {
      const decoded = await collect(decodeBase64(inChunks(Buffer.from(text), chunkBytes)));
      assert.deepEqual(decoded, Buffer.from(text, 'base64'));
    }
  }
});

/** What the inside of a JSON string stands for; cut at every place in turn. */
function clean(text: string): string[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: bytes.length + 1 }, (_, cut) => {
    const cleaner = new Base64Text();
    const pieces = [cleaner.clean(bytes.subarray(0, cut)), cleaner.clean(bytes.subarray(cut))];
    return Buffer.concat([...pieces, cleaner.end()]).toString();
  });
}

test('the inside of a JSON string becomes strict base64', () => {
  const table: [string, string][] = [
    ['', ''],
    ['ab+/', 'ab+/'],
    ['ab\\/\\/', 'ab//'],
    ['ab\\u002b\\u002Fcdef', 'ab+/cdef'],
    ['abcd\\nabcd\\r\\nab==\\n', 'abcdabcdab=='],
    ['abcd\\u000aabcd', 'abcdabcd'],
    ['ab\\u003d\\u003d', 'ab=='],
    ['abc', 'abc='],
    ['ab', 'ab=='],
    ['ab=', 'ab=='],
  ];
  for (const [text, expected] of table) {
    for (const cleaned of clean(text)) {
      assert.equal(cleaned, expected, text);
    }
  }
});

test('what stands for something else is refused', () => {
  const bad = ['a', 'abcde', 'abc==', 'ab===', '=', 'ab=c', 'ab==abcd', 'ab\ncd', 'ab\\"', 'ab\\'];
  bad.push('ab\\\\', 'ab\\tcd', 'ab\\bc', 'ab\\u12', 'ab\\u00zz', 'ab\\u0022', 'ab\\ud800', 'ab-_');
  bad.push('ab cd', 'abcé', 'ab\\x41', 'ab\\u012bcd');
  for (const text of bad) {
    assert.throws(() => clean(text), /not base64/, text);
  }
});
