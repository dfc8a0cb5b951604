import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../blobs/test-blobs.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import { type Entering, FairQueue, type FairQueueBounds } from './fair-queue.ts';

const BOUNDS: FairQueueBounds = { limit: 1, waitingMax: 100, waitMs: 60_000 };

/** Someone who wants in; `order` gets their name when they are. */
function startQueue(bounds: Partial<FairQueueBounds> = {}) {
  const queue = new FairQueue({ ...BOUNDS, ...bounds });
  const order: string[] = [];
  const inside: (() => void)[] = [];
  const come = (who: string, more: Partial<Entering> = {}): Promise<void> => {
    const { signal } = new AbortController();
    return queue.enter({ who, signal, ...more }).then((leave) => {
      order.push(who);
      inside.push(leave);
    });
  };
  const leaveOne = async (): Promise<void> => {
    inside.shift()?.();
    // Whoever is let in goes on in microtasks.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, order, come, leaveOne };
}

test('they take turns: one who comes with many delays another by one turn', async () => {
  const { queue, order, come, leaveOne } = startQueue();
  await come('a');
  const all = ['a', 'a', 'a', 'b', 'c', 'b'].map((who) => come(who));
  assert.equal(queue.waiting, 6);
  for (let turn = 0; turn < 6; turn += 1) {
    await leaveOne();
  }
  await Promise.all(all);
  assert.deepEqual(order, ['a', 'a', 'b', 'c', 'a', 'b', 'a']);
});

test('a place says how many go in up to it, at any time', async () => {
  const random = randomFrom(7);
  for (let round = 0; round < 200; round += 1) {
    const { queue, order, come, leaveOne } = startQueue();
    await come('first');
    const names = Array.from({ length: 1 + Math.floor(random() * 12) }, () =>
      'abc'.charAt(Math.floor(random() * 3)),
    );
    const places: (() => number)[] = [];
    const all = names.map((who) => come(who, { onWait: (place) => void places.push(place) }));
    // Some turns go by before anybody looks.
    for (let turns = Math.floor(random() * 3); turns > 0; turns -= 1) {
      await leaveOne();
    }
    const told = places.map((place) => place());
    const waiting = told.filter((place) => place > 0);
    assert.deepEqual(
      waiting.toSorted((a, b) => a - b),
      waiting.map((_, index) => index + 1),
    );
    const before = order.length;
    while (queue.waiting > 0) {
      await leaveOne();
    }
    await Promise.all(all);
    for (const [index, place] of told.entries()) {
      if (place > 0) {
        assert.equal(order[before + place - 1], names[index]);
      }
    }
  }
});

test('who leaves the line is in nobody’s way, and gets the reason', async () => {
  const { queue, order, come, leaveOne } = startQueue();
  await come('a');
  const leaver = new AbortController();
  const leaving = come('b', { signal: leaver.signal });
  const next = come('c');
  leaver.abort(new Error('gone'));
  await assert.rejects(leaving, /gone/);
  assert.equal(queue.waiting, 1);
  await leaveOne();
  await next;
  assert.deepEqual(order, ['a', 'c']);
  await assert.rejects(queue.enter({ who: 'd', signal: leaver.signal }), /gone/);
});

test('no more wait than may, and none longer than they may', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { queue, come } = startQueue({ waitingMax: 1, waitMs: 5000 });
  await come('a');
  const second = come('b');
  const refused = (error: unknown): boolean =>
    error instanceof UpstreamFailure &&
    error.errorName === 'overloaded' &&
    error.billed === 'no' &&
    error.retryAfterSeconds === 5;
  await assert.rejects(come('c'), refused);
  context.mock.timers.tick(5000);
  await assert.rejects(second, refused);
  assert.equal(queue.waiting, 0);
});

test('a place is given back once, and what is under way may exceed the places', async () => {
  const { queue, order, come } = startQueue({ limit: 2 });
  const leaves = [queue.enterAnyway(), queue.enterAnyway(), queue.enterAnyway()];
  const waiting = come('a');
  leaves[0]?.();
  leaves[0]?.();
  assert.equal(queue.waiting, 1);
  leaves[1]?.();
  await waiting;
  assert.deepEqual(order, ['a']);
  assert.equal(queue.hasPlace, false);
});
