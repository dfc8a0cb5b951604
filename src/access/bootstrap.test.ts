import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit } from '../ledger/audit.ts';
import { credit } from '../ledger/ledger.ts';
import { findAccountByName } from '../store/accounts.ts';
import { openTestStore } from '../store/test-store.ts';
import { ensureAccount } from './accounts.ts';
import { authenticate } from './authenticate.ts';
import { bootstrap } from './bootstrap.ts';
import { deleteKey, listKeys } from './keys.ts';
import { newSecret } from './secret.ts';

const CLOCK = { now: () => 1_700_000_000_000 };

test('the first start makes an account, a random test key and a credit', async (context) => {
  const { store } = await openTestStore(context);
  const first = await bootstrap(store, { creditUsd: 10n, credit });
  assert.equal(first.created, true);
  assert.ok(first.secret);
  assert.match(first.secret, /^sk-easel-test-/);
  const caller = await authenticate(store, { xApiKey: first.secret }, CLOCK);
  assert.equal(caller.mode, 'test');
  assert.equal(caller.available, 10n);
  assert.equal(caller.accountId, first.accountId);
  assert.equal((await findAccountByName(store.db, 'default'))?.id, first.accountId);
  assert.deepEqual((await audit(store)).problems, []);
});

test('a given key decides the mode and is not given back', async (context) => {
  const { store } = await openTestStore(context);
  const key = newSecret('live');
  const first = await bootstrap(store, { key, creditUsd: 10n, credit });
  assert.equal(first.created, true);
  assert.equal('secret' in first, false);
  const caller = await authenticate(store, { xApiKey: key }, CLOCK);
  assert.equal(caller.mode, 'live');
  assert.equal(caller.available, 10n);
});

test('later starts do nothing, even after every key was deleted', async (context) => {
  const { store } = await openTestStore(context);
  const [first, second] = await Promise.all([
    bootstrap(store, { creditUsd: 10n, credit }),
    bootstrap(store, { creditUsd: 10n, credit }),
  ]);
  const { accountId } = first;
  assert.deepEqual(second, { created: false, accountId });
  for (const key of await listKeys(store.db, accountId)) {
    await store.transaction((tx) => deleteKey(tx, key.id));
  }
  const third = await bootstrap(store, { key: newSecret('live'), creditUsd: 10n, credit });
  assert.deepEqual(third, { created: false, accountId });
  assert.equal((await audit(store)).transfers, 1);
});

test('a first key that is none is refused in words, and nothing is made', async (context) => {
  const { store } = await openTestStore(context);
  await assert.rejects(bootstrap(store, { key: 'secret', creditUsd: 10n, credit }), (error) => {
    assert.match(String(error), /sk-easel-test- or sk-easel-live-/);
    return true;
  });
  assert.equal(await findAccountByName(store.db, 'default'), undefined);
});

test('no credit, no transfer', async (context) => {
  const { store } = await openTestStore(context);
  await bootstrap(store, { creditUsd: 0n, credit });
  assert.equal((await audit(store)).transfers, 0);
});

test('an account is made once', async (context) => {
  const { store } = await openTestStore(context);
  const ids = await Promise.all(
    [1, 2, 3].map(() => store.transaction((tx) => ensureAccount(tx, 'shop'))),
  );
  assert.equal(new Set(ids).size, 1);
});
