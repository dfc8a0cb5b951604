import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import sharp from 'sharp';
import type { ErrorName, Failure } from '../../src/base/errors.ts';
import { UpstreamFailure } from '../../src/base/upstream-failure.ts';
import type { EgressOptions } from '../../src/egress/upstream.ts';
import { binaryChunks } from '../../src/payload/base64.ts';
import { createArk } from '../../src/providers/ark.ts';
import { decodeBytes } from '../support/pictures.ts';
import { middleMask, noisePicture, referenceOf } from '../support/references.ts';
import { startArk } from '../support/upstreams/ark.ts';
import { solidPicture } from '../support/upstreams/solid-picture.ts';
import { type TryOut, tryOut } from './attempt.ts';

const FOUR_FIVE = 'seedream-4-5-251128';
const FIVE = 'seedream-5-0-260128';
const FIVE_PRO = 'dola-seedream-5-0-pro-260628';
const PROMPT = 'a red house by the sea';
const REQUEST_ID = '021763700000000abcdef0123456789';

interface Setting extends AsyncDisposable {
  readonly ark: Awaited<ReturnType<typeof startArk>>;
  readonly easel: TryOut;
}

async function start(apiKey?: string, egress: Partial<EgressOptions> = {}): Promise<Setting> {
  const ark = await startArk();
  const easel = await tryOut({
    create: createArk,
    baseUrl: ark.baseUrl,
    apiKey: apiKey ?? ark.apiKey,
    task: {
      upstreamModel: FOUR_FIVE,
      prompt: PROMPT,
      parameters: { image_size: 'auto_2K' },
      size: { width: 2048, height: 2048 },
    },
    egress,
  });
  return {
    ark,
    easel,
    [Symbol.asyncDispose]: async () => {
      await easel[Symbol.asyncDispose]();
      await ark[Symbol.asyncDispose]();
      assert.deepEqual(ark.upstream.problems, []);
      assert.equal(ark.watermarked(), 0, 'a picture left with a watermark');
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

test('a picture without a watermark, its tokens and its ids', async () => {
  await using setting = await start();
  const { events, images, receipt } = await setting.easel.attempt({ seed: 7 });
  assert.deepEqual(events, ['image']);
  const [image] = images;
  assert(image !== undefined);
  const { size, format } = await decodeBytes(image.bytes);
  assert.deepEqual([size, format], ['2048x2048', 'jpeg']);
  assert.equal(image.seed, undefined);
  assert.deepEqual(receipt, {
    servedModel: FOUR_FIVE,
    upstreamIds: [REQUEST_ID],
    tokens: {
      textInput: 0,
      imageInput: 0,
      cachedTextInput: 0,
      cachedImageInput: 0,
      textOutput: 0,
      imageOutput: 16_384,
      reasoningOutput: 0,
    },
  });
  assert.deepEqual(setting.ark.upstream.lastJson, {
    model: FOUR_FIVE,
    prompt: PROMPT,
    size: '2K',
    response_format: 'b64_json',
    watermark: false,
    stream: false,
    sequential_image_generation: 'disabled',
  });
  assert.equal(setting.easel.logged(), '');
});

test('a picture is passed on while it arrives', async () => {
  await using setting = await start();
  const { ark, easel } = setting;
  ark.upstream.next('slow_mid_payload');
  const events = easel.generate({});
  const first = await events.next();
  assert(first.done !== true && first.value.type === 'image');
  assert.equal(ark.upstream.heldAnswers, 1);
  const head = await first.value.payload.peek(1024);
  assert.equal(head.length, 1024);
  assert.equal(ark.upstream.heldAnswers, 1);
  ark.upstream.release();
  const bytes = await buffer(binaryChunks(first.value.payload));
  assert.equal((await decodeBytes(bytes)).size, '2048x2048');
  const last = await events.next();
  assert(last.done === true);
  assert.equal(last.value.servedModel, FOUR_FIVE);
});

test('whoever stops early closes the connection', async () => {
  await using setting = await start();
  const { ark, easel } = setting;
  ark.upstream.next('slow_mid_payload');
  const events = easel.generate({});
  await events.next();
  await events.return({ upstreamIds: [] });
  await ark.upstream.until(() => ark.upstream.hangUps === 1);
});

test('a picture of a few bytes is one as well', async () => {
  await using setting = await start();
  const tiny = await solidPicture({ width: 8, height: 8, format: 'png' });
  assert(tiny.length < 700);
  const body = { data: [{ b64_json: tiny.toString('base64') }] };
  setting.ark.upstream.next({ kind: 'status', status: 200, body });
  const { images, receipt } = await setting.easel.attempt({});
  assert.deepEqual(images[0]?.bytes, tiny);
  assert.deepEqual(receipt, { upstreamIds: [] });
});

for (const body of [{}, [], null, { data: null }, { data: [null] }, { error: null }]) {
  test(`${JSON.stringify(body)} is upstream_error`, async () => {
    await using setting = await start();
    setting.ark.upstream.next({ kind: 'status', status: 200, body: JSON.stringify(body) });
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
  });
}

test('nothing turns the watermark on', async () => {
  await using setting = await start();
  const { ark, easel } = setting;
  const asked = { watermark: true, stream: true, response_format: 'url', size: '4K' };
  await easel.attempt({ passthrough: asked, upstreamParameters: { watermark: true } });
  const { watermark, stream, response_format: format, size } = ark.upstream.lastJson;
  assert.deepEqual([watermark, stream, format, size], [false, false, 'b64_json', '2K']);
});

test('the simulator marks a picture unless it is told not to', async () => {
  await using ark = await startArk();
  const body = JSON.stringify({ model: FOUR_FIVE, prompt: 'x', size: '2K' });
  const headers = { authorization: `Bearer ${ark.apiKey}`, 'content-type': 'application/json' };
  const answer = await fetch(`${ark.baseUrl}/images/generations`, {
    method: 'POST',
    headers,
    body,
  });
  assert.equal(answer.status, 200);
  assert.equal(ark.watermarked(), 1);
});

const SIZES: readonly [string, { width: number; height: number }, string][] = [
  ['auto_2K', { width: 2048, height: 2048 }, '2K'],
  ['auto_3K', { width: 3072, height: 3072 }, '3K'],
  ['auto_4K', { width: 4096, height: 4096 }, '4K'],
  ['square_hd', { width: 2048, height: 2048 }, '2048x2048'],
  ['portrait_16_9', { width: 1600, height: 2848 }, '1600x2848'],
  ['2304x1728', { width: 2304, height: 1728 }, '2304x1728'],
];

for (const [image_size, size, sent] of SIZES) {
  test(`${image_size} is sent as ${sent}`, async () => {
    await using setting = await start();
    const { ark, easel } = setting;
    const parameters = { image_size };
    const { images } = await easel.attempt({ upstreamModel: FIVE, parameters, size });
    assert.equal(ark.upstream.lastJson['size'], sent);
    assert.deepEqual(images[0]?.header, { format: 'jpeg', ...size });
  });
}

test('5.x is asked for its format, 4.x is not', async () => {
  await using setting = await start();
  const { ark, easel } = setting;
  const { images } = await easel.attempt({ upstreamModel: FIVE, format: 'png' });
  assert.equal(images[0]?.header?.format, 'png');
  assert.equal(ark.upstream.lastJson['output_format'], 'png');
  await easel.attempt({ upstreamModel: FIVE });
  assert.equal(ark.upstream.lastJson['output_format'], 'jpeg');
  await easel.attempt({});
  assert(!('output_format' in ark.upstream.lastJson));
});

for (const upstreamModel of [FIVE_PRO, 'seedream-5-5-261028']) {
  test(`${upstreamModel} is not sent the field of sequences`, async () => {
    await using setting = await start();
    const { images } = await setting.easel.attempt({ upstreamModel });
    assert.equal(images.length, 1);
    assert(!('sequential_image_generation' in setting.ark.upstream.lastJson));
  });
}

test('either name of the timestamp will do', async () => {
  await using setting = await start();
  setting.ark.nextAnswers({ kind: 'created_at' });
  assert.equal((await setting.easel.attempt({})).images.length, 1);
});

test('one failed element beside a picture is a failure of its own', async () => {
  await using setting = await start();
  const sensitive = 'OutputImageSensitiveContentDetected';
  setting.ark.nextAnswers(
    { kind: 'items', codes: ['picture', sensitive] },
    { kind: 'items', codes: ['InternalServiceError', 'picture'] },
  );
  const refused = await setting.easel.attempt({});
  assert.deepEqual(refused.events.toSorted(), ['image', 'image_failed']);
  assertFailure(refused.failures[0], 'moderation_blocked');
  const broken = await setting.easel.attempt({});
  assert.deepEqual(broken.events.toSorted(), ['image', 'image_failed']);
  assertFailure(broken.failures[0], 'upstream_error', 'unknown');
});

test('when every element failed, the first says why', async () => {
  await using setting = await start();
  const sensitive = 'OutputImageSensitiveContentDetected';
  setting.ark.nextAnswers(
    { kind: 'items', codes: [sensitive] },
    { kind: 'items', codes: ['InternalServiceError', sensitive] },
    { kind: 'error_inside', code: 'InternalServiceError' },
  );
  const refused = await setting.easel.failure({});
  assertFailure(refused, 'moderation_blocked');
  assert.match(refused.internal ?? '', new RegExp(REQUEST_ID));
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
  assert.equal(setting.ark.upstream.requests.length, 3);
});

test('no elements at all is upstream_error', async () => {
  await using setting = await start();
  setting.ark.upstream.next('empty_data');
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('without usage there are no tokens', async () => {
  await using setting = await start();
  setting.ark.upstream.next('no_usage');
  const { images, receipt } = await setting.easel.attempt({});
  assert.equal(images.length, 1);
  assert(!('tokens' in receipt));
});

test('another count of pictures than came is written to the log', async () => {
  await using setting = await start();
  setting.ark.nextAnswers({ kind: 'generated_images', count: 3 });
  const { images } = await setting.easel.attempt({});
  assert.equal(images.length, 1);
  assert.match(setting.easel.logged(), /"generated":3,"delivered":1/);
});

test('the moderation of a prompt is moderation_blocked', async () => {
  await using setting = await start();
  setting.ark.upstream.next('moderation');
  const failure = await setting.easel.failure({});
  assertFailure(failure, 'moderation_blocked');
  assert.match(failure.internal ?? '', new RegExp(`${REQUEST_ID}.*InputTextSensitiveContent`));
});

interface ErrorRow {
  readonly status: number;
  readonly code: string;
  readonly name: ErrorName;
  readonly billed?: 'no' | 'unknown';
}

const ERROR_ROWS: readonly ErrorRow[] = [
  { status: 400, code: 'InvalidParameter', name: 'invalid_value' },
  { status: 400, code: 'MissingParameter', name: 'invalid_value' },
  { status: 400, code: 'InputTextSensitiveContentDetected', name: 'moderation_blocked' },
  { status: 400, code: 'InputImageSensitiveContentDetected', name: 'moderation_blocked' },
  { status: 400, code: 'OutputImageSensitiveContentDetected', name: 'moderation_blocked' },
  { status: 400, code: 'InputImageRiskDetection', name: 'moderation_blocked' },
  { status: 401, code: 'AuthenticationError', name: 'upstream_error', billed: 'no' },
  { status: 403, code: 'AccountOverdueError', name: 'upstream_error', billed: 'no' },
  { status: 403, code: 'AccessDenied', name: 'upstream_error', billed: 'no' },
  { status: 404, code: 'ModelNotOpen', name: 'upstream_error', billed: 'no' },
  { status: 404, code: 'InvalidEndpointOrModel.NotFound', name: 'upstream_error', billed: 'no' },
  { status: 429, code: 'ModelAccountIpmRateLimitExceeded', name: 'overloaded', billed: 'no' },
  { status: 429, code: 'RateLimitExceeded.EndpointRPMExceeded', name: 'overloaded', billed: 'no' },
  { status: 429, code: 'QuotaExceeded', name: 'overloaded', billed: 'no' },
  { status: 429, code: 'ServerOverloaded', name: 'overloaded', billed: 'no' },
  { status: 500, code: 'InternalServiceError', name: 'upstream_error', billed: 'unknown' },
  { status: 503, code: 'ServiceUnavailable', name: 'overloaded', billed: 'no' },
];

for (const { status, code, name, billed } of ERROR_ROWS) {
  test(`${status} ${code} is ${name}`, async () => {
    await using setting = await start();
    const message = `It cannot be done. Request id: ${REQUEST_ID}`;
    const body = { error: { code, message, param: '', type: 'Whatever' } };
    setting.ark.upstream.next({ kind: 'status', status, body, headers: { 'retry-after': '12' } });
    const failure = await setting.easel.failure({});
    assertFailure(failure, name, billed);
    assert.equal(failure.retryAfterSeconds, name === 'overloaded' ? 12 : undefined);
    assert.match(failure.internal ?? '', new RegExp(`^simulated ${REQUEST_ID}.*${code}`));
    assert.doesNotMatch(failure.message, /0217/);
    assert.equal(setting.ark.upstream.requests.length, 1);
  });
}

test('the ids of a failure come from the headers when the message has none', async () => {
  await using setting = await start();
  const body = { error: { code: 'InternalServiceError', message: 'No.' } };
  const headers = { 'x-tt-logid': '0217-tt', 'x-request-id': '0217-request' };
  setting.ark.upstream.next({ kind: 'status', status: 500, body, headers });
  const failure = await setting.easel.failure({});
  assert.match(failure.internal ?? '', /0217-request 0217-tt/);
});

test('a size that Ark refuses is the caller’s, by the card’s name of it', async () => {
  await using setting = await start();
  const failure = await setting.easel.failure({ parameters: { image_size: '512x512' } });
  assertFailure(failure, 'invalid_value');
  assert.equal(failure.param, 'image_size');
  assert.doesNotMatch(failure.message, /0217/);
});

test('a wrong key is our own trouble', async () => {
  await using setting = await start('ark-wrong');
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'no');
});

test('an overdue account is our own trouble', async () => {
  await using setting = await start();
  setting.ark.upstream.next('insufficient_quota');
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'no');
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
    setting.ark.upstream.next(kind);
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
    assert.equal(setting.ark.upstream.requests.length, 1);
  });
}

test('an answer beyond the cap is upstream_error', async () => {
  await using setting = await start(undefined, { bodyBytesMax: 8 * 1024 });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('text in the midst of a picture is upstream_error', async () => {
  await using setting = await start();
  setting.ark.upstream.next({ kind: 'payload_with', text: '<no base64>' });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('a slow first byte is upstream_timeout', async () => {
  await using setting = await start(undefined, { firstByteMs: 50 });
  setting.ark.upstream.next('slow_first_byte');
  assertFailure(await setting.easel.failure({}), 'upstream_timeout', 'unknown');
});

test('silence within a picture is upstream_timeout', async () => {
  await using setting = await start(undefined, { idleMs: 200 });
  setting.ark.upstream.next('slow_mid_payload');
  assertFailure(await setting.easel.failure({}), 'upstream_timeout', 'unknown');
});

test('giving up closes the connection, before the answer and within it', async () => {
  await using setting = await start();
  const { easel, ark } = setting;
  for (const [count, kind] of (['slow_first_byte', 'slow_mid_payload'] as const).entries()) {
    const abort = new AbortController();
    ark.upstream.next(kind);
    const attempt = easel.attempt({}, abort.signal);
    await ark.upstream.until(() => ark.upstream.heldAnswers === 1);
    const reason = new Error('given up');
    abort.abort(reason);
    await assert.rejects(attempt, (error) => error === reason);
    await ark.upstream.until(() => ark.upstream.hangUps === count + 1);
    ark.upstream.release();
  }
});

test('one picture of an edit arrives as a data URI, byte for byte', async () => {
  await using setting = await start();
  const { easel, ark } = setting;
  const picture = await noisePicture({ width: 1000, height: 700 });
  const { events } = await easel.attempt({ references: [referenceOf(picture)] });
  assert.deepEqual(events, ['image']);
  assert.deepEqual(ark.edits, [{ images: [picture] }]);
  const [request] = ark.upstream.requests;
  assert.equal(request?.headers['content-type'], 'application/json');
  assert.equal(request.headers['content-length'], String(request.body.length));
  assert.deepEqual(request.json, {
    model: FOUR_FIVE,
    prompt: PROMPT,
    size: '2K',
    response_format: 'b64_json',
    watermark: false,
    stream: false,
    sequential_image_generation: 'disabled',
    image: `data:image/png;base64,${picture.toString('base64')}`,
  });
  assert.equal(easel.logged(), '');
});

test('fourteen pictures of an edit arrive as a list, in order', async () => {
  await using setting = await start();
  const { easel, ark } = setting;
  const pictures = await Promise.all(
    Array.from({ length: 14 }, (_, seed) =>
      noisePicture({ width: 64, height: 48, format: seed % 2 === 0 ? 'jpeg' : 'png', seed }),
    ),
  );
  await easel.attempt({ references: pictures.map(referenceOf) });
  assert.deepEqual(ark.edits, [{ images: pictures }]);
});

test('a webp goes to 5.x as it came, and to all others as a png of the same pixels', async () => {
  await using setting = await start();
  const { easel, ark } = setting;
  const webp = await noisePicture({ width: 90, height: 60, format: 'webp' });
  const references = [referenceOf(webp)];
  await easel.attempt({ references, upstreamModel: FIVE });
  await easel.attempt({ references });
  const [whole, converted] = ark.edits.map(({ images }) => images[0]);
  assert.deepEqual(whole, webp);
  assert(converted !== undefined);
  assert.equal((await decodeBytes(converted)).format, 'png');
  assert.deepEqual(await sharp(converted).raw().toBuffer(), await sharp(webp).raw().toBuffer());
});

test('with a preset an edit follows its picture, else it has the size asked for', async () => {
  await using setting = await start();
  const { easel } = setting;
  const references = [referenceOf(await noisePicture({ width: 128, height: 64 }))];
  const followed = await easel.attempt({ references });
  assert.deepEqual(followed.images[0]?.header, { format: 'jpeg', width: 2896, height: 1456 });
  const size = { width: 1920, height: 1920 };
  const chosen = await easel.attempt({ references, parameters: { image_size: 'square' }, size });
  assert.deepEqual(chosen.images[0]?.header, { format: 'jpeg', ...size });
});

test('a mask is refused before anything is sent', async () => {
  await using setting = await start();
  const { easel, ark } = setting;
  const size = { width: 64, height: 64 };
  const references = [referenceOf(await noisePicture(size))];
  const failure = await easel.failure({ references, mask: referenceOf(await middleMask(size)) });
  assertFailure(failure, 'mask_not_supported');
  assert.equal(failure.param, 'mask');
  assert.equal(ark.upstream.requests.length, 0);
});

test('a picture of more than 10 MB is refused before anything is sent', async () => {
  await using setting = await start();
  const { easel, ark } = setting;
  const small = await noisePicture({ width: 64, height: 64 });
  const large = await noisePicture({ width: 2000, height: 1800 });
  assert(large.length > 10 * 2 ** 20);
  const failure = await easel.failure({ references: [small, large].map(referenceOf) });
  assertFailure(failure, 'payload_too_large');
  assert.equal(failure.param, 'image');
  assert.match(failure.message, /Picture 2 .* 10 MB/);
  assert.equal(ark.upstream.requests.length, 0);
});

test('a picture among the fields of a caller is held back', async () => {
  await using setting = await start();
  const { easel, ark } = setting;
  assert.deepEqual(
    ['image', 'tools'].map((field) => easel.provider.holdsBack?.(field)),
    [true, false],
  );
  await easel.attempt({ passthrough: { image: 'https://a.example/x.png' } });
  assert(!('image' in ark.upstream.lastJson));
});

test('an edit is refused in the ways of a generation', async () => {
  await using setting = await start();
  const { easel, ark } = setting;
  const picture = referenceOf(await noisePicture({ width: 64, height: 64 }));
  const references = [picture];
  ark.upstream.next('moderation', { kind: 'status', status: 400 }, 'die_mid_payload');
  assertFailure(await easel.failure({ references }), 'moderation_blocked');
  assertFailure(await easel.failure({ references }), 'invalid_value');
  assertFailure(await easel.failure({ references }), 'upstream_error', 'unknown');
  const prompt = 'a cat sim:moderation';
  assertFailure(await easel.failure({ references, prompt }), 'moderation_blocked');
  const eleven = Array.from({ length: 11 }, () => picture);
  const tooMany = await easel.failure({ references: eleven, upstreamModel: FIVE_PRO });
  assertFailure(tooMany, 'invalid_value');
  assert.equal(tooMany.param, 'image');
  assert.equal(ark.upstream.requests.length, 5);
});

test('the simulator refuses pictures that Ark refuses', async () => {
  await using ark = await startArk();
  const uri = (bytes: Buffer, format: string): string =>
    `data:image/${format};base64,${bytes.toString('base64')}`;
  const png = await noisePicture({ width: 64, height: 64 });
  const webp = await noisePicture({ width: 64, height: 64, format: 'webp' });
  const thin = await noisePicture({ width: 640, height: 20 });
  const wrong = [
    [],
    '',
    png.toString('base64'),
    uri(png, 'jpeg'),
    uri(webp, 'webp'),
    uri(thin, 'png'),
    uri(Buffer.concat([png, Buffer.alloc(10 * 2 ** 20)]), 'png'),
    Array.from({ length: 15 }, () => uri(png, 'png')),
  ];
  const headers = { authorization: `Bearer ${ark.apiKey}`, 'content-type': 'application/json' };
  for (const image of wrong) {
    const body = JSON.stringify({ model: FOUR_FIVE, prompt: 'x', size: '2K', image });
    const url = `${ark.baseUrl}/images/generations`;
    const refused = await fetch(url, { method: 'POST', headers, body });
    assert.equal(refused.status, 400, body.slice(0, 200));
  }
  assert.deepEqual([ark.edits, ark.upstream.problems], [[], []]);
});
