import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import sharp from 'sharp';
import type { ErrorName, Failure } from '../../src/base/errors.ts';
import { UpstreamFailure } from '../../src/base/upstream-failure.ts';
import type { Egress } from '../../src/egress/egress.ts';
import type { EgressOptions } from '../../src/egress/upstream.ts';
import { binaryChunks } from '../../src/payload/base64.ts';
import { createOpenai } from '../../src/providers/openai.ts';
import type { ImageTask } from '../../src/providers/provider.ts';
import { asObject, at } from '../support/json.ts';
import { decodeBytes } from '../support/pictures.ts';
import { middleMask, noisePicture, referenceOf } from '../support/references.ts';
import type { Fault, PlainFaultKind } from '../support/upstreams/faults.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';
import { readForm, type ReceivedPart } from '../support/upstreams/received-edit.ts';
import { type TryOut, tryOut } from './attempt.ts';

const PARAMETERS = {
  image_size: '1024x1024',
  quality: 'low',
  background: 'auto',
  moderation: 'auto',
} as const;
const STREAM = { stream: true } as const;

interface Setting extends AsyncDisposable {
  readonly openai: OpenaiSimulator;
  readonly easel: TryOut;
}

interface Options {
  readonly apiKey?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly egress?: Partial<EgressOptions>;
}

async function start({ apiKey, settings = {}, egress = {} }: Options = {}): Promise<Setting> {
  const openai = await startOpenai();
  const easel = await tryOut({
    create: (account) => createOpenai({ ...account, settings }),
    baseUrl: openai.baseUrl,
    apiKey: apiKey ?? openai.apiKey,
    task: { upstreamModel: 'gpt-image-2', parameters: PARAMETERS, format: 'png' },
    egress,
  });
  return {
    openai,
    easel,
    [Symbol.asyncDispose]: async () => {
      await easel[Symbol.asyncDispose]();
      await openai[Symbol.asyncDispose]();
      assert.deepEqual(openai.upstream.problems, []);
    },
  };
}

interface Expected {
  readonly name: ErrorName;
  readonly billed?: 'no' | 'unknown';
}

function assertFailure(failure: Failure, { name, billed }: Expected): void {
  assert.equal(failure.errorName, name, failure.internal);
  assert.equal(failure instanceof UpstreamFailure ? failure.billed : undefined, billed);
  assert.match(failure.internal ?? '', /simulated|127\.0\.0\.1/, 'the log must name the upstream');
}

test('one picture as JSON: the request in OpenAI’s names, the picture, the receipt', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const attempt = await easel.attempt({ format: 'webp', compression: 60, prompt: 'a red house' });
  const [request] = openai.upstream.requests;
  assert.deepEqual(request?.json, {
    model: 'gpt-image-2',
    prompt: 'a red house',
    n: 1,
    size: '1024x1024',
    quality: 'low',
    background: 'auto',
    moderation: 'auto',
    output_format: 'webp',
    output_compression: 60,
  });
  assert.equal(request.headers['accept-encoding'], 'identity');
  assert.deepEqual(attempt.events, ['image']);
  const { size, format } = await decodeBytes(attempt.images[0]?.bytes ?? Buffer.alloc(0));
  assert.deepEqual([size, format], ['1024x1024', 'webp']);
  assert.deepEqual(attempt.receipt, {
    upstreamIds: ['req_simulated'],
    tokens: tokens({ textInput: 7, imageOutput: 196 }),
    quality: 'low',
    background: 'opaque',
  });
  assert.equal(openai.upstream.purchases, 1);
});

function tokens(counts: Readonly<Record<string, number>>): object {
  const none = { textInput: 0, imageInput: 0, cachedTextInput: 0, cachedImageInput: 0 };
  return { ...none, textOutput: 0, imageOutput: 0, reasoningOutput: 0, ...counts };
}

test('four pictures come in the order of data, of one request', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const attempt = await easel.attempt({ n: 4 });
  assert.deepEqual(attempt.events, ['image', 'image', 'image', 'image']);
  const colours = new Set(attempt.images.map(({ bytes }) => bytes.toString('base64')));
  assert.equal(colours.size, 4);
  assert.equal(openai.upstream.requests.length, 1);
  assert.equal(attempt.receipt.tokens?.imageOutput, 4 * 196);
});

test('fewer pictures than asked for: the missing ones are failures, more are nobody’s', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const picture = Buffer.alloc(600, 'p').toString('base64');
  const data = [{ b64_json: picture }, { b64_json: 'c2hvcnQ=' }, { content_filter_results: {} }];
  openai.upstream.next({ kind: 'status', status: 200, body: { data, unknown: { deep: [1] } } });
  const three = await easel.attempt({ n: 3 });
  assert.deepEqual(three.events, ['image', 'image', 'image_failed']);
  assert.deepEqual(three.images[1]?.bytes, Buffer.from('short'));
  assert.equal(three.failures[0]?.errorName, 'upstream_error');
  for (const more of [data, [{ b64_json: picture }, { b64_json: picture }]]) {
    openai.upstream.next({ kind: 'status', status: 200, body: { data: more } });
    assert.deepEqual((await easel.attempt({})).events, ['image']);
  }
});

