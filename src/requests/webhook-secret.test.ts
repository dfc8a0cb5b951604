import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enqueue, receiver, sendDue, sender, setUp, status, verify } from './test-webhooks.ts';
import { ensureWebhookSecret, rotateWebhookSecret } from './webhook-secret.ts';

const DAY_MS = 24 * 3_600_000;

test('after a rotation both secrets sign for a day, then the new one alone', async (t) => {
  const { store, clock, start } = await setUp(t);
  const target = await receiver(t, status(200));
  const webhooks = start({ send: sender(t, [target.host]) });
  // The library that verifies goes by the real time, so the rotation lies in the past.
  clock.advance(1_000 - DAY_MS);
  const old = await store.transaction((tx) => ensureWebhookSecret(tx, 'acct_1'));
  assert.equal(await store.transaction((tx) => ensureWebhookSecret(tx, 'acct_1')), old);
  const fresh = await store.transaction((tx) => rotateWebhookSecret(tx, 'acct_1'));
  assert.notEqual(fresh, old);
  assert.equal(await store.transaction((tx) => ensureWebhookSecret(tx, 'acct_1')), fresh);

  clock.advance(DAY_MS - 1_000);
  await enqueue(store, target.url, 'img_1');
  await sendDue(webhooks);
  clock.advance(1_000);
  await enqueue(store, target.url, 'img_2');
  await sendDue(webhooks);
  const [during, after] = target.received;
  assert.ok(during && after);
  assert.match(String(during.headers['webhook-signature']), /^v1,\S+ v1,\S+$/);
  assert.deepEqual(verify(old, during), verify(fresh, during));
  assert.match(String(after.headers['webhook-signature']), /^v1,\S+$/);
  assert.deepEqual(verify(fresh, after), {
    ...(verify(fresh, during) as object),
    timestamp: new Date(clock.now()).toISOString(),
    data: { id: 'img_2', status: 'completed' },
  });
  assert.throws(() => verify(old, after), /No matching signature/);
});

test('accounts have secrets of their own, and an unknown one has none', async (t) => {
  const { store } = await setUp(t);
  await assert.rejects(store.transaction((tx) => ensureWebhookSecret(tx, 'acct_2')));
});
