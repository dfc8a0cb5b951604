import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { takeLimits } from '../access/limits.ts';
import { Failure } from '../base/errors.ts';
import { audit } from '../ledger/audit.ts';
import { credit, readBalance } from '../ledger/ledger.ts';
import { insertAccount } from '../store/accounts.ts';
import type { Mode } from '../store/database.ts';
import { findKeyClaim } from '../store/idempotency.ts';
import { openTestStore } from '../store/test-store.ts';
import { KeyTaken, type OpeningRequest, Openings } from './openings.ts';

const ACCOUNT = 'acct_1';
const FINGERPRINT = 'f'.repeat(64);

async function openWith(context: TestContext, balances: Partial<Record<Mode, bigint>>) {
  const { store } = await openTestStore(context);
  await store.transaction(async (tx) => {
    await insertAccount(tx, { id: ACCOUNT, name: 'one' });
    for (const [mode, amount] of Object.entries(balances) as [Mode, bigint][]) {
      await credit(tx, { accountId: ACCOUNT, mode, amount });
    }
  });
  const openings = new Openings({
    store,
    leaseId: 'lease_1',
    keyTtlMs: 60_000,
    takeLimits: (tx, request) => takeLimits(tx, { ...request, keyId: ACCOUNT }),
  });
  /** All of them in one turn of the event loop; what became of each, in order. */
  const openAll = async (requests: readonly OpeningRequest[]): Promise<string[]> => {
    const ends = await Promise.allSettled(requests.map((request) => openings.open(request)));
    return ends.map((end) => (end.status === 'fulfilled' ? 'held' : nameOf(end.reason)));
  };
  const rows = async (): Promise<string[]> => {
    const found = await store.db.selectFrom('requests').select('id').orderBy('id').execute();
    return found.map(({ id }) => id);
  };
  return { store, openAll, rows };
}

function nameOf(error: unknown): string {
  if (error instanceof Failure) {
    return error.errorName;
  }
  return error instanceof KeyTaken ? 'taken' : 'broken';
}

function request(id: string, held: bigint, more: Partial<OpeningRequest> = {}): OpeningRequest {
  return {
    id,
    requestId: `req_${id}`,
    accountId: ACCOUNT,
    mode: 'test',
    operation: 'generate',
    model: 'm',
    n: 1,
    held,
    pixels: 1,
    ...more,
  };
}

test('of what is asked for at once, those are held whom the balance covers, in order', async (context) => {
  const { store, openAll, rows } = await openWith(context, { test: 100n, live: 10n });
  const ends = await openAll([
    request('img_1', 60n),
    request('img_2', 50n),
    request('img_3', 10n, { mode: 'live' }),
    request('img_4', 40n),
    request('img_5', 1n),
    request('img_6', 1n, { mode: 'live' }),
  ]);
  const none = 'insufficient_quota';
  assert.deepEqual(ends, ['held', none, 'held', 'held', none, none]);
  assert.deepEqual(await rows(), ['img_1', 'img_3', 'img_4']);
  const balance = await readBalance(store.db, { accountId: ACCOUNT, mode: 'test' });
  assert.deepEqual([balance.held, balance.available], [100n, 0n]);
  const found = await audit(store);
  assert.deepEqual([found.problems, found.openHolds], [[], 3]);
});

test('hundreds at once: never more than the balance, and each has its row and its hold', async (context) => {
  const { store, openAll, rows } = await openWith(context, { test: 150n });
  const wanted = Array.from({ length: 400 }, (_, index) => request(`img_${1000 + index}`, 1n));
  const ends = await openAll(wanted);
  assert.deepEqual(ends, [
    ...Array.from({ length: 150 }, () => 'held'),
    ...Array.from({ length: 250 }, () => 'insufficient_quota'),
  ]);
  assert.equal((await rows()).length, 150);
  assert.deepEqual((await audit(store)).problems, []);
});

test('a key is claimed by the first; who is refused leaves it to the next', async (context) => {
  const { store, openAll } = await openWith(context, { test: 10n });
  const keyed = (id: string, held: bigint, idempotencyKey: string): OpeningRequest =>
    request(id, held, { idempotencyKey, fingerprint: FINGERPRINT });
  const ends = await openAll([
    keyed('img_1', 5n, 'a'),
    keyed('img_2', 5n, 'a'),
    keyed('img_3', 100n, 'b'),
    request('img_4', 5n),
  ]);
  assert.deepEqual(ends, ['held', 'taken', 'insufficient_quota', 'held']);
  const claimOf = async (key: string): Promise<string | undefined> => {
    const claim = await findKeyClaim(store.db, { accountId: ACCOUNT, mode: 'test', key }, 0);
    return claim?.requestId;
  };
  assert.deepEqual([await claimOf('a'), await claimOf('b')], ['img_1', undefined]);
  assert.deepEqual(await openAll([keyed('img_5', 5n, 'a')]), ['taken']);
});

test('one that cannot be written is not the others’ fault', async (context) => {
  const { openAll, rows, store } = await openWith(context, { test: 100n });
  assert.deepEqual(await openAll([request('img_1', 1n)]), ['held']);
  const ends = await openAll([
    request('img_2', 1n),
    request('img_1', 1n),
    // Of an account's key that is not there.
    request('img_3', 1n, { keyId: 'key_none' }),
    request('img_4', 1n),
  ]);
  assert.deepEqual(ends, ['held', 'broken', 'broken', 'held']);
  assert.deepEqual(await rows(), ['img_1', 'img_2', 'img_4']);
  const found = await audit(store);
  assert.deepEqual([found.problems, found.openHolds], [[], 3]);
});

test('whoever has limits is counted one by one, beside those who have none', async (context) => {
  const { openAll, store } = await openWith(context, { test: 100n });
  const limits = { key: { requestsPerMinute: 2 }, account: {} };
  const ends = await openAll([
    request('img_1', 1n, { limits }),
    request('img_2', 1n),
    request('img_3', 1n, { limits }),
    request('img_4', 1n, { limits }),
    request('img_5', 1n),
  ]);
  assert.deepEqual(ends, ['held', 'held', 'held', 'rate_limit_exceeded', 'held']);
  assert.deepEqual((await audit(store)).problems, []);
});
