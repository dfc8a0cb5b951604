import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import type { ErrorName, Failure } from '../../src/base/errors.ts';
import { UpstreamFailure } from '../../src/base/upstream-failure.ts';
import type { EgressOptions } from '../../src/egress/upstream.ts';
import { createXai } from '../../src/providers/xai.ts';
import { decodeBytes } from '../support/pictures.ts';
import { middleMask, noisePicture, referenceOf } from '../support/references.ts';
import { solidPicture } from '../support/upstreams/solid-picture.ts';
import { startXai } from '../support/upstreams/xai.ts';
import { type TryOut, tryOut } from './attempt.ts';

const SECOND = 'grok-imagine-image-2.0';
const PROMPT = 'a red house by the sea';

interface Setting extends AsyncDisposable {
  readonly xai: Awaited<ReturnType<typeof startXai>>;
  readonly easel: TryOut;
}

async function start(apiKey?: string, egress: Partial<EgressOptions> = {}): Promise<Setting> {
  const xai = await startXai();
  const easel = await tryOut({
    create: createXai,
    baseUrl: xai.baseUrl,
    apiKey: apiKey ?? xai.apiKey,
    task: {
      upstreamModel: SECOND,
      prompt: PROMPT,
      parameters: { aspect_ratio: 'auto', resolution: '1K' },
      upstreamParameters: { quality: 'low' },
    },
    egress,
  });
  return {
    xai,
    easel,
    [Symbol.asyncDispose]: async () => {
      await easel[Symbol.asyncDispose]();
      await xai[Symbol.asyncDispose]();
      assert.deepEqual(xai.upstream.problems, []);
    },
  };
}

function assertFailure(
  failure: Failure | undefined,
  name: ErrorName,
  billed?: 'no' | 'unknown',
): void {
  assert.equal(failure?.errorName, name, failure?.internal);
  assert.equal(failure instanceof UpstreamFailure ? failure.billed : undefined, billed);
}

test('a picture, its cost and the model that served it', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  const { events, images, receipt } = await easel.attempt({
    parameters: { aspect_ratio: '16:9', resolution: '2K' },
    seed: 7,
  });
  assert.deepEqual(events, ['image']);
  const [image] = images;
  assert(image !== undefined);
  const { size, format } = await decodeBytes(image.bytes);
  assert.deepEqual([size, format], ['2736x1536', 'jpeg']);
  // xAI knows no seed, and an empty revised prompt is none.
  assert.deepEqual([image.seed, image.revisedPrompt], [undefined, undefined]);
  assert.deepEqual(receipt, {
    upstreamCost: 60_000_000n,
    servedModel: SECOND,
    upstreamIds: ['xai-request-1'],
  });
  assert.deepEqual(xai.upstream.lastJson, {
    model: SECOND,
    prompt: PROMPT,
    n: 1,
    aspect_ratio: '16:9',
    resolution: '2k',
    quality: 'low',
    response_format: 'b64_json',
  });
});

test('size is never sent, wherever it comes from', async () => {
  await using setting = await start();
  const { images } = await setting.easel.attempt({
    parameters: { size: '1024x1024', resolution: '1k' },
    passthrough: { size: '1024x1024', user: 'u1', n: 9, response_format: 'url' },
  });
  assert.equal(images.length, 1);
  const { n, user, response_format: format } = setting.xai.upstream.lastJson;
  assert.deepEqual([n, user, format], [1, 'u1', 'b64_json']);
});

test('several pictures come of one call, in order, at their sum', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  const { events, images, receipt } = await easel.attempt({ n: 4 });
  assert.deepEqual(events, ['image', 'image', 'image', 'image']);
  assert.equal(xai.upstream.requests.length, 1);
  assert.equal(new Set(images.map(({ bytes }) => bytes.toString('base64'))).size, 4);
  assert.equal(receipt.upstreamCost, 160_000_000n);
});

test('one refused picture of four is a failure in its place', async () => {
  await using setting = await start();
  setting.xai.nextAnswers({ kind: 'refuse', places: [1] });
  const { events, failures, receipt } = await setting.easel.attempt({ n: 4 });
  assert.deepEqual(events, ['image', 'image_failed', 'image', 'image']);
  assertFailure(failures[0], 'moderation_blocked');
  assert.equal(receipt.upstreamCost, 120_000_000n);
});

