import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { readAnswer } from '../support/answers.ts';
import { type Easel, requesters, startEasel } from '../support/harness.ts';
import { asArray, asObject, type JsonObject } from '../support/json.ts';
import { spawnEasel, temporaryFolder } from '../support/process.ts';

const GENERATIONS = '/v1/images/generations';
const BOAT = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
const ADMIN_KEY = `sk-easel-admin-${'a1'.repeat(20)}`;

let easel: Easel;

before(async () => {
  easel = await startEasel({ environment: { EASEL_ADMIN_KEY: ADMIN_KEY } });
});
after(() => easel.close());

async function call(
  method: string,
  path: string,
  body?: object,
  key = ADMIN_KEY,
): Promise<{ status: number; body: JsonObject }> {
  const response = await fetch(`${easel.url}/admin/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: asObject(await response.json()) };
}

async function ok(method: string, path: string, body?: object): Promise<JsonObject> {
  const answer = await call(method, path, body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

async function refused(
  status: number,
  method: string,
  path: string,
  body?: object,
): Promise<JsonObject> {
  const answer = await call(method, path, body);
  assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(answer.body)}`);
  return asObject(answer.body['error']);
}

async function rows(path: string): Promise<JsonObject[]> {
  return asArray((await ok('GET', path))['data']).map(asObject);
}

let names = 0;
async function makeAccount(): Promise<string> {
  names += 1;
  return String((await ok('POST', '/accounts', { name: `customer ${names}` }))['id']);
}

async function makeKey(accountId: string, more: object = {}): Promise<[string, string]> {
  const body = { account_id: accountId, mode: 'test', name: 'web', ...more };
  const { id, secret } = await ok('POST', '/keys', body);
  return [String(id), String(secret)];
}

/** Every operation of the admin API, with an id that is not there. */
async function operations(): Promise<[string, string][]> {
  const document = asObject(await (await fetch(`${easel.url}/openapi.json`)).json());
  return Object.entries(asObject(document['paths']))
    .filter(([path]) => path.startsWith('/admin/v1/'))
    .flatMap(([path, methods]) =>
      Object.keys(asObject(methods)).map((method): [string, string] => [
        method.toUpperCase(),
        path.replace('/admin/v1', '').replace('{id}', 'nothing_here'),
      ]),
    );
}

suite('who may', () => {
  test('nobody without the admin key: 401 on every operation', async () => {
    const all = await operations();
    assert.ok(all.length >= 20, String(all.length));
    for (const [method, path] of all) {
      for (const key of ['', 'sk-easel-admin-wrong', easel.key, `${ADMIN_KEY}x`]) {
        const { status, body } = await call(method, path, method === 'GET' ? undefined : {}, key);
        assert.equal(status, 401, `${method} ${path}`);
        assert.equal(asObject(body['error'])['code'], 'invalid_api_key');
      }
    }
  });

  test('the admin key opens nothing else', async () => {
    const { get, post } = requesters(easel.url, ADMIN_KEY);
    assert.equal((await get('/v1/models')).status, 401);
    assert.equal((await post(GENERATIONS, BOAT)).status, 401);
  });

  test('what is not there is 404, on every operation by id', async () => {
    for (const [method, path] of (await operations()).filter(([, each]) =>
      each.includes('nothing'),
    )) {
      const body = path.endsWith('credits') ? { mode: 'test', amount_usd: 1 } : {};
      const error = await refused(404, method, path, method === 'GET' ? undefined : body);
      assert.equal(error['code'], 'not_found');
    }
  });

  test('made at the first start, kept for its owner, printed once', async () => {
    await using home = await temporaryFolder();
    const first = await spawnEasel(home.path);
    const [, key = ''] = /^Admin key {2}(\S+)$/m.exec(first.stdout()) ?? [];
    assert.match(key, /^sk-easel-admin-[0-9A-Za-z]{43}$/);
    const file = join(home.path, 'admin-key');
    assert.equal((await readFile(file, 'utf8')).trim(), key);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const response = await requesters(first.url, key).get('/admin/v1/accounts');
    assert.equal(response.status, 200);
    first.signal('SIGTERM');
    await first.ended;
    const second = await spawnEasel(home.path);
    assert.doesNotMatch(second.stdout(), /sk-easel-admin/);
    assert.ok(!second.stderr().includes(key));
    assert.equal((await requesters(second.url, key).get('/admin/v1/accounts')).status, 200);
    second.signal('SIGTERM');
    await second.ended;
  });
});

