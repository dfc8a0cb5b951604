import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../base/errors.ts';
import { credit, hold } from '../ledger/ledger.ts';
import type { Store } from '../store/store.ts';
import { openTestStore } from '../store/test-store.ts';
import { ensureAccount } from './accounts.ts';
import { authenticate, type Credentials } from './authenticate.ts';
import { createKey, deleteKey, type KeySettings, revokeKey, rotateKey } from './keys.ts';

const NOW = 1_700_000_000_000;

function makeKey(store: Store, settings: Partial<KeySettings> = {}) {
  return store.transaction(async (tx) => {
    const accountId = await ensureAccount(tx, 'default');
    return createKey(tx, { accountId, mode: 'live', name: 'first', ...settings });
  });
}

function enter(store: Store, credentials: Credentials, now = NOW) {
  return authenticate(store, credentials, { now: () => now });
}

function bearer(secret: string): Credentials {
  return { authorization: `Bearer ${secret}` };
}

function failsWith(name: string) {
  return (error: unknown) => error instanceof Failure && error.errorName === name;
}

test('a key opens by either header, the scheme in any case', async (context) => {
  const { store } = await openTestStore(context);
  const { record, secret } = await makeKey(store);
  const expected = {
    accountId: record.accountId,
    keyId: record.id,
    mode: 'live',
    allowedModels: undefined,
    available: 0n,
  };
  for (const credentials of [
    bearer(secret),
    { authorization: `bearer ${secret}` },
    { authorization: `BEARER   ${secret} ` },
    { xApiKey: secret },
    { authorization: `Bearer ${secret}`, xApiKey: 'something else' },
  ]) {
    assert.deepEqual(await enter(store, credentials), expected);
  }
});

test('the caller comes with what may be used and spent, by mode', async (context) => {
  const { store } = await openTestStore(context);
  const live = await makeKey(store, { allowedModels: ['flux-2', 'gpt-image-1'] });
  const none = await makeKey(store, { mode: 'test', allowedModels: [] });
  const { accountId } = live.record;
  await store.transaction(async (tx) => {
    await credit(tx, { accountId, mode: 'live', amount: 100n });
    await hold(tx, { requestId: 'img_1', accountId, mode: 'live', amount: 30n, leaseId: 'l' });
  });
  const caller = await enter(store, bearer(live.secret));
  assert.deepEqual(caller.allowedModels, new Set(['flux-2', 'gpt-image-1']));
  assert.equal(caller.available, 70n);
  const test = await enter(store, bearer(none.secret));
  assert.deepEqual(test.allowedModels, new Set());
  assert.equal(test.available, 0n);
});

test('401 for what is missing, malformed or unknown', async (context) => {
  const { store } = await openTestStore(context);
  const { secret } = await makeKey(store);
  const swapped = secret.replace('live', 'test');
  for (const credentials of [
    {},
    { authorization: '' },
    { authorization: 'Bearer' },
    { authorization: secret },
    { authorization: `Basic ${secret}` },
    { authorization: `Bearer ${secret} ${secret}` },
    { xApiKey: '' },
    bearer('sk-easel-live-short'),
    bearer(`${secret}x`),
    bearer(secret.replace('sk-easel-live-', 'sk-easel-admin-')),
    bearer(secret.toUpperCase()),
    bearer(swapped),
    bearer(`sk-easel-live-${'a'.repeat(43)}`),
    { authorization: 'Basic x', xApiKey: secret },
  ]) {
    await assert.rejects(
      enter(store, credentials),
      failsWith('invalid_api_key'),
      JSON.stringify(credentials),
    );
  }
});

test('401 from the moment that a key expires', async (context) => {
  const { store } = await openTestStore(context);
  const { secret } = await makeKey(store, { expiresAt: NOW });
  assert.ok(await enter(store, bearer(secret), NOW - 1));
  await assert.rejects(enter(store, bearer(secret), NOW), failsWith('invalid_api_key'));
});

test('403 for a revoked key, at once, on every connection', async (context) => {
  const { store, openAgain } = await openTestStore(context);
  const elsewhere = await openAgain();
  context.after(() => elsewhere.close());
  const { record, secret } = await makeKey(store);
  assert.ok(await enter(elsewhere, bearer(secret)));
  assert.equal(await store.transaction((tx) => revokeKey(tx, record.id)), true);
  await assert.rejects(enter(elsewhere, bearer(secret)), failsWith('api_key_revoked'));
  await assert.rejects(enter(store, bearer(secret)), failsWith('api_key_revoked'));
});

test('401 for a deleted key, also when it was revoked before', async (context) => {
  const { store } = await openTestStore(context);
  const { record, secret } = await makeKey(store);
  await store.transaction((tx) => revokeKey(tx, record.id));
  assert.equal(await store.transaction((tx) => deleteKey(tx, record.id)), true);
  await assert.rejects(enter(store, bearer(secret)), failsWith('invalid_api_key'));
});

test('a rotation shuts out the old secret and lets in the new one', async (context) => {
  const { store } = await openTestStore(context);
  const { record, secret } = await makeKey(store, { allowedModels: ['flux-2'] });
  const rotated = await store.transaction((tx) => rotateKey(tx, record.id));
  assert.ok(rotated);
  await assert.rejects(enter(store, bearer(secret)), failsWith('invalid_api_key'));
  const caller = await enter(store, bearer(rotated.secret));
  assert.deepEqual(caller.allowedModels, new Set(['flux-2']));
});

test('no text of a failure holds the key', async (context) => {
  const { store } = await openTestStore(context);
  const { record, secret } = await makeKey(store);
  await store.transaction((tx) => revokeKey(tx, record.id));
  await assert.rejects(enter(store, bearer(secret)), (error: Failure) => {
    assert.doesNotMatch(`${error.message} ${String(error.internal)}`, /sk-easel/);
    return true;
  });
});
