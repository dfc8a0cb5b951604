import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readAnswer } from '../support/answers.ts';
import { type Easel, type EaselOptions, requesters, startEasel } from '../support/harness.ts';
import { asArray, asObject } from '../support/json.ts';
import { readEvents } from '../support/sse.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';

const GENERATIONS = '/v1/images/generations';
const MODEL = 'gpt-image-2';
const ASYNC = { prefer: 'respond-async' };

interface Queue extends AsyncDisposable {
  readonly easel: Easel;
  readonly openai: OpenaiSimulator;
  /** Posts as that account. */
  readonly post: (who: string, prompt: string, more?: Sending) => Promise<Response>;
  /** Sends it off; its id. */
  readonly send: (who: string, prompt: string) => Promise<string>;
  readonly status: (who: string, id: string) => Promise<Readonly<Record<string, unknown>>>;
  /** `[id, status, place]` of what that account asked for. */
  readonly listed: (who: string) => Promise<unknown[]>;
  readonly remove: (who: string, id: string) => Promise<unknown>;
}

interface Sending {
  readonly body?: object;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Easel with one account of so many places, and keys of two accounts of its own: `ann`, `bob`. */
async function startQueue(
  bounds: string,
  { yaml = '', environment = {} }: Pick<EaselOptions, 'yaml' | 'environment'> = {},
): Promise<Queue> {
  const openai = await startOpenai();
  const easel = await startEasel({
    environment: { KEY: openai.apiKey, ...environment },
    yaml: `
providers:
  narrow: { kind: openai, api_key_env: KEY, base_url: '${openai.baseUrl}', ${bounds} }
${yaml === '' ? `models: [{ id: ${MODEL}, provider: narrow }]` : yaml}
`,
  });
  const keys = new Map<string, string>();
  for (const account of ['ann', 'bob']) {
    const { secret } = await easel.makeKey({ account, mode: 'live' });
    keys.set(account, secret);
  }
  const of = (who: string) => requesters(easel.url, keys.get(who) ?? '');
  const post: Queue['post'] = (who, prompt, { body = {}, headers = {}, signal } = {}) => {
    const wanted = { model: MODEL, quality: 'low', prompt, ...body };
    return fetch(`${easel.url}${GENERATIONS}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${keys.get(who)}`,
        ...headers,
      },
      body: JSON.stringify(wanted),
      ...(signal === undefined ? {} : { signal }),
    });
  };
  return {
    easel,
    openai,
    post,
    send: async (who, prompt) => {
      const response = await post(who, prompt, { headers: ASYNC });
      assert.equal(response.status, 202, await response.clone().text());
      return String(asObject(await response.json())['id']);
    },
    status: async (who, id) => {
      const response = await of(who).get(`/v1/images/${id}`);
      assert.equal(response.status, 200);
      return asObject(await response.json());
    },
    listed: async (who) => {
      const list = asObject(await (await of(who).get('/v1/images')).json());
      return asArray(list['data'])
        .map(asObject)
        .map(({ id, status, queue_position }) => [id, status, queue_position]);
    },
    remove: async (who, id) => (await of(who).get(`/v1/images/${id}`, { method: 'DELETE' })).json(),
    [Symbol.asyncDispose]: async () => {
      openai.upstream.always(undefined);
      openai.upstream.release();
      await easel.close();
      await openai[Symbol.asyncDispose]();
    },
  };
}

