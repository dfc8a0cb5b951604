import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { ImageRemoval, ImageStatus } from '../../src/contract/images.ts';
import { firstPicture, readAnswer, readError, readStream } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject, asString, at, type JsonObject } from '../support/json.ts';
import { type BflSimulator, startBfl } from '../support/upstreams/bfl.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';

const BOAT = { model: 'deepshi-banana-pro', prompt: 'a red boat at dawn', seed: 7 };
const GENERATIONS = '/v1/images/generations';

/** A server with two upstreams, and requests with any of its keys. */
interface Setting {
  readonly easel: Easel;
  readonly bfl: BflSimulator;
  readonly openai: OpenaiSimulator;
}

let setting: Setting;
let easel: Easel;

before(async () => {
  const [bfl, openai] = await Promise.all([startBfl(), startOpenai()]);
  const settings = `{ poll_interval_ms: 20, polling_hosts: ['${bfl.clusterHost}'] }`;
  easel = await startEasel({
    yaml: `providers: { bfl: { settings: ${settings} } }`,
    environment: {
      BFL_API_KEY: bfl.apiKey,
      BFL_BASE_URL: bfl.baseUrl,
      OPENAI_API_KEY: openai.apiKey,
      OPENAI_BASE_URL: openai.baseUrl,
      EASEL_FETCH_ALLOW: bfl.hosts.join(','),
    },
  });
  setting = { easel, bfl, openai };
});
after(async () => {
  assert.deepEqual(await easel.auditProblems(), []);
  await easel.close();
  await setting.bfl[Symbol.asyncDispose]();
  await setting.openai[Symbol.asyncDispose]();
});

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

const readJson = async (response: Response): Promise<JsonObject> => asObject(await response.json());

/** How a request stands, held to the contract. */
async function statusOf(id: string, headers: Record<string, string> = {}): Promise<JsonObject> {
  const response = await easel.get(`/v1/images/${id}`, { headers });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-easel-image-id'), id);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const body: unknown = await response.json();
  ImageStatus.parse(body);
  assert.equal(at(body, 'id'), id);
  return asObject(body);
}

/** Begins a request that nobody waits for; its id. */
async function begin(
  body: object,
  headers: Record<string, string> = {},
  on: Easel = easel,
): Promise<string> {
  const response = await on.post(GENERATIONS, body, { prefer: 'respond-async', ...headers });
  const accepted = await readJson(response);
  assert.equal(response.status, 202, JSON.stringify(accepted));
  const id = asString(accepted['id']);
  assert.equal(response.headers.get('location'), `/v1/images/${id}`);
  return id;
}

const SLOW = { 'x-easel-test': 'slow=60' };

async function remove(id: string): Promise<Response> {
  return easel.get(`/v1/images/${id}`, { method: 'DELETE' });
}

interface Original {
  readonly id: string;
  readonly picture: Buffer;
}

/** The forms of a first answer: each gives the picture and the id that fetch it again. */
const ORIGINALS: Record<string, (key: string, body: object) => Promise<Original>> = {
  JSON: async (key, body) => {
    const answer = await readAnswer(await easel.post(GENERATIONS, body, bearer(key)));
    return { id: answer.id, picture: Buffer.from(firstPicture(answer), 'base64') };
  },
  SSE: async (key, body) => {
    const response = await easel.post(GENERATIONS, { ...body, stream: true }, bearer(key));
    const last = (await readStream(response)).events.at(-1)?.data;
    const picture = Buffer.from(asString(last?.b64_json), 'base64');
    return { id: asString(last?.id), picture };
  },
  'Accept: image/*': async (key, body) => {
    const response = await easel.post(GENERATIONS, body, { accept: 'image/*', ...bearer(key) });
    assert.equal(response.status, 200);
    const id = response.headers.get('x-easel-image-id') ?? '';
    return { id, picture: Buffer.from(await response.arrayBuffer()) };
  },
};

const MODELS = [
  { on: 'a test key', isLive: false, body: BOAT },
  { on: 'BFL', isLive: true, body: { model: 'flux-2-pro', prompt: 'a red boat', seed: 7 } },
  { on: 'OpenAI', isLive: true, body: { model: 'gpt-image-2', prompt: 'a boat', quality: 'low' } },
];

