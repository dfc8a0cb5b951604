import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWebhookSender } from '../egress/webhook-sender.ts';
import {
  enqueue,
  outcomes,
  read,
  receiver,
  sendDue,
  sender,
  setUp,
  status,
  verify,
} from './test-webhooks.ts';
import { ensureWebhookSecret } from './webhook-secret.ts';
import { enqueueWebhook } from './webhooks.ts';

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test('a receiver that fails twice gets the same message three times', async (t) => {
  const { store, clock, start } = await setUp(t);
  const target = await receiver(t, status(500), status(503), status(204));
  const webhooks = start({ send: sender(t, [target.host]) });
  assert.equal(await enqueue(store, target.url), true);
  await sendDue(webhooks);
  for (const delayMs of [5 * SECOND_MS, 30 * SECOND_MS]) {
    const { nextAt = 0 } = (await read(store)).webhook;
    const waitMs = nextAt - clock.now();
    assert.ok(waitMs >= 0.8 * delayMs && waitMs <= 1.2 * delayMs, `${waitMs} for ${delayMs}`);
    const before = target.received.length;
    clock.advance(waitMs - 1);
    await sendDue(webhooks);
    assert.equal(target.received.length, before);
    clock.advance(1);
    await sendDue(webhooks);
  }
  assert.deepEqual(await outcomes(store), [500, 503, 204]);
  const { webhook, log: attempts } = await read(store);
  assert.equal(webhook.attempts, 3);
  assert.equal(webhook.deliveredAt, clock.now());
  assert.equal(webhook.nextAt, undefined);
  assert.equal(attempts[2]?.at, clock.now());

  const secret = await store.transaction((tx) => ensureWebhookSecret(tx, 'acct_1'));
  assert.match(secret, /^whsec_[\w+/]{43}=$/);
  for (const message of target.received) {
    assert.deepEqual(verify(secret, message), {
      type: 'image.completed',
      timestamp: new Date(webhook.createdAt).toISOString(),
      data: { id: 'img_1', status: 'completed' },
    });
    assert.equal(message.headers['webhook-id'], webhook.id);
    assert.match(webhook.id, /^msg_/);
    assert.equal(message.headers['content-type'], 'application/json');
    assert.equal(message.headers['user-agent'], 'easel');
    assert.equal(message.headers['authorization'], undefined);
    assert.equal(message.path, '/hook?token=1');
  }
  clock.advance(DAY_MS);
  await sendDue(webhooks);
  assert.equal(target.received.length, 3);
});

test('410 Gone gives up at once', async (t) => {
  const { store, clock, start } = await setUp(t);
  const target = await receiver(t, status(410));
  const webhooks = start({ send: sender(t, [target.host]) });
  await enqueue(store, target.url);
  await sendDue(webhooks);
  const { webhook } = await read(store);
  assert.equal(webhook.givenUpAt, clock.now());
  assert.equal(webhook.nextAt, undefined);
  assert.deepEqual(await outcomes(store), [410]);
});

test('retry-after puts the next attempt off, by an hour at most, never forward', async (t) => {
  const { store, clock, start } = await setUp(t);
  const asked = ['120', '86400', '0'].map((wait) => status(429, { 'retry-after': wait }));
  const target = await receiver(t, ...asked);
  const webhooks = start({ send: sender(t, [target.host]), delaysMs: [SECOND_MS] });
  await enqueue(store, target.url);
  const waits: number[] = [];
  for (const _ of asked) {
    await sendDue(webhooks);
    const waitMs = ((await read(store)).webhook.nextAt ?? 0) - clock.now();
    waits.push(waitMs);
    clock.advance(waitMs);
  }
  assert.deepEqual(waits.slice(0, 2), [120 * SECOND_MS, HOUR_MS]);
  assert.ok((waits[2] ?? 0) >= 0.8 * SECOND_MS);
});

