import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as requestHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import OpenAI from 'openai';
import { readError } from '../support/answers.ts';
import { CutClient, type Share, type Sighting, watchRequests } from '../support/cut-client.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { runPython, skipWithoutPython } from '../support/python.ts';
import { noisePicture } from '../support/references.ts';
import { type BflSimulator, startBfl } from '../support/upstreams/bfl.ts';
import type { Fault } from '../support/upstreams/faults.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';
import type { Simulator } from '../support/upstreams/simulator.ts';

// Nobody pays twice for a picture, and no paid picture is lost: retries, repeated keys, hang-ups.

const GENERATIONS = '/v1/images/generations';
const BODY = { model: 'gpt-image-2', prompt: 'a red boat', quality: 'low' };
/** 7 text tokens at 5 USD a million, 196 image tokens at 30. */
const PRICE = 0.005915;

/** What is waited for below are events: one that does not come shall end the test. */
const GUARD = { timeout: 120_000 };

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

/** Requests whose own client has left, as far as the server knows. */
async function countOrphans(easel: Easel): Promise<number> {
  const { orphans } = await easel.app.engine.store.db
    .selectFrom('requests')
    .select(({ fn }) => fn.count<bigint>('orphaned_at').as('orphans'))
    .executeTakeFirstOrThrow();
  return Number(orphans);
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

test(
  'fifty requests at once with one key are one purchase and fifty equal answers',
  GUARD,
  async () => {
    await using bench = await openBench();
    bench.sim.upstream.next('slow_mid_payload');
    const key = { 'idempotency-key': 'order 7' };
    // A head is answered when half of the picture has come: so all fifty are in Easel, and have found
    // each other, while the one upstream call is still held.
    const responses = await Promise.all(Array.from({ length: 50 }, () => bench.post(BODY, key)));
    assert.equal(bench.sim.upstream.heldAnswers, 1);
    assert.equal(bench.easel.app.engine.pipeline.jobs.size, 1);
    bench.sim.upstream.release();
    const answers = await Promise.all(responses.map((response) => response.json()));
    assert.deepEqual([...new Set(responses.map(({ status }) => status))], [200]);
    assert.equal(new Set(answers.map((answer) => sha256(JSON.stringify(answer)))).size, 1);
    const replayed = responses.filter(
      ({ headers }) => headers.get('idempotent-replayed') === 'true',
    );
    assert.equal(replayed.length, 49);
    assert.equal(bench.sim.upstream.purchases, 1);
    assert.equal(await bench.spent(), PRICE);
  },
);

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
    // It is known there that this client has left, before its answer comes.
    while ((await countOrphans(bench.easel)) <= before) {
      await bench.easel.get('/healthz').then((response) => response.arrayBuffer());
    }
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

/** Noise, so that its answer is millions of bytes, and cuts fall at places that differ. */
const NOISE = await noisePicture({ width: 1536, height: 1024 });
const NOISE_BYTES = labelled('').length;
const NOISE_BASE64_BYTES = 4 * Math.ceil(NOISE_BYTES / 3);
const NOISE_BODY = { ...BODY, size: '1536x1024' };
/** 7 text tokens at 5 USD a million, 158 image tokens at 30. */
const NOISE_PRICE = 0.004775;

/** The noise with a text in it, behind its header: another picture, of the same length, for each. */
function labelled(label: string): Buffer {
  const headerEnd = 33;
  const typed = Buffer.from(`tEXtLabel\0${label.padEnd(16)}`);
  const chunk = Buffer.alloc(typed.length + 8);
  chunk.writeUInt32BE(typed.length - 4, 0);
  typed.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(typed), chunk.length - 4);
  return Buffer.concat([NOISE.subarray(0, headerEnd), chunk, NOISE.subarray(headerEnd)]);
}

