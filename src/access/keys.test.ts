import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../store/store.ts';
import { openTestStore } from '../store/test-store.ts';
import { ensureAccount } from './accounts.ts';
import { createKey, deleteKey, type KeySettings, listKeys, revokeKey, rotateKey } from './keys.ts';
import { newSecret, parseKey } from './secret.ts';

const NOW = 1_700_000_000_000;

function makeKey(store: Store, settings: Partial<KeySettings> = {}) {
  return store.transaction(async (tx) => {
    const accountId = await ensureAccount(tx, 'default');
    return createKey(tx, { accountId, mode: 'live', name: 'first', ...settings });
  });
}

test('a secret has its form, and is read back with its mode', () => {
  for (const mode of ['test', 'live'] as const) {
    const secret = newSecret(mode);
    assert.match(secret, new RegExp(`^sk-easel-${mode}-[0-9A-Za-z]{43}$`));
    assert.equal(parseKey(secret)?.mode, mode);
    assert.equal(parseKey(secret)?.hint, secret.slice(-4));
    assert.notEqual(newSecret(mode), secret);
  }
  assert.equal(parseKey(`${newSecret('test')}\n`), undefined);
  assert.equal(parseKey(''), undefined);
});

test('only the hash of a secret and its last four characters are stored', async (context) => {
  const { store } = await openTestStore(context, { clock: { now: () => NOW } });
  const { record, secret } = await makeKey(store, { allowedModels: ['flux-2'], expiresAt: 5 });
  assert.deepEqual(record, {
    id: record.id,
    accountId: record.accountId,
    mode: 'live',
    name: 'first',
    hint: secret.slice(-4),
    allowedModels: ['flux-2'],
    createdAt: NOW,
    expiresAt: 5,
    revokedAt: undefined,
    deletedAt: undefined,
  });
  const row = await store.db.selectFrom('keys').selectAll().executeTakeFirstOrThrow();
  assert.match(row.hash, /^[0-9a-f]{64}$/);
  const text = Object.values(row).map(String).join(' ');
  assert.equal(text.includes(secret.slice(14, -4)), false);
});

test('a given secret is taken if it is one of that mode, and once', async (context) => {
  const { store } = await openTestStore(context);
  const secret = newSecret('test');
  assert.equal((await makeKey(store, { mode: 'test', secret })).secret, secret);
  await assert.rejects(makeKey(store, { mode: 'test', secret }), /unique/i);
  await assert.rejects(makeKey(store, { mode: 'live', secret }), /43 characters/);
  await assert.rejects(makeKey(store, { mode: 'live', secret: 'letmein' }), /43 characters/);
});

test('keys are listed without the deleted ones', async (context) => {
  const { store } = await openTestStore(context);
  const [first, second, third] = [
    await makeKey(store, { name: 'first' }),
    await makeKey(store, { name: 'second' }),
    await makeKey(store, { name: 'third' }),
  ];
  await store.transaction((tx) => revokeKey(tx, second.record.id));
  await store.transaction((tx) => deleteKey(tx, third.record.id));
  const listed = await listKeys(store.db, first.record.accountId);
  assert.deepEqual(
    listed.map(({ name }) => name),
    ['first', 'second'],
  );
  assert.equal(listed[0]?.revokedAt, undefined);
  assert.notEqual(listed[1]?.revokedAt, undefined);
});

test('each transition happens once', async (context) => {
  const { store } = await openTestStore(context);
  const { record } = await makeKey(store);
  const revoke = () => store.transaction((tx) => revokeKey(tx, record.id));
  const remove = () => store.transaction((tx) => deleteKey(tx, record.id));
  assert.deepEqual([await revoke(), await revoke()], [true, false]);
  assert.deepEqual([await remove(), await remove()], [true, false]);
  assert.equal(await revoke(), false);
  assert.equal(await store.transaction((tx) => revokeKey(tx, 'key_unknown')), false);
});

test('a rotation keeps the settings; a revoked key cannot be rotated', async (context) => {
  const { store } = await openTestStore(context);
  const settings = { name: 'printer', allowedModels: ['flux-2'], expiresAt: NOW } as const;
  const old = await makeKey(store, settings);
  const rotate = (id: string) => store.transaction((tx) => rotateKey(tx, id));
  const rotated = await rotate(old.record.id);
  assert.ok(rotated);
  assert.notEqual(rotated.secret, old.secret);
  const { id, hint, createdAt } = rotated.record;
  assert.deepEqual(rotated.record, { ...old.record, id, hint, createdAt });
  const listed = await listKeys(store.db, old.record.accountId);
  assert.deepEqual(
    listed.map((key) => key.id),
    [id],
  );
  assert.equal(await rotate(old.record.id), undefined);
  assert.equal(await rotate('key_unknown'), undefined);
  await store.transaction((tx) => revokeKey(tx, id));
  assert.equal(await rotate(id), undefined);
  assert.equal((await listKeys(store.db, old.record.accountId)).length, 1);
});

test('two rotations at once make one new key', async (context) => {
  const { store } = await openTestStore(context);
  const { record } = await makeKey(store);
  const rotated = await Promise.all(
    [1, 2].map(() => store.transaction((tx) => rotateKey(tx, record.id))),
  );
  assert.equal(rotated.filter((key) => key !== undefined).length, 1);
  assert.equal((await listKeys(store.db, record.accountId)).length, 1);
});
