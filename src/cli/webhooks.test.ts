import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { enqueueWebhook } from '../requests/webhooks.ts';
import { findAccountByName } from '../store/accounts.ts';
import { openStore, type Store } from '../store/store.ts';
import { makeTestFolder } from '../store/test-store.ts';
import { findWebhookOfRequest, recordWebhookAttempt } from '../store/webhooks.ts';
import { runHere } from './test-command.ts';

const AT = Date.parse('2026-01-02T03:04:05.678Z');

/** A home with the account `default`, and how to run commands in it. */
async function makeHome(context: TestContext) {
  const folder = makeTestFolder(context);
  const easel = (...words: string[]) => runHere(words, { folder });
  assert.match((await easel('webhooks', 'secret')).stderr, /There is no Easel home/);
  assert.equal((await easel('keys', 'create')).exitCode, 0);
  const file = join(folder, '.easel', 'easel.db');
  const store = await openStore({ file, clock: { now: () => AT } });
  context.after(() => store.close());
  return { easel, store };
}

async function enqueue(store: Store): Promise<string> {
  const account = await findAccountByName(store.db, 'default');
  assert.ok(account);
  const url = 'https://hooks.example/easel?token=1';
  const ending = { requestId: 'img_1', accountId: account.id, url, event: 'image.failed' } as const;
  await store.transaction((tx) => enqueueWebhook(tx, ending));
  return (await findWebhookOfRequest(store.db, 'img_1'))?.id ?? '';
}

test('webhooks secret shows it, makes it once, and rotates it', async (context) => {
  const { easel } = await makeHome(context);
  const made = await easel('webhooks', 'secret');
  assert.equal(made.exitCode, 0, made.stderr);
  assert.match(made.stdout, /^whsec_[\w+/]{43}=\n$/);
  assert.equal((await easel('webhooks', 'secret')).stdout, made.stdout);
  const rotated = await easel('webhooks', 'secret', '--account', 'default', '--rotate');
  assert.match(rotated.stderr, /the account default .* until tomorrow with the old one too/);
  assert.notEqual(rotated.stdout, made.stdout);
  assert.deepEqual(JSON.parse((await easel('webhooks', 'secret', '--json')).stdout), {
    account: 'default',
    secret: rotated.stdout.trim(),
  });
  const unknown = await easel('webhooks', 'secret', '--account', 'acme');
  assert.match(unknown.stderr, /There is no account acme/);
});

test('webhooks log shows each attempt and what comes next', async (context) => {
  const { easel, store } = await makeHome(context);
  assert.match((await easel('webhooks', 'log', 'img_1')).stderr, /There is no request img_1/);
  const webhookId = await enqueue(store);
  const time = '2026-01-02T03:04:05.678Z';
  assert.equal(
    (await easel('webhooks', 'log', 'img_1')).stdout,
    `${webhookId}  image.failed  to be sent ${time}\nhttps://hooks.example/easel?token=1\n`,
  );
  const facts = { webhookId, at: AT, status: undefined, error: undefined };
  await store.transaction(async (tx) => {
    const refused = { ...facts, attempt: 1, error: 'refused', durationMs: 2 };
    await recordWebhookAttempt(tx, refused, { nextAt: AT + 1 });
    const taken = { ...facts, attempt: 2, status: 204, durationMs: 345 };
    await recordWebhookAttempt(tx, taken, { deliveredAt: AT });
  });
  const log = await easel('webhooks', 'log', 'img_1');
  assert.equal(
    log.stdout,
    [
      `${webhookId}  image.failed  delivered ${time}`,
      'https://hooks.example/easel?token=1',
      '',
      'ATTEMPT  AT                          TOOK  ANSWER',
      `      1  ${time}    2 ms  refused`,
      `      2  ${time}  345 ms  HTTP 204`,
      '',
    ].join('\n'),
  );
  const json = JSON.parse((await easel('webhooks', 'log', 'img_1', '--json')).stdout) as {
    delivered_at: string;
    next_at: null;
    attempts: unknown[];
  };
  assert.equal(json.delivered_at, time);
  assert.equal(json.next_at, null);
  assert.deepEqual(json.attempts[0], {
    attempt: 1,
    at: time,
    status: null,
    error: 'refused',
    duration_ms: 2,
  });
});