test('every size, quality and model of the catalogue’s cards is taken', async () => {
  await using setting = await start();
  const { easel } = setting;
  const models = { 'gpt-image-1.5': '1536x1024', 'gpt-image-2.6-sunburst': '1040x640' };
  for (const [upstreamModel, image_size] of Object.entries(models)) {
    const attempt = await easel.attempt({
      upstreamModel,
      parameters: { ...PARAMETERS, image_size, background: 'transparent' },
    });
    const { size, hasAlpha } = await decodeBytes(attempt.images[0]?.bytes ?? Buffer.alloc(0));
    assert.deepEqual([size, hasAlpha], [image_size, true]);
    assert.equal(attempt.receipt.background, 'transparent');
  }
});

test('a card may size by width and height, and add parameters of its own', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  await easel.attempt({
    parameters: { width: 1536, height: 1024 },
    size: { width: 1536, height: 1024 },
    upstreamParameters: { quality: 'high' },
    passthrough: { safety_identifier: 'u1', response_format: 'url', model: 'dall-e-3', n: 10 },
  });
  assert.deepEqual(openai.upstream.lastJson, {
    model: 'gpt-image-2',
    prompt: 'a red house by the sea',
    n: 1,
    size: '1536x1024',
    quality: 'high',
    safety_identifier: 'u1',
    output_format: 'png',
  });
});

test('organization and project go with each request', async () => {
  await using setting = await start({ settings: { organization: 'org-1', project: 'proj_2' } });
  await setting.easel.attempt({});
  const headers = setting.openai.upstream.requests[0]?.headers;
  assert.equal(headers?.['openai-organization'], 'org-1');
  assert.equal(headers['openai-project'], 'proj_2');
});

test('half a configuration is refused in words', () => {
  const account = { name: 'mine', egress: NO_EGRESS, baseUrl: 'https://api.openai.com/v1' };
  const create = (settings: object) => () =>
    createOpenai({ ...account, apiKey: 'sk', settings: { ...settings } });
  assert.throws(create({ organisation: 'org-1' }), /provider mine: unknown setting/);
  assert.throws(create({ project: 'a\r\nb' }), /provider mine: project must be an id/);
  assert.throws(() => createOpenai({ ...account, settings: {} }), /mine: OpenAI needs an API key/);
});

const NO_EGRESS: Egress = {
  request: () => Promise.reject(new Error('not to be used')),
  download: () => Promise.reject(new Error('not to be used')),
  close: () => Promise.resolve(),
};

interface PartialPicture {
  readonly index: number;
  readonly partialIndex: number;
  readonly bytes: Buffer;
}

/** Runs a stream and looks at its partial pictures too. */
async function streamed(easel: TryOut, task: Partial<ImageTask> = {}) {
  const run = easel.generate({ ...STREAM, partialImages: 2, prompt: 'a red house', ...task });
  const partials: PartialPicture[] = [];
  const images: Buffer[] = [];
  for (;;) {
    const step = await run.next();
    if (step.done === true) {
      return { partials, images, receipt: step.value };
    }
    const event = step.value;
    if (event.type === 'partial') {
      const { index, partialIndex, payload } = event;
      partials.push({ index, partialIndex, bytes: await buffer(binaryChunks(payload)) });
    } else if (event.type === 'image') {
      images.push(await buffer(binaryChunks(event.payload)));
    }
  }
}

for (const payloadFirst of [false, true]) {
  for (const namesEvents of [false, true]) {
    const how = `payload ${payloadFirst ? 'first' : 'last'}, events ${namesEvents ? '' : 'un'}named`;
    test(`a stream with two partial pictures: ${how}`, async () => {
      await using setting = await start();
      const { easel, openai } = setting;
      Object.assign(openai.habits, { payloadFirst, namesEvents, isChatty: true });
      const { partials, images, receipt } = await streamed(easel);
      assert.equal(openai.upstream.lastJson['stream'], true);
      assert.equal(openai.upstream.lastJson['partial_images'], 2);
      const places = partials.map(({ index, partialIndex }) => [index, partialIndex]);
      assert.deepEqual(places, [
        [0, 0],
        [0, 1],
      ]);
      const sizes = await Promise.all(
        [...partials.map(({ bytes }) => bytes), ...images].map((bytes) => decodeBytes(bytes)),
      );
      assert.deepEqual(
        sizes.map(({ size }) => size),
        ['512x512', '512x512', '1024x1024'],
      );
      assert.deepEqual(receipt, {
        upstreamIds: ['req_simulated'],
        tokens: tokens({ textInput: 7, imageOutput: 196 + 200 }),
        quality: 'low',
        background: 'opaque',
      });
    });
  }
}