test('the first and the last refused are failures in their places', async () => {
  await using setting = await start();
  setting.xai.nextAnswers({ kind: 'refuse', places: [0, 2] });
  const { events } = await setting.easel.attempt({ n: 3 });
  assert.deepEqual(events, ['image_failed', 'image', 'image_failed']);
});

test('a refusal that follows its picture is a refusal', async () => {
  await using setting = await start();
  setting.xai.nextAnswers(
    { kind: 'refuse_after_picture', places: [0] },
    { kind: 'refuse_after_picture', places: [0] },
  );
  const { events } = await setting.easel.attempt({ n: 2 });
  assert.deepEqual(events, ['image_failed', 'image']);
  assertFailure(await setting.easel.failure({ n: 1 }), 'moderation_blocked');
});

test('all refused, or no data at all, is moderation_blocked and never repeated', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  xai.upstream.next('moderation', 'empty_data');
  assertFailure(await easel.failure({ n: 4 }), 'moderation_blocked');
  assertFailure(await easel.failure({}), 'moderation_blocked');
  assert.equal(xai.upstream.requests.length, 2);
});

test('a refusal that cost something is written to the log', async () => {
  await using setting = await start();
  setting.xai.upstream.next('moderation');
  await setting.easel.failure({});
  assert.doesNotMatch(setting.easel.logged(), /names a cost/);
  setting.xai.nextAnswers({ kind: 'ticks', ticks: 200_000_000 });
  setting.xai.upstream.next('empty_data');
  await setting.easel.failure({});
  assert.match(setting.easel.logged(), /"costNanousd":"20000000".*names a cost/);
  assert.doesNotMatch(setting.easel.logged(), /red house/);
});

test('fewer pictures than asked for are failures, more are nobody’s', async () => {
  await using setting = await start();
  setting.xai.nextAnswers({ kind: 'pictures', count: 2 }, { kind: 'pictures', count: 3 });
  const fewer = await setting.easel.attempt({ n: 3 });
  assert.deepEqual(fewer.events, ['image', 'image', 'image_failed']);
  assertFailure(fewer.failures[0], 'upstream_error', 'unknown');
  const more = await setting.easel.attempt({ n: 2 });
  assert.deepEqual(more.events, ['image', 'image']);
});

