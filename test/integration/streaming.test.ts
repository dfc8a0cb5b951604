import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { type Easel, startEasel } from '../support/harness.ts';
import { readEvents, type StreamPiece } from '../support/sse.ts';

let easel: Easel;
before(async () => {
  const time = {
    request_seconds: 600,
    keepalive_seconds: 0.05,
    drain_seconds: 10,
    upload_idle_seconds: 30,
    lease_seconds: 30,
    head_seconds: 15,
  };
  easel = await startEasel({ file: { time } });
});
after(() => easel.close());

const body = { model: 'deepshi-banana-pro', prompt: 'a red boat at dawn', seed: 7, stream: true };

async function stream(
  extra: object = {},
  headers: Record<string, string> = {},
): Promise<StreamPiece[]> {
  const response = await easel.post('/v1/images/generations', { ...body, ...extra }, headers);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.equal(response.headers.get('x-accel-buffering'), 'no');
  return Array.fromAsync(readEvents(response));
}

test('the first comment comes before the painting starts', async () => {
  const controller = new AbortController();
  const response = await fetch(`${easel.url}/v1/images/generations`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${easel.key}`,
      'content-type': 'application/json',
      // Painting would start only in an hour: what arrives was written before it.
      'x-easel-test': 'slow=3600',
    },
    body: JSON.stringify(body),
    signal: controller.signal,
  });
  const pieces = readEvents(response);
  assert.deepEqual((await pieces.next()).value, { comment: 'easel' });
  assert.deepEqual((await pieces.next()).value, { comment: 'keepalive' });
  assert.deepEqual((await pieces.next()).value, { comment: 'keepalive' });
  controller.abort();
  await assert.rejects(pieces.next());
});

test('a stream ends with one completed event: payload first, type last, the same cost', async () => {
  const pieces = await stream();
  const events = pieces.filter((piece) => 'event' in piece);
  assert.deepEqual(
    events.map(({ event }) => event),
    ['image_generation.completed'],
  );
  const [only] = events;
  assert.ok(only !== undefined);
  const { data, text } = only;
  assert.match(text, /^\{"b64_json":"/);
  assert.match(text, /"type":"image_generation\.completed"\}$/);
  const buffered = (await (
    await easel.post('/v1/images/generations', { ...body, stream: false })
  ).json()) as { data: { b64_json: string }[]; usage: unknown; size: string };
  assert.equal(data['b64_json'], buffered.data[0]?.b64_json);
  assert.deepEqual(data['usage'], buffered.usage);
  assert.equal(data['size'], '1024x1024');
  assert.equal(data['test'], true);
});

test('partial pictures come before the whole one, each a picture of its own', async () => {
  const pieces = await stream({ model: 'gpt-image-2', quality: 'low', partial_images: 3 });
  const events = pieces.filter((piece) => 'event' in piece);
  assert.deepEqual(
    events.map(({ event, data }) => [event, data['partial_image_index'], data['index']]),
    [
      ['image_generation.partial_image', 0, 0],
      ['image_generation.partial_image', 1, 0],
      ['image_generation.partial_image', 2, 0],
      ['image_generation.completed', undefined, 0],
    ],
  );
  assert.equal(new Set(events.map(({ data }) => data['b64_json'])).size, 4);
  const usage = events.at(-1)?.data['usage'] as { output_tokens: number };
  assert.equal(usage.output_tokens, 196 + 3 * 100);
});

test('of several pictures only the last carries the usage of all', async () => {
  const pieces = await stream({ model: 'nano-banana', n: 3 });
  const events = pieces.filter((piece) => 'event' in piece);
  assert.deepEqual(
    events.map(({ data }) => [data['index'], (data['usage'] as object | undefined) !== undefined]),
    [
      [0, false],
      [1, false],
      [2, true],
    ],
  );
  assert.deepEqual(events.at(-1)?.data['usage'], { cost: { total_cost: 0.117 } });
});

test('a payload that dies closes its line as an error object, and costs nothing', async () => {
  const before = await (await easel.get('/v1/balance')).json();
  const pieces = await stream({}, { 'x-easel-test': 'die_mid_payload' });
  const last = pieces.at(-1);
  assert.ok(last !== undefined && 'event' in last);
  assert.equal(last.data['type'], 'error');
  const error = last.data['error'] as { code: string };
  assert.equal(error.code, 'upstream_error');
  assert.ok(String(last.data['b64_json']).length > 1000);
  assert.deepEqual(await (await easel.get('/v1/balance')).json(), before);
});

test('a failure before any picture is an error event of its own', async () => {
  const pieces = await stream({}, { 'x-easel-test': 'moderation_blocked' });
  assert.deepEqual(pieces.at(-1), {
    event: 'error',
    data: {
      type: 'error',
      error: {
        message: 'The request was refused by the content rules of the model.',
        type: 'image_generation_user_error',
        code: 'moderation_blocked',
        param: null,
      },
    },
    text: (pieces.at(-1) as { text: string }).text,
  });
});

test('what fails before the stream begins has its status and is JSON', async () => {
  const response = await easel.post('/v1/images/generations', { ...body, model: 'nothing' });
  assert.equal(response.status, 400);
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
});

test('the wall-clock cap ends a stream with an error event and releases the hold', async () => {
  const time = {
    request_seconds: 0.3,
    keepalive_seconds: 10,
    drain_seconds: 10,
    upload_idle_seconds: 30,
    lease_seconds: 30,
    head_seconds: 15,
  };
  await using capped = await startEasel({ file: { time } });
  const headers = { 'x-easel-test': 'slow=3600' };
  const streamed = await capped.post('/v1/images/generations', body, headers);
  const pieces = await Array.fromAsync(readEvents(streamed));
  const last = pieces.at(-1);
  assert.ok(last !== undefined && 'event' in last);
  assert.equal(last.event, 'error');
  assert.equal((last.data['error'] as { code: string }).code, 'upstream_timeout');
  const plain = await capped.post('/v1/images/generations', { ...body, stream: false }, headers);
  assert.equal(plain.status, 504);
  assert.equal(plain.headers.get('x-should-retry'), 'false');
  const balance = (await (await capped.get('/v1/balance')).json()) as object;
  assert.deepEqual(balance, {
    mode: 'test',
    currency: 'USD',
    balance: 10,
    held: 0,
    available: 10,
    spent: 0,
  });
  assert.deepEqual(await capped.auditProblems(), []);
});

test('Accept: image/* answers with the picture, its id and its cost', async () => {
  const { stream: _, ...plain } = body;
  const fixed = await easel.post('/v1/images/generations', plain, { accept: 'image/*' });
  assert.equal(fixed.status, 200);
  assert.equal(fixed.headers.get('content-type'), 'image/png');
  assert.equal(fixed.headers.get('x-easel-cost'), '0.01');
  assert.match(fixed.headers.get('x-easel-image-id') ?? '', /^img_/);
  const bytes = Buffer.from(await fixed.arrayBuffer());
  assert.equal(bytes.readUInt32BE(0), 0x89504e47);
});

test('a cost that is known only at the end stands in a trailer', async () => {
  const trailers = await new Promise<NodeJS.Dict<string>>((resolve, reject) => {
    const request = httpRequest(
      `${easel.url}/v1/images/generations`,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${easel.key}`,
          'content-type': 'application/json',
          accept: 'image/*',
        },
      },
      (response) => {
        response.resume().once('end', () => resolve(response.trailers));
      },
    );
    request.once('error', reject);
    request.end(JSON.stringify({ model: 'gpt-image-2', prompt: 'a boat', quality: 'low' }));
  });
  // 2 text tokens at 5 USD a million and 196 image tokens at 30.
  assert.deepEqual({ ...trailers }, { 'x-easel-cost': '0.00589' });
});

