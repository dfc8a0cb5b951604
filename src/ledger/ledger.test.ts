import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../store/store.ts';
import { openTestStore } from '../store/test-store.ts';
import type { Transaction } from '../store/transaction.ts';
import { audit } from './audit.ts';
import { credit, expire, hold, readBalance, release, settleEach } from './ledger.ts';
import { addAccount } from './test-accounts.ts';
import { settle } from './test-settle.ts';

const KEY = { accountId: 'acct_1', mode: 'live' } as const;

function holdFor(store: Store, requestId: string, amount: bigint): Promise<boolean> {
  return store.transaction((tx) => hold(tx, { ...KEY, requestId, amount, leaseId: 'lease_1' }));
}

async function expectBalance(
  store: Store,
  expected: { balance: bigint; held: bigint; spent: bigint },
): Promise<void> {
  const { balance, held } = expected;
  assert.deepEqual(await readBalance(store.db, KEY), { ...expected, available: balance - held });
  assert.deepEqual((await audit(store)).problems, []);
}

test('credit, hold, settle: the exact cost is charged and the rest comes back', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 100n });
  assert.equal(await holdFor(store, 'img_1', 40n), true);
  await expectBalance(store, { balance: 100n, held: 40n, spent: 0n });
  const settlement = await store.transaction((tx) => settle(tx, { requestId: 'img_1', cost: 25n }));
  assert.deepEqual(settlement, { charged: 25n, overrun: 0n });
  await expectBalance(store, { balance: 75n, held: 0n, spent: 25n });
  const report = await audit(store);
  assert.deepEqual(report, { ok: true, problems: [], accounts: 2, transfers: 3, openHolds: 0 });
});

test('a release charges nothing; test money is not live money', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 100n });
  await holdFor(store, 'img_1', 40n);
  assert.equal(await store.transaction((tx) => release(tx, { requestId: 'img_1' })), true);
  await expectBalance(store, { balance: 100n, held: 0n, spent: 0n });
  const test = { ...KEY, mode: 'test', requestId: 'img_2', amount: 1n, leaseId: 'l' } as const;
  assert.equal(await store.transaction((tx) => hold(tx, test)), false);
});

test('200 racing holds over money for 50: exactly 50 get it', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 500n });
  const held = await Promise.all(
    Array.from({ length: 200 }, (_, index) => holdFor(store, `img_${index}`, 10n)),
  );
  assert.equal(held.filter(Boolean).length, 50);
  await expectBalance(store, { balance: 500n, held: 500n, spent: 0n });
});

test('the same from two processes’ connections', async (context) => {
  const { store, openAgain } = await openTestStore(context);
  const other = await openAgain();
  context.after(() => other.close());
  await addAccount(store, { ...KEY, amount: 500n });
  const held = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      holdFor(index % 2 === 0 ? store : other, `img_${index}`, 10n),
    ),
  );
  assert.equal(held.filter(Boolean).length, 50);
  await expectBalance(store, { balance: 500n, held: 500n, spent: 0n });
});

test('of any two resolutions exactly the first one wins', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 1_000n });
  const resolutions: Record<string, (tx: Transaction, requestId: string) => Promise<unknown>> = {
    settle: (tx, requestId) => settle(tx, { requestId, cost: 7n }),
    release: (tx, requestId) => release(tx, { requestId }),
    expire: (tx, requestId) => expire(tx, { requestId }),
  };
  // As all that touches an account's money.
  const serial = { serial: KEY.accountId };
  let spent = 0n;
  for (const [first, resolveFirst] of Object.entries(resolutions)) {
    for (const [second, resolveSecond] of Object.entries(resolutions)) {
      for (const together of [true, false]) {
        const requestId = `img_${first}_${second}_${String(together)}`;
        await holdFor(store, requestId, 10n);
        const winner = store.transaction((tx) => resolveFirst(tx, requestId), serial);
        const won = together ? winner : await winner;
        const lost = await store.transaction((tx) => resolveSecond(tx, requestId), serial);
        assert.ok(await won, requestId);
        assert.ok(lost === false || lost === undefined, requestId);
        spent += first === 'settle' ? 7n : 0n;
        await expectBalance(store, { balance: 1_000n - spent, held: 0n, spent });
      }
    }
  }
});

test('a request is held for once; a second hold undoes its transaction', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 100n });
  await holdFor(store, 'img_1', 10n);
  await assert.rejects(holdFor(store, 'img_1', 10n), /a hold for one of these already: img_1/);
  await expectBalance(store, { balance: 100n, held: 10n, spent: 0n });
  // Nor does a resolved one come back to life.
  await store.transaction((tx) => release(tx, { requestId: 'img_1' }));
  await assert.rejects(holdFor(store, 'img_1', 10n), /a hold for one of these already: img_1/);
  await expectBalance(store, { balance: 100n, held: 0n, spent: 0n });
});

