import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorName, Failure } from '../../src/base/errors.ts';
import { UpstreamFailure } from '../../src/base/upstream-failure.ts';
import type { EgressOptions } from '../../src/egress/upstream.ts';
import { createGemini } from '../../src/providers/gemini.ts';
import { geminiTokens } from '../../src/providers/gemini-answer.ts';
import { at } from '../support/json.ts';
import { decodeBytes } from '../support/pictures.ts';
import { middleMask, noisePicture, referenceOf } from '../support/references.ts';
import { startGemini } from '../support/upstreams/gemini.ts';
import { solidPicture } from '../support/upstreams/solid-picture.ts';
import { type TryOut, tryOut } from './attempt.ts';

const PRO = 'gemini-3-pro-image';
const FLASH = 'gemini-2.5-flash-image';
const PROMPT = 'a red house by the sea';

interface Setting extends AsyncDisposable {
  readonly gemini: Awaited<ReturnType<typeof startGemini>>;
  readonly easel: TryOut;
}

async function start(apiKey?: string, egress: Partial<EgressOptions> = {}): Promise<Setting> {
  const gemini = await startGemini();
  const easel = await tryOut({
    create: createGemini,
    baseUrl: gemini.baseUrl,
    apiKey: apiKey ?? gemini.apiKey,
    task: { upstreamModel: PRO, prompt: PROMPT },
    egress,
  });
  return {
    gemini,
    easel,
    [Symbol.asyncDispose]: async () => {
      await easel[Symbol.asyncDispose]();
      await gemini[Symbol.asyncDispose]();
      assert.deepEqual(gemini.upstream.problems, []);
    },
  };
}

function assertFailure(failure: Failure, name: ErrorName, billed?: 'no' | 'unknown'): void {
  assert.equal(failure.errorName, name, failure.internal);
  assert.equal(failure instanceof UpstreamFailure ? failure.billed : undefined, billed);
}

test('a picture, its tokens and its ids come of an answer with thoughts', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const parameters = { aspect_ratio: '16:9', resolution: '2K' };
  const attempt = await easel.attempt({ parameters, seed: 7 });
  assert.deepEqual(attempt.events, ['image']);
  const [image] = attempt.images;
  assert.equal(image?.seed, 7);
  const { size, format } = await decodeBytes(image.bytes);
  assert.deepEqual([size, format], ['2752x1536', 'jpeg']);
  assert.deepEqual(attempt.receipt, {
    servedModel: PRO,
    upstreamIds: [`response-${gemini.upstream.requests[0]?.body.length}`],
    tokens: {
      textInput: Math.ceil(PROMPT.length / 4),
      imageInput: 0,
      cachedTextInput: 0,
      cachedImageInput: 0,
      textOutput: 0,
      imageOutput: 1120,
      reasoningOutput: 210,
    },
  });
  const [request] = gemini.upstream.requests;
  assert.equal(request?.headers['accept-encoding'], 'identity');
  assert.deepEqual(request.json, {
    contents: [{ role: 'user', parts: [{ text: PROMPT }] }],
    generationConfig: {
      responseModalities: ['IMAGE'],
      seed: 7,
      imageConfig: { aspectRatio: '16:9', imageSize: '2K' },
    },
  });
});

test('auto and a model of one resolution leave their fields out', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const parameters = { aspect_ratio: 'auto' };
  const { images } = await easel.attempt({ upstreamModel: FLASH, parameters });
  assert.deepEqual(images[0]?.header, { format: 'jpeg', width: 1024, height: 1024 });
  assert.equal(images[0].seed, undefined);
  assert.deepEqual(at(gemini.upstream.lastJson, 'generationConfig'), {
    responseModalities: ['IMAGE'],
  });
});

test('every ratio and resolution of a model reaches it', async () => {
  await using setting = await start();
  for (const aspect_ratio of ['auto', '1:1', '2:3', '21:9', '8:1']) {
    const parameters = { aspect_ratio, resolution: '1K' };
    const upstreamModel = 'gemini-nano-banana-2.1';
    const { images } = await setting.easel.attempt({ upstreamModel, parameters });
    assert.equal(images.length, 1, aspect_ratio);
  }
});

test("a card's further parameters are fields of generationConfig", async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const upstreamParameters = { temperature: 0.5 };
  await easel.attempt({ parameters: { topP: 0.9 }, upstreamParameters });
  assert.equal(at(gemini.upstream.lastJson, 'generationConfig.temperature'), 0.5);
  assert.equal(at(gemini.upstream.lastJson, 'generationConfig.topP'), 0.9);
});