test('an account: made, found, renamed, limited; its webhook secret is shown once', async () => {
  const made = await ok('POST', '/accounts', { name: 'acme' });
  assert.match(String(made['webhook_secret']), /^whsec_/);
  const id = String(made['id']);
  const error = await refused(400, 'POST', '/accounts', { name: 'acme' });
  assert.deepEqual([error['code'], error['param']], ['invalid_value', 'name']);
  const limits = { images_per_minute: 30, monthly_budget_usd: 12.5, in_flight: 0 };
  const changed = await ok('PATCH', `/accounts/${id}`, { name: 'acme ltd', limits });
  assert.equal(changed['name'], 'acme ltd');
  const shown = { requests_per_minute: null, megapixels_per_minute: null, ...limits };
  assert.deepEqual(changed['limits'], shown);
  // What is left out stays, and null goes back to the settings.
  const again = await ok('PATCH', `/accounts/${id}`, { limits: { in_flight: null } });
  assert.deepEqual(again['limits'], { ...shown, in_flight: null });
  const found = (await rows('/accounts')).find((account) => account['id'] === id);
  assert.deepEqual(found, await ok('GET', `/accounts/${id}`));
  assert.ok(!('webhook_secret' in (found ?? {})));
  const rotated = await ok('POST', `/accounts/${id}/webhook-secret`);
  assert.notEqual(rotated['webhook_secret'], made['webhook_secret']);
});

test('a key: made and shown once, used, changed, rotated, revoked, deleted; each holds at once', async () => {
  const accountId = await makeAccount();
  await ok('POST', `/accounts/${accountId}/credits`, { mode: 'test', amount_usd: 5 });
  const [id, secret] = await makeKey(accountId, {
    allowed_models: ['deepshi-banana-pro'],
    limits: { requests_per_minute: 100 },
  });
  const use = async (key: string, model = BOAT.model): Promise<number> => {
    const response = await requesters(easel.url, key).post(GENERATIONS, { ...BOAT, model });
    await response.arrayBuffer();
    return response.status;
  };
  assert.equal(await use(secret), 200);
  assert.equal(await use(secret, 'flux-2-pro'), 403);
  const opened = await ok('PATCH', `/keys/${id}`, { allowed_models: null, name: 'shop' });
  assert.deepEqual([opened['allowed_models'], opened['name']], [null, 'shop']);
  assert.equal(await use(secret, 'flux-2-pro'), 200);
  assert.ok(!JSON.stringify(await ok('GET', `/keys/${id}`)).includes(secret));

  const rotated = await ok('POST', `/keys/${id}/rotate`);
  assert.equal(await use(secret), 401);
  assert.equal(await use(String(rotated['secret'])), 200);
  assert.equal(asObject(rotated['limits'])['requests_per_minute'], 100);
  const next = String(rotated['id']);
  assert.equal((await ok('PATCH', `/keys/${next}`, { expires: 1 }))['state'], 'expired');
  assert.equal(await use(String(rotated['secret'])), 401);
  assert.equal((await ok('PATCH', `/keys/${next}`, { expires: null }))['state'], 'active');
  assert.equal((await ok('POST', `/keys/${next}/revoke`))['state'], 'revoked');
  assert.equal(await use(String(rotated['secret'])), 403);
  await refused(400, 'POST', `/keys/${next}/rotate`);
  assert.deepEqual(await ok('DELETE', `/keys/${next}`), { id: next, deleted: true });
  assert.equal(await use(String(rotated['secret'])), 401);
  await refused(404, 'GET', `/keys/${next}`);
  assert.deepEqual(await rows(`/keys?account_id=${accountId}`), []);
});