test('a partial picture is known by the number that stands behind it', async () => {
  await using setting = await start();
  const payload = Buffer.alloc(2000, 'p').toString('base64');
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ b64_json: payload, ...fields, type })}\n\n`;
  setting.openai.upstream.next({
    kind: 'status',
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body:
      event('image_generation.partial_image', { partial_image_index: 1 }) +
      event('image_generation.unheard_of', {}) +
      event('image_edit.completed', { usage: { input_tokens: 3, output_tokens: 5 } }),
  });
  const { partials, images, receipt } = await streamed(setting.easel);
  assert.deepEqual(
    partials.map(({ partialIndex }) => partialIndex),
    [1],
  );
  assert.equal(images.length, 1);
  assert.deepEqual(receipt.tokens, tokens({ textInput: 3, imageOutput: 5 }));
});

test('a final picture is given before its event has ended', async () => {
  await using setting = await start();
  setting.openai.upstream.next({ kind: 'slow_mid_payload', afterBytes: 1500 });
  const run = setting.easel.generate(STREAM);
  const { value } = await run.next();
  assert(value !== undefined && 'type' in value && value.type === 'image');
  assert.equal((await value.payload.peek(1000)).length, 1000);
  assert.equal(setting.openai.upstream.heldAnswers, 1);
  setting.openai.upstream.release();
  const bytes = await buffer(binaryChunks(value.payload));
  assert.equal((await decodeBytes(bytes)).size, '1024x1024');
  assert.equal((await run.next()).done, true);
});

test('n > 1 in a stream is asked for as JSON', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const attempt = await easel.attempt({ ...STREAM, partialImages: 2, n: 2 });
  assert.equal(attempt.images.length, 2);
  const { stream, partial_images } = openai.upstream.lastJson;
  assert.deepEqual([stream, partial_images], [undefined, undefined]);
});

test('a proxy that answers JSON to a stream is understood', async () => {
  await using setting = await start();
  const data = [{ b64_json: Buffer.alloc(2000, 'p').toString('base64') }];
  setting.openai.upstream.next({ kind: 'status', status: 200, body: { data } });
  const attempt = await setting.easel.attempt(STREAM);
  assert.deepEqual(attempt.events, ['image']);
});

test('usage without details counts the input as text and the output as image', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  openai.habits.givesDetails = false;
  const attempt = await easel.attempt({ prompt: 'a red house' });
  assert.deepEqual(attempt.receipt.tokens, tokens({ textInput: 7, imageOutput: 196 }));
});

test('cached tokens are part of the input', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  openai.habits.cachedTokens = 5;
  const attempt = await easel.attempt({ prompt: 'a red house' });
  const expected = tokens({ textInput: 7, cachedTextInput: 5, imageOutput: 196 });
  assert.deepEqual(attempt.receipt.tokens, expected);
});

for (const task of [{}, STREAM]) {
  const how = 'stream' in task ? 'stream' : 'JSON';

  test(`${how}: no usage is no tokens`, async () => {
    await using setting = await start();
    setting.openai.upstream.next('no_usage');
    const attempt = await setting.easel.attempt(task);
    assert.deepEqual(attempt.events, ['image']);
    assert.equal(attempt.receipt.tokens, undefined);
  });

  test(`${how}: a payload that is no picture passes; the pipeline looks at it`, async () => {
    await using setting = await start();
    setting.openai.upstream.next('not_a_picture');
    const attempt = await setting.easel.attempt(task);
    assert.match(String(attempt.images[0]?.bytes), /^no picture/);
    assert.equal(attempt.images[0]?.header, undefined);
  });

  test(`${how}: an escaped slash is base64, a backslash or a line feed is not`, async () => {
    await using setting = await start();
    const { easel, openai } = setting;
    openai.upstream.next({ kind: 'payload_with', text: '\\/\\/\\/\\/' });
    const attempt = await easel.attempt(task);
    assert.equal(attempt.images.length, 1);
    for (const text of ['\n', '\r\n', '\\\\', '"']) {
      openai.upstream.next({ kind: 'payload_with', text });
      const failure = await easel.failure(task);
      assertFailure(failure, { name: 'upstream_error', billed: 'unknown' });
    }
  });

  const broken: readonly (Fault | PlainFaultKind)[] = [
    'die_mid_payload',
    { kind: 'die_mid_payload', afterBytes: 5 },
    'hang_up',
    'half_json',
    'oversized',
    'empty_data',
    { kind: 'html', status: 200 },
    'html',
    'redirect_private',
    ...('stream' in task ? (['sse_error'] as const) : (['garbage'] as const)),
  ];
  for (const fault of broken) {
    test(`${how}: ${JSON.stringify(fault)} is an upstream_error`, async () => {
      await using setting = await start();
      setting.openai.upstream.next(fault);
      const failure = await setting.easel.failure(task);
      assertFailure(failure, { name: 'upstream_error', billed: 'unknown' });
      assert.equal(
        failure.message,
        'The image model failed to answer properly. Nothing was charged.',
      );
      assert.equal(setting.openai.upstream.requests.length, 1, 'nothing is bought twice');
    });
  }
}

test('a body longer than may be is given up', async () => {
  await using setting = await start({ egress: { bodyBytesMax: 2000 } });
  const failure = await setting.easel.failure({});
  assertFailure(failure, { name: 'upstream_error', billed: 'unknown' });
});

const ROWS: readonly {
  readonly what: string;
  readonly fault: Fault | PlainFaultKind;
  readonly expected: Expected;
}[] = [
  {
    what: '500',
    fault: { kind: 'status', status: 500 },
    expected: { name: 'upstream_error', billed: 'unknown' },
  },
  {
    what: '502 of a proxy',
    fault: { kind: 'html' },
    expected: { name: 'upstream_error', billed: 'unknown' },
  },
  {
    what: '503',
    fault: { kind: 'status', status: 503 },
    expected: { name: 'overloaded', billed: 'no' },
  },
  {
    what: '503 of a proxy',
    fault: { kind: 'html', status: 503 },
    expected: { name: 'overloaded', billed: 'no' },
  },
  {
    what: '504',
    fault: { kind: 'html', status: 504 },
    expected: { name: 'upstream_timeout', billed: 'unknown' },
  },
  {
    what: '429',
    fault: { kind: 'status', status: 429 },
    expected: { name: 'overloaded', billed: 'no' },
  },
  {
    what: '401',
    fault: { kind: 'status', status: 401 },
    expected: { name: 'upstream_error', billed: 'no' },
  },
  {
    what: '403, the organisation is not verified',
    fault: { kind: 'status', status: 403 },
    expected: { name: 'upstream_error', billed: 'no' },
  },
  {
    what: '429 insufficient_quota',
    fault: 'insufficient_quota',
    expected: { name: 'upstream_error', billed: 'no' },
  },
  {
    what: '400 billing_hard_limit_reached',
    fault: {
      kind: 'status',
      status: 400,
      body: { error: { code: 'billing_hard_limit_reached', message: 'Limit reached.' } },
    },
    expected: { name: 'upstream_error', billed: 'no' },
  },
  { what: 'moderation', fault: 'moderation', expected: { name: 'moderation_blocked' } },
];

for (const { what, fault, expected } of ROWS) {
  test(`${what} is ${expected.name}`, async () => {
    await using setting = await start();
    const { easel, openai } = setting;
    openai.upstream.next(fault);
    const failure = await easel.failure({});
    assertFailure(failure, expected);
    assert.equal(failure.message, failure.row.message, 'nothing of the upstream’s words');
    assert.equal(failure.param, null);
    assert.doesNotMatch(failure.internal ?? '', /sk-proj|org-Secret|https?:|[\p{Cc}]/u);
    assert.equal(openai.upstream.purchases, 0);
  });
}

test('a limit says when to come back', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const headers = { 'retry-after-ms': '11500', 'retry-after': '99' };
  openai.upstream.next({ kind: 'status', status: 429, headers });
  assert.equal((await easel.failure({})).retryAfterSeconds, 12);
  openai.upstream.next({ kind: 'status', status: 429 });
  assert.equal((await easel.failure({})).retryAfterSeconds, 1);
});

test('a wrong key and an unknown model are the operator’s matter, named in the log', async () => {
  await using wrongKey = await start({ apiKey: 'sk-proj-wrong' });
  const refused = await wrongKey.easel.failure({});
  assertFailure(refused, { name: 'upstream_error', billed: 'no' });
  assert.match(refused.internal ?? '', /simulated answered 401 .*invalid_api_key/);
  await using setting = await start();
  const unknown = await setting.easel.failure({ upstreamModel: 'gpt-image-1' });
  assertFailure(unknown, { name: 'upstream_error', billed: 'no' });
  assert.match(unknown.internal ?? '', /404 .*model_not_found/);
});

test('a 400 that we did not foresee is the caller’s, cleaned', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const failure = await easel.failure({ parameters: { ...PARAMETERS, quality: 'xhigh' } });
  assertFailure(failure, { name: 'invalid_value' });
  assert.equal(failure.param, 'quality');
  assert.equal(failure.message, "Invalid value for 'quality': see the documentation.");
  const message =
    'Bad\u0000 size\u202e\n at https://api.openai.com/x?k=1 for key sk-proj-abcdef123456 ' +
    `${'y'.repeat(900)}. Contact us with request ID req_123456789.`;
  const error = { message, param: 'size\u0000<b>', code: 'x', secret: 'never' };
  openai.upstream.next({ kind: 'status', status: 422, body: { error } });
  const dirty = await easel.failure({});
  assertFailure(dirty, { name: 'invalid_value' });
  assert.match(dirty.message, /^Bad size at … for key … y+…$/);
  assert.equal(dirty.message.length, 300);
  assert.equal(dirty.param, null);
});

test('a refusal in the midst of a stream is moderation', async () => {
  await using setting = await start();
  setting.openai.upstream.next({ kind: 'sse_error', code: 'moderation_blocked' });
  const failure = await setting.easel.failure({ ...STREAM, partialImages: 1 });
  assertFailure(failure, { name: 'moderation_blocked' });
});

test('an error object in an answer of status 200 counts as such', async () => {
  await using setting = await start();
  const error = { code: 'moderation_blocked', message: 'no' };
  setting.openai.upstream.next({ kind: 'status', status: 200, body: { error } });
  assertFailure(await setting.easel.failure({}), { name: 'moderation_blocked' });
});

test('no byte in time is a timeout, and the upstream’s connection is closed', async () => {
  await using setting = await start({ egress: { firstByteMs: 100 } });
  const { easel, openai } = setting;
  openai.upstream.next('slow_first_byte');
  assertFailure(await easel.failure({}), { name: 'upstream_timeout', billed: 'unknown' });
  await openai.upstream.until(() => openai.upstream.hangUps === 1);
});

test('giving up before the first byte and in mid-payload closes the connection', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const reason = new Error('the caller cancelled');
  for (const kind of ['slow_first_byte', 'slow_mid_payload'] as const) {
    const hangUps = openai.upstream.hangUps;
    const abort = new AbortController();
    openai.upstream.next(kind);
    const attempt = easel.attempt({}, abort.signal);
    await Promise.race([attempt, openai.upstream.until(() => openai.upstream.heldAnswers === 1)]);
    abort.abort(reason);
    await assert.rejects(attempt, reason);
    await openai.upstream.until(() => openai.upstream.hangUps === hangUps + 1);
    openai.upstream.release();
  }
});

test('an upstream that is not there was paid nothing', async () => {
  await using setting = await start();
  await setting.openai.upstream.close();
  const failure = await setting.easel.failure({});
  assertFailure(failure, { name: 'upstream_error', billed: 'no' });
});

const REFUSED: readonly (readonly [object, string, string | null])[] = [
  [{ response_format: 'b64_json' }, 'unknown_parameter', 'response_format'],
  [{ seed: 1 }, 'unknown_parameter', 'seed'],
  [{ model: 'dall-e-3' }, 'model_not_found', null],
  [{ model: undefined }, 'model_not_found', null],
  [{ prompt: undefined }, 'missing_required_parameter', 'prompt'],
  [{ prompt: 'p'.repeat(32_001) }, 'invalid_value', 'prompt'],
  [{ n: 11 }, 'invalid_value', 'n'],
  [{ n: '2' }, 'invalid_value', 'n'],
  [{ quality: 'xhigh' }, 'invalid_value', 'quality'],
  [{ size: '1000x1000' }, 'invalid_value', 'size'],
  [{ size: '3856x1280' }, 'invalid_value', 'size'],
  [{ size: '640x640' }, 'invalid_value', 'size'],
  [{ size: '2560x640' }, 'invalid_value', 'size'],
  [{ model: 'gpt-image-1.5', size: '2048x2048' }, 'invalid_value', 'size'],
  [{ background: 'transparent', output_format: 'jpeg' }, 'invalid_value', 'background'],
  [{ output_compression: 50 }, 'invalid_value', 'output_compression'],
  [{ partial_images: 2 }, 'invalid_value', 'partial_images'],
  [{ stream: 'true' }, 'invalid_value', 'stream'],
];

for (const [fields, code, param] of REFUSED) {
  const what = JSON.stringify(fields).slice(0, 80);
  test(`the simulator refuses ${what} with ${code}, as OpenAI does`, async () => {
    await using openai = await startOpenai();
    const response = await fetch(`${openai.baseUrl}/images/generations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${openai.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-image-2', prompt: 'p', ...fields }),
    });
    assert.equal(response.status, code === 'model_not_found' ? 404 : 400);
    const { error } = asObject(await response.json());
    assert.deepEqual([at(error, 'code'), at(error, 'param')], [code, param]);
    assert.equal(openai.upstream.purchases, 0);
  });
}

