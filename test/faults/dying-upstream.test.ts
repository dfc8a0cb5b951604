import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import OpenAI, { APIError } from 'openai';
import { type Easel, startEasel } from '../support/harness.ts';
import { PATIENT_ROUTING } from '../support/routing.ts';
import { runPython, skipWithoutPython } from '../support/python.ts';
import { readEvents } from '../support/sse.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';

const ROUNDS = 100;

suite('an upstream that is killed in mid-payload', () => {
  let openai: OpenaiSimulator;
  let easel: Easel;
  let key: string;
  const body = { model: 'gpt-image-2', prompt: 'a red boat', quality: 'low' };

  before(async () => {
    openai = await startOpenai();
    const environment = { OPENAI_API_KEY: openai.apiKey, OPENAI_BASE_URL: openai.baseUrl };
    // Its circuit stays closed, so that each of them meets the upstream.
    easel = await startEasel({ environment, yaml: PATIENT_ROUTING });
    key = await easel.liveKey();
  });
  after(async () => {
    await easel.close();
    await openai[Symbol.asyncDispose]();
  });

  const post = (extra: object): Promise<Response> =>
    easel.post('/v1/images/generations', { ...body, ...extra }, { authorization: `Bearer ${key}` });

  /** How long a right answer of the upstream is, and where the random deaths shall lie. */
  async function offsets(count: number, stream: boolean): Promise<number[]> {
    const answer = await fetch(`${openai.baseUrl}/images/generations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${openai.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, size: '1024x1024', stream }),
    });
    const { length } = Buffer.from(await answer.arrayBuffer());
    let state = 42;
    return Array.from({ length: count }, () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state % (length - 1);
    });
  }

  async function assertNothingCharged(): Promise<void> {
    await easel.app.engine.pipeline.jobs.idle();
    const response = await easel.get('/v1/balance', {
      headers: { authorization: `Bearer ${key}` },
    });
    const { spent, held } = (await response.json()) as { spent: number; held: number };
    assert.deepEqual([spent, held], [0, 0]);
    assert.deepEqual(await easel.auditProblems(), []);
  }

  test(`${ROUNDS} times, buffered: never a whole answer, never a charge`, async () => {
    for (const afterBytes of await offsets(ROUNDS, false)) {
      openai.upstream.next({ kind: 'die_mid_payload', afterBytes });
      const outcome = await post({})
        .then(
          async (response) => ({ status: response.status, text: await response.text() }),
          () => undefined,
        )
        .catch(() => undefined);
      // Either the connection broke, or it died so early that there was a status to say so.
      assert.notEqual(outcome?.status, 200, `at byte ${afterBytes}`);
      assert.throws(() => {
        const answer = JSON.parse(outcome?.text ?? '') as { data: unknown };
        assert.ok(answer.data);
      });
    }
    await assertNothingCharged();
  });

  test(`${ROUNDS} times, streamed: never a completed event, always an error`, async () => {
    for (const afterBytes of await offsets(ROUNDS, true)) {
      openai.upstream.next({ kind: 'die_mid_payload', afterBytes });
      const pieces = await Array.fromAsync(readEvents(await post({ stream: true })));
      const last = pieces.at(-1);
      assert.ok(last !== undefined && 'event' in last, `at byte ${afterBytes}`);
      assert.equal(last.data['type'], 'error');
      const types = pieces.map((piece) => ('event' in piece ? piece.data['type'] : undefined));
      assert.ok(!types.includes('image_generation.completed'), `at byte ${afterBytes}`);
    }
    await assertNothingCharged();
  });

  test('the Node SDK raises, streamed and not', async () => {
    const client = new OpenAI({ baseURL: `${easel.url}/v1`, apiKey: key, maxRetries: 0 });
    for (const afterBytes of await offsets(10, false)) {
      openai.upstream.next({ kind: 'die_mid_payload', afterBytes });
      await assert.rejects(client.images.generate(body as OpenAI.ImageGenerateParamsNonStreaming));
    }
    for (const afterBytes of await offsets(10, true)) {
      openai.upstream.next({ kind: 'die_mid_payload', afterBytes });
      const parameters = { ...body, stream: true } as OpenAI.ImageGenerateParamsStreaming;
      const stream = await client.images.generate(parameters);
      await assert.rejects(Array.fromAsync(stream), APIError);
    }
    await assertNothingCharged();
  });

  test('the Python SDK raises, streamed and not', { skip: skipWithoutPython }, async () => {
    const places = [await offsets(5, false), await offsets(5, true)].flat();
    for (const afterBytes of places) {
      openai.upstream.next({ kind: 'die_mid_payload', afterBytes });
    }
    const printed = await runPython(
      `import os
from openai import OpenAI, APIError
client = OpenAI(base_url=os.environ["URL"], api_key=os.environ["KEY"], max_retries=0)
ask = dict(model="gpt-image-2", prompt="a red boat", quality="low")
raised = 0
for attempt in range(10):
    try:
        if attempt < 5:
            client.images.generate(**ask)
        else:
            list(client.images.generate(stream=True, **ask))
    except APIError:
        raised += 1
print(raised)`,
      { URL: `${easel.url}/v1`, KEY: key },
    );
    assert.equal(printed.trim(), '10');
    await assertNothingCharged();
  });

  test('line ends and backslashes inside a payload never break the frame', async () => {
    for (const text of ['\r', '\n', '\r\n\r\n', '\\\\', '\u0000', '\\"', 'data: x\n\n']) {
      for (const stream of [false, true]) {
        openai.upstream.next({ kind: 'payload_with', text });
        const response = await post({ stream }).catch(() => undefined);
        if (stream && response !== undefined) {
          const pieces = await Array.fromAsync(readEvents(response));
          const last = pieces.at(-1);
          assert.ok(last !== undefined && 'event' in last);
          assert.equal(last.data['type'], 'error', JSON.stringify(text));
        } else if (response !== undefined) {
          await assert.rejects(
            response.json().then((answer) => assert.ok((answer as { data?: object }).data)),
          );
        }
      }
    }
    await assertNothingCharged();
  });

  test('base64 that is wrapped in lines, as JSON may hold it, arrives unwrapped', async () => {
    openai.upstream.next({ kind: 'payload_with', text: '\\r\\n' });
    const answer = (await (await post({})).json()) as { data: { b64_json: string }[] };
    assert.match(answer.data[0]?.b64_json ?? '', /^[A-Za-z0-9+/]+=*$/);
  });
});
