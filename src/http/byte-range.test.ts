import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesTag, parseRange, rangeHolds } from './byte-range.ts';

test('a single range, as far as the bytes reach', () => {
  const cases: [string, number, number][] = [
    ['bytes=0-0', 0, 1],
    ['bytes=0-99', 0, 100],
    ['bytes=0-100', 0, 100],
    ['bytes=99-', 99, 100],
    ['bytes=-1', 99, 100],
    ['bytes=-500', 0, 100],
    ['BYTES= 3-4 ', 3, 5],
    ['bytes=00003-99999999999999999999999', 3, 100],
  ];
  for (const [header, start, end] of cases) {
    assert.deepEqual(parseRange(header, 100), { start, end }, header);
  }
});

test('what is no single range asks for the whole', () => {
  for (const header of [
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=2-1',
    'bytes=0-1,3-4',
    'bytes=0-1,',
    'bytes=0x1-2',
    'bytes=1--2',
    'bytes 0-1',
    'octets=0-1',
  ]) {
    assert.equal(parseRange(header, 100), 'whole', header);
  }
});

test('a range without a byte in it cannot be satisfied', () => {
  for (const header of ['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=9999999999999999999-']) {
    assert.equal(parseRange(header, 100), 'unsatisfiable', header);
  }
});

test('If-None-Match compares weakly, If-Range strongly', () => {
  const tag = '"img_a.0"';
  for (const header of [tag, `W/${tag}`, '*', ' * ', `"x", ${tag}`, `"a,b",W/${tag}`]) {
    assert.equal(namesTag(header, tag), true, header);
  }
  for (const header of [undefined, '', '"x"', 'img_a.0', `"x${tag}`, '"*"']) {
    assert.equal(namesTag(header, tag), false, header);
  }
  assert.equal(rangeHolds(undefined, tag), true);
  assert.equal(rangeHolds(tag, tag), true);
  assert.equal(rangeHolds(`W/${tag}`, tag), false);
  assert.equal(rangeHolds('Wed, 25 Nov 2026 00:00:00 GMT', tag), false);
});
