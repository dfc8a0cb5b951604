import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEasel } from '../../test/support/harness.ts';
import { makeTestFolder } from '../store/test-store.ts';
import { runEasel } from './test-command.ts';

const MODEL = 'deepshi-banana-pro';

test('a request is shown by its img_ and its req_ id', async (context) => {
  const folder = makeTestFolder(context);
  await using server = await startEasel();
  const easel = (...words: string[]) =>
    runEasel(words, { folder, environment: { EASEL_HOME: server.home } });
  const body = { model: MODEL, prompt: 'a secret garden', style: 'x' };
  const response = await server.post('/v1/images/generations', body);
  const { id } = (await response.json()) as { id: string };
  const requestId = response.headers.get('x-request-id') ?? '';

  const byId = await easel('request', id);
  assert.equal(byId.exitCode, 0, byId.stderr);
  assert.match(byId.stdout, new RegExp(`^${id} {2}completed$`, 'm'));
  for (const pattern of [
    /^ {2}account +default, test balance$/m,
    /^ {2}model +deepshi-banana-pro, by painter /m,
    /^ {2}pictures +1 of 1, 1024x1024 png$/m,
    /^ {2}hold +0\.01 USD, settled$/m,
    /^ {2}charge +0\.01 USD$/m,
    /^ {2}warning +style ignored: /m,
    /^ {2}steps +admitted +\d+ ms/m,
    / {2}painted +\d+ ms +\+\d+$/m,
  ]) {
    assert.match(byId.stdout, pattern);
  }
  assert.equal(byId.stdout.includes('secret garden'), false);
  assert.equal((await easel('request', requestId)).stdout, byId.stdout);
  const [record] = JSON.parse((await easel('request', id, '--json')).stdout) as {
    cost: number;
  }[];
  assert.equal(record?.cost, 0.01);

  const unknown = await easel('request', 'img_unknown');
  assert.equal(unknown.exitCode, 1);
  assert.match(unknown.stderr, /There is no request img_unknown/);
});

test('a failed request says its error and that the hold was given back', async (context) => {
  const folder = makeTestFolder(context);
  await using server = await startEasel();
  const body = { model: MODEL, prompt: 'x' };
  const headers = { 'x-easel-test': 'moderation_blocked', 'x-request-id': 'support-case-7' };
  await (await server.post('/v1/images/generations', body, headers)).arrayBuffer();
  const environment = { EASEL_HOME: server.home };
  const { stdout } = await runEasel(['request', 'support-case-7'], { folder, environment });
  assert.match(stdout, /^img_\w+ {2}failed$/m);
  assert.match(stdout, /^ {2}error +moderation_blocked, HTTP 400$/m);
  assert.match(stdout, /^ {2}hold +0\.01 USD, given back$/m);
  assert.match(stdout, /^ {2}charge +nothing$/m);
  const usage = await runEasel(['usage'], { folder, environment });
  assert.match(usage.stdout, /test +deepshi-banana-pro +1 +1 +0 +0$/m);
});

test('usage adds up by day, mode and model, of one account or of all', async (context) => {
  const folder = makeTestFolder(context);
  await using server = await startEasel();
  const { secret } = await server.makeKey({ account: 'acme' });
  const body = { model: MODEL, prompt: 'x' };
  const send = async (headers?: Record<string, string>): Promise<void> => {
    await (await server.post('/v1/images/generations', body, headers)).arrayBuffer();
  };
  await send();
  await send();
  await send({ authorization: `Bearer ${secret}` });
  const easel = (...words: string[]) =>
    runEasel(words, { folder, environment: { EASEL_HOME: server.home } });
  const totals = async (...words: string[]): Promise<unknown[]> => {
    const { stdout } = await easel('usage', '--json', ...words);
    // Midnight may pass between two requests.
    const rows = JSON.parse(stdout) as { requests: number; images: number; usd: number }[];
    const sum = (pick: (row: (typeof rows)[number]) => number): number =>
      rows.reduce((total, row) => total + pick(row), 0);
    return [
      sum((row) => row.requests),
      sum((row) => row.images),
      Math.round(sum((row) => row.usd) * 100),
    ];
  };
  assert.deepEqual(await totals(), [3, 3, 3]);
  assert.deepEqual(await totals('--account', 'acme'), [1, 1, 1]);
  assert.match((await easel('usage')).stdout, /^test {2}3 requests, 3 images, 0\.03 USD$/m);
  const unknown = await easel('usage', '--account', 'nobody');
  assert.match(unknown.stderr, /There is no account nobody; there are: default, acme\./);
});
