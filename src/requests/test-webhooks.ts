import assert from 'node:assert/strict';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { createLog } from '../base/log.ts';
import { httpUpstream } from '../egress/test-upstream.ts';
import { createWebhookSender, type SendWebhook } from '../egress/webhook-sender.ts';
import { insertAccount } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import { openTestStore, type TestStore } from '../store/test-store.ts';
import {
  findWebhookOfRequest,
  listWebhookAttempts,
  type WebhookAttempt,
  type WebhookRecord,
} from '../store/webhooks.ts';
import { enqueueWebhook, startWebhooks, type Webhooks, type WebhooksOptions } from './webhooks.ts';

/** For tests of webhooks: real stores, real receivers, and a clock that the test moves. */
const log = createLog({ level: 'silent' });

export function testClock() {
  // The library that verifies goes by the real time.
  let time = Date.now();
  return {
    now: () => time,
    advance: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
}

/** A receiver whose answers are given by the test, one for each message, the last one for good. */
export async function receiver(t: TestContext, ...answers: ((response: ServerResponse) => void)[]) {
  const received: Received[] = [];
  const upstream = await httpUpstream(t, (request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body, path: request.url ?? '' });
      answers[Math.min(received.length, answers.length) - 1]?.(response);
    });
  });
  return { ...upstream, url: `${upstream.url}/hook?token=1`, received };
}

export function status(code: number, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(code, headers).end('thanks');
  };
}

export function sender(t: TestContext, hosts: readonly string[], totalMs = 15_000): SendWebhook {
  const { send, close } = createWebhookSender({ trustedHosts: new Set(hosts), totalMs });
  t.after(close);
  return send;
}

export interface Setup {
  readonly store: Store;
  readonly openAgain: TestStore['openAgain'];
  readonly clock: ReturnType<typeof testClock>;
  readonly start: (options: Pick<WebhooksOptions, 'send'> & Partial<WebhooksOptions>) => Webhooks;
}

export async function setUp(t: TestContext): Promise<Setup> {
  const clock = testClock();
  const { store, openAgain } = await openTestStore(t, { clock });
  await addAccounts(store, 'acct_1');
  const start: Setup['start'] = (options) => {
    const describe = (id: string) => Promise.resolve({ id, status: 'completed' });
    const webhooks = startWebhooks({ store, log, clock, describe, graceMs: 0, ...options });
    t.after(() => webhooks.stop());
    return webhooks;
  };
  return { store, openAgain, clock, start };
}

export async function addAccounts(store: Store, ...ids: readonly string[]): Promise<void> {
  await store.transaction(async (tx) => {
    for (const id of ids) {
      await insertAccount(tx, { id, name: id });
    }
  });
}

export function enqueue(store: Store, url: string, requestId = 'img_1', accountId = 'acct_1') {
  return store.transaction((tx) =>
    enqueueWebhook(tx, { requestId, accountId, url, event: 'image.completed' }),
  );
}

export async function read(
  store: Store,
  requestId = 'img_1',
): Promise<{ webhook: WebhookRecord; log: WebhookAttempt[] }> {
  const webhook = await findWebhookOfRequest(store.db, requestId);
  assert.ok(webhook);
  return { webhook, log: await listWebhookAttempts(store.db, webhook.id) };
}

/** What the log says of each attempt: the status, or why there was none. */
export async function outcomes(store: Store): Promise<unknown[]> {
  return (await read(store)).log.map(({ status, error }) => status ?? error);
}

export async function sendDue(webhooks: Webhooks): Promise<void> {
  webhooks.nudge();
  await webhooks.idle();
}

export function verify(secret: string, { headers, body }: Received): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>);
}