test('a prompt may ask the simulator for a fault', async () => {
  await using setting = await start();
  const { easel } = setting;
  const moderated = await easel.failure({ prompt: 'a cat sim:moderation' });
  assertFailure(moderated, { name: 'moderation_blocked' });
  const busy = await easel.failure({ prompt: 'sim:status=503' });
  assertFailure(busy, { name: 'overloaded', billed: 'no' });
});

const SMALL = { width: 64, height: 48 } as const;

async function edited(easel: TryOut, task: Partial<ImageTask> = {}) {
  const picture = await noisePicture(SMALL);
  return easel.attempt({ references: [referenceOf(picture)], ...task });
}

/** The parts of the form that came last. */
async function lastForm({ openai }: Setting): Promise<readonly ReceivedPart[]> {
  const request = openai.upstream.requests.at(-1);
  assert(request !== undefined);
  return (await readForm(request)) ?? [];
}

function textsOf(parts: readonly ReceivedPart[]): object {
  return Object.fromEntries(
    parts.flatMap(({ name, text }) => (text === undefined ? [] : [[name, text]])),
  );
}

for (const format of ['png', 'jpeg', 'webp'] as const) {
  test(`an edit of one ${format}: a form in OpenAI’s names, the picture byte for byte`, async () => {
    await using setting = await start();
    const { easel, openai } = setting;
    const picture = await noisePicture({ ...SMALL, format });
    const attempt = await easel.attempt({
      references: [referenceOf(picture)],
      format: 'webp',
      compression: 60,
      prompt: 'a “red” house\r\n--at the sea',
      passthrough: { safety_identifier: 'u1', user: null, response_format: 'url', image: 'x' },
    });
    const [request] = openai.upstream.requests;
    assert.equal(request?.path, '/v1/images/edits');
    assert.equal(request.headers['content-length'], String(request.body.length));
    const parts = await lastForm(setting);
    assert.deepEqual(textsOf(parts), {
      model: 'gpt-image-2',
      prompt: 'a “red” house\r\n--at the sea',
      n: '1',
      size: '1024x1024',
      quality: 'low',
      background: 'auto',
      moderation: 'auto',
      output_format: 'webp',
      output_compression: '60',
      safety_identifier: 'u1',
    });
    const files = parts.flatMap(({ name, file }) => (file === undefined ? [] : [{ name, file }]));
    const extension = format === 'jpeg' ? 'jpg' : format;
    assert.deepEqual(files, [
      {
        name: 'image',
        file: { name: `image-1.${extension}`, mediaType: `image/${format}`, bytes: picture },
      },
    ]);
    assert.deepEqual(openai.edits, [{ images: [picture] }]);
    assert.deepEqual(attempt.events, ['image']);
    const { textInput, imageInput, imageOutput } = attempt.receipt.tokens ?? {};
    assert.deepEqual([textInput, imageInput, imageOutput], [12, 1000, 196]);
  });
}

