import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../base/errors.ts';
import { bytesPayload } from '../payload/payload.ts';
import { Job, type JobEvent } from './job.ts';

const facts = { id: 'img_1', createdAtMs: 0, model: 'm', test: true };
const image = (index: number): JobEvent => ({
  type: 'image',
  payload: bytesPayload(Buffer.from('x')),
  image: { index, format: 'png', width: 1, height: 1 },
});
const completed: JobEvent = {
  type: 'completed',
  outcome: { images: [], cost: 1n, warnings: [] },
};

test('every subscriber sees all events from the first, late ones too', async () => {
  const job = new Job(facts);
  const early = job.subscribe();
  const first = early.next();
  job.emit(image(0));
  assert.equal((await first)?.type, 'image');
  job.emit(completed);
  assert.equal((await early.next())?.type, 'completed');
  const late = job.subscribe();
  assert.deepEqual([(await late.next())?.type, (await late.next())?.type], ['image', 'completed']);
  assert.equal(job.end?.type, 'completed');
});

test('delivered resolves when one subscriber has asked for what comes after', async () => {
  const job = new Job(facts);
  const subscription = job.subscribe();
  const order: string[] = [];
  job.emit(image(0));
  const delivered = job.delivered().then(() => order.push('delivered'));
  await subscription.next();
  order.push('taken');
  const next = subscription.next();
  await delivered;
  assert.deepEqual(order, ['taken', 'delivered']);
  job.emit(completed);
  assert.equal((await next)?.type, 'completed');
});

test('a job that its last subscriber leaves is given up', async () => {
  const job = new Job(facts);
  const [one, other] = [job.subscribe(), job.subscribe()];
  job.emit(image(0));
  one.close();
  one.close();
  assert.equal(job.signal.aborted, false);
  other.close();
  assert.equal(job.signal.aborted, true);
  await assert.rejects(job.delivered(), Failure);
  await assert.rejects(job.aborted, { errorName: 'request_cancelled' });
  assert.equal(await other.next(), undefined);
});

test('a job that has ended is not given up, and emits nothing more', () => {
  const job = new Job(facts);
  const subscription = job.subscribe();
  job.emit(completed);
  subscription.close();
  assert.equal(job.signal.aborted, false);
  assert.throws(() => job.emit(image(0)), /has ended/);
});

test('watched resolves with the first question, not with the subscription', async () => {
  const job = new Job(facts);
  let watched = false;
  const watching = job.watched.then(() => {
    watched = true;
  });
  const subscription = job.subscribe();
  await Promise.resolve();
  assert.equal(watched, false);
  void subscription.next();
  await watching;
  assert.equal(watched, true);
  subscription.close();
});