test('of several pictures the last one is delivered, whatever its format', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  gemini.nextAnswers(
    { kind: 'unmarked_drafts', count: 3 },
    { kind: 'png' },
    { kind: 'trailing_thought' },
  );
  const full = { width: 1024, height: 1024 };
  const drafts = await easel.attempt({ format: 'png' });
  assert.deepEqual(
    drafts.images.map(({ header }) => header),
    [{ format: 'jpeg', ...full }],
  );
  const png = await easel.attempt({});
  assert.deepEqual(png.images[0]?.header, { format: 'png', ...full });
  const trailing = await easel.attempt({});
  assert.deepEqual(trailing.images[0]?.header, { format: 'jpeg', ...full });
});

test('a picture of a few bytes is one as well', async () => {
  await using setting = await start();
  const tiny = await solidPicture({ width: 8, height: 8, format: 'png' });
  assert(tiny.length < 700);
  const part = { inlineData: { mimeType: 'image/png', data: tiny.toString('base64') } };
  const body = { candidates: [{ finishReason: 'STOP', content: { parts: [part] } }] };
  setting.gemini.upstream.next({ kind: 'status', status: 200, body });
  const { images, receipt } = await setting.easel.attempt({});
  assert.deepEqual(images[0]?.bytes, tiny);
  assert.deepEqual(receipt, { upstreamIds: [] });
});

for (const body of [{}, [], null, { candidates: null }, { candidates: [{ content: [] }] }]) {
  test(`${JSON.stringify(body)} is upstream_error`, async () => {
    await using setting = await start();
    setting.gemini.upstream.next({ kind: 'status', status: 200, body: JSON.stringify(body) });
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
  });
}

