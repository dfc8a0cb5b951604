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

const QUEUED_GRACE_MS = 30_000;

/** A job whose call waits for its turn, watched by one client. */
function queuedJob(options: { readonly isAsync?: boolean } = {}) {
  const job = new Job(facts, { survives: true, ...options });
  const client = job.subscribe();
  const stopWaiting = job.turns.waits(() => 3);
  return { job, client, stopWaiting };
}

test('a job that still waits for its turn is kept 30 seconds for a retry, then dropped', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { job, client } = queuedJob();
  assert.equal(job.place, 3);
  client.close();
  t.mock.timers.tick(QUEUED_GRACE_MS - 1);
  assert.equal(job.signal.aborted, false);
  t.mock.timers.tick(1);
  await assert.rejects(job.aborted, { errorName: 'request_cancelled' });
});

test('it goes on if it has its turn meanwhile, or somebody came for it, or nobody was to', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const begun = queuedJob();
  begun.client.close();
  begun.job.turns.begins();
  begun.stopWaiting();
  const joined = queuedJob();
  joined.client.close();
  joined.job.subscribe();
  const sentOff = queuedJob({ isAsync: true });
  sentOff.client.close();
  t.mock.timers.tick(QUEUED_GRACE_MS);
  for (const { job } of [begun, joined, sentOff]) {
    assert.equal(job.signal.aborted, false);
  }
});

test('the place of a job is its first call’s; none has one once a call was let in', () => {
  const { job } = queuedJob();
  let place = 2;
  job.turns.waits(() => place);
  assert.equal(job.place, 2);
  place = 0;
  assert.equal(job.place, undefined);
});
