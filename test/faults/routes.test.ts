import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { suite, test } from 'node:test';
import { readAnswer, warningsOf } from '../support/answers.ts';
import { after, openMortalHome, type Order } from '../support/crash.ts';
import { concurrently } from '../support/concurrently.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { temporaryFolder } from '../support/process.ts';
import { type BflSimulator, startBfl } from '../support/upstreams/bfl.ts';
import type { Fault, PlainFaultKind } from '../support/upstreams/faults.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';

const GENERATIONS = '/v1/images/generations';
const MODEL = 'gpt-image-2';
const BODY = { model: MODEL, quality: 'low', width: 1024, height: 1024 };
const AT_ONCE = 8;
const THRESHOLD = 5;

interface Routes extends AsyncDisposable {
  readonly easel: Easel;
  /** What the model's second route leads to; the first leads to `broken`. */
  readonly good: OpenaiSimulator;
  readonly broken: OpenaiSimulator;
  readonly post: (prompt: string, more?: object) => Promise<Response>;
  readonly spent: () => Promise<number>;
}

/** Easel with a model of two routes of equal weight. */
async function startRoutes(
  options: { readonly brokenUrl?: string; readonly routing?: string; readonly time?: string } = {},
): Promise<Routes> {
  const good = await startOpenai();
  const broken = await startOpenai();
  const { brokenUrl = broken.baseUrl, routing = '', time = '{}' } = options;
  const easel = await startEasel({
    environment: { GOOD_KEY: good.apiKey, BROKEN_KEY: broken.apiKey, EASEL_RESULT_TTL: '60' },
    yaml: `
providers:
  broken: { kind: openai, api_key_env: BROKEN_KEY, base_url: '${brokenUrl}', time: ${time} }
  good: { kind: openai, api_key_env: GOOD_KEY, base_url: '${good.baseUrl}' }
models:
  - id: ${MODEL}
    provider: broken
    routes: [{ provider: broken }, { provider: good }]
${routing}
`,
  });
  const authorization = `Bearer ${await easel.liveKey()}`;
  return {
    easel,
    good,
    broken,
    post: (prompt, more = {}) =>
      easel.post(GENERATIONS, { ...BODY, prompt, ...more }, { authorization }),
    spent: async () => {
      const response = await easel.get('/v1/balance', { headers: { authorization } });
      const { spent, held } = asObject(await response.json());
      assert.equal(held, 0);
      return Number(spent);
    },
    [Symbol.asyncDispose]: async () => {
      good.upstream.release();
      broken.upstream.release();
      await easel.close();
      await good[Symbol.asyncDispose]();
      await broken[Symbol.asyncDispose]();
    },
  };
}

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Changes of the circuit of the broken route, as the log tells them. */
function circuits({ easel }: Routes): unknown[] {
  return easel.logLines
    .filter(({ route, circuit }) => route === `broken/${MODEL}` && circuit !== undefined)
    .map(({ circuit }) => circuit);
}

/** Sends so many, each with a prompt of its own; how many of them failed. */
async function send(routes: Routes, count: number): Promise<number> {
  let failures = 0;
  let cost = 0n;
  const nano = (usd: number): bigint => BigInt(Math.round(usd * 1e9));
  const before = nano(await routes.spent());
  await concurrently(AT_ONCE, Array(count).keys(), async (index) => {
    const response = await routes.post(`boat ${index}`).catch(() => undefined);
    const text = await response?.text().catch(() => undefined);
    if (response?.status !== 200 || text === undefined) {
      failures += 1;
      return;
    }
    const usage = asObject(asObject(JSON.parse(text))['usage']);
    cost += nano(Number(asObject(usage['cost'])['total_cost']));
  });
  await routes.easel.app.engine.pipeline.jobs.idle();
  assert.equal(nano(await routes.spent()) - before, cost);
  assert.deepEqual(await routes.easel.auditProblems(), []);
  return failures;
}

