import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import type { WebhookAnswer, WebhookPost } from '../egress/webhook-sender.ts';
import type { Store } from '../store/store.ts';
import {
  addAccounts,
  enqueue,
  outcomes,
  receiver,
  sendDue,
  sender,
  setUp,
  status,
} from './test-webhooks.ts';

const SECOND_MS = 1000;

test('what a process was sending when it stopped, its successor sends at once', async (t) => {
  const { store, openAgain, clock, start } = await setUp(t);
  const arrived = Promise.withResolvers<void>();
  const target = await receiver(
    t,
    () => {
      arrived.resolve();
    },
    status(500),
    status(200),
  );
  const send = sender(t, [target.host]);
  const first = start({ send });
  await enqueue(store, target.url);
  first.nudge();
  await arrived.promise;
  await first.stop();
  assert.deepEqual(await outcomes(store), []);

  const next = await openAgain({ clock });
  t.after(() => next.close());
  const second = start({ store: next, send });
  await second.idle();
  assert.deepEqual(await outcomes(store), [500]);
  await second.stop();
  // The schedule, too, outlives a process.
  const third = start({ store: next, send });
  await third.idle();
  assert.deepEqual(await outcomes(store), [500]);
  clock.advance(10 * SECOND_MS);
  await sendDue(third);
  assert.deepEqual(await outcomes(store), [500, 200]);
  assert.equal(new Set(target.received.map(({ headers }) => headers['webhook-id'])).size, 1);
});

test('the timer sends what is due, without a nudge', async (t) => {
  const { store, start } = await setUp(t);
  const arrived = Promise.withResolvers<void>();
  const target = await receiver(t, status(500), (response) => {
    status(200)(response);
    arrived.resolve();
  });
  await enqueue(store, target.url);
  const webhooks = start({ send: sender(t, [target.host]), clock: systemClock, delaysMs: [20] });
  // An unreferenced timer does not keep the test alive: the receiver does.
  await arrived.promise;
  await webhooks.idle();
  assert.deepEqual(await outcomes(store), [500, 200]);
});

test('no message is sent twice at once, and no account takes every place', async (t) => {
  const { store, start } = await setUp(t);
  await addAccounts(store, 'acct_2', 'acct_3');
  const sent = heldSender();
  for (let index = 0; index < 10; index += 1) {
    await enqueue(store, 'https://hooks.example/', `img_a${index}`);
  }
  const webhooks = start({ send: sent.send });
  await sent.count(4);
  for (let index = 0; index < 3; index += 1) {
    await enqueue(store, 'https://hooks.example/', `img_b${index}`, 'acct_2');
    await enqueue(store, 'https://hooks.example/', `img_c${index}`, 'acct_3');
    webhooks.nudge();
  }
  await sent.count(8);
  // img_a… is of the first account, and so on.
  assert.equal(
    sent.ids
      .map((id) => id.charAt(4))
      .toSorted()
      .join(''),
    'aaaabbcc',
  );
  sent.answer(() => {
    webhooks.nudge();
  });
  await webhooks.idle();
  assert.equal(sent.ids.length, 16);
  assert.equal(new Set(sent.ids).size, 16);
});

test('an attempt that cannot be written down is not made again at once', async (t) => {
  const { store, start } = await setUp(t);
  const target = await receiver(t, status(200));
  const failed = Promise.withResolvers<void>();
  let isFull = false;
  const full: Store = {
    ...store,
    transaction: async (work) => {
      if (isFull) {
        failed.resolve();
        throw new Error('disk full');
      }
      return store.transaction(work);
    },
  };
  const send = sender(t, [target.host]);
  await enqueue(store, target.url);
  const webhooks = start({
    store: full,
    send: async (post) => {
      const answer = await send(post);
      isFull = true;
      return answer;
    },
  });
  await failed.promise;
  webhooks.nudge();
  await webhooks.stop();
  assert.equal(target.received.length, 1);
  isFull = false;
  const next = start({ send });
  await next.idle();
  assert.deepEqual(await outcomes(store), [200]);
});

/** Keeps every message until the test lets all be answered. */
function heldSender() {
  const ids: string[] = [];
  const held = Promise.withResolvers<void>();
  const counted = new Map<number, PromiseWithResolvers<void>>();
  let meanwhile = (): void => undefined;
  return {
    /** Of the requests, as they were sent. */
    ids,
    send: async ({ body }: WebhookPost): Promise<WebhookAnswer> => {
      ids.push((JSON.parse(body) as { data: { id: string } }).data.id);
      counted.get(ids.length)?.resolve();
      await held.promise;
      meanwhile();
      return { status: 200, retryAfterSeconds: undefined };
    },
    /** Resolves when so many are sent that are more than before. */
    count: async (wanted: number): Promise<void> => {
      const reached = Promise.withResolvers<void>();
      counted.set(wanted, reached);
      await (ids.length >= wanted ? undefined : reached.promise);
    },
    answer: (atEach: () => void): void => {
      meanwhile = atEach;
      held.resolve();
    },
  };
}
