import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as requestHttp } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import OpenAI from 'openai';
import { readError } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { runPython, skipWithoutPython } from '../support/python.ts';
import { type BflSimulator, startBfl } from '../support/upstreams/bfl.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';

// Nobody pays twice for a picture, and no paid picture is lost: retries, repeated keys, hang-ups.

const GENERATIONS = '/v1/images/generations';
const BODY = { model: 'gpt-image-2', prompt: 'a red boat', quality: 'low' };
/** 7 text tokens at 5 USD a million, 196 image tokens at 30. */
const PRICE = 0.005915;

interface Bench extends AsyncDisposable {
  readonly easel: Easel;
  readonly sim: OpenaiSimulator;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly post: (body?: object, headers?: Record<string, string>) => Promise<Response>;
  readonly spent: () => Promise<number>;
  readonly now: { ms: number };
}

async function openBench(): Promise<Bench> {
  const sim = await startOpenai();
  const now = { ms: Date.now() };
  const easel = await startEasel({
    environment: { OPENAI_API_KEY: sim.apiKey, OPENAI_BASE_URL: sim.baseUrl },
    clock: { now: () => now.ms },
  });
  const key = await easel.liveKey();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return {
    easel,
    sim,
    key,
    headers,
    now,
    post: (body = BODY, more = {}) =>
      fetch(easel.url + GENERATIONS, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: JSON.stringify(body),
      }),
    spent: () => spentWith(easel, headers),
    [Symbol.asyncDispose]: async () => {
      await easel.app.engine.pipeline.jobs.idle();
      assert.deepEqual(await easel.auditProblems(), []);
      await easel.close();
      await sim[Symbol.asyncDispose]();
      assert.deepEqual(sim.upstream.problems, []);
    },
  };
}

async function spentWith(easel: Easel, headers: Record<string, string>): Promise<number> {
  const balance = asObject(await (await fetch(`${easel.url}/v1/balance`, { headers })).json());
  assert.equal(balance['held'], 0);
  return Number(balance['spent']);
}

function sha256(text: unknown): string {
  return createHash('sha256').update(String(text)).digest('hex');
}

test('the Node SDK’s own retries end in one picture, one charge, one purchase', async () => {
  await using bench = await openBench();
  bench.sim.upstream.next({ kind: 'slow_first_byte', ms: 5000 });
  const client = new OpenAI({
    baseURL: `${bench.easel.url}/v1`,
    apiKey: bench.key,
    timeout: 2000,
  });
  const answer = await client.images.generate({ ...BODY, quality: 'low' });
  assert.ok((answer.data?.[0]?.b64_json?.length ?? 0) > 1000);
  assert.equal(bench.sim.upstream.purchases, 1);
  assert.equal(await bench.spent(), PRICE);
});

test('the Python SDK’s own retries, likewise', { skip: skipWithoutPython }, async () => {
  await using bench = await openBench();
  bench.sim.upstream.next({ kind: 'slow_first_byte', ms: 5000 });
  const printed = await runPython(
    `
import os, openai
client = openai.OpenAI(base_url=os.environ["BASE"] + "/v1", api_key=os.environ["KEY"], timeout=2)
answer = client.images.generate(model="gpt-image-2", prompt="a red boat", quality="low")
print(len(answer.data[0].b64_json))
`,
    { BASE: bench.easel.url, KEY: bench.key },
  );
  assert.ok(Number(printed) > 1000);
  assert.equal(bench.sim.upstream.purchases, 1);
  assert.equal(await bench.spent(), PRICE);
});

test('fifty requests at once with one key are one purchase and fifty equal answers', async () => {
  await using bench = await openBench();
  bench.sim.upstream.next('slow_first_byte');
  const key = { 'idempotency-key': 'order 7' };
  const sent = Array.from({ length: 50 }, () => bench.post(BODY, key));
  await bench.sim.upstream.until(() => bench.sim.upstream.heldAnswers === 1);
  bench.sim.upstream.release();
  const responses = await Promise.all(sent);
  const answers = await Promise.all(responses.map((response) => response.json()));
  assert.deepEqual([...new Set(responses.map(({ status }) => status))], [200]);
  assert.equal(new Set(answers.map((answer) => sha256(JSON.stringify(answer)))).size, 1);
  const replayed = responses.filter(({ headers }) => headers.get('idempotent-replayed') === 'true');
  assert.equal(replayed.length, 49);
  assert.equal(bench.sim.upstream.purchases, 1);
  assert.equal(await bench.spent(), PRICE);
});

