import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRenderQueue } from './render-queue.ts';

test('runs no more than its limit at once, first come first served', async () => {
  const queue = createRenderQueue(2);
  const order: number[] = [];
  let most = 0;
  const tasks = Array.from({ length: 7 }, (_, index) =>
    queue.run(async () => {
      order.push(index);
      most = Math.max(most, queue.running());
      await new Promise((resolve) => setImmediate(resolve));
      return index;
    }),
  );
  assert.deepEqual(await Promise.all(tasks), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6]);
  assert.equal(most, 2);
  assert.equal(queue.running(), 0);
});

test('an aborted task leaves the queue and never runs', async () => {
  const queue = createRenderQueue(1);
  const gate = Promise.withResolvers<void>();
  const first = queue.run(() => gate.promise);
  const controller = new AbortController();
  let ran = false;
  const second = queue.run(async () => {
    ran = true;
  }, controller.signal);
  const third = queue.run(async () => 'third');
  await Promise.resolve();
  assert.equal(queue.waiting(), 2);
  controller.abort(new Error('gone'));
  await assert.rejects(second, /gone/);
  assert.equal(queue.waiting(), 1);
  gate.resolve();
  await first;
  assert.equal(await third, 'third');
  assert.equal(ran, false);
});

test('a task that fails gives its place to the next', async () => {
  const queue = createRenderQueue(1);
  const failing = queue.run(async () => {
    throw new Error('broken');
  });
  const next = queue.run(async () => 'next');
  await assert.rejects(failing, /broken/);
  assert.equal(await next, 'next');
  assert.equal(queue.running(), 0);
});

test('an abort after the task began changes nothing', async () => {
  const queue = createRenderQueue(1);
  const controller = new AbortController();
  const gate = Promise.withResolvers<string>();
  const running = queue.run(() => gate.promise, controller.signal);
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort(new Error('late'));
  gate.resolve('done');
  assert.equal(await running, 'done');
});
