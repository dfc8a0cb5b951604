import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEasel } from '../../test/support/harness.ts';
import { makeTestFolder } from '../store/test-store.ts';
import { type Finished, runEasel } from './test-command.ts';

const ADMIN_KEY = `sk-easel-admin-${'b2'.repeat(20)}`;

test('easel admin calls a server’s API; what the commands do beside it is in the same log', async (context) => {
  await using server = await startEasel({ environment: { EASEL_ADMIN_KEY: ADMIN_KEY } });
  const folder = makeTestFolder(context);
  const admin = (...words: string[]): Promise<Finished> =>
    runEasel(['admin', ...words, '--server', server.url], {
      folder,
      environment: { EASEL_ADMIN_KEY: ADMIN_KEY },
    });
  const made = await admin('POST', '/accounts', '--data', '{"name":"acme"}');
  assert.equal(made.exitCode, 0, made.stderr);
  const { id } = JSON.parse(made.stdout) as { id: string };
  const changed = await admin('PATCH', `/accounts/${id}`, '--data', '{"limits":{"in_flight":3}}');
  assert.equal(changed.exitCode, 0, changed.stderr);
  const environment = { EASEL_HOME: server.home };
  const commands = [
    ['limits', 'acme', '--in-flight', '4'],
    ['credit', '5', '--account', 'acme', '--reference', 'r1'],
    ['credit', '5', '--account', 'acme', '--reference', 'r1'],
    ['keys', 'create', '--account', 'acme'],
    ['keys', 'create', '--account', 'newcomer'],
    ['webhooks', 'secret', '--account', 'acme', '--rotate'],
  ];
  for (const command of commands) {
    const { exitCode, stderr } = await runEasel(command, { folder, environment });
    assert.equal(exitCode, 0, stderr);
  }
  const balance = await admin('GET', `/accounts/${id}`);
  const account = JSON.parse(balance.stdout) as { balances: { test: { balance: number } } };
  assert.equal(account.balances.test.balance, 5);
  const log = JSON.parse((await admin('GET', '/log')).stdout) as {
    data: { actor: string; action: string }[];
  };
  assert.deepEqual(
    log.data.map(({ actor, action }) => `${actor.split(' ', 1)[0]} ${action}`).toReversed(),
    [
      'admin account.create',
      'admin limits.set',
      'cli limits.set',
      'cli credit.give',
      'cli key.create',
      'cli account.create',
      'cli key.create',
      'cli account.rotate_webhook_secret',
    ],
  );
});

test('what is no call is refused in words', async (context) => {
  const folder = makeTestFolder(context);
  const table: [string[], RegExp][] = [
    [['FETCH', '/accounts'], /is no call/],
    [['GET', 'accounts'], /is no call/],
    [['GET', '/accounts'], /EASEL_ADMIN_KEY/],
    [
      ['POST', '/accounts', '--data', '{', '--server', 'http://127.0.0.1:9'],
      /EASEL_ADMIN_KEY|not JSON/,
    ],
  ];
  for (const [words, expected] of table) {
    const { exitCode, stderr } = await runEasel(['admin', ...words], { folder });
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, expected);
  }
});