test('three pictures and a mask of an edit come in order, byte for byte', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const images = await Promise.all([
    noisePicture({ ...SMALL, format: 'webp' }),
    noisePicture({ ...SMALL, format: 'jpeg', seed: 2 }),
    noisePicture({ width: 300, height: 200, seed: 3 }),
  ]);
  const mask = await middleMask(SMALL);
  const attempt = await easel.attempt({
    references: images.map(referenceOf),
    mask: referenceOf(mask),
  });
  assert.deepEqual(openai.edits, [{ images, mask }]);
  const files = (await lastForm(setting)).filter(({ file }) => file !== undefined);
  const names = files.map(({ name }) => name);
  assert.deepEqual(names, ['image[]', 'image[]', 'image[]', 'mask']);
  assert.equal(attempt.receipt.tokens?.imageInput, 3000);
});

async function alphaOf(bytes: Buffer | undefined): Promise<Buffer> {
  return sharp(bytes).ensureAlpha().extractChannel('alpha').raw().toBuffer();
}

test('a webp mask goes out as png with the same transparency', async () => {
  await using setting = await start();
  const mask = await middleMask(SMALL, 'webp');
  await edited(setting.easel, { mask: referenceOf(mask) });
  const sent = setting.openai.edits[0]?.mask;
  assert.deepEqual(await decodeBytes(sent ?? mask), {
    size: '64x48',
    ...SMALL,
    format: 'png',
    hasAlpha: true,
  });
  assert.deepEqual(await alphaOf(sent), await alphaOf(mask));
});