test('an address in place of a picture is upstream_error', async () => {
  await using setting = await start();
  setting.xai.nextAnswers({ kind: 'urls' });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('a picture of a few bytes is one as well', async () => {
  await using setting = await start();
  const tiny = await solidPicture({ width: 8, height: 8, format: 'png' });
  assert(tiny.length < 700);
  const body = { data: [{ b64_json: tiny.toString('base64') }] };
  setting.xai.upstream.next({ kind: 'status', status: 200, body });
  const { images, receipt } = await setting.easel.attempt({});
  assert.deepEqual(images[0]?.bytes, tiny);
  assert.deepEqual(receipt, { upstreamIds: [] });
});

for (const body of [{}, [], null, { data: null }, { data: [null] }, { error: 'no' }]) {
  test(`${JSON.stringify(body)} is upstream_error`, async () => {
    await using setting = await start();
    setting.xai.upstream.next({ kind: 'status', status: 200, body: JSON.stringify(body) });
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
  });
}

const TICKS: readonly [unknown, bigint | undefined][] = [
  [400_000_000, 40_000_000n],
  [0, 0n],
  [1, 1n],
  [10, 1n],
  [11, 2n],
  [336_000_001, 33_600_001n],
  [9_007_199_254_740_991, 900_719_925_474_100n],
  [-10, undefined],
  [1.5, undefined],
  ['400000000', undefined],
  [null, undefined],
];

for (const [ticks, cost] of TICKS) {
  test(`${String(ticks)} ticks are ${String(cost)} nano-dollars`, async () => {
    await using setting = await start();
    setting.xai.nextAnswers({ kind: 'ticks', ticks });
    const { receipt } = await setting.easel.attempt({});
    assert.equal(receipt.upstreamCost, cost);
  });
}

test('without usage there is no cost', async () => {
  await using setting = await start();
  setting.xai.upstream.next('no_usage');
  const { images, receipt } = await setting.easel.attempt({});
  assert.equal(images.length, 1);
  assert(!('upstreamCost' in receipt));
});

test('the prefix of a data URI is no part of the picture', async () => {
  await using setting = await start();
  setting.xai.nextAnswers({ kind: 'data_prefix' });
  const { images } = await setting.easel.attempt({});
  assert.deepEqual(images[0]?.header, { format: 'jpeg', width: 1024, height: 1024 });
});

test('a revised prompt goes with its picture', async () => {
  await using setting = await start();
  setting.xai.nextAnswers({ kind: 'revised_prompt', text: 'A crimson house, at sea.' });
  const { images } = await setting.easel.attempt({});
  assert.equal(images[0]?.revisedPrompt, 'A crimson house, at sea.');
});

test('the retired slug is served by another model, which is told', async () => {
  await using setting = await start();
  const upstreamModel = 'grok-imagine-image-quality';
  const { receipt } = await setting.easel.attempt({ upstreamModel });
  assert.equal(receipt.servedModel, SECOND);
});

test('the first model costs the same in both resolutions', async () => {
  await using setting = await start();
  const { receipt } = await setting.easel.attempt({
    upstreamModel: 'grok-imagine-image',
    parameters: { aspect_ratio: '9:19.5' },
    upstreamParameters: {},
  });
  assert.equal(receipt.upstreamCost, 20_000_000n);
});

const STATUSES: readonly [number, ErrorName, ('no' | 'unknown')?][] = [
  [400, 'invalid_value'],
  [401, 'upstream_error', 'no'],
  [402, 'upstream_error', 'no'],
  [403, 'upstream_error', 'no'],
  [404, 'upstream_error', 'no'],
  [422, 'invalid_value'],
  [429, 'overloaded', 'no'],
  [500, 'upstream_error', 'unknown'],
  [502, 'upstream_error', 'unknown'],
  [503, 'overloaded', 'no'],
  [504, 'upstream_timeout', 'unknown'],
];

for (const [status, name, billed] of STATUSES) {
  test(`status ${status} is ${name}`, async () => {
    await using setting = await start();
    setting.xai.upstream.next({ kind: 'status', status, headers: { 'retry-after': '12' } });
    const failure = await setting.easel.failure({});
    assertFailure(failure, name, billed);
    assert.equal(failure.retryAfterSeconds, name === 'overloaded' ? 12 : undefined);
    assert.equal(setting.xai.upstream.requests.length, 1);
  });
}

test('both shapes of an error are read', async () => {
  await using setting = await start();
  const shapes = [
    { error: { message: 'n is too large.', type: 'x', param: 'n', code: 'y' } },
    { code: 'Client specified an invalid argument', error: 'n is too large.' },
  ];
  for (const body of shapes) {
    setting.xai.upstream.next({ kind: 'status', status: 400, body });
    const failure = await setting.easel.failure({});
    assertFailure(failure, 'invalid_value');
    assert.equal(failure.message, 'n is too large.');
  }
});

for (const error of [
  'Generated image rejected by content moderation.',
  'Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_CSAM',
]) {
  test(`"${error.slice(0, 30)}…" is moderation_blocked`, async () => {
    await using setting = await start();
    for (const status of [400, 403]) {
      const body = { code: 'Client specified an invalid argument', error };
      setting.xai.upstream.next({ kind: 'status', status, body });
      assertFailure(await setting.easel.failure({}), 'moderation_blocked');
    }
  });
}

test('a wrong key is our own trouble although it comes as 400', async () => {
  await using setting = await start('xai-wrong');
  const failure = await setting.easel.failure({});
  assertFailure(failure, 'upstream_error', 'no');
  assert.doesNotMatch(failure.message, /key/i);
});

test('credits that are used up are our own trouble', async () => {
  await using setting = await start();
  setting.xai.upstream.next('insufficient_quota');
  const failure = await setting.easel.failure({});
  assertFailure(failure, 'upstream_error', 'no');
  assert.match(failure.internal ?? '', /credits/);
});

test('a value that xAI refuses is the caller’s, with its field', async () => {
  await using setting = await start();
  const failure = await setting.easel.failure({ parameters: { aspect_ratio: '7:3' } });
  assertFailure(failure, 'invalid_value');
  assert.equal(failure.param, 'aspect_ratio');
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
    setting.xai.upstream.next(kind);
    assertFailure(await setting.easel.failure({ n: 2 }), 'upstream_error', 'unknown');
    assert.equal(setting.xai.upstream.requests.length, 1);
  });
}

test('an answer beyond the cap is upstream_error', async () => {
  await using setting = await start(undefined, { bodyBytesMax: 8 * 1024 });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('text in the midst of a picture is upstream_error', async () => {
  await using setting = await start();
  setting.xai.upstream.next({ kind: 'payload_with', text: '<no base64>' });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('a slow first byte is upstream_timeout', async () => {
  await using setting = await start(undefined, { firstByteMs: 50 });
  setting.xai.upstream.next('slow_first_byte');
  assertFailure(await setting.easel.failure({}), 'upstream_timeout', 'unknown');
});

test('giving up closes the connection, before the answer and within it', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  for (const [count, kind] of (['slow_first_byte', 'slow_mid_payload'] as const).entries()) {
    const abort = new AbortController();
    xai.upstream.next(kind);
    const attempt = easel.attempt({}, abort.signal);
    await xai.upstream.until(() => xai.upstream.heldAnswers === 1);
    const reason = new Error('given up');
    abort.abort(reason);
    await assert.rejects(attempt, (error) => error === reason);
    await xai.upstream.until(() => xai.upstream.hangUps === count + 1);
    xai.upstream.release();
  }
});

test('the simulator refuses what xAI refuses', async () => {
  await using xai = await startXai();
  const url = `${xai.baseUrl}/images/generations`;
  const authorization = `Bearer ${xai.apiKey}`;
  const form = new FormData();
  form.set('prompt', 'x');
  const multipart = await fetch(url, { method: 'POST', headers: { authorization }, body: form });
  assert.equal(multipart.status, 415);
  const headers = { authorization, 'content-type': 'application/json' };
  for (const wrong of [{ size: '1024x1024' }, { resolution: '1K' }, { n: 11 }, { style: 'x' }]) {
    const body = JSON.stringify({ model: SECOND, prompt: 'x', ...wrong });
    const refused = await fetch(url, { method: 'POST', headers, body });
    assert.equal(refused.status, 400, body);
  }
});

test('one picture of an edit arrives as `image`, byte for byte', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  const picture = await noisePicture({ width: 1000, height: 700 });
  const { events, receipt } = await easel.attempt({ references: [referenceOf(picture)] });
  assert.deepEqual(events, ['image']);
  assert.deepEqual(xai.edits, [{ images: [picture] }]);
  // The picture that came out, and the one that went in.
  assert.equal(receipt.upstreamCost, 50_000_000n);
  const [request] = xai.upstream.requests;
  assert.equal(request?.path, '/v1/images/edits');
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(request.headers['content-length'], String(request.body.length));
  const url = `data:image/png;base64,${picture.toString('base64')}`;
  assert.deepEqual(request.json, {
    model: SECOND,
    prompt: PROMPT,
    n: 1,
    aspect_ratio: 'auto',
    resolution: '1k',
    quality: 'low',
    response_format: 'b64_json',
    image: { url, type: 'image_url' },
  });
});

test('several pictures of an edit arrive as `images`, in order', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  const pictures = await Promise.all(
    (['jpeg', 'png', 'jpeg'] as const).map((format, seed) =>
      noisePicture({ width: 90 + seed, height: 60, format, seed: seed + 1 }),
    ),
  );
  await easel.attempt({ references: pictures.map(referenceOf) });
  assert.deepEqual(xai.edits, [{ images: pictures }]);
  assert(!('image' in xai.upstream.lastJson));
});

test('a webp arrives as a png with the same pixels', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  const webp = await noisePicture({ width: 90, height: 60, format: 'webp' });
  await easel.attempt({ references: [referenceOf(webp)] });
  const sent = xai.edits[0]?.images[0];
  assert(sent !== undefined);
  assert.deepEqual((await decodeBytes(sent)).format, 'png');
  assert.deepEqual(await sharp(sent).raw().toBuffer(), await sharp(webp).raw().toBuffer());
});

test('four edited pictures come of one call', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  const references = [referenceOf(await noisePicture({ width: 64, height: 64 }))];
  xai.nextAnswers({ kind: 'refuse', places: [1] });
  const { events, failures, receipt } = await easel.attempt({ references, n: 4 });
  assert.deepEqual(events, ['image', 'image_failed', 'image', 'image']);
  assertFailure(failures[0], 'moderation_blocked');
  assert.equal(xai.upstream.requests.length, 1);
  assert.equal(receipt.upstreamCost, 130_000_000n);
});