/** Another seed in every run, which the run's output names; `EASEL_TEST_SEED` repeats one. */
function randomSource(t: TestContext): (below: number) => number {
  let state = Number(process.env['EASEL_TEST_SEED'] ?? randomInt(2 ** 31));
  t.diagnostic(`EASEL_TEST_SEED=${state}`);
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One random place in each of so many equal parts of what lies between the two. */
function spread(
  random: (below: number) => number,
  count: number,
  [from, to]: readonly [number, number],
): number[] {
  const part = Math.floor((to - from) / count);
  return Array.from({ length: count }, (_, index) => from + index * part + random(part));
}

/** Longer than a packet: the spaces are no part of what is asked for. */
const UPLOAD_BYTES = 200_000;

interface CutRun {
  readonly easel: Easel;
  readonly headers: Readonly<Record<string, string>>;
  readonly sighting: (requestId: string) => Sighting;
  readonly upstream: Simulator;
}

/** What became of a request whose client was cut. */
interface CutRequest {
  readonly requestId: string;
  /** Its body came whole. */
  readonly isMade: boolean;
  /** The picture's id, where it reached the client. */
  readonly id?: string | undefined;
}

interface Sent {
  readonly requestId: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** So many bytes of the body are sent; all of them when absent. */
  readonly bodyBytes?: number;
}

async function sendFrom(run: CutRun, sent: Sent): Promise<CutClient> {
  const { requestId, method = 'POST', path = GENERATIONS, headers = run.headers } = sent;
  const body = sent.body === undefined ? '' : JSON.stringify(sent.body).padEnd(UPLOAD_BYTES);
  const all = {
    ...headers,
    host: new URL(run.easel.url).host,
    'x-request-id': requestId,
    'content-length': String(body.length),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const client = await CutClient.connect(run.easel.url);
  const head = `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  await client.send(head + body.slice(0, sent.bodyBytes));
  return client;
}

/** Cut while it sends its request: Easel has what was sent, and that is no request. */
async function cutUpload(run: CutRun, sent: Sent & { bodyBytes: number }): Promise<CutRequest> {
  const { requestId } = sent;
  const client = await sendFrom(run, sent);
  const { arrived, closed } = run.sighting(requestId);
  const { socket } = await arrived;
  // In the orderly way: a reset may overtake what was sent.
  client.cut('close');
  await closed;
  const request = await arrived;
  assert.equal(request.complete, false);
  assert.ok(socket.bytesRead >= sent.bodyBytes && socket.bytesRead < UPLOAD_BYTES);
  assert.equal(client.bytesTaken, 0);
  return { requestId, isMade: false };
}

/** Whole pictures behind their ids and in the list, and as many charges as pictures were made. */
async function assertAllFound(run: CutRun, requests: readonly CutRequest[], price: number) {
  const { easel, headers, upstream } = run;
  await easel.app.engine.pipeline.jobs.idle();
  for (const { requestId, isMade, id } of requests) {
    const path = `/v1/images?request_id=${requestId}`;
    const listed = await fetch(easel.url + path, { headers });
    const [found, ...others] = asObject(await listed.json())['data'] as { id: string }[];
    assert.equal(others.length, 0);
    assert.equal(found !== undefined, isMade, requestId);
    if (found === undefined) {
      continue;
    }
    assert.equal(id ?? found.id, found.id);
    const url = `${easel.url}/v1/images/${id ?? found.id}`;
    const fetched = asObject(await (await fetch(url, { headers })).json());
    assert.equal(fetched['status'], 'completed');
    const [item] = fetched['data'] as [{ b64_json: string }];
    const made = labelled(requestId);
    assert.ok(Buffer.from(item.b64_json, 'base64').equals(made), requestId);
    const content = await fetch(`${url}/content/0`, { headers });
    assert.ok(Buffer.from(await content.arrayBuffer()).equals(made), requestId);
    assert.equal(asObject(asObject(fetched['usage'])['cost'])['total_cost'], price);
  }
  const made = requests.filter(({ isMade }) => isMade).length;
  assert.equal(upstream.purchases, made);
  // Nobody who left took an upstream call along.
  assert.equal(upstream.hangUps, 0);
  const spent = await spentWith(easel, headers);
  assert.ok(Math.abs(spent - made * price) < 1e-9, `${spent} was spent for ${made}`);
  assert.deepEqual(await easel.auditProblems(), []);
}

/** When a client is cut that waits for its picture. */
type Moment =
  | { readonly while: 'uploading'; readonly bodyBytes: number }
  /** The upstream does not go on: with nothing answered, or in the midst of its answer. */
  | { readonly while: 'held'; readonly fault: Fault; readonly take: Share }
  /** All flows. */
  | { readonly while: 'flowing'; readonly take: Share };

/** Less than what an upstream answers before its payload. */
const BEFORE_PAYLOAD_BYTES = 100;
/** More than what Easel answers before its payload. */
const PREAMBLE_BYTES = 1000;
const FIRST_COMMENT = ': easel\n\n';

function momentsOf(
  random: (below: number) => number,
  { stream, wholeBytes }: { readonly stream: boolean; readonly wholeBytes: number },
): Moment[] {
  const isThinking = [
    { kind: 'slow_first_byte' } as const,
    ...spread(random, 4, [1, BEFORE_PAYLOAD_BYTES]).map((afterBytes) => ({
      kind: 'slow_mid_payload' as const,
      afterBytes,
    })),
  ];
  const payload = [NOISE_BASE64_BYTES >> 3, NOISE_BASE64_BYTES] as const;
  return [
    ...[0, ...spread(random, 4, [1, UPLOAD_BYTES])].map((bodyBytes): Moment => ({
      while: 'uploading',
      bodyBytes,
    })),
    // A stream has begun by then; of JSON there is nothing yet.
    ...isThinking.map((fault): Moment => {
      const take = stream ? { body: random(FIRST_COMMENT.length + 1) } : { head: 0 };
      return { while: 'held', fault, take };
    }),
    ...spread(random, 4, payload).map((afterBytes): Moment => {
      const body = PREAMBLE_BYTES + random(afterBytes * 0.75);
      return { while: 'held', fault: { kind: 'slow_mid_payload', afterBytes }, take: { body } };
    }),
    ...spread(random, 4, [PREAMBLE_BYTES, NOISE_BASE64_BYTES]).map((body): Moment => ({
      while: 'flowing',
      take: { body },
    })),
    ...spread(random, 2, [wholeBytes - 400, wholeBytes]).map((body): Moment => ({
      while: 'flowing',
      take: { body },
    })),
  ];
}

/** What was taken is the beginning of the answer, and not all of it. */
function assertCutShort(client: CutClient, take: Share, requestId: string): void {
  assert.equal(client.isWhole, false);
  const body = client.body.toString('latin1');
  if ('head' in take) {
    assert.equal(client.head.length, take.head);
    assert.equal(body, '');
    return;
  }
  assert.equal(body.length, take.body);
  const [, payload = ''] = body.split('"b64_json":"');
  const [base64 = ''] = payload.split('"');
  assert.ok(labelled(requestId).toString('base64').startsWith(base64));
  assert.equal(base64.length > 0, take.body >= PREAMBLE_BYTES);
}

for (const stream of [false, true]) {
  const form = stream ? 'SSE' : 'JSON';
  test(`clients cut at twenty moments of ${form} find their pictures`, GUARD, async (t) => {
    await using bench = await openBench();
    const { easel, headers, sim } = bench;
    const { upstream } = sim;
    const sighting = watchRequests(easel.app.server.server);
    const run: CutRun = { easel, headers, sighting, upstream };
    const random = randomSource(t);
    const body = { ...NOISE_BODY, stream };
    sim.habits.picture = labelled('whole');
    const whole = await bench.post(body, { 'x-request-id': 'whole' });
    const wholeBytes = (await whole.arrayBuffer()).byteLength;
    assert.ok(wholeBytes > NOISE_BASE64_BYTES);
    const requests: CutRequest[] = [{ requestId: 'whole', isMade: true }];

    const cutAt = async (moment: Moment, requestId: string): Promise<CutRequest> => {
      if (moment.while === 'uploading') {
        return cutUpload(run, { ...moment, requestId, body });
      }
      if (moment.while === 'held') {
        upstream.next(moment.fault);
      }
      const client = await sendFrom(run, { requestId, body });
      if (moment.while === 'held') {
        await upstream.until(() => upstream.heldAnswers === 1);
      }
      await client.take(moment.take);
      client.cut(random(2) === 0 ? 'reset' : 'close');
      await sighting(requestId).closed;
      assertCutShort(client, moment.take, requestId);
      assert.ok(client.body.length < wholeBytes);
      if (moment.while === 'held') {
        const line = easel.logLines.find((logged) => logged['requestId'] === requestId);
        assert.equal(line?.['aborted'], true);
        assert.equal(easel.app.engine.pipeline.jobs.size, 1);
        upstream.release();
      }
      await easel.app.engine.pipeline.jobs.idle();
      return { requestId, isMade: true, id: client.header('x-easel-image-id') };
    };

    const moments = momentsOf(random, { stream, wholeBytes });
    assert.equal(new Set(moments.map((moment) => JSON.stringify(moment))).size, 20);
    for (const [index, moment] of moments.entries()) {
      const requestId = `cut-${index}`;
      sim.habits.picture = labelled(requestId);
      requests.push(await cutAt(moment, requestId));
    }
    await assertAllFound(run, requests, NOISE_PRICE);
  });
}

/** When a client is cut that does not wait. */
type AsyncMoment =
  | { readonly while: 'uploading'; readonly bodyBytes: number }
  /** Easel has had the whole request for so many turns of the event loop. */
  | { readonly while: 'unanswered'; readonly turns: number }
  /** Likewise; and its database is busy until it has seen that the client has left. */
  | { readonly while: 'waiting'; readonly how: 'reset' | 'close' }
  | { readonly while: 'accepted'; readonly take: Share }
  /** It waits with a GET, and so many questions after the job have been answered. */
  | { readonly while: 'polling'; readonly polls: number; readonly afterBytes: number }
  | { readonly while: 'downloading'; readonly afterBytes: number }
  /** It fetches the picture. */
  | { readonly while: 'done'; readonly take: Share };

function asyncMomentsOf(random: (below: number) => number): AsyncMoment[] {
  return [
    ...[0, ...spread(random, 2, [1, UPLOAD_BYTES])].map((bodyBytes): AsyncMoment => ({
      while: 'uploading',
      bodyBytes,
    })),
    ...[0, 1 + random(12)].map((turns): AsyncMoment => ({ while: 'unanswered', turns })),
    { while: 'waiting', how: 'reset' },
    { while: 'waiting', how: 'close' },
    { while: 'accepted', take: { head: 1 + random(200) } },
    { while: 'accepted', take: { body: random('{"id":"img_'.length) } },
    ...[0, 1, 2, 2].map((polls, index): AsyncMoment => {
      const [from, to] = [1 + index * 20, 20];
      return { while: 'polling', polls, afterBytes: from + random(to) };
    }),
    ...spread(random, 4, [1, NOISE_BYTES]).map((afterBytes): AsyncMoment => ({
      while: 'downloading',
      afterBytes,
    })),
    ...spread(random, 3, [PREAMBLE_BYTES, NOISE_BASE64_BYTES]).map((body): AsyncMoment => ({
      while: 'done',
      take: { body },
    })),
  ];
}

test('clients cut at twenty moments of an async request find their pictures', GUARD, async (t) => {
  await using sim: BflSimulator = await startBfl();
  await using easel = await startEasel({
    environment: {
      BFL_API_KEY: sim.apiKey,
      BFL_BASE_URL: sim.baseUrl,
      EASEL_FETCH_ALLOW: sim.hosts.join(','),
    },
    yaml:
      'providers:\n  bfl:\n    kind: bfl\n' +
      `    settings: { poll_interval_ms: 1, polling_hosts: ["${sim.clusterHost}"] }\n`,
  });
  const { upstream, cluster, delivery } = sim;
  const { store, pipeline } = easel.app.engine;
  const { jobs } = pipeline;
  const headers = {
    authorization: `Bearer ${await easel.liveKey()}`,
    'content-type': 'application/json',
  };
  const sighting = watchRequests(easel.app.server.server);
  const run: CutRun = { easel, headers, sighting, upstream };
  const random = randomSource(t);
  const body = { model: 'flux-2-pro', prompt: 'a red boat', output_format: 'png' };
  const order = { body, headers: { ...headers, prefer: 'respond-async' } };
  const cut = (client: CutClient): void => client.cut(random(2) === 0 ? 'reset' : 'close');

  const accepted = async (requestId: string): Promise<string> => {
    const client = await sendFrom(run, { ...order, requestId });
    await client.take('all');
    client.cut('close');
    assert.match(client.head, /^HTTP\/1\.1 202 /);
    return String(asObject(JSON.parse(client.body.toString()))['id']);
  };

  /** The client that waits for the job by a GET, and is cut while something of it is held. */
  const cutWaiting = async (id: string, requestId: string): Promise<void> => {
    const wait = { ...headers, prefer: 'wait=60' };
    const path = `/v1/images/${id}`;
    const client = await sendFrom(run, { requestId, method: 'GET', path, headers: wait });
    await sighting(requestId).arrived;
    cut(client);
    await sighting(requestId).closed;
    assert.equal(client.bytesTaken, 0);
    assert.equal(jobs.size, 1);
  };

  const cutAt = async (moment: AsyncMoment, requestId: string): Promise<CutRequest> => {
    const known = upstream.requests.length;
    switch (moment.while) {
      case 'uploading':
        return cutUpload(run, { ...order, ...moment, requestId });
      case 'unanswered': {
        const client = await sendFrom(run, { ...order, requestId });
        await sighting(requestId).received;
        for (let turn = 0; turn < moment.turns; turn += 1) {
          await nextTurn();
        }
        cut(client);
        assert.equal(client.bytesTaken, 0);
        // The job begins behind the answer.
        await upstream.until(() => upstream.requests.length === known + 1);
        return { requestId, isMade: true };
      }
      case 'waiting': {
        const left = sighting(requestId).closed;
        const busy = sighting(requestId).received.then(() => store.transaction(() => left));
        const client = await sendFrom(run, { ...order, requestId });
        await sighting(requestId).received;
        client.cut(moment.how);
        await busy;
        assert.equal(client.bytesTaken, 0);
        const line = easel.logLines.find((logged) => logged['requestId'] === requestId);
        assert.equal(line?.['status'], 499);
        await upstream.until(() => upstream.requests.length === known + 1);
        return { requestId, isMade: true };
      }
      case 'accepted': {
        const client = await sendFrom(run, { ...order, requestId });
        await client.take(moment.take);
        cut(client);
        assertCutShort(client, moment.take, requestId);
        await upstream.until(() => upstream.requests.length === known + 1);
        return { requestId, isMade: true, id: client.header('x-easel-image-id') };
      }
      case 'polling': {
        const { polls, afterBytes } = moment;
        cluster.next(...Array.from({ length: polls }, () => 'slow_first_byte' as const));
        cluster.next({ kind: 'slow_mid_payload', afterBytes });
        const id = await accepted(requestId);
        for (let poll = 0; poll < polls; poll += 1) {
          await cluster.until(() => cluster.heldAnswers === 1);
          cluster.release();
        }
        await cluster.until(() => cluster.heldAnswers === 1);
        await cutWaiting(id, `${requestId}-wait`);
        cluster.release();
        return { requestId, isMade: true, id };
      }
      case 'downloading': {
        delivery.next({ kind: 'slow_mid_payload', afterBytes: moment.afterBytes });
        const id = await accepted(requestId);
        await delivery.until(() => delivery.heldAnswers === 1);
        await cutWaiting(id, `${requestId}-wait`);
        delivery.release();
        return { requestId, isMade: true, id };
      }
      case 'done': {
        const id = await accepted(requestId);
        await jobs.idle();
        const path = `/v1/images/${id}`;
        const fetching = { requestId: `${requestId}-fetch`, method: 'GET', path };
        const client = await sendFrom(run, fetching);
        await client.take(moment.take);
        cut(client);
        await sighting(fetching.requestId).closed;
        assertCutShort(client, moment.take, requestId);
        assert.ok(client.body.length < NOISE_BASE64_BYTES);
        return { requestId, isMade: true, id };
      }
    }
  };

  const moments = asyncMomentsOf(random);
  assert.equal(new Set(moments.map((moment) => JSON.stringify(moment))).size, 20);
  const requests: CutRequest[] = [];
  for (const [index, moment] of moments.entries()) {
    const requestId = `cut-${index}`;
    if (moment.while !== 'uploading') {
      sim.nextJobs({ sample: labelled(requestId) });
    }
    requests.push(await cutAt(moment, requestId));
    await jobs.idle();
  }
  await assertAllFound(run, requests, 0.03);
  for (const simulator of [upstream, cluster, delivery]) {
    assert.deepEqual(simulator.problems, []);
  }
});