test('a mask of 4 MB or more goes out smaller, with the same transparency', async () => {
  await using setting = await start();
  const size = { width: 1500, height: 1000 };
  const picture = await noisePicture(size);
  const alpha = await alphaOf(await middleMask(size));
  const mask = await sharp(picture)
    .joinChannel(alpha, { raw: { ...size, channels: 1 } })
    .png()
    .toBuffer();
  assert(mask.length >= 4_000_000);
  await edited(setting.easel, { references: [referenceOf(picture)], mask: referenceOf(mask) });
  const [edit] = setting.openai.edits;
  assert.deepEqual(edit?.images, [picture]);
  assert((edit?.mask?.length ?? Infinity) < 100_000);
  assert.deepEqual(await alphaOf(edit?.mask), alpha);
});

test('a mask that cannot be read is refused before anything is sent', async () => {
  await using setting = await start();
  const mask = await middleMask(SMALL, 'webp');
  const broken = referenceOf(mask.subarray(0, mask.length - 10));
  const references = [referenceOf(await noisePicture(SMALL))];
  const failure = await setting.easel.failure({ references, mask: broken });
  assert.deepEqual([failure.errorName, failure.param], ['invalid_mask', 'mask']);
  assert.equal(setting.openai.upstream.requests.length, 0);
});

