import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../base/errors.ts';
import type { CallerLimits, Limits } from '../base/limits.ts';
import { effectiveLimits } from '../base/limits.ts';
import { accountSubject } from '../store/limits.ts';
import { insertRequest } from '../store/requests.ts';
import type { Store } from '../store/store.ts';
import { openTestStore } from '../store/test-store.ts';
import { ensureAccount } from './accounts.ts';
import { createKey } from './keys.ts';
import { readAllowances, recordSpend, refuseExhausted, type Taking, takeLimits } from './limits.ts';

const START = Date.UTC(2026, 10, 30, 23, 59, 0);

/** A store whose time only the test moves, with one account and two keys. */
async function open(context: Parameters<typeof openTestStore>[0]) {
  const clock = { nowMs: START, now: () => clock.nowMs };
  const { store } = await openTestStore(context, { clock });
  const { accountId, keys } = await store.transaction(async (tx) => {
    const account = await ensureAccount(tx, 'default');
    const made = [];
    for (const name of ['first', 'second']) {
      const { record } = await createKey(tx, { accountId: account, mode: 'live', name });
      made.push(record.id);
    }
    return { accountId: account, keys: made };
  });
  const take = (limits: Partial<CallerLimits>, more: Partial<Taking> = {}): Promise<void> =>
    store.transaction((tx) =>
      takeLimits(tx, {
        keyId: keys[0] ?? '',
        accountId,
        mode: 'live',
        limits: { key: {}, account: {}, ...limits },
        n: 1,
        pixels: 1_000_000,
        held: 0n,
        ...more,
      }),
    );
  return { store, clock, accountId, keys, take };
}

/** What it is refused with: the name and the seconds to wait. */
async function refusal(taking: Promise<void>): Promise<[string, number | undefined] | undefined> {
  try {
    await taking;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return [error.errorName, error.retryAfterSeconds];
  }
}

test('a minute’s worth at once, then as steadily as it fills', async (context) => {
  const { take, clock } = await open(context);
  const key: Limits = { requestsPerMinute: 6 };
  for (let count = 0; count < 6; count += 1) {
    assert.equal(await refusal(take({ key })), undefined);
  }
  assert.deepEqual(await refusal(take({ key })), ['rate_limit_exceeded', 10]);
  clock.nowMs += 9_999;
  assert.deepEqual(await refusal(take({ key })), ['rate_limit_exceeded', 1]);
  clock.nowMs += 1;
  assert.equal(await refusal(take({ key })), undefined);
  assert.deepEqual(await refusal(take({ key })), ['rate_limit_exceeded', 10]);
  // Never more than a minute's worth is saved up.
  clock.nowMs += 3_600_000;
  for (let count = 0; count < 6; count += 1) {
    assert.equal(await refusal(take({ key })), undefined);
  }
  assert.deepEqual(await refusal(take({ key })), ['rate_limit_exceeded', 10]);
});

test('images and megapixels count what is asked for; the wait is as long as it must be', async (context) => {
  const { take, clock } = await open(context);
  const key: Limits = { imagesPerMinute: 6, megapixelsPerMinute: 10 };
  assert.equal(await refusal(take({ key }, { n: 4, pixels: 4_000_000 })), undefined);
  assert.deepEqual(await refusal(take({ key }, { n: 3, pixels: 100 })), [
    'rate_limit_exceeded',
    10,
  ]);
  assert.equal(await refusal(take({ key }, { n: 2, pixels: 100 })), undefined);
  clock.nowMs += 60_000;
  assert.deepEqual(await refusal(take({ key }, { pixels: 10_000_001 })), [
    'invalid_value',
    undefined,
  ]);
  assert.deepEqual(await refusal(take({ key }, { n: 7 })), ['invalid_value', undefined]);
  assert.equal(await refusal(take({ key }, { pixels: 10_000_000 })), undefined);
  assert.deepEqual(await refusal(take({ key }, { pixels: 5_000_000 })), [
    'rate_limit_exceeded',
    30,
  ]);
});

test('what is refused takes nothing, neither of that limit nor of the others', async (context) => {
  const { take, store, clock, keys, accountId } = await open(context);
  const limits: CallerLimits = {
    key: { requestsPerMinute: 10, imagesPerMinute: 10 },
    account: { requestsPerMinute: 2 },
  };
  await take(limits);
  await take(limits);
  for (let count = 0; count < 20; count += 1) {
    assert.deepEqual(await refusal(take(limits)), ['rate_limit_exceeded', 30]);
  }
  const caller = { keyId: keys[0] ?? '', accountId, mode: 'live' as const, limits };
  const allowances = await readAllowances(store.db, caller, clock.now());
  assert.deepEqual(allowances, [
    { kind: 'requests', limit: 2, remaining: 0, resetMs: 60_000, nextMs: 30_000 },
    { kind: 'images', limit: 10, remaining: 8, resetMs: 12_000, nextMs: 0 },
  ]);
  assert.throws(() => refuseExhausted(allowances), { errorName: 'rate_limit_exceeded' });
  clock.nowMs += 30_000;
  refuseExhausted(await readAllowances(store.db, caller, clock.now()));
});

