import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseUsd } from '../../src/base/money.ts';
import type { Limits } from '../../src/base/limits.ts';
import { writeLimits } from '../../src/store/limits.ts';
import { runEasel } from '../../src/cli/test-command.ts';
import { readAnswer } from '../support/answers.ts';
import { type Easel, requesters, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';

const GENERATIONS = '/v1/images/generations';
const BOAT = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
const SLOW = { 'x-easel-test': 'slow=3600' };

/** A server whose time stands still unless the test moves it. */
async function startStill(yaml = '') {
  const clock = { nowMs: Date.UTC(2026, 10, 15), now: () => clock.nowMs };
  const easel = await startEasel({ clock, yaml });
  return { easel, clock, [Symbol.asyncDispose]: () => easel.close() };
}

async function limit(easel: Easel, id: string, limits: Limits): Promise<void> {
  await easel.app.engine.store.transaction((tx) => writeLimits(tx, id, limits));
}

async function keyOf(easel: Easel): Promise<{ keyId: string; accountId: string }> {
  const { id, account_id: accountId } = await easel.app.engine.store.db
    .selectFrom('keys')
    .select(['id', 'account_id'])
    .executeTakeFirstOrThrow();
  return { keyId: id, accountId };
}

function rateHeaders(response: Response): Record<string, string> {
  return Object.fromEntries(
    [...response.headers]
      .filter(([name]) => name.startsWith('x-ratelimit-'))
      .map(([name, value]) => [name.slice('x-ratelimit-'.length), value]),
  );
}

async function codeOf(response: Response): Promise<[number, unknown]> {
  return [response.status, asObject(asObject(await response.json())['error'])['code']];
}

test('every answer says what is left, and 429 says when it is there again', async () => {
  await using still = await startStill(
    'limits: { key: { requests_per_minute: 3, images_per_minute: 6 } }',
  );
  const { easel, clock } = still;
  const rest = { 'limit-requests': '3', 'limit-images': '6' };
  const first = await easel.post(GENERATIONS, { ...BOAT, model: 'flux-2-pro', n: 2 });
  await readAnswer(first);
  assert.deepEqual(rateHeaders(first), {
    ...rest,
    'remaining-requests': '2',
    'remaining-images': '4',
    'reset-requests': '20s',
    'reset-images': '20s',
  });
  // A refusal takes nothing, and says the same.
  const refused = await easel.post(GENERATIONS, { ...BOAT, width: 1 });
  assert.equal(refused.status, 400);
  assert.deepEqual(rateHeaders(refused), rateHeaders(first));
  await refused.arrayBuffer();
  for (const left of ['1', '0']) {
    const stream = await easel.post(GENERATIONS, { ...BOAT, stream: true });
    assert.equal(rateHeaders(stream)['remaining-requests'], left);
    await stream.text();
  }
  const limited = await easel.post(GENERATIONS, BOAT);
  assert.deepEqual(await codeOf(limited), [429, 'rate_limit_exceeded']);
  assert.equal(limited.headers.get('retry-after'), '20');
  assert.deepEqual(rateHeaders(limited), {
    ...rest,
    'remaining-requests': '0',
    'remaining-images': '2',
    'reset-requests': '1m0s',
    'reset-images': '40s',
  });
  clock.nowMs += 20_000;
  await readAnswer(await easel.post(GENERATIONS, BOAT));
  assert.deepEqual(await easel.auditProblems(), []);
});

test('without limits there are no such headers', async () => {
  await using still = await startStill();
  const answer = await still.easel.post(GENERATIONS, BOAT);
  assert.deepEqual(rateHeaders(answer), {});
  await answer.arrayBuffer();
});

test('of fifty at once as many pass as may, and only they are charged', async () => {
  await using still = await startStill();
  const { easel } = still;
  const { keyId } = await keyOf(easel);
  await limit(easel, keyId, { requestsPerMinute: 5 });
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => easel.post(GENERATIONS, BOAT).then(codeOrDone)),
  );
  assert.equal(answers.filter((status) => status === 200).length, 5);
  assert.equal(answers.filter((status) => status === 429).length, 45);
  const { spent, held } = asObject(await (await easel.get('/v1/balance')).json());
  assert.deepEqual([spent, held], [0.05, 0]);
  assert.deepEqual(await easel.auditProblems(), []);
});

async function codeOrDone(response: Response): Promise<number> {
  await response.arrayBuffer();
  return response.status;
}

test('a replay and a joiner take nothing, and pass an exhausted limit', async () => {
  await using still = await startStill();
  const { easel } = still;
  const { keyId } = await keyOf(easel);
  await limit(easel, keyId, { requestsPerMinute: 1, imagesPerMinute: 1 });
  const headers = { 'idempotency-key': 'one' };
  const bought = await readAnswer(await easel.post(GENERATIONS, BOAT, headers));
  const replay = await easel.post(GENERATIONS, BOAT, headers);
  assert.equal(replay.headers.get('idempotent-replayed'), 'true');
  assert.equal((await readAnswer(replay)).id, bought.id);
  // The same header with another body is a request like any other.
  const other = await easel.post(GENERATIONS, BOAT, { 'idempotency-key': 'two' });
  assert.deepEqual(await codeOf(other), [429, 'rate_limit_exceeded']);
});