test('a credit with a reference is given once, however often and from wherever', async () => {
  const accountId = await makeAccount();
  const path = `/accounts/${accountId}/credits`;
  const body = { mode: 'live', amount_usd: 0.123456789, reference: 'invoice-17', note: 'thanks' };
  const answers = await Promise.all(Array.from({ length: 20 }, () => ok('POST', path, body)));
  assert.equal(answers.filter(({ replayed }) => replayed === false).length, 1);
  const [last] = answers;
  assert.equal(last?.['balance'], 0.123456789);
  const error = await refused(422, 'POST', path, { ...body, amount_usd: 2 });
  assert.deepEqual([error['code'], error['param']], ['idempotency_key_reused', 'reference']);
  await ok('POST', path, { mode: 'live', amount_usd: 1 });
  const transfers = await rows(`/ledger?account_id=${accountId}&mode=live`);
  assert.deepEqual(
    transfers.map(({ kind, amount_usd, note }) => [kind, amount_usd, note]),
    [
      ['credit', 1, null],
      ['credit', 0.123456789, 'thanks'],
    ],
  );
  assert.deepEqual(await easel.auditProblems(), []);
});

test('requests, ledger and usage tell the same of what a key did', async () => {
  const accountId = await makeAccount();
  await ok('POST', `/accounts/${accountId}/credits`, { mode: 'test', amount_usd: 5 });
  const [keyId, secret] = await makeKey(accountId);
  const { post } = requesters(easel.url, secret);
  const ids = [];
  for (const order of ['17', '17%', '18']) {
    const answer = await readAnswer(await post(GENERATIONS, { ...BOAT, metadata: { order } }));
    ids.push(answer.id);
  }
  const failed = await post(GENERATIONS, BOAT, { 'x-easel-test': 'upstream_error' });
  assert.equal(failed.status, 502);
  await failed.arrayBuffer();

  const all = await rows(`/requests?account_id=${accountId}`);
  assert.deepEqual(
    all.map(({ status, cost_usd }) => [status, cost_usd]),
    [['failed', null], ...ids.map(() => ['completed', 0.01])],
  );
  const filters: [string, number][] = [
    ['status=completed', 3],
    ['error_code=upstream_error', 1],
    ['model=flux-2-pro', 0],
    ['mode=live', 0],
    [`key_id=${keyId}`, 4],
    ['from=1&to=2', 0],
    ['from=1', 4],
  ];
  for (const [filter, count] of filters) {
    assert.equal((await rows(`/requests?account_id=${accountId}&${filter}`)).length, count, filter);
  }
  // Page by page nothing is missed and nothing comes twice.
  const seen: unknown[] = [];
  let after = '';
  for (let more = true; more;) {
    const page = await ok('GET', `/requests?account_id=${accountId}&limit=3${after}`);
    const data = asArray(page['data']).map(asObject);
    seen.push(...data.map(({ id }) => id));
    after = `&after=${String(data.at(-1)?.['id'])}`;
    more = page['has_more'] === true;
  }
  assert.deepEqual(
    seen,
    all.map(({ id }) => id),
  );

  const one = await ok('GET', `/requests/${ids[0]}`);
  assert.equal(one['key_id'], keyId);
  assert.deepEqual(one['metadata'], { order: '17' });
  assert.ok(Number(asObject(one['steps_ms'])['painted']) >= 0);
  assert.ok(!JSON.stringify(one).includes(BOAT.prompt));

  const usage = await rows(`/usage?account_id=${accountId}`);
  assert.equal(usage.length, 1);
  const { requests, images, charged_usd, margin_usd, key_id } = usage[0] ?? {};
  assert.deepEqual([requests, images, charged_usd, margin_usd, key_id], [4, 3, 0.03, 0.03, keyId]);
  const ordered = `/usage?account_id=${accountId}&metadata_name=order&metadata_value=`;
  assert.equal((await rows(`${ordered}17`))[0]?.['images'], 1);
  assert.equal((await rows(`${ordered}17%25`))[0]?.['images'], 1);
  await refused(400, 'GET', '/usage?metadata_name=order');

  const transfers = await rows(`/ledger?request_id=${ids[0]}`);
  assert.deepEqual(transfers.map(({ kind, amount_usd }) => [kind, amount_usd]).toSorted(), [
    ['hold', 0.01],
    ['settle', 0.01],
  ]);
  const audit = await ok('GET', '/audit');
  assert.deepEqual([audit['ok'], audit['problems']], [true, []]);
});