test('a receiver that hangs has failed; one that hangs after its 200 has not', async (t) => {
  const { store, clock, start } = await setUp(t);
  const target = await receiver(
    t,
    () => undefined,
    (response) => response.writeHead(200).write('and'),
  );
  const webhooks = start({ send: sender(t, [target.host], 200) });
  await enqueue(store, target.url);
  await sendDue(webhooks);
  clock.advance(10 * SECOND_MS);
  await sendDue(webhooks);
  assert.deepEqual(await outcomes(store), ['timeout', 200]);
  const { durationMs = 0 } = (await read(store)).log[0] ?? {};
  assert.ok(durationMs >= 190, `${durationMs}`);
});

test('a redirect is a failure and is not followed', async (t) => {
  const { store, start } = await setUp(t);
  const target = await receiver(t, status(307, { location: '/elsewhere' }), status(200));
  const webhooks = start({ send: sender(t, [target.host]) });
  await enqueue(store, target.url);
  await sendDue(webhooks);
  assert.deepEqual(await outcomes(store), [307]);
  assert.equal(target.received.length, 1);
  assert.notEqual((await read(store)).webhook.nextAt, undefined);
});

test('a private address is refused each time, and is tried again', async (t) => {
  const { store, clock, start } = await setUp(t);
  const target = await receiver(t, status(200));
  // Public when the request came in, private ever after.
  const { send, close } = createWebhookSender({
    trustedHosts: new Set(),
    lookup: (_name, _options, callback) => {
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    },
  });
  t.after(close);
  const webhooks = start({ send });
  await enqueue(store, `https://hooks.example:${target.port}/`);
  await sendDue(webhooks);
  clock.advance(10 * SECOND_MS);
  await sendDue(webhooks);
  assert.deepEqual(await outcomes(store), ['refused', 'refused']);
  assert.notEqual((await read(store)).webhook.nextAt, undefined);
  assert.equal(target.connections.length, 0);
});

test('after a day it is given up', async (t) => {
  const { store, clock, start } = await setUp(t);
  const target = await receiver(t, status(500));
  const webhooks = start({ send: sender(t, [target.host]) });
  await enqueue(store, target.url);
  const { createdAt } = (await read(store)).webhook;
  await sendDue(webhooks);
  for (;;) {
    const { nextAt } = (await read(store)).webhook;
    if (nextAt === undefined) {
      break;
    }
    assert.ok(nextAt <= createdAt + DAY_MS);
    clock.advance(nextAt - clock.now());
    await sendDue(webhooks);
  }
  const { webhook } = await read(store);
  assert.equal(webhook.givenUpAt, clock.now());
  assert.equal(webhook.deliveredAt, undefined);
  assert.ok(clock.now() - createdAt > 20 * HOUR_MS);
  assert.ok(webhook.attempts >= 14 && webhook.attempts <= 22, `${webhook.attempts}`);
  assert.equal(target.received.length, webhook.attempts);
});

test('a request that cannot be described is a failed attempt', async (t) => {
  const { store, start } = await setUp(t);
  const target = await receiver(t, status(200));
  await enqueue(store, target.url);
  const webhooks = start({
    send: sender(t, [target.host]),
    describe: () => Promise.reject(new Error('gone')),
  });
  await webhooks.idle();
  assert.deepEqual(await outcomes(store), ['internal']);
  assert.equal(target.received.length, 0);
});

test('a webhook is enqueued with its transaction, and once', async (t) => {
  const { store } = await setUp(t);
  const ending = { requestId: 'img_1', accountId: 'acct_1', event: 'image.failed' } as const;
  const url = 'https://hooks.example/';
  await assert.rejects(
    store.transaction(async (tx) => {
      await enqueueWebhook(tx, { ...ending, url });
      throw new Error('rolled back');
    }),
    /rolled back/,
  );
  assert.equal(await enqueue(store, url), true);
  assert.equal(await enqueue(store, url), false);
  assert.equal((await read(store)).webhook.event, 'image.completed');
});