test('a key is replayed in the form asked for, refused with another body, free after its time', async () => {
  await using bench = await openBench();
  const key = { 'idempotency-key': 'k' };
  const first = asObject(await (await bench.post(BODY, key)).json());
  const again = await bench.post({ ...BODY, response_format: 'url' }, key);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  const url = asObject(await again.json());
  const [item] = first['data'] as [{ b64_json: string }];
  assert.deepEqual(url['data'], [{ index: 0, url: `data:image/png;base64,${item.b64_json}` }]);
  assert.equal(url['id'], first['id']);
  assert.deepEqual(url['usage'], first['usage']);
  const stream = await (await bench.post({ ...BODY, stream: true }, key)).text();
  assert.ok(stream.includes(item.b64_json));
  assert.match(stream, /event: image_generation\.completed/);
  const picture = await bench.post(BODY, { ...key, accept: 'image/*' });
  assert.equal(Buffer.from(await picture.arrayBuffer()).toString('base64'), item.b64_json);
  assert.equal(picture.headers.get('x-easel-cost'), String(PRICE));

  await readError(await bench.post({ ...BODY, prompt: 'a blue boat' }, key), {
    name: 'idempotency_key_reused',
  });
  // Another account's key of the same name is another key.
  const stranger = await bench.easel.post(GENERATIONS, BODY, key);
  assert.equal(stranger.headers.get('idempotent-replayed'), null);
  assert.equal(bench.sim.upstream.purchases, 1);
  assert.equal(await bench.spent(), PRICE);

  bench.now.ms += 3_600_001;
  const later = asObject(await (await bench.post(BODY, key)).json());
  assert.notEqual(later['id'], first['id']);
  assert.equal(bench.sim.upstream.purchases, 2);
  assert.equal(await bench.spent(), 2 * PRICE);
});

test('a picture that was evicted is not bought again behind its key', async () => {
  await using bench = await openBench();
  const key = { 'idempotency-key': 'k' };
  const { id } = asObject(await (await bench.post(BODY, key)).json());
  await bench.easel.app.engine.pipeline.results?.remove(String(id));
  await readError(await bench.post(BODY, key), { name: 'result_expired' });
  assert.equal(bench.sim.upstream.purchases, 1);
});

test('an error frees the key, and a wrong key is refused', async () => {
  await using bench = await openBench();
  const key = { 'idempotency-key': 'k' };
  bench.sim.upstream.next({ kind: 'status', status: 500 });
  await readError(await bench.post(BODY, key), { name: 'upstream_error' });
  assert.equal((await bench.post(BODY, key)).status, 200);
  assert.equal(bench.sim.upstream.purchases, 1);
  for (const wrong of ['', 'x'.repeat(256)]) {
    await readError(await bench.post(BODY, { 'idempotency-key': wrong }), {
      name: 'invalid_value',
      param: 'Idempotency-Key',
    });
  }
});