/** How often each prompt was bought, at both upstreams together. */
function purchasesByPrompt({ good, broken }: Routes): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const { json } of [...good.upstream.bought, ...broken.upstream.bought]) {
    const { prompt } = asObject(json);
    counts.set(prompt, (counts.get(prompt) ?? 0) + 1);
  }
  return counts;
}

/** So many a fault that they are 2,000 in all. */
const PROVABLE = 286;

suite('one of two routes fails, and it is certain that nothing was bought', () => {
  const faults: Readonly<Record<string, Fault>> = {
    '429': { kind: 'status', status: 429 },
    '429 with a retry-after': { kind: 'status', status: 429, headers: { 'retry-after': '2' } },
    '503': { kind: 'status', status: 503 },
  };
  for (const [name, fault] of Object.entries(faults)) {
    test(`${name}: every request succeeds, bought once`, async () => {
      await using routes = await startRoutes();
      routes.broken.upstream.always(fault);
      assert.equal(await send(routes, PROVABLE), 0);
      assert.equal(routes.good.upstream.purchases, PROVABLE);
      assert.equal(routes.broken.upstream.purchases, 0);
      assert.ok(routes.broken.upstream.requests.length > 0, 'the broken route was never tried');
    });
  }

  test('a refused connection: every request succeeds, and the circuit opens', async () => {
    const brokenUrl = `http://127.0.0.1:${await deadPort()}/v1`;
    await using routes = await startRoutes({ brokenUrl });
    assert.equal(await send(routes, PROVABLE), 0);
    assert.equal(routes.good.upstream.purchases, PROVABLE);
    assert.equal(circuits(routes)[0], 'open');
  });

  test('a name that nobody knows', async () => {
    await using routes = await startRoutes({ brokenUrl: 'http://upstream.invalid/v1' });
    assert.equal(await send(routes, PROVABLE), 0);
    assert.equal(circuits(routes)[0], 'open');
  });

  test('TLS that fails, and a connection that does not come about in time', async () => {
    for (const speaks of [true, false]) {
      // Not TLS, or nothing at all.
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        if (speaks) {
          socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
        }
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const brokenUrl = `https://127.0.0.1:${port}/v1`;
      await using routes = await startRoutes({ brokenUrl, time: '{ connect_seconds: 0.2 }' });
      assert.equal(await send(routes, PROVABLE), 0);
      assert.equal(circuits(routes)[0], 'open');
      server.close();
    }
  });
});

suite('one of two routes fails, and nobody knows what was bought', () => {
  const routing = `routing: { breaker: { failures: ${THRESHOLD}, open_seconds: 0.3 } }`;
  const faults: readonly (PlainFaultKind | Fault)[] = [
    { kind: 'status', status: 500 },
    'slow_first_byte',
    'die_mid_payload',
  ];
  for (const fault of faults) {
    const name = typeof fault === 'string' ? fault : fault.kind;
    test(`${name}: never asked for twice, and the circuit opens`, async () => {
      await using routes = await startRoutes({ routing, time: '{ first_byte_seconds: 0.2 }' });
      const { upstream } = routes.broken;
      upstream.always(fault);
      const failures = await send(routes, PROVABLE);
      const probes = circuits(routes).filter((circuit) => circuit === 'half_open').length;
      assert.equal(circuits(routes)[0], 'open');
      assert.ok(failures > 0, 'the broken route was never tried');
      assert.ok(failures <= THRESHOLD + probes, `${failures} failures, ${probes} probes`);
      for (const [prompt, count] of purchasesByPrompt(routes)) {
        assert.equal(count, 1, String(prompt));
      }
      // Each failed request was asked for once, and by nobody else.
      assert.equal(upstream.requests.length, failures);
      assert.equal(routes.good.upstream.purchases, PROVABLE - failures);

      // It works again: the next probe closes the circuit, and it has its share.
      upstream.always(undefined);
      upstream.release();
      while (circuits(routes).at(-1) !== 'closed') {
        await routes.post('is it back?').then((response) => response.arrayBuffer());
      }
      const before = upstream.purchases;
      assert.equal(await send(routes, 20), 0);
      assert.equal(upstream.purchases - before, 10);
    });
  }
});

