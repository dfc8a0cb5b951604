import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { EgressAnswer } from './egress.ts';
import { readJson, readText, retryAfterSeconds } from './read-body.ts';

function answerOf(...parts: (string | Buffer)[]): EgressAnswer & { readonly ended: () => boolean } {
  let ended = false;
  async function* body(): AsyncGenerator<Buffer> {
    try {
      for (const part of parts) {
        yield Buffer.from(part);
      }
    } finally {
      ended = true;
    }
  }
  return { status: 200, headers: {}, body: body(), ended: () => ended };
}

function isBroken(error: unknown): true {
  assert.ok(error instanceof UpstreamFailure);
  assert.deepEqual([error.errorName, error.billed], ['upstream_error', 'unknown']);
  assert.doesNotMatch(error.internal ?? '', /prompt/);
  return true;
}

test('text is put together from chunks, wherever they are cut', async () => {
  const bytes = Buffer.from('Fuß 🎨');
  const parts = [...bytes].map((byte) => Buffer.from([byte]));
  assert.equal(await readText(answerOf(...parts), 100), 'Fuß 🎨');
  assert.equal(await readText(answerOf(), 100), '');
  assert.equal(await readText(answerOf('12345'), 5), '12345');
});

test('too much text is refused, and the body let go', async () => {
  const answer = answerOf('123', '456', '789');
  await assert.rejects(readText(answer, 5), isBroken);
  assert.equal(answer.ended(), true);
});

test('what is not UTF-8 is refused', async () => {
  for (const bytes of [
    [0xff],
    [0xc3],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
  ]) {
    await assert.rejects(readText(answerOf(Buffer.from(bytes)), 10), isBroken, bytes.join());
  }
});

test('JSON, and what is none', async () => {
  assert.deepEqual(await readJson(answerOf('{"data"', ':[]}'), 100), { data: [] });
  assert.equal(await readJson(answerOf('\ufeffnull'), 100), null);
  for (const text of ['', '<html>prompt</html>', '{"prompt":', '{"a":NaN}', "{'a':1}"]) {
    await assert.rejects(readJson(answerOf(text), 100), isBroken, text);
  }
});

test('how long to wait', () => {
  const now = Date.UTC(2026, 10, 21, 8, 49, 37);
  const table: [Record<string, string>, number | undefined][] = [
    [{}, undefined],
    [{ 'retry-after': '7' }, 7],
    [{ 'retry-after': ' 7 ' }, 7],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.2' }, 2],
    [{ 'retry-after-ms': '1500' }, 2],
    [{ 'retry-after-ms': '0.5', 'retry-after': '9' }, 1],
    [{ 'retry-after-ms': 'soon', 'retry-after': '9' }, 9],
    [{ 'retry-after': 'Sat, 21 Nov 2026 08:50:07 GMT' }, 30],
    [{ 'retry-after': 'Saturday, 21-Nov-26 08:50:07 GMT' }, 30],
    [{ 'retry-after': 'Sat, 21 Nov 2026 08:00:00 GMT' }, 0],
    [{ 'retry-after': 'Sat, 21 Nov 2099 08:00:00 GMT' }, 86_400],
    [{ 'retry-after': '999999999999' }, 86_400],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': '1e3' }, undefined],
    [{ 'retry-after': 'NaN' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
    [{ 'retry-after': '5, 6' }, undefined],
    [{ 'retry-after': 'Sat, 99 Xyz 2026 08:50:07 GMT' }, undefined],
    [{ 'retry-after': '2026-11-21' }, undefined],
  ];
  for (const [headers, expected] of table) {
    assert.equal(retryAfterSeconds(headers, now), expected, JSON.stringify(headers));
  }
});