/** So many calls wait for a place of the account. */
async function untilQueued({ easel }: Queue, count: number): Promise<void> {
  const queued = (): number =>
    easel.app.engine.pipeline.routeStates().reduce((sum, state) => sum + state.queued, 0);
  while (queued() !== count) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function prompts({ openai }: Queue): unknown[] {
  return openai.upstream.requests.map(({ json }) => asObject(json)['prompt']);
}

suite('an account that takes so many calls at once', () => {
  test('accounts take turns, and each call is told its place', async () => {
    await using queue = await startQueue('max_in_flight: 1');
    const { upstream } = queue.openai;
    upstream.always('slow_first_byte');
    const ids = [await queue.send('ann', 'ann 1')];
    await upstream.until(() => upstream.heldAnswers === 1);
    for (const [index, who] of ['ann', 'ann', 'bob'].entries()) {
      ids.push(await queue.send(who, `${who} ${index + 2}`));
      await untilQueued(queue, index + 1);
    }
    const [running = '', second = '', third = '', bobs = ''] = ids;
    assert.equal((await queue.status('ann', running))['status'], 'running');
    assert.equal((await queue.status('ann', running))['queue_position'], undefined);
    const told = [
      await queue.status('ann', second),
      await queue.status('bob', bobs),
      await queue.status('ann', third),
    ];
    assert.deepEqual(
      told.map(({ status, queue_position }) => [status, queue_position]),
      [
        ['queued', 1],
        ['queued', 2],
        ['queued', 3],
      ],
    );
    assert.deepEqual(await queue.listed('bob'), [[bobs, 'queued', 2]]);

    // A stream hears of its place, and of each step forward.
    const stream = await queue.post('bob', 'bob 5', { body: { stream: true } });
    assert.equal(stream.status, 200);
    const comments: string[] = [];
    let last = '';
    for await (const piece of readEvents(stream)) {
      if ('comment' in piece) {
        comments.push(piece.comment);
        if (piece.comment === 'queued, place 4') {
          upstream.always(undefined);
          upstream.release();
        }
      } else {
        last = piece.event;
      }
    }
    assert.ok(comments.includes('queued, place 4'), comments.join('; '));
    assert.equal(last, 'image_generation.completed');
    await queue.easel.app.engine.pipeline.jobs.idle();
    assert.deepEqual(prompts(queue), ['ann 1', 'ann 2', 'bob 4', 'ann 3', 'bob 5']);
    for (const [who, id] of [['ann', third] as const, ['bob', bobs] as const]) {
      const { status, queue_position } = await queue.status(who, id);
      assert.deepEqual([status, queue_position], ['completed', undefined]);
    }
    assert.equal(upstream.purchases, 5);
    assert.deepEqual(await queue.easel.auditProblems(), []);
  });

  test('never more than its places, whatever comes', async () => {
    await using queue = await startQueue('max_in_flight: 3');
    const { upstream } = queue.openai;
    upstream.always('slow_first_byte');
    const calls = Array.from({ length: 20 }, (_, index) =>
      queue.post(index % 2 === 0 ? 'ann' : 'bob', `boat ${index}`).then(readAnswer),
    );
    for (let done = 0; done < 20; done += Math.min(3, 20 - done)) {
      const inside = Math.min(3, 20 - done);
      await upstream.until(() => upstream.heldAnswers === inside);
      assert.equal(upstream.requests.length, done + inside);
      upstream.release();
    }
    await Promise.all(calls);
    assert.equal(upstream.purchases, 20);
    assert.deepEqual(await queue.easel.auditProblems(), []);
  });

  test('too many wait, or one waits too long: 503 with retry-after, nothing bought or held', async () => {
    await using queue = await startQueue(
      'max_in_flight: 1, queue: { max_waiting: 1, max_wait_seconds: 0.3 }',
    );
    const { upstream } = queue.openai;
    upstream.always('slow_first_byte');
    const first = queue.post('ann', 'first');
    await upstream.until(() => upstream.heldAnswers === 1);
    const second = queue.post('ann', 'second');
    await untilQueued(queue, 1);
    for (const refused of [await queue.post('bob', 'third'), await second]) {
      assert.equal(refused.status, 503);
      assert.equal(refused.headers.get('retry-after'), '1');
      assert.equal(asObject(asObject(await refused.json())['error'])['code'], 'overloaded');
    }
    upstream.release();
    await readAnswer(await first);
    assert.deepEqual(prompts(queue), ['first']);
    assert.deepEqual(await queue.easel.auditProblems(), []);
  });

  test('a route that has a place is taken before one that has none', async () => {
    await using other = await startOpenai();
    await using queue = await startQueue('max_in_flight: 1', {
      environment: { OTHER_KEY: other.apiKey },
      yaml: `
  wide: { kind: openai, api_key_env: OTHER_KEY, base_url: '${other.baseUrl}' }
models:
  - id: ${MODEL}
    provider: narrow
    routes: [{ provider: narrow }, { provider: wide, priority: 2 }]
`,
    });
    const { upstream } = queue.openai;
    upstream.always('slow_first_byte');
    const first = queue.post('ann', 'first');
    await upstream.until(() => upstream.heldAnswers === 1);
    await readAnswer(await queue.post('ann', 'second'));
    await readAnswer(await queue.post('ann', 'third'));
    assert.equal(other.upstream.purchases, 2);
    upstream.always(undefined);
    upstream.release();
    await readAnswer(await first);
    await readAnswer(await queue.post('ann', 'fourth'));
    assert.deepEqual([upstream.purchases, other.upstream.purchases], [2, 2]);
  });

  test('one that is cancelled while it waits leaves the line at once, and costs nothing', async () => {
    await using queue = await startQueue('max_in_flight: 1');
    const { upstream } = queue.openai;
    upstream.always('slow_first_byte');
    await queue.send('ann', 'running');
    await upstream.until(() => upstream.heldAnswers === 1);
    const [next, after] = [await queue.send('ann', 'next'), await queue.send('ann', 'after')];
    await untilQueued(queue, 2);
    assert.deepEqual(await queue.remove('ann', next), { id: next, status: 'cancelled' });
    assert.equal((await queue.status('ann', after))['queue_position'], 1);
    assert.equal((await queue.status('ann', next))['status'], 'cancelled');
    upstream.always(undefined);
    upstream.release();
    await queue.easel.app.engine.pipeline.jobs.idle();
    assert.deepEqual(prompts(queue), ['running', 'after']);
    assert.deepEqual(await queue.easel.auditProblems(), []);
  });

  test('a client that leaves while it waits finds its job again by its retry', async () => {
    await using queue = await startQueue('max_in_flight: 1', {
      environment: { EASEL_RESULT_TTL: '60' },
    });
    const { upstream } = queue.openai;
    upstream.always('slow_first_byte');
    const running = queue.post('ann', 'running');
    await upstream.until(() => upstream.heldAnswers === 1);
    const headers = { 'idempotency-key': 'one' };
    const leaving = new AbortController();
    const left = queue.post('bob', 'waits', { headers, signal: leaving.signal });
    await untilQueued(queue, 1);
    leaving.abort();
    await assert.rejects(left);
    const retry = queue.post('bob', 'waits', { headers });
    upstream.always(undefined);
    upstream.release();
    await readAnswer(await running);
    await readAnswer(await retry);
    assert.deepEqual(prompts(queue), ['running', 'waits']);
  });
});