test('a request of its own fault opens no circuit, and is not asked again', async () => {
  await using routes = await startRoutes();
  for (const { upstream } of [routes.good, routes.broken]) {
    upstream.always('moderation');
  }
  for (let count = 0; count < 2 * THRESHOLD; count += 1) {
    assert.equal((await routes.post('a boat')).status, 400);
  }
  assert.deepEqual(circuits(routes), []);
  const { good, broken } = routes;
  assert.equal(good.upstream.requests.length + broken.upstream.requests.length, 2 * THRESHOLD);
});

test('a credential that is not taken: the other route serves, without a second try', async () => {
  await using routes = await startRoutes();
  routes.broken.upstream.always({ kind: 'status', status: 401 });
  assert.equal(await send(routes, 4), 0);
  assert.equal(routes.broken.upstream.requests.length, 2);
});

test('weights share, and a higher priority waits until nothing else is left', async () => {
  await using first = await startOpenai();
  await using second = await startOpenai();
  await using last = await startOpenai();
  const account = ({ baseUrl }: OpenaiSimulator): string =>
    `{ kind: openai, api_key_env: KEY, base_url: '${baseUrl}' }`;
  await using easel = await startEasel({
    environment: { KEY: first.apiKey },
    yaml: `
providers:
  first: ${account(first)}
  second: ${account(second)}
  last: ${account(last)}
models:
  - id: ${MODEL}
    provider: first
    routes:
      - { provider: last, priority: 2, upstream_model: gpt-image-1.5 }
      - { provider: first, weight: 3 }
      - { provider: second }
`,
  });
  const authorization = `Bearer ${await easel.liveKey()}`;
  const post = async (): Promise<void> => {
    await readAnswer(
      await easel.post(GENERATIONS, { ...BODY, prompt: 'a boat' }, { authorization }),
    );
  };
  const purchases = (): number[] => [first, second, last].map(({ upstream }) => upstream.purchases);
  for (let count = 0; count < 40; count += 1) {
    await post();
  }
  assert.deepEqual(purchases(), [30, 10, 0]);
  for (const { upstream } of [first, second]) {
    upstream.always({ kind: 'status', status: 401 });
  }
  await post();
  assert.deepEqual(purchases(), [30, 10, 1]);
  assert.equal(last.upstream.lastJson['model'], 'gpt-image-1.5');
  // The record says which one served.
  const row = await easel.app.engine.store.db
    .selectFrom('requests')
    .select(['provider', 'route'])
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow();
  assert.deepEqual({ ...row }, { provider: 'last', route: 'last/gpt-image-1.5' });
});

test('an upstream that asks to be left alone is', async () => {
  await using openai = await startOpenai();
  await using easel = await startEasel({
    environment: { OPENAI_API_KEY: openai.apiKey, OPENAI_BASE_URL: openai.baseUrl },
    yaml: 'routing: { patience_seconds: 2 }',
  });
  const authorization = `Bearer ${await easel.liveKey()}`;
  const post = (): Promise<Response> =>
    easel.post(GENERATIONS, { ...BODY, prompt: 'a boat' }, { authorization });
  openai.upstream.next({ kind: 'status', status: 429, headers: { 'retry-after': '1' } });
  const askedAt = performance.now();
  await readAnswer(await post());
  assert.ok(performance.now() - askedAt >= 1000, 'it was asked again too soon');
  assert.equal(openai.upstream.requests.length, 2);
  // Longer than anybody is made to wait for: it is said, and the upstream hears nothing.
  openai.upstream.next({ kind: 'status', status: 429, headers: { 'retry-after': '60' } });
  for (const wanted of [3, 3]) {
    const response = await post();
    assert.equal(response.status, 503, await response.text());
    const seconds = Number(response.headers.get('retry-after'));
    assert.ok(seconds > 50 && seconds <= 60, `retry-after: ${seconds}`);
    assert.equal(openai.upstream.requests.length, wanted);
  }
  const [state] = easel.app.engine.pipeline
    .routeStates()
    .filter(({ route }) => route === `openai/${MODEL}`);
  assert.equal(state?.circuit, 'closed');
  assert.ok((state?.pausedMs ?? 0) > 50_000);
});