test('a great many pictures in one answer are refused', async () => {
  await using setting = await start();
  setting.gemini.nextAnswers({ kind: 'unmarked_drafts', count: 40 });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('a signature of megabytes is dropped as it passes', async () => {
  await using setting = await start();
  setting.gemini.nextAnswers({ kind: 'long_signature', characters: 4 * 1024 * 1024 });
  const { images } = await setting.easel.attempt({});
  assert.equal(images.length, 1);
});

test('the model that really served is told', async () => {
  await using setting = await start();
  setting.gemini.nextAnswers({ kind: 'served_by', model: 'gemini-3-pro-image-002' });
  const { receipt } = await setting.easel.attempt({});
  assert.equal(receipt.servedModel, 'gemini-3-pro-image-002');
});

for (const reason of 'SAFETY OTHER BLOCKLIST PROHIBITED_CONTENT IMAGE_SAFETY MODEL_ARMOR JAILBREAK'.split(
  ' ',
)) {
  test(`a prompt blocked for ${reason} is moderation_blocked`, async () => {
    await using setting = await start();
    setting.gemini.nextAnswers({ kind: 'block', reason });
    const failure = await setting.easel.failure({});
    assertFailure(failure, 'moderation_blocked');
    assert.match(failure.internal ?? '', new RegExp(reason));
    assert.equal(setting.gemini.upstream.requests.length, 1);
  });
}

for (const reason of 'SAFETY IMAGE_SAFETY PROHIBITED_CONTENT IMAGE_PROHIBITED_CONTENT BLOCKLIST SPII RECITATION IMAGE_RECITATION'.split(
  ' ',
)) {
  test(`an answer that finished with ${reason} is moderation_blocked`, async () => {
    await using setting = await start();
    setting.gemini.nextAnswers({ kind: 'finish', reason });
    assertFailure(await setting.easel.failure({}), 'moderation_blocked');
    // A draft of a refused picture is no picture.
    setting.gemini.nextAnswers({ kind: 'finish', reason, withDraft: true });
    assertFailure(await setting.easel.failure({}), 'moderation_blocked');
  });
}

for (const reason of 'NO_IMAGE IMAGE_OTHER OTHER MALFORMED_RESPONSE LANGUAGE MAX_TOKENS CONTINUATION'.split(
  ' ',
)) {
  test(`an answer that finished with ${reason} is upstream_error and never repeated`, async () => {
    await using setting = await start();
    setting.gemini.nextAnswers({ kind: 'finish', reason });
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
    setting.gemini.nextAnswers({ kind: 'finish', reason, withDraft: true });
    const failure = await setting.easel.failure({});
    assertFailure(failure, 'upstream_error', 'unknown');
    assert.match(failure.internal ?? '', new RegExp(`finish ${reason}, response response-`));
    assert.equal(setting.gemini.upstream.requests.length, 2);
  });
}

for (const kind of ['text_only', 'thoughts_only'] as const) {
  test(`STOP with ${kind} is upstream_error and never repeated`, async () => {
    await using setting = await start();
    setting.gemini.nextAnswers({ kind });
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
    assert.equal(setting.gemini.upstream.requests.length, 1);
  });
}

test('no candidates at all is upstream_error', async () => {
  await using setting = await start();
  setting.gemini.upstream.next('empty_data');
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('the shared moderation fault is moderation_blocked, by prompt as well', async () => {
  await using setting = await start();
  setting.gemini.upstream.next('moderation');
  assertFailure(await setting.easel.failure({}), 'moderation_blocked');
  assertFailure(
    await setting.easel.failure({ prompt: 'a cat sim:moderation' }),
    'moderation_blocked',
  );
});

const STATUSES: readonly [number, ErrorName, ('no' | 'unknown')?][] = [
  [400, 'invalid_value'],
  [401, 'upstream_error', 'no'],
  [403, 'upstream_error', 'no'],
  [404, 'upstream_error', 'no'],
  [409, 'upstream_error', 'unknown'],
  [429, 'overloaded', 'no'],
  [499, 'upstream_error', 'unknown'],
  [500, 'upstream_error', 'unknown'],
  [503, 'overloaded', 'no'],
  [504, 'upstream_timeout', 'unknown'],
];

for (const [status, name, billed] of STATUSES) {
  test(`status ${status} is ${name}`, async () => {
    await using setting = await start();
    setting.gemini.upstream.next({ kind: 'status', status });
    assertFailure(await setting.easel.failure({}), name, billed);
    assert.equal(setting.gemini.upstream.requests.length, 1);
  });
}

test('RetryInfo says when to come back, before the header does', async () => {
  await using setting = await start();
  const headers = { 'retry-after': '9' };
  setting.gemini.upstream.next({ kind: 'status', status: 429, headers });
  assert.equal((await setting.easel.failure({})).retryAfterSeconds, 23);
  setting.gemini.upstream.next({ kind: 'status', status: 503, headers });
  assert.equal((await setting.easel.failure({})).retryAfterSeconds, 9);
});

test('a quota that is used up is our own trouble, unless it says when to come back', async () => {
  await using setting = await start();
  setting.gemini.upstream.next('insufficient_quota');
  const failure = await setting.easel.failure({});
  assertFailure(failure, 'upstream_error', 'no');
  assert.doesNotMatch(failure.message, /quota/);
  assert.match(failure.internal ?? '', /quota/);
  const details = [
    { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [] },
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '31s' },
  ];
  const body = { error: { code: 429, message: 'Quota.', status: 'RESOURCE_EXHAUSTED', details } };
  setting.gemini.upstream.next({ kind: 'status', status: 429, body });
  const limited = await setting.easel.failure({});
  assertFailure(limited, 'overloaded', 'no');
  assert.equal(limited.retryAfterSeconds, 31);
});

test('a wrong key is our own trouble although it comes as 400', async () => {
  await using setting = await start('AIza-wrong');
  const failure = await setting.easel.failure({});
  assertFailure(failure, 'upstream_error', 'no');
  assert.doesNotMatch(failure.message, /key/i);
  assert.match(failure.internal ?? '', /API key not valid/);
});

test('a place or account that may not use the model is our own trouble, too', async () => {
  await using setting = await start();
  const message = 'User location is not supported for the API use.';
  const body = { error: { code: 400, message, status: 'FAILED_PRECONDITION' } };
  setting.gemini.upstream.next({ kind: 'status', status: 400, body });
  const failure = await setting.easel.failure({});
  assertFailure(failure, 'upstream_error', 'no');
  assert.match(failure.internal ?? '', /location is not supported/);
});

test('a field that Google refuses is the caller’s', async () => {
  await using setting = await start();
  const failure = await setting.easel.failure({ parameters: { resolution: '2k' } });
  assertFailure(failure, 'invalid_value');
  assert.match(failure.message, /image_size/);
  const flash = await setting.easel.failure({
    upstreamModel: FLASH,
    parameters: { resolution: '1K' },
  });
  assertFailure(flash, 'invalid_value');
});

test('a model that has ended is upstream_error', async () => {
  await using setting = await start();
  const failure = await setting.easel.failure({ upstreamModel: 'gemini-3.1-flash-image' });
  assertFailure(failure, 'upstream_error', 'no');
});

const BROKEN = [
  'die_mid_payload',
  'hang_up',
  'garbage',
  'half_json',
  'html',
  'oversized',
  'redirect_private',
] as const;

for (const kind of BROKEN) {
  test(`${kind} is upstream_error and never repeated`, async () => {
    await using setting = await start();
    setting.gemini.upstream.next(kind);
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
    assert.equal(setting.gemini.upstream.requests.length, 1);
  });
}

test('an answer beyond the cap is upstream_error', async () => {
  await using setting = await start(undefined, { bodyBytesMax: 8 * 1024 });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('text in the midst of a picture is upstream_error', async () => {
  await using setting = await start();
  setting.gemini.upstream.next({ kind: 'payload_with', text: '<no base64>' });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('a slow first byte is upstream_timeout', async () => {
  await using setting = await start(undefined, { firstByteMs: 50 });
  setting.gemini.upstream.next('slow_first_byte');
  assertFailure(await setting.easel.failure({}), 'upstream_timeout', 'unknown');
});

test('giving up closes the connection, before the answer and within it', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  for (const [count, kind] of (['slow_first_byte', 'slow_mid_payload'] as const).entries()) {
    const abort = new AbortController();
    gemini.upstream.next(kind);
    const attempt = easel.attempt({}, abort.signal);
    await gemini.upstream.until(() => gemini.upstream.heldAnswers === 1);
    const reason = new Error('given up');
    abort.abort(reason);
    await assert.rejects(attempt, (error) => error === reason);
    await gemini.upstream.until(() => gemini.upstream.hangUps === count + 1);
    gemini.upstream.release();
  }
});

test('usage is read with and without details, cached or not, or not at all', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const input = Math.ceil(PROMPT.length / 4);
  gemini.nextAnswers({ kind: 'usage_without_details' }, { kind: 'cached_usage' });
  const bare = await easel.attempt({});
  assert.equal(bare.receipt.tokens?.imageOutput, 1120);
  assert.equal(bare.receipt.tokens.textInput, input);
  const cached = await easel.attempt({});
  assert.equal(cached.receipt.tokens?.cachedTextInput, input >> 1);
  gemini.upstream.next('no_usage');
  const none = await easel.attempt({});
  assert.equal(none.receipt.tokens, undefined);
});

test('tokens are told apart by what they were', () => {
  const tokens = geminiTokens({
    promptTokenCount: 268,
    candidatesTokenCount: 1150,
    thoughtsTokenCount: 210,
    cachedContentTokenCount: 100,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 10 },
      { modality: 'IMAGE', tokenCount: 258 },
    ],
    cacheTokensDetails: [{ modality: 'IMAGE', tokenCount: 96 }],
    candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1120 }],
  });
  assert.deepEqual(tokens, {
    textInput: 10,
    imageInput: 258,
    cachedTextInput: 4,
    cachedImageInput: 96,
    textOutput: 30,
    imageOutput: 1120,
    reasoningOutput: 210,
  });
  for (const nonsense of [undefined, null, 'x', {}, { promptTokenCount: -1 }, []]) {
    assert.equal(geminiTokens(nonsense), undefined);
  }
});

test('an account without a key sends none', async () => {
  await using gemini = await startGemini();
  await using easel = await tryOut({
    create: createGemini,
    baseUrl: gemini.baseUrl,
    task: { upstreamModel: PRO },
  });
  assertFailure(await easel.failure({}), 'upstream_error', 'no');
  assert.equal(gemini.upstream.requests[0]?.headers['x-goog-api-key'], undefined);
});

test('the picture of an edit arrives behind the prompt, byte for byte', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const picture = await noisePicture({ width: 1000, height: 700 });
  const { events, images, receipt } = await easel.attempt({ references: [referenceOf(picture)] });
  assert.deepEqual(events, ['image']);
  assert.equal(images[0]?.header?.format, 'jpeg');
  assert.deepEqual(gemini.edits, [{ images: [picture] }]);
  const { imageInput, textInput } = receipt.tokens ?? {};
  assert.deepEqual([imageInput, textInput], [258, Math.ceil(PROMPT.length / 4)]);
  const [request] = gemini.upstream.requests;
  assert.equal(request?.headers['content-type'], 'application/json');
  assert.equal(request.headers['content-length'], String(request.body.length));
  assert.deepEqual(request.json, {
    contents: [
      {
        role: 'user',
        parts: [
          { text: PROMPT },
          { inlineData: { mimeType: 'image/png', data: picture.toString('base64') } },
        ],
      },
    ],
    generationConfig: { responseModalities: ['IMAGE'] },
  });
});