test('routes tell how they stand', async () => {
  await using routed = await startEasel({
    environment: { EASEL_ADMIN_KEY: ADMIN_KEY, BFL_API_KEY: 'a-key' },
  });
  const response = await requesters(routed.url, ADMIN_KEY).get('/admin/v1/routes');
  const { data } = asObject(await response.json());
  const found = asArray(data).map(asObject);
  assert.deepEqual(
    found.find(({ route }) => route === 'bfl/flux-2-pro'),
    {
      route: 'bfl/flux-2-pro',
      account: 'bfl',
      circuit: 'closed',
      running: 0,
      queued: 0,
      limit: 24,
      paused_ms: 0,
    },
  );
});

test('bad input is refused in words, and changes nothing', async () => {
  const accountId = await makeAccount();
  const [keyId] = await makeKey(accountId);
  const logged = (await rows('/log')).length;
  const table: [string, string, object, string | null][] = [
    ['POST', '/accounts', {}, 'name'],
    ['POST', '/accounts', { name: '' }, 'name'],
    ['POST', '/accounts', { name: 7 }, 'name'],
    ['PATCH', `/accounts/${accountId}`, { limits: { in_flight: -1 } }, 'limits.in_flight'],
    ['PATCH', `/accounts/${accountId}`, { limits: { per_second: 1 } }, 'limits'],
    ['POST', '/keys', { account_id: accountId, mode: 'prod', name: 'x' }, 'mode'],
    [
      'POST',
      '/keys',
      { account_id: accountId, mode: 'test', name: 'x', allowed_models: ['no'] },
      'allowed_models',
    ],
    ['PATCH', `/keys/${keyId}`, { expires: 'soon' }, 'expires'],
    ['PATCH', `/keys/${keyId}`, { secret: 'x' }, null],
    ['POST', `/accounts/${accountId}/credits`, { mode: 'test', amount_usd: 0 }, 'amount_usd'],
    ['POST', `/accounts/${accountId}/credits`, { mode: 'test', amount_usd: -5 }, 'amount_usd'],
    ['POST', `/accounts/${accountId}/credits`, { mode: 'test', amount_usd: 1e-10 }, 'amount_usd'],
    [
      'POST',
      `/accounts/${accountId}/credits`,
      { mode: 'test', amount_usd: 1, reference: 'a b' },
      'reference',
    ],
  ];
  for (const [method, path, body, param] of table) {
    const error = await refused(400, method, path, body);
    if (param !== null) {
      assert.equal(String(error['param']).startsWith(param), true, JSON.stringify([body, error]));
    }
  }
  for (const query of ['limit=0', 'limit=x', 'mode=x', 'from=yesterday']) {
    await refused(400, 'GET', `/requests?${query}`);
  }
  assert.equal((await rows('/log')).length, logged);
});

test('every deed has its line in the log, with who did it and no secret', async () => {
  const { id, webhook_secret } = await ok('POST', '/accounts', { name: 'logged' });
  const accountId = String(id);
  const [keyId, secret] = await makeKey(accountId, { limits: { monthly_budget_usd: 3 } });
  await ok('PATCH', `/keys/${keyId}`, { name: 'other' });
  await ok('POST', `/accounts/${accountId}/credits`, { mode: 'test', amount_usd: 5 });
  await ok('POST', `/keys/${keyId}/revoke`);
  await ok('POST', `/keys/${keyId}/revoke`);
  const entries = (await rows('/log?limit=200')).filter(({ target }) =>
    [accountId, keyId].includes(String(target)),
  );
  assert.deepEqual(
    entries.map(({ action }) => action),
    ['key.revoke', 'credit.give', 'key.update', 'key.create', 'account.create'],
  );
  for (const { actor } of entries) {
    assert.equal(actor, `admin …${ADMIN_KEY.slice(-4)}`);
  }
  const update = entries.find(({ action }) => action === 'key.update');
  assert.deepEqual(update?.['details'], { before: { name: 'web' }, after: { name: 'other' } });
  const text = JSON.stringify(entries);
  for (const hidden of [secret, String(webhook_secret), ADMIN_KEY]) {
    assert.ok(!text.includes(hidden));
    assert.ok(!JSON.stringify(easel.logLines).includes(hidden));
  }
});