test('in flight: the next is refused until one has ended, also after a hang-up', async () => {
  await using still = await startStill('limits: { account: { in_flight: 2 } }');
  const { easel } = still;
  const streams = [];
  for (let count = 0; count < 2; count += 1) {
    streams.push(await easel.post(GENERATIONS, { ...BOAT, stream: true }, SLOW));
  }
  const limited = await easel.post(GENERATIONS, BOAT);
  assert.deepEqual(await codeOf(limited), [429, 'rate_limit_exceeded']);
  assert.equal(limited.headers.get('retry-after'), '1');
  const id = streams[0]?.headers.get('x-easel-image-id') ?? '';
  await streams[0]?.body?.cancel();
  assert.equal((await easel.post(GENERATIONS, BOAT)).status, 429, 'it still runs');
  const removed = await easel.get(`/v1/images/${id}`, { method: 'DELETE' });
  assert.equal(removed.status, 200);
  await readAnswer(await easel.post(GENERATIONS, BOAT));
  // A key of another account is not concerned.
  const { secret } = await easel.makeKey({ account: 'another' });
  await readAnswer(await requesters(easel.url, secret).post(GENERATIONS, BOAT));
  const last = streams[1]?.headers.get('x-easel-image-id') ?? '';
  await easel.get(`/v1/images/${last}`, { method: 'DELETE' });
  await streams[1]?.text();
});

suite('a monthly budget', () => {
  test('holds count, a new month is a new budget, and 402 says so', async () => {
    await using still = await startStill();
    const { easel, clock } = still;
    const { accountId } = await keyOf(easel);
    // 0.01 USD a picture.
    await limit(easel, accountId, { monthlyBudget: parseUsd('0.03') });
    const running = await easel.post(GENERATIONS, { ...BOAT, stream: true }, SLOW);
    await readAnswer(await easel.post(GENERATIONS, BOAT));
    await readAnswer(await easel.post(GENERATIONS, BOAT));
    const refused = await easel.post(GENERATIONS, BOAT);
    assert.equal(refused.headers.get('x-should-retry'), 'false');
    assert.deepEqual(await codeOf(refused), [402, 'insufficient_quota']);
    const id = running.headers.get('x-easel-image-id') ?? '';
    await easel.get(`/v1/images/${id}`, { method: 'DELETE' });
    await running.text();
    await readAnswer(await easel.post(GENERATIONS, BOAT));
    assert.equal((await easel.post(GENERATIONS, BOAT)).status, 402);
    clock.nowMs = Date.UTC(2026, 11, 1);
    await readAnswer(await easel.post(GENERATIONS, BOAT));
    assert.deepEqual(await easel.auditProblems(), []);
  });

  test('of thirty at once no more are charged than it covers', async () => {
    await using still = await startStill();
    const { easel } = still;
    const { keyId } = await keyOf(easel);
    await limit(easel, keyId, { monthlyBudget: parseUsd('0.04') });
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => easel.post(GENERATIONS, BOAT).then(codeOrDone)),
    );
    assert.equal(answers.filter((status) => status === 200).length, 4);
    assert.equal(answers.filter((status) => status === 402).length, 26);
  });
});

test('easel limits sets them for a running server, shows them, and refuses nonsense', async () => {
  await using still = await startStill('limits: { key: { images_per_minute: 1 } }');
  const { easel } = still;
  const { keyId } = await keyOf(easel);
  const folder = easel.home;
  const environment = { ...easel.place };
  const run = (...words: string[]) => runEasel(['limits', ...words], { folder, environment });
  const none = await run(keyId, '--images-per-minute', 'none', '--requests-per-minute', '9');
  assert.equal(none.exitCode, 0, none.stderr);
  assert.match(none.stdout, /requests per minute +9/);
  assert.match(none.stdout, /images per minute +none/);
  const answer = await easel.post(GENERATIONS, BOAT);
  assert.deepEqual(rateHeaders(answer)['limit-requests'], '9');
  assert.deepEqual(rateHeaders(answer)['limit-images'], undefined);
  await answer.arrayBuffer();
  await run(keyId, '--images-per-minute', 'default');
  const again = await easel.post(GENERATIONS, BOAT);
  assert.deepEqual(rateHeaders(again)['limit-images'], '1');
  await again.arrayBuffer();
  const json = JSON.parse((await run('default', '--monthly-budget', '2.50', '--json')).stdout);
  assert.equal(asObject(asObject(json)['limits'])['monthly_budget_usd'], 2.5);
  for (const words of [
    [keyId, '--in-flight', '0'],
    [keyId, '--in-flight', '1.5'],
    [keyId, '--monthly-budget', '-1'],
    ['key_nobody'],
    ['nobody'],
  ]) {
    const refused = await run(...words);
    assert.notEqual(refused.exitCode, 0, words.join(' '));
    assert.match(refused.stderr, /is no limit|is no budget|There is no/);
  }
});