test('input_fidelity goes out where the card has it; the simulator knows who takes it', async () => {
  await using setting = await start();
  const { easel } = setting;
  const cases = [
    { upstreamModel: 'gpt-image-1.5', input_fidelity: 'high' },
    { upstreamModel: 'gpt-image-1-mini', input_fidelity: 'low' },
  ] as const;
  for (const { upstreamModel, input_fidelity } of cases) {
    await edited(easel, { upstreamModel, parameters: { ...PARAMETERS, input_fidelity } });
    const sent = textsOf(await lastForm(setting));
    assert.equal(at(sent, 'input_fidelity'), input_fidelity);
  }
  await edited(easel);
  assert.equal('input_fidelity' in textsOf(await lastForm(setting)), false);
  const references = [referenceOf(await noisePicture(SMALL))];
  for (const upstreamModel of ['gpt-image-1-mini', 'gpt-image-2']) {
    const parameters = { ...PARAMETERS, input_fidelity: 'high' };
    const failure = await easel.failure({ references, upstreamModel, parameters });
    assert.deepEqual([failure.errorName, failure.param], ['invalid_value', 'input_fidelity']);
  }
});

test('the stream of an edit: partial pictures, the picture, and what it cost', async () => {
  await using setting = await start();
  const references = [referenceOf(await noisePicture(SMALL))];
  const { partials, images, receipt } = await streamed(setting.easel, { references });
  const sent = textsOf(await lastForm(setting));
  assert.deepEqual([at(sent, 'stream'), at(sent, 'partial_images')], ['true', '2']);
  assert.deepEqual([partials.length, images.length], [2, 1]);
  const expected = tokens({ textInput: 7, imageInput: 1000, imageOutput: 196 + 200 });
  assert.deepEqual(receipt.tokens, expected);
});

test('three pictures of an edit are one request for JSON, in a stream as well', async () => {
  await using setting = await start();
  for (const stream of [false, true]) {
    const attempt = await edited(setting.easel, { n: 3, stream, partialImages: 2 });
    assert.deepEqual(attempt.events, ['image', 'image', 'image']);
    const sent = textsOf(await lastForm(setting));
    assert.deepEqual([at(sent, 'n'), at(sent, 'stream')], ['3', undefined]);
    const expected = tokens({ textInput: 10, imageInput: 1000, imageOutput: 3 * 196 });
    assert.deepEqual(attempt.receipt.tokens, expected);
  }
});

test('what is passed on to an edit: lists and objects as JSON, pictures never', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const held = ['image', 'image[]', 'Image[0]', 'images', 'mask', 'image_url', 'markup', 'file_id'];
  for (const field of held) {
    assert.equal(easel.provider.holdsBack?.(field), true, field);
  }
  assert.equal(easel.provider.holdsBack?.('safety_identifier'), false);
  openai.upstream.next('moderation');
  const references = [referenceOf(await noisePicture(SMALL))];
  const pictures = Object.fromEntries(held.map((field) => [field, 'file-1']));
  const passthrough = { ...pictures, tags: ['a', { b: null }], strict: true, deep: { c: 1.5 } };
  await easel.failure({ references, passthrough });
  const { tags, strict, deep, ...others } = { ...textsOf(await lastForm(setting)) } as Record<
    string,
    unknown
  >;
  assert.deepEqual([tags, strict, deep], ['["a",{"b":null}]', 'true', '{"c":1.5}']);
  for (const field of held) {
    assert.equal(field in others, false, field);
  }
  await easel.attempt({ passthrough: { images: [{ file_id: 'file-1' }] } });
  assert.equal(openai.upstream.lastJson['images'], undefined);
});

for (const { what, fault, expected } of ROWS) {
  test(`an edit, ${what}: ${expected.name}`, async () => {
    await using setting = await start();
    const references = [referenceOf(await noisePicture(SMALL))];
    setting.openai.upstream.next(fault);
    assertFailure(await setting.easel.failure({ references }), expected);
    assert.equal(setting.openai.upstream.requests.length, 1, 'nothing is bought twice');
  });
}

test('an edit that the upstream finds wrong is the caller’s, in its words', async () => {
  await using setting = await start();
  const { easel, openai } = setting;
  const mask = referenceOf(await middleMask({ width: 32, height: 32 }));
  const references = [referenceOf(await noisePicture(SMALL))];
  const failure = await easel.failure({ references, mask });
  assertFailure(failure, { name: 'invalid_value' });
  assert.equal(failure.param, 'mask');
  assert.equal(failure.message, 'Invalid mask image: its size is not that of the image.');
  const refused = await easel.failure({ references, prompt: 'a cat sim:moderation' });
  assertFailure(refused, { name: 'moderation_blocked' });
  assert.deepEqual([openai.edits, openai.upstream.purchases], [[], 0]);
});

/** More than the buffers of both sockets take. */
const LARGE = await noisePicture({ width: 2000, height: 2000 });