test('without a ratio of its own an edit follows its first picture', async () => {
  await using setting = await start();
  const { easel } = setting;
  const references = [
    referenceOf(await noisePicture({ width: 128, height: 64 })),
    referenceOf(await noisePicture({ width: 64, height: 64 })),
  ];
  const followed = await easel.attempt({ references });
  assert.deepEqual(followed.images[0]?.header, { format: 'jpeg', width: 1456, height: 720 });
  const chosen = await easel.attempt({ references, parameters: { aspect_ratio: '1:1' } });
  assert.deepEqual(chosen.images[0]?.header, { format: 'jpeg', width: 1024, height: 1024 });
});

test('a mask of an edit is refused before anything is sent', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  const size = { width: 64, height: 64 };
  const references = [referenceOf(await noisePicture(size))];
  const failure = await easel.failure({ references, mask: referenceOf(await middleMask(size)) });
  assertFailure(failure, 'mask_not_supported');
  assert.equal(failure.param, 'mask');
  assert.equal(xai.upstream.requests.length, 0);
});

test('pictures among the fields of a caller are held back', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  const passthrough = { image: { url: 'https://a.example/x.png' }, images: [], mask: 'x' };
  const names = [...Object.keys(passthrough), 'user'];
  assert.deepEqual(
    names.map((field) => easel.provider.holdsBack?.(field)),
    [true, true, true, false],
  );
  const references = [referenceOf(await noisePicture({ width: 64, height: 64 }))];
  await easel.attempt({ passthrough });
  assert(!('image' in xai.upstream.lastJson || 'images' in xai.upstream.lastJson));
  await easel.attempt({ passthrough, references });
  assert.equal(xai.edits.length, 1);
  assert(!('mask' in xai.upstream.lastJson));
});