test('several pictures of an edit arrive in order, each in its own format', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const pictures = await Promise.all(
    (['webp', 'png', 'jpeg'] as const).map((format, seed) =>
      noisePicture({ width: 90 + seed, height: 60, format, seed: seed + 1 }),
    ),
  );
  const { receipt } = await easel.attempt({ references: pictures.map(referenceOf) });
  assert.deepEqual(gemini.edits, [{ images: pictures }]);
  assert.equal(receipt.tokens?.imageInput, 3 * 258);
  const types = [1, 2, 3].map((part) =>
    at(gemini.upstream.lastJson, `contents[0].parts[${part}].inlineData.mimeType`),
  );
  assert.deepEqual(types, ['image/webp', 'image/png', 'image/jpeg']);
});

test('without a ratio of its own an edit follows its picture', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const references = [referenceOf(await noisePicture({ width: 90, height: 160 }))];
  const auto = { aspect_ratio: 'auto', resolution: '1K' };
  const followed = await easel.attempt({ references, parameters: auto });
  assert.deepEqual(followed.images[0]?.header, { format: 'jpeg', width: 768, height: 1376 });
  assert.deepEqual(at(gemini.upstream.lastJson, 'generationConfig.imageConfig'), {
    imageSize: '1K',
  });
  const chosen = await easel.attempt({ references, parameters: { aspect_ratio: '21:9' } });
  assert.deepEqual(chosen.images[0]?.header, { format: 'jpeg', width: 1584, height: 672 });
});