suite('200: the answer again, byte for byte and at the same cost', () => {
  for (const { on, isLive, body } of MODELS) {
    for (const [form, ask] of Object.entries(ORIGINALS)) {
      test(`${form} on ${on}`, async () => {
        const key = isLive ? await easel.liveKey() : easel.key;
        const spent = async (): Promise<number> => {
          const response = await easel.get('/v1/balance', { headers: bearer(key) });
          return Number((await readJson(response))['spent']);
        };
        const before = await spent();
        const { id, picture } = await ask(key, body);
        const spentThen = await spent();
        const cost = Number((spentThen - before).toFixed(9));
        const again = (headers = {}, query = ''): Promise<Response> =>
          easel.get(`/v1/images/${id}${query}`, { headers: { ...bearer(key), ...headers } });

        const answer = await readAnswer(await again());
        assert.equal(at(answer, 'status'), 'completed');
        assert.equal(firstPicture(answer), picture.toString('base64'));
        assert.equal(answer.usage.cost.total_cost, cost);
        assert.equal(answer.test, isLive ? undefined : true);

        const inUrl = await readAnswer(await again({}, '?response_format=url'));
        const url = `data:image/${answer.output_format};base64,${picture.toString('base64')}`;
        assert.equal(inUrl.data[0].url, url);

        const plain = await again({ accept: 'image/*' });
        assert.equal(plain.headers.get('content-type'), `image/${answer.output_format}`);
        assert.equal(Number(plain.headers.get('x-easel-cost')), cost);
        assert.deepEqual(Buffer.from(await plain.arrayBuffer()), picture);

        const file = await easel.get(`/v1/images/${id}/content/0`, { headers: bearer(key) });
        assert.deepEqual(Buffer.from(await file.arrayBuffer()), picture);
        assert.equal(await spent(), spentThen, 'fetching is free');
      });
    }
  }

  test('all that the first answer said, several pictures and metadata too', async () => {
    const body = { model: 'nano-banana-2', prompt: 'a boat', seed: 3, n: 3, style: 'vivid' };
    const metadata = { order: '17' };
    const { created, ...first } = await readAnswer(
      await easel.post(GENERATIONS, { ...body, metadata }),
    );
    const replay = await readAnswer(await easel.get(`/v1/images/${first.id}`));
    const { created: createdAgain, ...again } = replay;
    assert.deepEqual(again, { ...first, status: 'completed', metadata });
    assert(Math.abs(createdAgain - created) <= 1);
    // Of several pictures none is the picture.
    const headers = { accept: 'image/*' };
    const answer = await readAnswer(await easel.get(`/v1/images/${first.id}`, { headers }));
    assert.equal(answer.data.length, 3);
  });

  test('HEAD says that it is there, and sends nothing', async () => {
    const { id } = await readAnswer(await easel.post(GENERATIONS, BOAT));
    const response = await easel.get(`/v1/images/${id}`, { method: 'HEAD' });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(await response.text(), '');
  });
});