test('an edit is refused in the ways of a generation', async () => {
  await using setting = await start();
  const { easel, xai } = setting;
  const picture = referenceOf(await noisePicture({ width: 64, height: 64 }));
  const references = [picture];
  xai.upstream.next('moderation', { kind: 'status', status: 400 }, 'die_mid_payload');
  assertFailure(await easel.failure({ references }), 'moderation_blocked');
  assertFailure(await easel.failure({ references }), 'invalid_value');
  assertFailure(await easel.failure({ references }), 'upstream_error', 'unknown');
  const prompt = 'a cat sim:moderation';
  assertFailure(await easel.failure({ references, prompt }), 'moderation_blocked');
  const tooMany = await easel.failure({ references: Array.from({ length: 6 }, () => picture) });
  assertFailure(tooMany, 'invalid_value');
  assert.equal(tooMany.param, 'image');
  assert.equal(xai.upstream.requests.length, 5);
});

test('the simulator refuses edits that xAI refuses', async () => {
  await using xai = await startXai();
  const url = `${xai.baseUrl}/images/edits`;
  const authorization = `Bearer ${xai.apiKey}`;
  const form = new FormData();
  form.set('prompt', 'x');
  const multipart = await fetch(url, { method: 'POST', headers: { authorization }, body: form });
  assert.equal(multipart.status, 415);
  const headers = { authorization, 'content-type': 'application/json' };
  const uri = async (format: 'png' | 'webp', name: string = format): Promise<string> => {
    const bytes = await noisePicture({ width: 64, height: 64, format });
    return `data:image/${name};base64,${bytes.toString('base64')}`;
  };
  const png = { url: await uri('png') };
  const wrong = [
    {},
    { images: [] },
    { image: png, images: [png] },
    { images: [png, png, png, png] },
    { image: { url: 'http://a.example/x.png' } },
    { image: { url: 'data:image/png;base64,' } },
    { image: { url: await uri('webp') } },
    { image: { url: await uri('png', 'jpeg') } },
    { image: { ...png, type: 'file' } },
  ];
  for (const fields of wrong) {
    const body = JSON.stringify({ model: 'grok-imagine-image', prompt: 'x', ...fields });
    const refused = await fetch(url, { method: 'POST', headers, body });
    assert.equal(refused.status, 400, body.slice(0, 200));
  }
  assert.deepEqual([xai.edits, xai.upstream.problems], [[], []]);
});
