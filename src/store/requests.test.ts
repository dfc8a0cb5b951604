import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insertAccount } from './accounts.ts';
import { listRequests } from './request-list.ts';
import { finishRequest } from './request-ends.ts';
import { findRequest, insertRequest, type NewRequest } from './requests.ts';
import type { Store } from './store.ts';
import { openTestStore } from './test-store.ts';

function request(id: string, overrides: Partial<NewRequest> = {}): NewRequest {
  return {
    id,
    requestId: `req_${id}`,
    accountId: 'acct_1',
    mode: 'test',
    operation: 'generate',
    model: 'gpt-image-1',
    n: 1,
    held: 5n,
    ...overrides,
  };
}

async function addAccount(store: Store): Promise<void> {
  await store.transaction((tx) => insertAccount(tx, { id: 'acct_1', name: 'one' }));
}

test('a request is read back as it was written, at its start and at its end', async (context) => {
  const { store } = await openTestStore(context, { clock: { now: () => 1_700_000_000_000 } });
  await addAccount(store);
  await store.transaction((tx) =>
    insertRequest(tx, request('img_1', { metadata: { a: [1, 'b'] }, leaseId: 'lease_1' })),
  );
  const running = await findRequest(store.db, 'img_1');
  assert.equal(running?.status, 'running');
  assert.equal(running.images, 0);
  assert.equal(running.cost, undefined);
  assert.equal(running.createdAt, 1_700_000_000_000);
  assert.deepEqual(running.metadata, { a: [1, 'b'] });
  const ended = await store.transaction((tx) =>
    finishRequest(tx, {
      id: 'img_1',
      status: 'completed',
      images: 1,
      cost: 9_007_199_254_740_993n,
      httpStatus: 200,
      warnings: [{ code: 'snapped' }],
      usage: { tokens: 3, nanousd: 7n },
      upstreamIds: ['up_1'],
    }),
  );
  assert.equal(ended, true);
  const completed = await findRequest(store.db, 'img_1');
  assert.deepEqual(completed, {
    ...running,
    status: 'completed',
    images: 1,
    cost: 9_007_199_254_740_993n,
    httpStatus: 200,
    warnings: [{ code: 'snapped' }],
    usage: { tokens: 3, nanousd: '7' },
    upstreamIds: ['up_1'],
    finishedAt: 1_700_000_000_000,
  });
});

test('a request ends once', async (context) => {
  const { store } = await openTestStore(context);
  await addAccount(store);
  await store.transaction((tx) => insertRequest(tx, request('img_1')));
  const end = (status: 'lost' | 'completed') =>
    store.transaction((tx) => finishRequest(tx, { id: 'img_1', status }), { serial: 'acct_1' });
  assert.deepEqual(await Promise.all([end('lost'), end('completed')]), [true, false]);
  assert.equal((await findRequest(store.db, 'img_1'))?.status, 'lost');
});

test('pages are newest first, also among requests of the same millisecond', async (context) => {
  const { store } = await openTestStore(context, { clock: { now: () => 1_700_000_000_000 } });
  await addAccount(store);
  for (const id of ['img_1', 'img_2', 'img_3', 'img_4', 'img_5']) {
    await store.transaction((tx) =>
      insertRequest(tx, request(id, { mode: id === 'img_3' ? 'live' : 'test' })),
    );
  }
  const page = async (filter: object) =>
    (await listRequests(store.db, { accountId: 'acct_1', limit: 2, ...filter })).map(
      (found) => found.id,
    );
  assert.deepEqual(await page({}), ['img_5', 'img_4']);
  assert.deepEqual(await page({ after: 'img_4' }), ['img_3', 'img_2']);
  assert.deepEqual(await page({ after: 'img_4', mode: 'test' }), ['img_2', 'img_1']);
  assert.deepEqual(await page({ after: 'img_1' }), []);
  assert.deepEqual(await page({ after: 'img_unknown' }), []);
  assert.deepEqual(await page({ requestId: 'req_img_2' }), ['img_2']);
  assert.deepEqual(await page({ status: 'completed' }), []);
  assert.deepEqual(await page({ accountId: 'acct_2' }), []);
});
