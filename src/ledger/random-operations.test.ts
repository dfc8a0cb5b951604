import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../store/store.ts';
import { openTestStore } from '../store/test-store.ts';
import { audit } from './audit.ts';
import { credit, expire, hold, readBalance, release } from './ledger.ts';
import { addAccount } from './test-accounts.ts';
import { settle } from './test-settle.ts';

const OPERATIONS = 4_000;
const AT_ONCE = 25;
const SEED = 20_261_121;

interface ModelAccount {
  readonly accountId: string;
  readonly mode: 'test' | 'live';
  balance: bigint;
  spent: bigint;
  /** Amounts of open holds, by request. */
  readonly open: Map<string, bigint>;
}

/** Small and repeatable (mulberry32): a failure can be run again. */
function randomSource(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function availableOf(account: ModelAccount): bigint {
  return [...account.open.values()].reduce((rest, amount) => rest - amount, account.balance);
}

/** Asks for one random operation and says at once what must come of it, in the order asked. */
async function step(store: Store, { account, requestIds, random }: Step): Promise<void> {
  const { accountId, mode } = account;
  const amount = BigInt(random(50));
  const requestId = requestIds[random(requestIds.length)] ?? 'img_0';
  const held = account.open.get(requestId);
  // As all that touches an account's money: in the order in which it was asked for.
  const serial = { serial: accountId };
  switch (random(6)) {
    case 0: {
      account.balance += amount;
      return store.transaction((tx) => credit(tx, { accountId, mode, amount }), serial);
    }
    case 1:
    case 2: {
      const fresh = `img_${accountId}_${mode}_${requestIds.length}`;
      const expected = availableOf(account) >= amount;
      if (expected) {
        requestIds.push(fresh);
        account.open.set(fresh, amount);
      }
      const wanted = { requestId: fresh, accountId, mode, amount, leaseId: 'lease_1' };
      assert.equal(await store.transaction((tx) => hold(tx, wanted), serial), expected);
      return;
    }
    case 3: {
      const overrun = held !== undefined && amount > held ? amount - held : 0n;
      if (held !== undefined) {
        account.balance -= amount;
        account.spent += amount;
        account.open.delete(requestId);
      }
      const settlement = store.transaction((tx) => settle(tx, { requestId, cost: amount }), serial);
      const expected = held === undefined ? undefined : { charged: amount, overrun };
      assert.deepEqual(await settlement, expected);
      return;
    }
    default: {
      const resolve = random(2) === 0 ? release : expire;
      account.open.delete(requestId);
      const resolved = store.transaction((tx) => resolve(tx, { requestId }), serial);
      assert.equal(await resolved, held !== undefined);
    }
  }
}

interface Step {
  readonly account: ModelAccount;
  readonly requestIds: string[];
  readonly random: (below: number) => number;
}

test(`${OPERATIONS} random operations end where a simple model does`, async (context) => {
  const { store } = await openTestStore(context, { durability: 'normal' });
  const random = randomSource(SEED);
  const accounts: { account: ModelAccount; requestIds: string[] }[] = [];
  for (const accountId of ['acct_1', 'acct_2', 'acct_3']) {
    await addAccount(store, { accountId, mode: 'test', amount: 200n });
    for (const mode of ['test', 'live'] as const) {
      const balance = mode === 'test' ? 200n : 0n;
      const first = `img_${accountId}_${mode}_first`;
      await store.transaction((tx) =>
        hold(tx, { requestId: first, accountId, mode, amount: 0n, leaseId: 'lease_1' }),
      );
      const account = { accountId, mode, balance, spent: 0n, open: new Map([[first, 0n]]) };
      accounts.push({ account, requestIds: [first] });
    }
  }
  for (let done = 0; done < OPERATIONS; done += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const chosen = accounts[random(accounts.length)];
        assert.ok(chosen);
        await step(store, { ...chosen, random });
      }),
    );
  }
  let openHolds = 0;
  for (const { account } of accounts) {
    const { balance, spent, open } = account;
    const held = [...open.values()].reduce((total, amount) => total + amount, 0n);
    const expected = { balance, held, available: balance - held, spent };
    assert.deepEqual(await readBalance(store.db, account), expected);
    openHolds += open.size;
  }
  const report = await audit(store);
  assert.deepEqual(report.problems, []);
  assert.equal(report.openHolds, openHolds);
});