test('a fallback serves at its own price, and says so; off by default', async () => {
  await using openai = await startOpenai();
  await using other = await startOpenai();
  await using easel = await startEasel({
    environment: {
      OPENAI_API_KEY: openai.apiKey,
      OPENAI_BASE_URL: openai.baseUrl,
      KEY: other.apiKey,
    },
    yaml: `
providers:
  other: { kind: openai, api_key_env: KEY, base_url: '${other.baseUrl}' }
models:
  - { id: ${MODEL}, fallback: gpt-image-1.5 }
  - { id: gpt-image-1.5, provider: other }
`,
  });
  const authorization = `Bearer ${await easel.liveKey()}`;
  const post = (model: string): Promise<Response> =>
    easel.post(GENERATIONS, { model, quality: 'low', prompt: 'a boat' }, { authorization });
  const usual = await readAnswer(await post(MODEL));
  assert.deepEqual(warningsOf(usual), []);
  openai.upstream.always({ kind: 'status', status: 503 });
  const served = await readAnswer(await post(MODEL));
  assert.equal(served.model, MODEL);
  assert.deepEqual(warningsOf(served), ['model model_redirected']);
  const { usage } = await readAnswer(await post('gpt-image-1.5'));
  assert.equal(served.usage.cost.total_cost, usage.cost.total_cost);
  assert.notEqual(served.usage.cost.total_cost, usual.usage.cost.total_cost);
  assert.equal(openai.upstream.purchases, 1);
  assert.equal(other.upstream.purchases, 2);
  // What may have been bought is not bought again in another shop.
  openai.upstream.always({ kind: 'status', status: 500 });
  while ((await post(MODEL)).status !== 502) {
    // Its route rests for a moment after the 503s.
  }
  assert.deepEqual(await easel.auditProblems(), []);
});

test('a job is taken up after a crash at the account that has it', async () => {
  await using first = await startBfl();
  await using second = await startBfl();
  await using compileCache = await temporaryFolder();
  const account = ({ baseUrl, clusterHost }: BflSimulator): string => {
    const settings = `{ poll_interval_ms: 4, polling_hosts: ['${clusterHost}'] }`;
    return `{ kind: bfl, api_key_env: KEY, base_url: '${baseUrl}', settings: ${settings} }`;
  };
  await using home = await openMortalHome({
    compileCache: compileCache.path,
    environment: {
      KEY: first.apiKey,
      EASEL_FETCH_ALLOW: [...first.hosts, ...second.hosts].join(','),
    },
    yaml: `
providers: { first: ${account(first)}, second: ${account(second)} }
models:
  - id: flux-2-pro
    provider: first
    routes: [{ provider: first }, { provider: second }]
`,
  });
  const order: Order = {
    mode: 'live',
    body: { model: 'flux-2-pro', prompt: 'a boat', width: 256, height: 256 },
  };
  const server = await home.start();
  // The next call is the second account's.
  await readAnswer(await server.post(order));
  await server.arm(after('submitted'));
  const headers = { 'idempotency-key': 'one' };
  await assert.rejects(server.post(order, headers));
  await server.killed;
  const next = await home.start();
  const answer = await readAnswer(await next.post(order, headers));
  assert.equal(answer.data.length, 1);
  assert.deepEqual([first.upstream.purchases, second.upstream.purchases], [1, 1]);
  const [record] = await home.requests({ idempotencyKey: 'one' });
  assert.equal(record?.status, 'completed');
  await home.settled(next);
});