suite('200: a request that is not completed', () => {
  test('running, then cancelled by DELETE: the hold is free and nothing is charged', async () => {
    const { secret } = await easel.makeKey({ account: 'cancels', creditUsd: '1' });
    const headers = bearer(secret);
    const balance = async (): Promise<JsonObject> =>
      readJson(await easel.get('/v1/balance', { headers }));
    const id = await begin(BOAT, { ...SLOW, ...headers });
    assert.equal((await statusOf(id, headers))['status'], 'running');
    assert(Number((await balance())['held']) > 0);
    const response = await easel.get(`/v1/images/${id}`, { method: 'DELETE', headers });
    assert.equal(response.status, 200);
    const removed: unknown = await response.json();
    ImageRemoval.parse(removed);
    assert.deepEqual(removed, { id, status: 'cancelled' });
    const { held, spent } = await balance();
    assert.deepEqual([held, spent], [0, 0]);
    const status = await statusOf(id, headers);
    assert.equal(status['status'], 'cancelled');
    assert.equal(at(status, 'error.code'), 'request_cancelled');
  });

  test('409: the client that waits for a cancelled one is told', async () => {
    const waiting = easel.post(GENERATIONS, BOAT, {
      ...SLOW,
      'idempotency-key': 'to-be-cancelled',
    });
    let ids: string[] = [];
    while (ids.length === 0) {
      const list = await readJson(
        await easel.get('/v1/images?status=running&idempotency_key=to-be-cancelled'),
      );
      ids = (list['data'] as { id: string }[]).map(({ id }) => id);
    }
    assert.equal((await remove(ids[0] ?? '')).status, 200);
    await readError(await waiting, { name: 'request_cancelled' });
  });

  test('failed: why, as the error answer said; it can be deleted, and stays on record', async () => {
    const headers = { 'x-easel-test': 'moderation_blocked' };
    const id = await begin(BOAT, { ...headers, prefer: 'respond-async' });
    const status = await statusOf(id, { prefer: 'wait=60' });
    assert.equal(status['status'], 'failed');
    assert.equal(at(status, 'error.code'), 'moderation_blocked');
    assert.equal(at(status, 'error.type'), 'image_generation_user_error');
    assert.deepEqual(await readJson(await remove(id)), { id, deleted: true });
    assert.equal((await statusOf(id))['status'], 'failed');
    await readError(await easel.get(`/v1/images/${id}/content/0`), { name: 'not_found' });
  });

  test('lost: with the process that ran it', async () => {
    const id = await begin(BOAT, { 'x-easel-test': 'upstream_error' });
    await statusOf(id, { prefer: 'wait=60' });
    await easel.app.engine.store.transaction(async (tx) => {
      await tx.updateTable('requests').set({ status: 'lost' }).where('id', '=', id).execute();
    });
    const status = await statusOf(id);
    assert.equal(status['status'], 'lost');
    assert.match(asString(at(status, 'error.message')), /stopped/);
    assert.deepEqual(await readJson(await remove(id)), { id, deleted: true });
  });
});

suite('202: what cannot be stopped goes on', () => {
  test('DELETE of work at an upstream that has no cancelling: charged and fetchable', async () => {
    const { upstream } = setting.openai;
    const headers = bearer(await easel.liveKey());
    upstream.next('slow_first_byte');
    const body = { model: 'gpt-image-2', prompt: 'a slow boat', quality: 'low' };
    const id = await begin(body, headers);
    await upstream.until(() => upstream.heldAnswers === 1);
    const response = await easel.get(`/v1/images/${id}`, { method: 'DELETE', headers });
    assert.equal(response.status, 202);
    assert.deepEqual([at(await response.json(), 'status')], ['running']);
    upstream.release();
    const again = await easel.get(`/v1/images/${id}`, {
      headers: { ...headers, prefer: 'wait=60' },
    });
    assert(firstPicture(await readAnswer(again)).length > 0);
  });
});

suite('Prefer: wait=N', () => {
  test('the answer, as soon as the request ends', async () => {
    const id = await begin(BOAT, { 'x-easel-test': 'slow=0.2' });
    const response = await easel.get(`/v1/images/${id}`, { headers: { prefer: 'wait=60' } });
    assert.equal(response.headers.get('preference-applied'), 'wait=60');
    assert.equal(at(await readAnswer(response), 'status'), 'completed');
  });

  test('how it stands, when the time is over', async () => {
    const id = await begin(BOAT, SLOW);
    for (const seconds of [0, 1]) {
      const status = await statusOf(id, { prefer: `wait=${seconds}` });
      assert.equal(status['status'], 'running');
    }
    await remove(id);
  });

  test('a client that leaves ends the wait', async () => {
    const id = await begin(BOAT, SLOW);
    const { lookup, bootstrapped } = easel.app.engine;
    const { accountId } = bootstrapped;
    const record = await lookup.find({ accountId, mode: 'test' }, id);
    const left = new AbortController();
    const waiting = lookup.ended(record, 3_600_000, left.signal);
    left.abort();
    assert.equal((await waiting).status, 'running');
    await remove(id);
  });
});