/** What an upstream does to the socket of an edit of which it has read the beginning only. */
async function failureAtFirstBytes(act: (socket: Socket) => void): Promise<Failure> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      act(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await using easel = await tryOut({
    create: createOpenai,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    apiKey: 'sk',
    task: { upstreamModel: 'gpt-image-2', parameters: PARAMETERS },
  });
  try {
    return await easel.failure({ references: [referenceOf(LARGE)] });
  } finally {
    server.close();
  }
}

function refusalText(status: number): string {
  const body = JSON.stringify({ error: { message: 'Too much.', code: 'x', param: 'image' } });
  return (
    `HTTP/1.1 ${status} No\r\ncontent-type: application/json\r\n` +
    `content-length: ${body.length}\r\n\r\n${body}`
  );
}

for (const { status, name } of [
  { status: 400, name: 'invalid_value' },
  { status: 413, name: 'payload_too_large' },
  { status: 429, name: 'overloaded' },
] as const) {
  test(`an upstream that answers ${status} before it has read the picture is understood`, async () => {
    const failure = await failureAtFirstBytes((socket) => socket.write(refusalText(status)));
    assert.equal(failure.errorName, name, failure.internal);
  });
}

test('an upstream that dies while the picture goes out may have billed it', async () => {
  const failure = await failureAtFirstBytes((socket) => socket.destroy());
  assertFailure(failure, { name: 'upstream_error', billed: 'unknown' });
});

const PIXEL = await noisePicture({ width: 16, height: 16 });
const PNG = { mediaType: 'image/png', bytes: PIXEL };
const MASK = { mediaType: 'image/png', bytes: await middleMask({ width: 16, height: 16 }) };

interface SentFile {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

const EDITS_REFUSED: readonly {
  readonly what: string;
  readonly texts?: Readonly<Record<string, string>>;
  readonly files?: readonly (readonly [string, SentFile])[];
  readonly code: string;
  readonly param: string;
}[] = [
  { what: 'no picture', files: [], code: 'missing_required_parameter', param: 'image' },
  {
    what: 'image twice',
    files: [
      ['image', PNG],
      ['image', PNG],
    ],
    code: 'invalid_value',
    param: 'image',
  },
  {
    what: '17 pictures',
    files: Array.from({ length: 17 }, () => ['image[]', PNG] as const),
    code: 'invalid_value',
    param: 'image',
  },
  {
    what: 'an unknown file',
    files: [
      ['image', PNG],
      ['reference', PNG],
    ],
    code: 'unknown_parameter',
    param: 'reference',
  },
  { what: 'an unknown text', texts: { seed: '1' }, code: 'unknown_parameter', param: 'seed' },
  { what: 'n that is no number', texts: { n: 'two' }, code: 'invalid_value', param: 'n' },
  {
    what: 'a picture under a wrong media type',
    files: [['image', { ...PNG, mediaType: 'image/jpeg' }]],
    code: 'unsupported_file_mimetype',
    param: 'image',
  },
  {
    what: 'half a picture',
    files: [['image', { ...PNG, bytes: PIXEL.subarray(0, 200) }]],
    code: 'unsupported_file_mimetype',
    param: 'image',
  },
  {
    what: 'a mask without alpha',
    files: [
      ['image', PNG],
      ['mask', PNG],
    ],
    code: 'invalid_mask',
    param: 'mask',
  },
  {
    what: 'a webp mask',
    files: [
      ['image', PNG],
      [
        'mask',
        { mediaType: 'image/webp', bytes: await middleMask({ width: 16, height: 16 }, 'webp') },
      ],
    ],
    code: 'unsupported_file_mimetype',
    param: 'mask',
  },
  {
    what: 'a mask of another size',
    files: [
      ['image', { mediaType: 'image/png', bytes: await noisePicture({ width: 17, height: 16 }) }],
      ['mask', MASK],
    ],
    code: 'invalid_mask',
    param: 'mask',
  },
];

for (const { what, texts = {}, files = [['image', PNG] as const], code, param } of EDITS_REFUSED) {
  test(`the simulator refuses an edit with ${what}: ${code}`, async () => {
    await using openai = await startOpenai();
    const body = new FormData();
    for (const [name, text] of Object.entries({ model: 'gpt-image-2', prompt: 'p', ...texts })) {
      body.append(name, text);
    }
    for (const [name, { mediaType, bytes }] of files) {
      body.append(name, new Blob([new Uint8Array(bytes)], { type: mediaType }), 'a.png');
    }
    const headers = { authorization: `Bearer ${openai.apiKey}` };
    const url = `${openai.baseUrl}/images/edits`;
    const response = await fetch(url, { method: 'POST', headers, body });
    assert.equal(response.status, 400);
    const { error } = asObject(await response.json());
    assert.deepEqual([at(error, 'code'), at(error, 'param')], [code, param]);
    assert.deepEqual([openai.edits, openai.upstream.purchases], [[], 0]);
  });
}
