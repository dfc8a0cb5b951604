import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import OpenAI from 'openai';
import { type Easel, startEasel } from '../support/harness.ts';
import { runPython, skipWithoutPython } from '../support/python.ts';
import { type GeminiSimulator, startGemini } from '../support/upstreams/gemini.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';

interface Answer {
  readonly data: readonly { readonly index: number; readonly b64_json: string }[];
  readonly usage: { readonly cost: { readonly total_cost: number } };
  readonly warnings?: readonly { readonly code: string }[];
}

suite('live keys', () => {
  let openai: OpenaiSimulator;
  let gemini: GeminiSimulator;
  let easel: Easel;
  let key: string;

  before(async () => {
    openai = await startOpenai();
    gemini = await startGemini();
    easel = await startEasel({
      environment: {
        OPENAI_API_KEY: openai.apiKey,
        OPENAI_BASE_URL: openai.baseUrl,
        GEMINI_API_KEY: gemini.apiKey,
        GEMINI_BASE_URL: gemini.baseUrl,
      },
    });
    key = await easel.liveKey();
  });
  after(async () => {
    await easel.close();
    await openai[Symbol.asyncDispose]();
    await gemini[Symbol.asyncDispose]();
  });

  const post = (body: object): Promise<Response> =>
    easel.post('/v1/images/generations', body, { authorization: `Bearer ${key}` });
  const spent = async (): Promise<number> => {
    const response = await easel.get('/v1/balance', {
      headers: { authorization: `Bearer ${key}` },
    });
    const { spent: usd, held } = (await response.json()) as { spent: number; held: number };
    assert.equal(held, 0);
    return usd;
  };

  test('n = 4 on an upstream of one picture a call: four calls, in order, four times the price', async () => {
    const before = gemini.upstream.purchases;
    const response = await post({ model: 'nano-banana-2', prompt: 'a boat', n: 4 });
    const answer = (await response.json()) as Answer;
    assert.deepEqual(
      answer.data.map(({ index }) => index),
      [0, 1, 2, 3],
    );
    assert.equal(answer.usage.cost.total_cost, 4 * 0.0336);
    assert.equal(gemini.upstream.purchases - before, 4);
  });

  test('one of four fails: three pictures, three times the price, a warning', async () => {
    const before = await spent();
    gemini.upstream.next({ kind: 'status', status: 500 });
    const response = await post({ model: 'nano-banana-2', prompt: 'a boat', n: 4 });
    const answer = (await response.json()) as Answer;
    assert.equal(response.status, 200);
    assert.deepEqual(
      answer.data.map(({ index }) => index),
      [0, 1, 2],
    );
    assert.equal(answer.usage.cost.total_cost, 0.1008);
    assert.deepEqual(
      answer.warnings?.map(({ code }) => code),
      ['image_failed'],
    );
    assert.equal(Number(((await spent()) - before).toFixed(9)), 0.1008);
  });

  test('all of four fail: an error, and nothing is charged', async () => {
    const before = await spent();
    gemini.upstream.next('moderation', 'moderation', 'moderation', 'moderation');
    const response = await post({ model: 'nano-banana-2', prompt: 'a boat', n: 4 });
    const { error } = (await response.json()) as { error: { code: string } };
    assert.deepEqual([response.status, error.code], [400, 'moderation_blocked']);
    assert.equal(await spent(), before);
  });

  test('a model whose provider has no credential is not there for a live key', async () => {
    const response = await post({ model: 'flux-2-pro', prompt: 'a boat' });
    const { error } = (await response.json()) as { error: { code: string } };
    assert.deepEqual([response.status, error.code], [400, 'model_not_found']);
    const list = await easel.get('/v1/models', { headers: { authorization: `Bearer ${key}` } });
    const { data } = (await list.json()) as { data: { id: string; engine?: string }[] };
    const ids = data.map(({ id }) => id);
    assert.ok(ids.includes('gpt-image-2') && ids.includes('nano-banana-pro'));
    assert.ok(!ids.includes('flux-2-pro'));
    assert.equal(data.find(({ id }) => id === 'gpt-image-2')?.engine, undefined);
  });

  test('a test key never reaches an upstream', async () => {
    const before = openai.upstream.requests.length;
    const body = { model: 'gpt-image-2', prompt: 'a boat', quality: 'low' };
    const response = await easel.post('/v1/images/generations', body);
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as { test: boolean }).test, true);
    assert.equal(openai.upstream.requests.length, before);
  });

  test('a reported usage above the hold is charged as an overrun, and the audit knows it', async () => {
    const before = await spent();
    // 40,000 output tokens where the formula expects 196.
    openai.habits.usage = { input_tokens: 6, output_tokens: 40_000, total_tokens: 40_006 };
    const response = await post({ model: 'gpt-image-2', prompt: 'a boat', quality: 'low' });
    openai.habits.usage = undefined;
    const answer = (await response.json()) as Answer;
    // 6 at 5 USD and 40,000 at 30 USD a million.
    assert.equal(answer.usage.cost.total_cost, 1.20003);
    assert.equal(Number(((await spent()) - before).toFixed(9)), answer.usage.cost.total_cost);
    assert.deepEqual(await easel.auditProblems(), []);
  });

  test('an upstream that says nothing is a time-out, not retried and not charged', async () => {
    const environment = { OPENAI_API_KEY: openai.apiKey, OPENAI_BASE_URL: openai.baseUrl };
    const yaml = 'providers: { openai: { time: { first_byte_seconds: 0.2 } } }';
    await using hasty = await startEasel({ environment, yaml });
    openai.upstream.next('slow_first_byte');
    const authorization = `Bearer ${await hasty.liveKey()}`;
    const body = { model: 'gpt-image-2', prompt: 'a boat', quality: 'low' };
    const response = await hasty.post('/v1/images/generations', body, { authorization });
    openai.upstream.release();
    const { error } = (await response.json()) as { error: { code: string } };
    assert.deepEqual([response.status, error.code], [504, 'upstream_timeout']);
    assert.equal(response.headers.get('x-should-retry'), 'false');
    const balance = await hasty.get('/v1/balance', { headers: { authorization } });
    const { spent: usd, held } = (await balance.json()) as { spent: number; held: number };
    assert.deepEqual([usd, held], [0, 0]);
    assert.deepEqual(await hasty.auditProblems(), []);
  });

  test('the Node SDK streams two partials and one completed event with usage and cost', async () => {
    const client = new OpenAI({ baseURL: `${easel.url}/v1`, apiKey: key });
    const stream = await client.images.generate({
      model: 'gpt-image-2',
      prompt: 'a boat',
      quality: 'low',
      stream: true,
      partial_images: 2,
    });
    const events = await Array.fromAsync(stream);
    assert.deepEqual(
      events.map(({ type }) => type),
      [
        'image_generation.partial_image',
        'image_generation.partial_image',
        'image_generation.completed',
      ],
    );
    const last = events.at(-1) as { usage?: { output_tokens: number; cost?: unknown } } | undefined;
    assert.equal(last?.usage?.output_tokens, 396);
    assert.ok(last.usage.cost);
  });

  test('the Python SDK does, too', { skip: skipWithoutPython }, async () => {
    const printed = await runPython(
      `import json, os
from openai import OpenAI
client = OpenAI(base_url=os.environ["URL"], api_key=os.environ["KEY"])
events = list(client.images.generate(model="gpt-image-2", prompt="a boat", quality="low",
                                     stream=True, partial_images=2))
print(json.dumps([[event.type for event in events], events[-1].usage.to_dict()]))`,
      { URL: `${easel.url}/v1`, KEY: key },
    );
    const [types, usage] = JSON.parse(printed) as [string[], { cost: { total_cost: number } }];
    assert.deepEqual(types, [
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ]);
    assert.ok(usage.cost.total_cost > 0.01);
  });
});