test('the wait is that of the limit which has room last', async (context) => {
  const { take, store, clock, keys, accountId } = await open(context);
  const limits: CallerLimits = {
    key: { requestsPerMinute: 60, imagesPerMinute: 6 },
    account: { requestsPerMinute: 60, megapixelsPerMinute: 2 },
  };
  for (let count = 0; count < 60; count += 1) {
    await take({ key: { requestsPerMinute: 60 } });
  }
  await take({ key: { imagesPerMinute: 6 } }, { n: 6 });
  await take({ account: { megapixelsPerMinute: 2 } }, { pixels: 2_000_000 });
  // A second for a request, ten for an image, thirty for a megapixel.
  assert.deepEqual(await refusal(take(limits)), ['rate_limit_exceeded', 30]);
  // Before the body is read megapixels are not known yet.
  const caller = { keyId: keys[0] ?? '', accountId, mode: 'live' as const, limits };
  const allowances = await readAllowances(store.db, caller, clock.now());
  assert.throws(() => refuseExhausted(allowances), { retryAfterSeconds: 10 });
  clock.nowMs += 30_000;
  assert.equal(await refusal(take(limits)), undefined);
});

test('of two limits that are used up the one with the longer wait is told', async (context) => {
  const { take, store, clock, keys, accountId } = await open(context);
  const limits: CallerLimits = { key: { requestsPerMinute: 6 }, account: { requestsPerMinute: 1 } };
  await take({ account: { requestsPerMinute: 1 } });
  for (let count = 0; count < 6; count += 1) {
    await take({ key: { requestsPerMinute: 6 } });
  }
  const caller = { keyId: keys[0] ?? '', accountId, mode: 'live' as const, limits };
  const [requests] = await readAllowances(store.db, caller, clock.now());
  assert.deepEqual([requests?.limit, requests?.nextMs], [1, 60_000]);
});

test('an account’s limit is shared by its keys of one mode, a key’s is its own', async (context) => {
  const { take, keys } = await open(context);
  const limits: CallerLimits = { key: { requestsPerMinute: 2 }, account: { requestsPerMinute: 3 } };
  await take(limits);
  await take(limits);
  const second = { keyId: keys[1] ?? '' };
  await take(limits, second);
  assert.equal((await refusal(take(limits, second)))?.[0], 'rate_limit_exceeded');
  await take(limits, { ...second, mode: 'test' });
});

test('of a hundred at once exactly as many pass as may', async (context) => {
  const { take } = await open(context);
  const key: Limits = { requestsPerMinute: 7, imagesPerMinute: 1000 };
  const all = await Promise.all(Array.from({ length: 100 }, () => refusal(take({ key }))));
  assert.equal(all.filter((each) => each === undefined).length, 7);
});

async function addRunning(
  store: Store,
  row: { id: string; accountId: string; keyId: string; held: bigint },
): Promise<void> {
  await store.transaction((tx) =>
    insertRequest(tx, {
      ...row,
      requestId: `req_${row.id}`,
      mode: 'live',
      operation: 'generation',
      model: 'm',
      n: 1,
    }),
  );
}

test('in flight counts rows that run, of the key and of the account', async (context) => {
  const { take, store, accountId, keys } = await open(context);
  const [first = '', second = ''] = keys;
  await addRunning(store, { id: 'img_1', accountId, keyId: first, held: 0n });
  await take({ key: { inFlight: 2 } });
  assert.deepEqual(await refusal(take({ key: { inFlight: 1 } })), ['rate_limit_exceeded', 1]);
  await take({ key: { inFlight: 1 } }, { keyId: second });
  const account: Limits = { inFlight: 1 };
  assert.equal((await refusal(take({ account }, { keyId: second })))?.[0], 'rate_limit_exceeded');
  await take({ account }, { keyId: second, mode: 'test' });
});

test('a month’s budget covers what was charged, what is held, and this hold', async (context) => {
  const { take, store, clock, accountId, keys } = await open(context);
  const [keyId = ''] = keys;
  const charge = { keyId, accountId, mode: 'live' as const };
  await store.transaction((tx) => recordSpend(tx, { ...charge, cost: 60n }));
  await addRunning(store, { id: 'img_1', accountId, keyId, held: 30n });
  const budget: Limits = { monthlyBudget: 100n };
  for (const limits of [{ key: budget }, { account: budget }]) {
    await take(limits, { held: 10n });
    assert.deepEqual(await refusal(take(limits, { held: 11n })), ['insufficient_quota', undefined]);
  }
  // Midnight of the first of December, UTC.
  clock.nowMs += 60_000;
  for (const limits of [{ key: budget }, { account: budget }]) {
    await take(limits, { held: 70n });
  }
  const rows = await store.db.selectFrom('spend_months').selectAll().execute();
  const november = rows.filter(({ month }) => month === '2026-11');
  assert.deepEqual(
    november.map(({ subject, spent }) => [subject, spent]).toSorted(),
    [
      [accountSubject(accountId, 'live'), 60n],
      [keyId, 60n],
    ].toSorted(),
  );
});

test('own limits go before the defaults, and 0 lifts them', () => {
  const defaults: Limits = { requestsPerMinute: 10, inFlight: 4, monthlyBudget: 5n };
  assert.deepEqual(effectiveLimits(undefined, defaults), defaults);
  assert.deepEqual(
    effectiveLimits({ requestsPerMinute: 0, inFlight: undefined, monthlyBudget: 9n }, defaults),
    { inFlight: 4, monthlyBudget: 9n },
  );
  assert.deepEqual(effectiveLimits({ inFlight: 0 }, { inFlight: 3 }), {});
});
