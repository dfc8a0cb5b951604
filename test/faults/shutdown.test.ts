import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { audit } from '../../src/ledger/audit.ts';
import { sweep } from '../../src/ledger/sweep.ts';
import { listRequests } from '../../src/store/request-list.ts';
import { openStore } from '../../src/store/store.ts';
import { createLog } from '../../src/base/log.ts';
import { requesters } from '../support/harness.ts';
import { spawnEasel, temporaryFolder } from '../support/process.ts';

const body = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };

test('kill -9 under load: after a restart no hold is left, the audit balances, the log tells', async () => {
  await using home = await temporaryFolder();
  const first = await spawnEasel(home.path);
  const { post } = requesters(first.url, first.key);
  // Its head comes after its hold: this one runs for certain when the process dies.
  const stuck = await post(
    '/v1/images/generations',
    { ...body, stream: true },
    { 'x-easel-test': 'slow=3600' },
  );
  assert.equal(stuck.status, 200);
  let answered = 0;
  let firstAnswers = Promise.withResolvers<void>();
  const load = Array.from({ length: 60 }, async (_, index) => {
    // A third of them can only be running or not have begun when the process dies.
    const headers = index % 3 === 0 ? { 'x-easel-test': 'slow=3600' } : {};
    try {
      const response = await post('/v1/images/generations', body, headers);
      await response.json();
      answered += 1;
      if (answered === 10) {
        firstAnswers.resolve();
      }
    } catch {
      // The connection died with the process.
    }
  });
  await firstAnswers.promise;
  first.signal('SIGKILL');
  await Promise.all(load);
  await assert.rejects(stuck.text());
  assert.equal(await first.ended, 'SIGKILL');

  const second = await spawnEasel(home.path);
  const balance = (await (
    await requesters(second.url, first.key).get('/v1/balance')
  ).json()) as Record<string, number>;
  assert.equal(balance['held'], 0);
  assert.match(second.stderr(), /a hold of a process that died was given back/);
  assert.match(second.stderr(), /swept the ledger/);
  second.signal('SIGTERM');
  assert.equal(await second.ended, 0);

  const store = await openStore({ file: join(home.path, 'easel.db') });
  const report = await audit(store);
  assert.deepEqual(report.problems, []);
  assert.equal(report.openHolds, 0);
  const requests = await listRequests(store.db, { limit: 100 });
  const completed = requests.filter(({ status }) => status === 'completed');
  const lost = requests.filter(({ status }) => status === 'lost');
  assert.equal(completed.length + lost.length, requests.length);
  // Whoever got an answer was charged; nobody was charged for a picture that is lost.
  assert.ok(completed.length >= answered);
  assert.ok(lost.length >= 1);
  assert.ok(lost.every(({ cost }) => cost === undefined));
  assert.equal(balance['spent'], Number((completed.length * 0.01).toFixed(2)));
  const again = await sweep(store, createLog({ level: 'silent' }), {
    clock: systemClock,
    deadServerLeases: true,
  });
  assert.equal(again.expiredHolds, 0);
  await store.close();
});

test('SIGTERM lets what runs finish, takes nothing new, and exits 0', async () => {
  await using home = await temporaryFolder();
  const easel = await spawnEasel(home.path);
  const { post, get } = requesters(easel.url, easel.key);
  const running = await post(
    '/v1/images/generations',
    { ...body, stream: true },
    { 'x-easel-test': 'slow=1' },
  );
  // A connection on which nothing is ever asked must not keep the server alive.
  const { hostname, port } = new URL(easel.url);
  const silent = connect(Number(port), hostname);
  await once(silent, 'connect');
  easel.signal('SIGTERM');
  const text = await running.text();
  assert.match(text, /event: image_generation\.completed/);
  await assert.rejects(get('/healthz'));
  assert.equal(await easel.ended, 0);
  silent.destroy();
  const store = await openStore({ file: join(home.path, 'easel.db') });
  assert.deepEqual((await audit(store)).problems, []);
  await store.close();
});

test('half a configuration is refused in words', async () => {
  await using home = await temporaryFolder();
  const table: [Record<string, string>, RegExp][] = [
    [{ EASEL_BOOTSTRAP_KEY: 'sk-easel-test-short' }, /EASEL_BOOTSTRAP_KEY: it is not an API key/],
    [{ EASEL_BOOTSTRAP_CREDIT_USD: 'lots' }, /EASEL_BOOTSTRAP_CREDIT_USD: lots is not an amount/],
    [{ EASEL_PUBLIC_URL: 'example' }, /EASEL_PUBLIC_URL: "example" is not an http/],
    [{ EASEL_CONFIG: '/nowhere/easel.yaml' }, /\/nowhere\/easel\.yaml/],
    [{ EASEL_LOG_LEVEL: 'loud' }, /EASEL_LOG_LEVEL: "loud" is not one of/],
  ];
  for (const [environment, expected] of table) {
    await assert.rejects(spawnEasel(home.path, environment), (error: Error) => {
      assert.match(error.message, /ended with 78/);
      assert.match(error.message, expected);
      return true;
    });
  }
});

test('a second server on the same home is refused, naming the folder', async () => {
  await using home = await temporaryFolder();
  const easel = await spawnEasel(home.path);
  await assert.rejects(spawnEasel(home.path), (error: Error) => {
    assert.ok(error.message.includes(home.path), error.message);
    return true;
  });
  easel.signal('SIGTERM');
  assert.equal(await easel.ended, 0);
});
