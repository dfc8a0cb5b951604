import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEasel } from '../support/harness.ts';

test('200 at once on a balance for 50: exactly 50 succeed, and the ledger balances', async () => {
  await using easel = await startEasel({ creditUsd: '0.5' });
  const body = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const response = await easel.post('/v1/images/generations', body);
      const answer = (await response.json()) as { usage?: { cost: { total_cost: number } } };
      if (response.status === 200) {
        assert.equal(answer.usage?.cost.total_cost, 0.01);
      } else {
        assert.equal(response.headers.get('x-should-retry'), 'false');
      }
      return response.status;
    }),
  );
  const count = (status: number): number => statuses.filter((one) => one === status).length;
  assert.deepEqual([count(200), count(402)], [50, 150]);
  assert.deepEqual(await (await easel.get('/v1/balance')).json(), {
    mode: 'test',
    currency: 'USD',
    balance: 0,
    held: 0,
    available: 0,
    spent: 0.5,
  });
  assert.deepEqual(await easel.auditProblems(), []);
});

test('what the answer says was charged is what the ledger took, for every price kind', async () => {
  await using easel = await startEasel({ creditUsd: '100' });
  let before = 100_000_000_000n;
  for (const extra of [
    { model: 'deepshi-image-1' },
    { model: 'gpt-image-2', quality: 'low', n: 2 },
    { model: 'gpt-image-1.5', quality: 'high', stream: false, size: '1024x1536' },
    { model: 'flux-2-pro', width: 1920, height: 1088 },
    { model: 'grok-imagine-quality', resolution: '2K', n: 2 },
    { model: 'nano-banana-pro', resolution: '1K' },
    { model: 'seedream-4.5' },
  ]) {
    const response = await easel.post('/v1/images/generations', { prompt: 'a boat', ...extra });
    const answer = (await response.json()) as { usage: { cost: { total_cost: number } } };
    assert.equal(response.status, 200, JSON.stringify(answer));
    const { balance } = (await (await easel.get('/v1/balance')).json()) as { balance: number };
    const after = BigInt(Math.round(balance * 1e9));
    assert.equal(before - after, BigInt(Math.round(answer.usage.cost.total_cost * 1e9)));
    before = after;
  }
  assert.deepEqual(await easel.auditProblems(), []);
});

test('test and live balances are apart, and live keys see only models that can serve them', async () => {
  await using easel = await startEasel();
  const { secret } = await easel.makeKey({ account: 'default', mode: 'live', creditUsd: '1' });
  const headers = { authorization: `Bearer ${secret}` };
  const models = (await (await easel.get('/v1/models', { headers })).json()) as {
    data: { id: string; engine?: string }[];
  };
  assert.deepEqual(
    models.data.map(({ id, engine }) => [id, engine]),
    [
      ['deepshi-banana-pro', 'painter'],
      ['deepshi-image-1', 'painter'],
    ],
  );
  const refused = await easel.post(
    '/v1/images/generations',
    { model: 'gpt-image-2', prompt: 'a boat' },
    headers,
  );
  assert.equal(refused.status, 400);
  // A live key ignores the test header.
  const painted = await easel.post(
    '/v1/images/generations',
    { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 },
    { ...headers, 'x-easel-test': 'upstream_error' },
  );
  assert.equal(painted.status, 200);
  assert.equal('test' in ((await painted.json()) as object), false);
  const live = (await (await easel.get('/v1/balance', { headers })).json()) as object;
  assert.deepEqual(live, {
    mode: 'live',
    currency: 'USD',
    balance: 0.99,
    held: 0,
    available: 0.99,
    spent: 0.01,
  });
  const tested = (await (await easel.get('/v1/balance')).json()) as { balance: number };
  assert.equal(tested.balance, 10);
});
