import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requesters, startEasel } from '../../test/support/harness.ts';
import { makeTestFolder } from '../store/test-store.ts';
import { runEasel } from './test-command.ts';

const SECRET_PATTERN = /^sk-easel-test-[0-9A-Za-z]{43}\n$/;

test('keys work, end and are replaced at once in a running server', async (context) => {
  const folder = makeTestFolder(context);
  await using server = await startEasel();
  const environment = { EASEL_HOME: server.home };
  const easel = (...words: string[]) => runEasel(words, { folder, environment });
  const statusOf = async (secret: string): Promise<number> =>
    (await requesters(server.url, secret).get('/v1/balance')).status;

  const created = await easel('keys', 'create', '--name', 'web', '--models', 'nano-banana');
  assert.equal(created.exitCode, 0, created.stderr);
  assert.match(created.stdout, SECRET_PATTERN);
  assert.match(created.stderr, /not shown again/);
  const secret = created.stdout.trim();
  const id = /key_\w+/.exec(created.stderr)?.[0] ?? '';
  assert.equal(await statusOf(secret), 200);
  const models = await requesters(server.url, secret).get('/v1/models');
  const { data } = (await models.json()) as { data: { id: string }[] };
  assert.deepEqual(
    data.map((model) => model.id),
    ['nano-banana'],
  );

  const rotated = await easel('keys', 'rotate', id);
  assert.match(rotated.stdout, SECRET_PATTERN);
  const next = rotated.stdout.trim();
  assert.deepEqual([await statusOf(secret), await statusOf(next)], [401, 200]);
  const nextId = /key_\w+/.exec(rotated.stderr)?.[0] ?? '';

  const revoked = await easel('keys', 'revoke', nextId);
  assert.equal(revoked.exitCode, 0, revoked.stderr);
  assert.equal(await statusOf(next), 403);
  assert.match((await easel('keys', 'revoke', nextId)).stderr, /was revoked before/);
  assert.match((await easel('keys', 'rotate', nextId)).stderr, /is revoked/);
  assert.match((await easel('keys', 'rotate', id)).stderr, /There is no key/);
  assert.match((await easel('keys', 'revoke', next)).stderr, /takes its id/);

  const list = await easel('keys', 'list');
  assert.match(list.stdout, new RegExp(`^${nextId} .* web .* nano-banana .* revoked$`, 'm'));
  assert.doesNotMatch(list.stdout, /sk-easel-/);
  assert.equal(list.stdout.includes(id), false);
});

test('keys create makes accounts, takes modes and dates, and has JSON', async (context) => {
  const folder = makeTestFolder(context);
  const easel = (...words: string[]) => runEasel(words, { folder });
  const words = ['keys', 'create', '--account', 'acme', '--mode', 'live'];
  const created = await easel(...words, '--expires', '2099-01-31', '--json');
  assert.equal(created.exitCode, 0, created.stderr);
  const key = JSON.parse(created.stdout) as Record<string, unknown>;
  assert.match(String(key['secret']), /^sk-easel-live-/);
  assert.equal(key['mode'], 'live');
  assert.equal(key['expires_at'], '2099-01-31T00:00:00.000Z');
  const listed = await easel('keys', 'list', '--account', 'acme', '--json');
  const [only, ...others] = JSON.parse(listed.stdout) as Record<string, unknown>[];
  assert.deepEqual(others, []);
  assert.equal(only?.['id'], key['id']);
  assert.equal(listed.stdout.includes('sk-easel-'), false);
  assert.match((await easel('keys', 'list')).stdout, /until 2099-01-31/);
});

test('credit goes to one mode of one account, exactly', async (context) => {
  const folder = makeTestFolder(context);
  const easel = (...words: string[]) => runEasel(words, { folder });
  const live = await easel('credit', '0.1', '--mode', 'live', '--note', 'invoice 17');
  assert.equal(live.exitCode, 0, live.stderr);
  assert.match(live.stdout, /^Added 0\.1 USD: the live balance of default is now 0\.1 USD\.$/m);
  const more = await easel('credit', '0.2', '--mode', 'live', '--json');
  assert.deepEqual(JSON.parse(more.stdout), {
    account: 'default',
    mode: 'live',
    currency: 'USD',
    credited: 0.2,
    balance: 0.3,
    available: 0.3,
  });
  const unknown = await easel('credit', '5', '--account', 'acme');
  assert.equal(unknown.exitCode, 1);
  assert.match(unknown.stderr, /There is no account acme; there are: default\./);
});
