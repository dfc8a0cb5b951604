import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from './random.ts';

test('the same parts give the same stream, for ever', () => {
  const random = createRandom('a red boat', 7);
  const found = [random.next(), random.next(), random.next()].map((value) => value.toFixed(6));
  const again = createRandom('a red boat', 7);
  assert.deepEqual(
    found,
    [again.next(), again.next(), again.next()].map((value) => value.toFixed(6)),
  );
});

test('neighbouring seeds have nothing in common', () => {
  const firsts = Array.from({ length: 1000 }, (_, seed) => createRandom('x', seed).next());
  const mean = firsts.reduce((sum, value) => sum + value, 0) / firsts.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05);
  assert.equal(new Set(firsts).size, 1000);
});

test('a fork depends on its name only, not on what was drawn before', () => {
  const first = createRandom('x', 1);
  const second = createRandom('x', 1);
  second.next();
  assert.equal(first.fork('sky').next(), second.fork('sky').next());
  assert.notEqual(first.fork('sky').next(), first.fork('sea').next());
});

test('whole numbers include both ends and no more', () => {
  const random = createRandom('ends');
  const found = new Set(Array.from({ length: 500 }, () => random.whole(1, 4)));
  assert.deepEqual([...found].toSorted(), [1, 2, 3, 4]);
});