test('a mask is refused before anything is sent', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const size = { width: 64, height: 64 };
  const references = [referenceOf(await noisePicture(size))];
  const failure = await easel.failure({ references, mask: referenceOf(await middleMask(size)) });
  assertFailure(failure, 'mask_not_supported');
  assert.equal(failure.param, 'mask');
  assert.equal(gemini.upstream.requests.length, 0);
});

test('too many megabytes of pictures are refused before anything is sent', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const picture = referenceOf(await noisePicture({ width: 64, height: 64 }));
  const large = { ...picture, bytes: 19 * 2 ** 20 };
  const failure = await easel.failure({ references: [large, large, large, large] });
  assertFailure(failure, 'payload_too_large');
  assert.equal(failure.param, 'image');
  assert.match(failure.message, /75 MB/);
  assert.equal(gemini.upstream.requests.length, 0);
});

test('an edit is refused in the ways of a generation', async () => {
  await using setting = await start();
  const { easel, gemini } = setting;
  const picture = referenceOf(await noisePicture({ width: 64, height: 64 }));
  const references = [picture];
  gemini.upstream.next('moderation', { kind: 'status', status: 400 }, 'die_mid_payload');
  assertFailure(await easel.failure({ references }), 'moderation_blocked');
  assertFailure(await easel.failure({ references }), 'invalid_value');
  assertFailure(await easel.failure({ references }), 'upstream_error', 'unknown');
  const prompt = 'a cat sim:moderation';
  assertFailure(await easel.failure({ references, prompt }), 'moderation_blocked');
  const four = [picture, picture, picture, picture];
  const tooMany = await easel.failure({ references: four, upstreamModel: FLASH });
  assertFailure(tooMany, 'invalid_value');
  assert.match(tooMany.message, /3 images/);
  assert.equal(gemini.upstream.requests.length, 5);
});

test('the simulator refuses pictures that Google refuses', async () => {
  await using gemini = await startGemini();
  const png = await noisePicture({ width: 64, height: 64 });
  const data = png.toString('base64');
  const wrong = [
    { mimeType: 'image/gif', data },
    { mimeType: 'image/jpeg', data },
    { mimeType: 'image/png', data: `data:image/png;base64,${data}` },
    { mimeType: 'image/png', data, name: 'x' },
    { mimeType: 'image/png' },
  ];
  for (const inlineData of wrong) {
    const parts = [{ text: 'x' }, { inlineData }];
    const body = { contents: [{ parts }], generationConfig: { responseModalities: ['IMAGE'] } };
    const answer = await fetch(`${gemini.baseUrl}/v1beta/models/${PRO}:generateContent`, {
      method: 'POST',
      headers: { 'x-goog-api-key': gemini.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(answer.status, 400, JSON.stringify(inlineData).slice(0, 80));
    assert.equal(at(await answer.json(), 'error.status'), 'INVALID_ARGUMENT');
  }
  assert.deepEqual(gemini.edits, []);
});