test('an overrun is charged, recorded, and bars holds until a credit', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 10n });
  await holdFor(store, 'img_1', 10n);
  const settlement = await store.transaction((tx) => settle(tx, { requestId: 'img_1', cost: 13n }));
  assert.deepEqual(settlement, { charged: 13n, overrun: 3n });
  await expectBalance(store, { balance: -3n, held: 0n, spent: 13n });
  assert.equal(await holdFor(store, 'img_2', 0n), false);
  assert.equal(await holdFor(store, 'img_2', 1n), false);
  await store.transaction((tx) => credit(tx, { ...KEY, amount: 3n }));
  assert.equal(await holdFor(store, 'img_2', 0n), true);
  assert.equal(await holdFor(store, 'img_3', 1n), false);
});

test('nothing may cost nothing', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 0n });
  assert.equal(await holdFor(store, 'img_1', 0n), true);
  const settlement = await store.transaction((tx) => settle(tx, { requestId: 'img_1', cost: 0n }));
  assert.deepEqual(settlement, { charged: 0n, overrun: 0n });
  await expectBalance(store, { balance: 0n, held: 0n, spent: 0n });
});

test('a hold that is refused leaves no trace', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 10n });
  assert.equal(await holdFor(store, 'img_1', 11n), false);
  assert.equal((await audit(store)).transfers, 1);
  assert.equal(await holdFor(store, 'img_1', 10n), true);
});

test('negative and absurd amounts, and resolutions of nothing, are refused', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 10n });
  await holdFor(store, 'img_1', 5n);
  for (const amount of [-1n, 10n ** 18n + 1n]) {
    await assert.rejects(holdFor(store, 'img_2', amount), /no amount/);
    await assert.rejects(
      store.transaction((tx) => credit(tx, { ...KEY, amount })),
      /no amount/,
    );
    await assert.rejects(
      store.transaction((tx) => settle(tx, { requestId: 'img_1', cost: amount })),
      /no amount/,
    );
  }
  await assert.rejects(
    store.transaction((tx) => settle(tx, { requestId: 'img_unknown', cost: 1n })),
    /no hold for img_unknown/,
  );
  await expectBalance(store, { balance: 10n, held: 5n, spent: 0n });
});

test('sums that the database could not hold exactly are refused', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 10n ** 18n });
  for (let total = 2n; total <= 4n; total += 1n) {
    await store.transaction((tx) => credit(tx, { ...KEY, amount: 10n ** 18n }));
  }
  await assert.rejects(
    store.transaction((tx) => credit(tx, { ...KEY, amount: 10n ** 18n })),
    /check/i,
  );
  await expectBalance(store, { balance: 4n * 10n ** 18n, held: 0n, spent: 0n });
});

test('several settled at once: each exactly once, and one that was resolved before is left out', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store, { ...KEY, amount: 100n });
  const ids = ['img_1', 'img_2', 'img_3', 'img_4'];
  for (const id of ids) {
    assert.ok(await holdFor(store, id, 20n));
  }
  await store.transaction((tx) => release(tx, { requestId: 'img_2' }));
  const wanted = ids.map((requestId, index) => ({ requestId, cost: BigInt(10 * (index + 1)) }));
  const told: string[][] = [];
  const settled = await store.transaction((tx) =>
    settleEach(tx, KEY, wanted, async (charged) => {
      told.push(charged.map(({ requestId }) => requestId));
      // The balance is as it was.
      assert.equal((await readBalance(tx, KEY)).held, 60n);
    }),
  );
  assert.deepEqual(told, [['img_1', 'img_3', 'img_4']]);
  assert.deepEqual(
    wanted.map((one) => settled.get(one)),
    [
      { charged: 10n, overrun: 0n },
      undefined,
      { charged: 30n, overrun: 10n },
      { charged: 40n, overrun: 20n },
    ],
  );
  await expectBalance(store, { balance: 20n, held: 0n, spent: 80n });
  const again = await store.transaction((tx) => settleEach(tx, KEY, wanted));
  assert.equal(again.size, 0);
  await assert.rejects(
    store.transaction((tx) => settleEach(tx, { ...KEY, mode: 'test' }, wanted)),
    /is of another/,
  );
  const unknown = [{ requestId: 'img_9', cost: 1n }];
  await assert.rejects(
    store.transaction((tx) => settleEach(tx, KEY, unknown)),
    /no hold for img_9/,
  );
  await expectBalance(store, { balance: 20n, held: 0n, spent: 80n });
});
