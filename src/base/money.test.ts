import assert from 'node:assert/strict';
import { test } from 'node:test';
import { divideRoundingUp, formatUsd, parseUsd, usdNumber } from './money.ts';

test('decimal dollars are read exactly', () => {
  const table: [string | number, bigint][] = [
    ['0.01', 10_000_000n],
    [0.0336, 33_600_000n],
    [0.1, 100_000_000n],
    ['10', 10_000_000_000n],
    ['0.000000001', 1n],
    [1e-9, 1n],
    [1.25e-7, 125n],
    ['-2.5', -2_500_000_000n],
    ['999999.999999999', 999_999_999_999_999n],
  ];
  for (const [text, nanos] of table) {
    assert.equal(parseUsd(text), nanos, String(text));
  }
});

test('what has no exact value in nano-dollars is refused', () => {
  for (const text of [
    '',
    '1.',
    '.5',
    '1e3',
    '0.0000000001',
    1e-10,
    1.5e-9,
    1e21,
    'ten',
    '1,5',
    Number.NaN,
    Infinity,
  ]) {
    assert.throws(() => parseUsd(text), RangeError, String(text));
  }
});

test('formatting gives the shortest exact decimal and reads back', () => {
  assert.equal(formatUsd(0n), '0');
  assert.equal(formatUsd(10_000_000n), '0.01');
  assert.equal(formatUsd(-1n), '-0.000000001');
  assert.equal(formatUsd(10_000_000_000n), '10');
  for (let nanos = 1n; nanos < 10n ** 15n; nanos = nanos * 7n + 3n) {
    assert.equal(parseUsd(formatUsd(nanos)), nanos);
    assert.equal(parseUsd(usdNumber(nanos)), nanos);
  }
});

test('the one rounding goes up', () => {
  assert.equal(divideRoundingUp(10n, 5n), 2n);
  assert.equal(divideRoundingUp(11n, 5n), 3n);
  assert.equal(divideRoundingUp(0n, 5n), 0n);
});