test('four equal requests, one of them retried after a 429, stay four pictures', async () => {
  await using bench = await openBench();
  const { port } = new URL(bench.easel.url);
  let refused = 0;
  // A proxy of somebody's that refuses one of them, as a limit would.
  const proxy = createServer((incoming, response) => {
    if (refused === 0) {
      refused += 1;
      incoming.resume();
      response.writeHead(429, { 'retry-after-ms': '1', 'content-type': 'application/json' });
      response.end('{"error":{"message":"","type":"rate_limit_error","code":null,"param":null}}');
      return;
    }
    const { method, url, headers } = incoming;
    const onward = requestHttp({ port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const baseURL = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/v1`;
  const client = new OpenAI({ baseURL, apiKey: bench.key });
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => client.images.generate({ ...BODY, quality: 'low' })),
  );
  proxy.closeAllConnections();
  proxy.close();
  const ids = answers.map((answer) => (answer as unknown as { id: string }).id);
  assert.equal(new Set(ids).size, 4);
  assert.equal(bench.sim.upstream.purchases, 4);
  assert.equal(await bench.spent(), 4 * PRICE);
});

test('each orphan is joined by one retry only, and by the same key and body only', async () => {
  await using bench = await openBench();
  const { upstream } = bench.sim;
  upstream.next('slow_first_byte', 'slow_first_byte');
  const leave = async (): Promise<void> => {
    const before = upstream.heldAnswers;
    const controller = new AbortController();
    const sent = fetch(bench.easel.url + GENERATIONS, {
      method: 'POST',
      headers: bench.headers,
      body: JSON.stringify(BODY),
      signal: controller.signal,
    }).catch(() => undefined);
    await upstream.until(() => upstream.heldAnswers === before + 1);
    controller.abort();
    await sent;
  };
  await leave();
  await leave();
  upstream.release();
  await bench.easel.app.engine.pipeline.jobs.idle();
  const retry = { 'x-stainless-retry-count': '1' };
  const other = await bench.easel.makeKey({ account: 'live', mode: 'live' });
  const asked = [
    // Another key of the same account, another body, no retry at all: three pictures more.
    await bench.post(BODY, { ...retry, authorization: `Bearer ${other.secret}` }),
    await bench.post({ ...BODY, prompt: 'a blue boat' }, retry),
    await bench.post(BODY),
  ];
  assert.ok(asked.every(({ headers }) => !headers.has('idempotent-replayed')));
  const joined = await Promise.all([1, 2, 3].map(() => bench.post(BODY, retry)));
  const replays = joined.filter(({ headers }) => headers.has('idempotent-replayed'));
  assert.equal(replays.length, 2);
  const ids = await Promise.all(
    joined.map(async (response) => asObject(await response.json())['id']),
  );
  assert.equal(new Set(ids).size, 3);
  assert.equal(upstream.purchases, 6);
});

interface CutRun {
  readonly easel: Easel;
  readonly headers: Readonly<Record<string, string>>;
  readonly purchases: () => number;
}

/** Sends a request over a socket of its own and cuts it after so many bytes of the answer. */
async function cutAfter(
  { easel, headers }: CutRun,
  { body, bytes, requestId }: { body: object; bytes: number; requestId: string },
): Promise<void> {
  const { hostname, port } = new URL(easel.url);
  const text = JSON.stringify(body);
  const socket = connect(Number(port), hostname);
  const all = {
    ...headers,
    host: hostname,
    'x-request-id': requestId,
    'content-length': String(Buffer.byteLength(text)),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${GENERATIONS} HTTP/1.1\r\n${lines.join('')}\r\n${text}`);
  let received = 0;
  socket.on('error', () => undefined);
  if (bytes === 0) {
    // Once the server has begun with it: before that there is nothing to be found.
    while (easel.app.engine.pipeline.jobs.size === 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    socket.resetAndDestroy();
    return;
  }
  for await (const chunk of socket) {
    received += (chunk as Buffer).length;
    if (received >= bytes) {
      break;
    }
  }
  socket.destroy();
}

/** Whole pictures in the list and behind their ids, and as many charges as purchases. */
async function assertAllFound(run: CutRun, requestIds: readonly string[], price: number) {
  const { easel, headers } = run;
  await easel.app.engine.pipeline.jobs.idle();
  const payloads = new Set<string>();
  for (const requestId of requestIds) {
    const listed = await fetch(`${easel.url}/v1/images?request_id=${requestId}`, { headers });
    const [found, ...others] = asObject(await listed.json())['data'] as { id: string }[];
    assert.equal(others.length, 0);
    assert.ok(found !== undefined, requestId);
    const fetched = asObject(
      await (await fetch(`${easel.url}/v1/images/${found.id}`, { headers })).json(),
    );
    assert.equal(fetched['status'], 'completed');
    const [item] = fetched['data'] as [{ b64_json: string }];
    const content = await fetch(`${easel.url}/v1/images/${found.id}/content/0`, { headers });
    const bytes = Buffer.from(await content.arrayBuffer());
    assert.equal(bytes.toString('base64'), item.b64_json);
    assert.equal(asObject(asObject(fetched['usage'])['cost'])['total_cost'], price);
    payloads.add(sha256(item.b64_json));
  }
  assert.equal(run.purchases(), requestIds.length);
  const spent = await spentWith(easel, headers);
  assert.ok(Math.abs(spent - requestIds.length * price) < 1e-9, `${spent} was spent`);
  assert.deepEqual(await easel.auditProblems(), []);
}

/** Twenty places from before the first byte to past the last, the same in every run. */
function cuts(lengthBytes: number): number[] {
  let state = 20_261_125;
  return Array.from({ length: 20 }, (_, index) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return index < 4 ? 0 : Math.floor((state / 2 ** 32) * lengthBytes);
  });
}

for (const stream of [false, true]) {
  const form = stream ? 'SSE' : 'JSON';
  test(`clients cut at twenty moments of ${form} find their pictures`, async () => {
    await using bench = await openBench();
    const { easel, headers, sim } = bench;
    const run = { easel, headers, purchases: () => sim.upstream.purchases };
    const body = { ...BODY, stream };
    const ids = ['whole'];
    const whole = await bench.post(body, { 'x-request-id': 'whole' });
    const { length } = await whole.text();
    for (const [index, bytes] of cuts(length).entries()) {
      const requestId = `cut-${index}`;
      ids.push(requestId);
      await cutAfter(run, { body, bytes, requestId });
      await easel.app.engine.pipeline.jobs.idle();
    }
    await assertAllFound(run, ids, PRICE);
  });
}

test('clients cut at twenty moments of an asynchronous request find their pictures', async () => {
  const sim: BflSimulator = await startBfl();
  const easel = await startEasel({
    environment: {
      BFL_API_KEY: sim.apiKey,
      BFL_BASE_URL: sim.baseUrl,
      EASEL_FETCH_ALLOW: sim.hosts.join(','),
    },
    yaml:
      'providers:\n  bfl:\n    kind: bfl\n' +
      `    settings: { poll_interval_ms: 1, polling_hosts: ["${sim.clusterHost}"] }\n`,
  });
  const headers = {
    authorization: `Bearer ${await easel.liveKey()}`,
    'content-type': 'application/json',
    prefer: 'respond-async',
  };
  const run = { easel, headers, purchases: () => sim.upstream.purchases };
  const body = { model: 'flux-2-pro', prompt: 'a red boat' };
  const ids: string[] = [];
  for (const [index, bytes] of cuts(400).entries()) {
    const requestId = `cut-${index}`;
    ids.push(requestId);
    await cutAfter(run, { body, bytes, requestId });
    await easel.app.engine.pipeline.jobs.idle();
  }
  await assertAllFound(run, ids, 0.03);
  await easel.close();
  await sim[Symbol.asyncDispose]();
});
