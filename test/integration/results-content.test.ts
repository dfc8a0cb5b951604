import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import OpenAI from 'openai';
import { findRequest } from '../../src/store/requests.ts';
import { firstPicture, readAnswer, readError, warningsOf } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { sendRaw } from '../support/raw-http.ts';

const BOAT = { model: 'deepshi-banana-pro', prompt: 'a red boat at dawn', seed: 7 };
const GENERATIONS = '/v1/images/generations';

// Set in the parsed file, as `results: { hosted_urls: true }` would.
const hosted = { results: { hosted_urls: true } } as object;

let nowMs = Date.now();
let easel: Easel;
let id: string;
let picture: Buffer;
/** A signed link to it. */
let link: string;

before(async () => {
  easel = await startEasel({ file: hosted, clock: { now: () => nowMs } });
  const answer = await readAnswer(await easel.post(GENERATIONS, BOAT));
  ({ id } = answer);
  picture = Buffer.from(firstPicture(answer), 'base64');
  link = await linkOf(id);
});
after(async () => {
  assert.deepEqual(await easel.auditProblems(), []);
  await easel.close();
});

async function linkOf(requestId: string): Promise<string> {
  const response = await easel.get(`/v1/images/${requestId}?response_format=url`);
  return (await readAnswer(response)).data[0].url ?? '';
}