test('without a store a client that hangs up is not charged', async () => {
  await using own = await startEasel({ environment: { EASEL_RESULT_TTL: '0' } });
  const controller = new AbortController();
  const slow = { 'x-easel-test': 'slow=3600' };
  const sent = own
    .post('/v1/images/generations', { ...body, stream: false }, slow)
    .catch(() => undefined);
  await fetch(`${own.url}/v1/images/generations`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${own.key}`,
      'content-type': 'application/json',
      ...slow,
    },
    body: JSON.stringify(body),
    signal: controller.signal,
  });
  controller.abort();
  own.app.server.server.closeAllConnections();
  await sent;
  await own.app.engine.pipeline.jobs.idle();
  const balance = (await (await own.get('/v1/balance')).json()) as {
    balance: number;
    held: number;
  };
  assert.deepEqual([balance.balance, balance.held], [10, 0]);
  assert.deepEqual(await own.auditProblems(), []);
});

/** What an HTTP/1.0 caller reads up to the connection's end; rejects when that is a reset. */
function askOldStyle(headers: Record<string, string>, fields: object): Promise<Buffer> {
  const { hostname, port } = new URL(easel.url);
  const text = JSON.stringify(fields);
  const all = {
    authorization: `Bearer ${easel.key}`,
    'content-type': 'application/json',
    'content-length': String(text.length),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('end', () => resolve(Buffer.concat(chunks)));
    socket.once('error', reject);
    socket.write(`POST /v1/images/generations HTTP/1.0\r\n${lines.join('')}\r\n${text}`);
  });
}

test('over HTTP/1.0 a picture comes whole, and half of one ends in a reset', async () => {
  const fields = { model: 'gpt-image-2', prompt: 'a boat', quality: 'low' };
  const whole = await askOldStyle({ accept: 'image/*' }, fields);
  assert.match(whole.toString('latin1', 0, 15), /^HTTP\/1\.1 200/);
  assert.equal(whole.subarray(-8, -4).toString('latin1'), 'IEND');
  const dying = { accept: 'image/*', 'x-easel-test': 'die_mid_payload' };
  await assert.rejects(askOldStyle(dying, fields), { code: 'ECONNRESET' });
});
