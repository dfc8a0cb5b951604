import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ImageList } from '../../src/contract/images.ts';
import { readError } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject, asString } from '../support/json.ts';

const BOAT = { model: 'flux-2-pro', prompt: 'a red boat', width: 256, height: 256 };

let easel: Easel;
/** Of the account's requests, by what became of them; `running` is the newest. */
let ids: Readonly<Record<'first' | 'second' | 'failed' | 'cancelled' | 'running', string>>;

before(async () => {
  easel = await startEasel();
  const ask = async (headers: Record<string, string>): Promise<string> => {
    const response = await easel.post('/v1/images/generations', BOAT, {
      prefer: 'respond-async, wait=60',
      ...headers,
    });
    await response.body?.cancel();
    return response.headers.get('x-easel-image-id') ?? '';
  };
  const slow = { prefer: 'respond-async', 'x-easel-test': 'slow=3600' };
  const first = await ask({ 'idempotency-key': 'order-1', 'x-request-id': 'mine-1' });
  const second = await ask({ 'idempotency-key': 'order-2', 'x-request-id': 'mine-2' });
  const failed = await ask({ 'x-easel-test': 'upstream_error' });
  const cancelled = await ask(slow);
  await easel.get(`/v1/images/${cancelled}`, { method: 'DELETE' });
  const running = await ask(slow);
  ids = { first, second, failed, cancelled, running };
});
after(async () => {
  await easel.get(`/v1/images/${ids.running}`, { method: 'DELETE' });
  assert.deepEqual(await easel.auditProblems(), []);
  await easel.close();
});

interface Page {
  readonly ids: readonly string[];
  readonly statuses: readonly string[];
  readonly hasMore: boolean;
}

async function list(query = '', headers: Record<string, string> = {}): Promise<Page> {
  const response = await easel.get(`/v1/images${query}`, { headers });
  const body: unknown = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const { data, has_more: hasMore } = ImageList.parse(body);
  for (const item of data) {
    assert(!('data' in item), 'a list holds no pictures');
    assert.equal('error' in item, ['failed', 'cancelled'].includes(item.status), item.status);
    assert.equal('usage' in item, item.status === 'completed', item.status);
  }
  return { ids: data.map(({ id }) => id), statuses: data.map(({ status }) => status), hasMore };
}

test('200: all of them, newest first', async () => {
  const { running, cancelled, failed, second, first } = ids;
  assert.deepEqual(await list(), {
    ids: [running, cancelled, failed, second, first],
    statuses: ['running', 'cancelled', 'failed', 'completed', 'completed'],
    hasMore: false,
  });
});

test('200: page by page, each once', async () => {
  const { running, cancelled, failed, second, first } = ids;
  const pages = [await list('?limit=2')];
  while (pages.at(-1)?.hasMore === true) {
    pages.push(await list(`?limit=2&after=${pages.at(-1)?.ids.at(-1) ?? ''}`));
  }
  assert.deepEqual(
    pages.map((page) => page.ids),
    [[running, cancelled], [failed, second], [first]],
  );
  assert.deepEqual((await list(`?after=${first}`)).ids, []);
  assert.equal((await list('?limit=5')).hasMore, false, 'a page that is just full');
});

test('200: by status; cancelled ones are no failed ones, queued ones run', async () => {
  const { running, cancelled, failed, second, first } = ids;
  const expected = {
    queued: [running],
    running: [running],
    completed: [second, first],
    failed: [failed],
    cancelled: [cancelled],
    lost: [],
  };
  for (const [status, found] of Object.entries(expected)) {
    assert.deepEqual((await list(`?status=${status}`)).ids, found, status);
  }
  assert.deepEqual(await list('?status=completed&limit=1'), {
    ids: [second],
    statuses: ['completed'],
    hasMore: true,
  });
});

test('200: by the key and by the request id that came with them', async () => {
  assert.deepEqual((await list('?idempotency_key=order-1')).ids, [ids.first]);
  assert.deepEqual((await list('?request_id=mine-2')).ids, [ids.second]);
  assert.deepEqual((await list('?request_id=mine-2&idempotency_key=order-1')).ids, []);
  assert.deepEqual((await list('?idempotency_key=none')).ids, []);
});

test('200: of this account and mode only', async () => {
  const other = await easel.makeKey({ account: 'other' });
  const live = await easel.makeKey({ account: 'default', mode: 'live' });
  const same = await easel.makeKey({ account: 'default' });
  for (const { secret, count } of [
    { ...other, count: 0 },
    { ...live, count: 0 },
    { ...same, count: 5 },
  ]) {
    const page = await list('', { authorization: `Bearer ${secret}` });
    assert.equal(page.ids.length, count);
  }
});

test('400: values that are none, each by its name', async (t) => {
  const other = await easel.makeKey({ account: 'other' });
  const headers = { authorization: `Bearer ${other.secret}` };
  const wrong: [string, string][] = [
    ['status', 'status=done'],
    ['status', 'status=failed&status=lost'],
    ['limit', 'limit=0'],
    ['limit', 'limit=101'],
    ['limit', 'limit=1.5'],
    ['limit', 'limit=many'],
    ['limit', 'limit='],
    ['after', 'after=img_unknown'],
    ['idempotency_key', `idempotency_key=${'x'.repeat(256)}`],
    ['idempotency_key', 'idempotency_key='],
    ['request_id', 'request_id='],
  ];
  for (const [param, query] of wrong) {
    await t.test(query.slice(0, 40), async () => {
      await readError(await easel.get(`/v1/images?${query}`), { name: 'invalid_value', param });
    });
  }
  const response = await easel.get(`/v1/images?after=${ids.first}`, { headers });
  await readError(response, { name: 'invalid_value', param: 'after' });
});

test('401: without a key', async () => {
  await readError(await fetch(`${easel.url}/v1/images`), { name: 'invalid_api_key' });
});

test('the log line of a look names the request, and nothing of the query', async () => {
  const response = await easel.get(`/v1/images/${ids.failed}?secret=x`, {
    headers: { 'x-request-id': 'looked-for' },
  });
  const { id } = asObject(await response.json());
  await response.body?.cancel().catch(() => undefined);
  const next = await easel.get('/v1/images?limit=1');
  await next.body?.cancel();
  const line = easel.logLines.find(({ requestId }) => requestId === 'looked-for');
  assert.equal(line?.['image'], asString(id));
  assert.equal(line['path'], `/v1/images/${ids.failed}`);
});