suite('refusals', () => {
  let id: string;
  before(async () => {
    ({ id } = await readAnswer(await easel.post(GENERATIONS, BOAT)));
  });
  const places = (): [string, string][] => [
    ['GET', `/v1/images/${id}`],
    ['DELETE', `/v1/images/${id}`],
    ['GET', `/v1/images/${id}/content/0`],
  ];

  test('401: without a key', async () => {
    const list: [string, string] = ['GET', '/v1/images'];
    for (const [method, path] of [...places(), list]) {
      const response = await fetch(`${easel.url}${path}`, { method });
      await readError(response, { name: 'invalid_api_key' });
    }
  });

  test('404: with a key of another account, or of the other mode', async () => {
    const other = await easel.makeKey({ account: 'nosy' });
    const live = await easel.makeKey({ account: 'default', mode: 'live' });
    for (const { secret } of [other, live]) {
      for (const [method, path] of places()) {
        const response = await easel.get(path, { method, headers: bearer(secret) });
        await readError(response, { name: 'not_found' });
      }
    }
    assert.equal((await statusOf(id))['status'], 'completed', 'and nothing was deleted');
  });

  test('200: with another key of the same account', async () => {
    const { secret } = await easel.makeKey({ account: 'default' });
    assert.equal((await statusOf(id, bearer(secret)))['status'], 'completed');
  });

  test('404: what was never there', async () => {
    const unknown = `img_${'0'.repeat(24)}`;
    for (const path of [unknown, `${unknown}/content/0`, 'no-id', `${id}/content/1`]) {
      await readError(await easel.get(`/v1/images/${path}`), { name: 'not_found' });
    }
    for (const index of ['-1', '00', 'x', '1e0', '99999']) {
      const response = await easel.get(`/v1/images/${id}/content/${index}`);
      await readError(response, { name: 'not_found' });
    }
  });

  test('400: a response_format that is none', async () => {
    const response = await easel.get(`/v1/images/${id}?response_format=gif`);
    await readError(response, { name: 'invalid_value', param: 'response_format', message: /url/ });
  });

  test('405: POST', async () => {
    const response = await easel.get(`/v1/images/${id}`, { method: 'POST' });
    await readError(response, { name: 'method_not_allowed' });
  });
});

suite('410: what is no longer kept', () => {
  const gone = async (on: Easel, id: string): Promise<void> => {
    for (const path of [`/v1/images/${id}`, `/v1/images/${id}/content/0`]) {
      await readError(await on.get(path), { name: 'result_expired' });
    }
    const list = await readJson(await on.get('/v1/images'));
    assert.equal(at(list, 'data[0].status'), 'completed', 'the request stays on record');
  };

  test('deleted: at once, and once more does no harm', async () => {
    const { id } = await readAnswer(await easel.post(GENERATIONS, BOAT));
    for (let time = 0; time < 2; time += 1) {
      const response = await remove(id);
      assert.equal(response.status, 200);
      assert.deepEqual(await response.json(), { id, deleted: true });
    }
    await gone(easel, id);
  });

  test('its time is over', async () => {
    let nowMs = Date.now();
    const clock = { now: () => nowMs };
    await using timed = await startEasel({ clock, environment: { EASEL_RESULT_TTL: '60' } });
    const { id } = await readAnswer(await timed.post(GENERATIONS, BOAT));
    nowMs += 59_000;
    await readAnswer(await timed.get(`/v1/images/${id}`));
    const file = await timed.get(`/v1/images/${id}/content/0`);
    assert.equal(file.headers.get('cache-control'), 'private, max-age=1, immutable');
    await file.body?.cancel();
    nowMs += 1_000;
    await gone(timed, id);
    assert.deepEqual(await timed.auditProblems(), []);
  });

  test('EASEL_RESULT_TTL=0: nothing is ever kept, and no file is written', async () => {
    await using bare = await startEasel({ environment: { EASEL_RESULT_TTL: '0' } });
    const { id } = await readAnswer(await bare.post(GENERATIONS, BOAT));
    await gone(bare, id);
    const removed = await bare.get(`/v1/images/${id}`, { method: 'DELETE' });
    assert.deepEqual(await removed.json(), { id, deleted: true });
    assert.equal(existsSync(join(bare.home, 'results')), false);
    assert.deepEqual(await bare.auditProblems(), []);
  });
});