const content = (headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  easel.get(`/v1/images/${id}/content/0`, { headers, method });

const bytesOf = async (response: Response): Promise<Buffer> =>
  Buffer.from(await response.arrayBuffer());

suite('the whole picture', () => {
  test('200: with its length, its type and an entity tag that holds for ever', async () => {
    const response = await content();
    assert.equal(response.status, 200);
    const { headers } = response;
    assert.equal(headers.get('content-type'), 'image/png');
    assert.equal(headers.get('content-length'), String(picture.length));
    assert.equal(headers.get('etag'), `"${id}.0"`);
    assert.equal(headers.get('accept-ranges'), 'bytes');
    assert.match(headers.get('cache-control') ?? '', /^private, max-age=3[56]\d\d, immutable$/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('x-easel-image-id'), id);
    assert.deepEqual(await bytesOf(response), picture);
  });

  test('200: HEAD has the same headers, also with a Range', async () => {
    for (const range of [{}, { range: 'bytes=0-9' }]) {
      const response = await content(range, 'HEAD');
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-length'), String(picture.length));
      assert.equal(response.headers.get('content-type'), 'image/png');
      assert.equal(response.headers.get('etag'), `"${id}.0"`);
      assert.equal((await bytesOf(response)).length, 0);
    }
  });

  test('200: every picture of a request by its index', async () => {
    const body = { model: 'nano-banana-2', prompt: 'a boat', n: 3 };
    const answer = await readAnswer(await easel.post(GENERATIONS, body));
    for (const { index, b64_json: base64 } of answer.data) {
      const response = await easel.get(`/v1/images/${answer.id}/content/${index}`);
      assert.equal((await bytesOf(response)).toString('base64'), base64);
    }
  });

  test('304: where the entity tag is named, in any of its forms', async () => {
    const tag = `"${id}.0"`;
    for (const named of [tag, `W/${tag}`, '*', `"a,b", W/${tag}`, `"x",${tag}`]) {
      for (const method of ['GET', 'HEAD']) {
        const response = await content({ 'if-none-match': named, range: 'bytes=0-1' }, method);
        assert.equal(response.status, 304, named);
        assert.equal(response.headers.get('etag'), tag);
        assert.equal((await bytesOf(response)).length, 0);
      }
    }
    for (const other of ['"x"', `"${id}.1"`, id, '']) {
      const response = await content({ 'if-none-match': other });
      assert.equal(response.status, 200, other);
      await response.body?.cancel();
    }
  });
});

suite('a part of the picture', () => {
  test('206: any range is that slice of the whole', async () => {
    const size = picture.length;
    const at = (): number => Math.floor(Math.random() * size);
    const pairs = Array.from({ length: 40 }, () => [at(), at()].toSorted((a, b) => a - b));
    const cases: [string, number, number][] = [
      ...pairs.map(([a = 0, b = 0]): [string, number, number] => [`${a}-${b}`, a, b + 1]),
      ['0-0', 0, 1],
      ['0-', 0, size],
      [`${size - 1}-`, size - 1, size],
      [`1-${size * 2}`, 1, size],
      ['-1', size - 1, size],
      ['-1000', size - 1000, size],
      [`-${size * 2}`, 0, size],
    ];
    for (const [range, start, end] of cases) {
      const response = await content({ range: `bytes=${range}` });
      assert.equal(response.status, 206, range);
      assert.equal(response.headers.get('content-range'), `bytes ${start}-${end - 1}/${size}`);
      assert.equal(response.headers.get('content-length'), String(end - start), range);
      assert(picture.subarray(start, end).equals(await bytesOf(response)), range);
    }
  });

  test('200: what no part can answer gives the whole', async () => {
    const ranges = ['bytes=0-1,4-5', 'bytes=5-1', 'bytes=-', 'bytes=a-b', 'lines=0-1', 'bytes'];
    for (const range of ranges) {
      const response = await content({ range });
      assert.equal(response.status, 200, range);
      assert.equal((await bytesOf(response)).length, picture.length, range);
    }
  });

  test('416: what lies behind the end', async () => {
    for (const range of [`bytes=${picture.length}-`, 'bytes=99999999999999999999-', 'bytes=-0']) {
      const response = await content({ range });
      assert.equal(response.headers.get('content-range'), `bytes */${picture.length}`);
      await readError(response, { name: 'invalid_range' });
    }
  });

  test('If-Range: a part only of the same picture', async () => {
    const range = 'bytes=0-9';
    const same = await content({ range, 'if-range': `"${id}.0"` });
    assert.equal(same.status, 206);
    assert.deepEqual(await bytesOf(same), picture.subarray(0, 10));
    for (const other of [`W/"${id}.0"`, '"x"', 'Wed, 25 Nov 2026 00:00:00 GMT']) {
      const response = await content({ range, 'if-range': other });
      assert.equal(response.status, 200, other);
      await response.body?.cancel();
    }
  });
});

suite('signed links', () => {
  test('200: nobody needs a key', async () => {
    assert.equal(new URL(link).origin, easel.url);
    assert.deepEqual(await bytesOf(await fetch(link)), picture);
    assert.equal((await fetch(link, { method: 'HEAD' })).status, 200);
    const part = await fetch(link, { headers: { range: 'bytes=0-3' } });
    assert.equal(part.status, 206);
  });

  test('403: changed, cut, for another picture, or with half of it only', async () => {
    const other = await readAnswer(await easel.post(GENERATIONS, BOAT));
    const { searchParams } = new URL(link);
    const expires = searchParams.get('expires') ?? '';
    const signature = searchParams.get('signature') ?? '';
    const changed = signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'));
    const of = (wanted: string, index: number | string, query: string): string =>
      `${easel.url}/v1/images/${wanted}/content/${index}?${query}`;
    const wrong = [
      of(id, 0, `expires=${expires}&signature=${changed}`),
      of(id, 0, `expires=${expires}&signature=${signature.slice(0, -1)}`),
      of(id, 0, `expires=${expires}&signature=`),
      of(id, 0, `expires=${Number(expires) + 1}&signature=${signature}`),
      of(id, 0, `expires=${expires}`),
      of(id, 0, `signature=${signature}`),
      of(id, 0, `expires=${expires}&signature=${signature}&signature=${signature}`),
      of(id, 1, `expires=${expires}&signature=${signature}`),
      of(id, '00', `expires=${expires}&signature=${signature}`),
      of(other.id, 0, `expires=${expires}&signature=${signature}`),
    ];
    for (const url of wrong) {
      await readError(await fetch(url), { name: 'invalid_signature' });
      // A key beside it does not help: a broken link is to be noticed.
      const headers = { authorization: `Bearer ${easel.key}` };
      await readError(await fetch(url, { headers }), { name: 'invalid_signature' });
    }
  });

  test('401: neither a signature nor a key', async () => {
    await readError(await fetch(link.split('?')[0] ?? ''), { name: 'invalid_api_key' });
  });

  test('403: its time is over; 410: the picture was deleted before', async () => {
    const { id: gone } = await readAnswer(await easel.post(GENERATIONS, BOAT));
    const url = await linkOf(gone);
    await easel.get(`/v1/images/${gone}`, { method: 'DELETE' });
    await readError(await fetch(url), { name: 'result_expired' });
    nowMs += 3_602_000;
    await readError(await fetch(url), { name: 'invalid_signature', message: /expired/ });
    nowMs -= 3_602_000;
  });

  test('the secret lies in the home, for its owner only', async () => {
    const { mode } = await stat(join(easel.home, 'secret'));
    assert.equal(mode & 0o777, 0o600);
  });

  test('EASEL_SECRET and EASEL_PUBLIC_URL: links of one server hold on another', async () => {
    const environment = {
      EASEL_SECRET: 'correct horse battery staple, and more',
      EASEL_PUBLIC_URL: 'https://easel.example/images/',
    };
    await using named = await startEasel({ file: hosted, environment });
    const body = { ...BOAT, response_format: 'url' };
    const answer = await readAnswer(await named.post(GENERATIONS, body));
    const url = answer.data[0].url ?? '';
    const start = `https://easel.example/images/v1/images/${answer.id}/content/0?expires=`;
    assert(url.startsWith(start), url);
    const there = await fetch(url.replace('https://easel.example/images', named.url));
    assert.equal(there.status, 200);
    await there.body?.cancel();
    await assert.rejects(stat(join(named.home, 'secret')), { code: 'ENOENT' });
  });

  test('the SDK asks for a url, and plain fetch downloads it', async () => {
    const client = new OpenAI({ baseURL: `${easel.url}/v1`, apiKey: easel.key });
    const { data = [] } = await client.images.generate({ ...BOAT, response_format: 'url' });
    const response = await fetch(data[0]?.url ?? '');
    assert.equal(response.headers.get('content-type'), 'image/png');
    assert.deepEqual(await bytesOf(response), picture);
  });

  test('a picture that could not be kept comes in the answer: a link would lead nowhere', async () => {
    await using full = await startEasel({ file: hosted });
    await full.stored.refuse();
    const body = { ...BOAT, response_format: 'url' };
    const answer = await readAnswer(await full.post(GENERATIONS, body));
    assert.deepEqual(warningsOf(answer), ['store not_kept']);
    assert.equal(answer.data[0].url, `data:image/png;base64,${picture.toString('base64')}`);
    await readError(await full.get(`/v1/images/${answer.id}`), { name: 'result_expired' });
  });

  test('a picture that could not be kept, and that nobody waits for, costs nothing', async () => {
    await using full = await startEasel({ file: hosted });
    await full.stored.refuse();
    const sent = await full.post(GENERATIONS, BOAT, { prefer: 'respond-async' });
    assert.equal(sent.status, 202);
    const { id } = (await sent.json()) as { id: string };
    const ended = await full.get(`/v1/images/${id}`, { headers: { prefer: 'wait=60' } });
    const { status, error } = (await ended.json()) as Record<string, unknown>;
    assert.deepEqual([status, (error as { type: string }).type], ['failed', 'api_error']);
    const balance = (await (await full.get('/v1/balance')).json()) as Record<string, unknown>;
    assert.deepEqual([balance['spent'], balance['held']], [0, 0]);
    assert.deepEqual(await full.auditProblems(), []);
  });

  test('without hosted urls, and where nothing is kept, url is a data URI', async () => {
    const cases = [{}, { file: hosted, environment: { EASEL_RESULT_TTL: '0' } }];
    for (const options of cases) {
      await using plain = await startEasel(options);
      const body = { ...BOAT, response_format: 'url' };
      const answer = await readAnswer(await plain.post(GENERATIONS, body));
      assert.match(answer.data[0].url ?? '', /^data:image\/png;base64,/);
    }
  });
});

suite('what counts as delivered', () => {
  /** Sends a request, and resolves once the server is done with it. */
  async function served(send: () => Promise<Response>): Promise<void> {
    const arrival = once(easel.app.server.server, 'request') as Promise<[unknown, ServerResponse]>;
    const response = await send();
    const [, answering] = await arrival;
    const closed = answering.closed ? undefined : once(answering, 'close');
    await response.arrayBuffer();
    await closed;
  }

  async function isDelivered(request: string): Promise<boolean> {
    await easel.app.engine.marks.flush();
    const record = await findRequest(easel.app.engine.store.db, request);
    return record?.deliveredAt !== undefined;
  }

  /** A request that has ended, and of which nobody has got anything. */
  async function undelivered(body: object = BOAT): Promise<string> {
    const response = await easel.post(GENERATIONS, body, { prefer: 'respond-async' });
    const { id: request } = (await response.json()) as { id: string };
    const { lookup, bootstrapped } = easel.app.engine;
    const owner = { accountId: bootstrapped.accountId, mode: 'test' } as const;
    const record = await lookup.find(owner, request);
    await lookup.ended(record, 60_000, new AbortController().signal);
    return request;
  }

  test('the whole answer, the picture of it, or the one picture as a file', async () => {
    for (const [path, headers] of [
      ['', {}],
      ['', { accept: 'image/*' }],
      ['/content/0', {}],
    ] as const) {
      const request = await undelivered();
      await served(() => easel.get(`/v1/images/${request}${path}`, { headers }));
      assert.equal(await isDelivered(request), true, path);
    }
  });

  test('no link, no HEAD, no part, no 304, and not one of several', async () => {
    const request = await undelivered();
    const tag = `"${request}.0"`;
    for (const [path, method, headers] of [
      ['', 'HEAD', {}],
      ['?response_format=url', 'GET', {}],
      ['/content/0', 'HEAD', {}],
      ['/content/0', 'GET', { range: 'bytes=0-9' }],
      ['/content/0', 'GET', { 'if-none-match': tag }],
    ] as const) {
      await served(() => easel.get(`/v1/images/${request}${path}`, { method, headers }));
      assert.equal(await isDelivered(request), false, `${method} ${path}`);
    }
    const several = await undelivered({ model: 'nano-banana-2', prompt: 'a boat', n: 2 });
    await served(() => easel.get(`/v1/images/${several}/content/0`));
    assert.equal(await isDelivered(several), false);
  });

  test('who leaves a second fetch in its middle leaves no orphan for a retry to take', async () => {
    const request = await undelivered();
    const arrival = once(easel.app.server.server, 'request') as Promise<[unknown, ServerResponse]>;
    const head = `GET /v1/images/${request} HTTP/1.1\r\nHost: easel\r\n`;
    const cut = sendRaw(easel.url, `${head}Authorization: Bearer ${easel.key}\r\n\r\n`);
    const [, answering] = await arrival;
    answering.destroy();
    await assert.rejects(cut);
    assert.equal(await isDelivered(request), false);
    const retry = await easel.post(GENERATIONS, BOAT, { 'x-stainless-retry-count': '1' });
    assert.notEqual((await readAnswer(retry)).id, request);
    assert.equal(retry.headers.get('idempotent-replayed'), null);
  });
});
