import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Egress } from '../../src/egress/egress.ts';
import type { EgressOptions } from '../../src/egress/upstream.ts';
import { createFal } from '../../src/providers/fal.ts';
import { decodeBytes } from '../support/pictures.ts';
import { middleMask, noisePicture, referenceOf } from '../support/references.ts';
import { type FalSimulator, startFal } from '../support/upstreams/fal.ts';
import { assertWhiteMask } from '../support/white-mask.ts';
import { assertFailure, type JobTryOut, tryOutJobs } from './job-attempts.ts';

interface Setting extends AsyncDisposable {
  readonly fal: FalSimulator;
  readonly easel: JobTryOut;
}

interface StartOptions {
  readonly apiKey?: string;
  readonly egress?: Partial<EgressOptions>;
  readonly settings?: Readonly<Record<string, unknown>>;
}

const PARAMETERS = { width: 512, height: 256 };

async function start({ apiKey, egress, settings = {} }: StartOptions = {}): Promise<Setting> {
  const fal = await startFal();
  const easel = await tryOutJobs({
    create: createFal,
    baseUrl: fal.baseUrl,
    apiKey: apiKey ?? fal.apiKey,
    task: { upstreamModel: 'fal-ai/flux/dev', parameters: PARAMETERS, format: 'png' },
    egress: { trustedHosts: new Set([fal.cdnHost]), ...egress },
    settings,
  });
  return {
    fal,
    easel,
    [Symbol.asyncDispose]: async () => {
      await easel[Symbol.asyncDispose]();
      await fal[Symbol.asyncDispose]();
      assert.deepEqual([...fal.upstream.problems, ...fal.cdn.problems], []);
    },
  };
}

test('pictures are queued for, judged and downloaded from the CDN', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  const passthrough = { enable_safety_checker: true, loras: [{ path: 'x', scale: 1 }] };
  const attempt = await easel.attempt({ n: 2, seed: 7, passthrough });
  assert.deepEqual(attempt.events, ['submitted', 'image', 'image']);
  for (const image of attempt.images) {
    assert.equal(image.seed, 7);
    const { size, format } = await decodeBytes(image.bytes);
    assert.deepEqual([size, format], ['512x256', 'png']);
  }
  assert.notDeepEqual(attempt.images[0]?.bytes, attempt.images[1]?.bytes);
  assert.deepEqual(attempt.receipt, { upstreamIds: [easel.jobs[0]?.id] });
  const [submitted] = fal.upstream.requests;
  assert.equal(submitted?.path, '/fal-ai/flux/dev');
  assert.deepEqual(submitted.json, {
    ...passthrough,
    image_size: PARAMETERS,
    output_format: 'png',
    seed: 7,
    prompt: 'a red house by the sea',
    num_images: 2,
  });
  // One submit, three polls, one result.
  assert.deepEqual([fal.upstream.purchases, fal.upstream.requests.length], [1, 5]);
});

for (const [image_size, sent] of [
  ['square', 'square'],
  ['640x480', { width: 640, height: 480 }],
] as const) {
  test(`image_size ${image_size} goes as ${JSON.stringify(sent)}`, async () => {
    await using setting = await start();
    await setting.easel.attempt({ parameters: { image_size } });
    assert.deepEqual(setting.fal.upstream.requests[0]?.json, {
      image_size: sent,
      output_format: 'png',
      prompt: 'a red house by the sea',
      num_images: 1,
    });
  });
}

test('what changes count or delivery is not passed through', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  const passthrough = { sync_mode: true, num_images: 4, webhook_url: 'https://evil.example' };
  const attempt = await easel.attempt({ passthrough });
  assert.equal(attempt.images.length, 1);
  const sent = fal.upstream.requests[0]?.json as object;
  assert.equal('sync_mode' in sent || 'webhook_url' in sent, false);
});

test('pictures as data URIs, where a card asks for them, are spooled and then given', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  const task = { n: 2, upstreamParameters: { sync_mode: true } };
  const { images, events } = await easel.attempt(task);
  assert.deepEqual(events, ['submitted', 'image', 'image']);
  assert.equal((await decodeBytes(images[1]?.bytes ?? Buffer.alloc(0))).size, '512x256');
  const large = { ...task, n: 1, parameters: { width: 4096, height: 4096 } };
  const [image] = (await easel.attempt(large)).images;
  assert.equal((await decodeBytes(image?.bytes ?? Buffer.alloc(0))).size, '4096x4096');
  assert.equal(fal.cdn.requests.length, 0);
});

test('a model that gives its one picture as `image` is understood', async () => {
  await using setting = await start();
  setting.fal.nextJobs({ isSingle: true });
  assert.equal((await setting.easel.attempt({})).images.length, 1);
});

for (const sync_mode of [false, true]) {
  test(`flagged pictures are never given (sync_mode: ${sync_mode})`, async () => {
    await using setting = await start();
    const { fal, easel } = setting;
    const task = { n: 3, upstreamParameters: { sync_mode } };
    fal.nextJobs({ nsfw: [true, true, true] });
    assertFailure(await easel.failure(task), 'moderation_blocked');
    assert.equal(fal.cdn.requests.length, 0);
    fal.nextJobs({ nsfw: [false, true, false] });
    const attempt = await easel.attempt(task);
    assert.deepEqual(attempt.events, ['submitted', 'image', 'image_failed', 'image']);
    assert.equal(attempt.failures[0]?.errorName, 'moderation_blocked');
    assert.equal(fal.cdn.requests.length, sync_mode ? 0 : 2);
  });
}

test('pictures that did not come are failures, none at all is an error', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  fal.nextJobs({ images: 1 });
  const attempt = await easel.attempt({ n: 2 });
  assert.deepEqual(attempt.events, ['submitted', 'image', 'image_failed']);
  fal.nextJobs({ images: 0 });
  assertFailure(await easel.failure({ n: 2 }), 'upstream_error', 'unknown');
});

test('pictures that nobody asked for are left alone', async () => {
  await using setting = await start();
  setting.fal.nextJobs({ images: 4 });
  assert.equal((await setting.easel.attempt({ n: 1 })).images.length, 1);
});

test('a job is taken up from its JSON without a second purchase', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  fal.nextJobs({ queuePolls: 3 });
  const controller = new AbortController();
  const given = easel.attempt({}, controller.signal);
  await fal.upstream.until(() => fal.upstream.requests.length >= 3);
  controller.abort(new Error('the process died'));
  await assert.rejects(given, /the process died/);
  const resumed = await easel.resume(easel.jobs[0]);
  assert.deepEqual(resumed.events, ['image']);
  assert.deepEqual(resumed.receipt, { upstreamIds: [easel.jobs[0]?.id] });
  assert.equal(fal.upstream.purchases, 1);
});

test('a waiting job is cancelled for nothing; one that runs or is done is not', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  const submit = async (queuePolls: number, polls: number): Promise<void> => {
    fal.nextJobs({ queuePolls, progressPolls: 1_000_000 });
    const before = fal.upstream.requests.length;
    const controller = new AbortController();
    const given = easel.attempt({}, controller.signal);
    await fal.upstream.until(() => fal.upstream.requests.length > before + polls);
    controller.abort(new Error('enough'));
    await assert.rejects(given, /enough/);
  };
  await submit(1_000_000, 1);
  assert.equal(await easel.cancel(easel.jobs[0]), true);
  await submit(0, 1);
  assert.equal(await easel.cancel(easel.jobs[1]), false);
  await easel.attempt({});
  assert.equal(await easel.cancel(easel.jobs[2]), false);
  await assert.rejects(easel.resume(easel.jobs[0]), { errorName: 'request_cancelled' });
});

test('a cancellation that fails is no promise', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  await easel.attempt({});
  const [job] = easel.jobs;
  assert(job !== undefined);
  fal.faultsAt = 'cancel';
  for (const fault of ['hang_up', 'garbage', 'html'] as const) {
    fal.upstream.next(fault);
    assert.equal(await easel.cancel(job), false);
  }
  const { cancelUrl: _without, ...bare } = job;
  assert.equal(await easel.cancel(bare), false);
  const sent = fal.upstream.requests.length;
  assert.equal(await easel.cancel({ ...job, cancelUrl: `${fal.cdn.url}/cancel` }), false);
  assert.deepEqual([fal.upstream.requests.length, fal.cdn.requests.length], [sent, 1]);
});

for (const [status, headers, name, billed] of [
  [400, {}, 'invalid_value', undefined],
  [403, {}, 'upstream_error', 'unknown'],
  [404, {}, 'upstream_error', 'unknown'],
  [422, {}, 'invalid_value', undefined],
  [500, { 'x-fal-error-type': 'runner_server_error' }, 'upstream_error', 'unknown'],
  [503, { 'x-fal-error-type': 'runner_disconnected' }, 'upstream_error', 'unknown'],
  [504, { 'x-fal-error-type': 'request_timeout' }, 'upstream_timeout', 'unknown'],
  [504, { 'x-fal-request-timeout-type': 'user' }, 'upstream_timeout', 'unknown'],
] as const) {
  test(`an outcome of ${status} ${Object.values(headers).join()} is ${name}, at once`, async () => {
    await using setting = await start();
    const { fal, easel } = setting;
    fal.nextJobs({ outcome: { status, headers, body: { detail: 'No.' } } });
    assertFailure(await easel.failure({}), name, billed);
    assert.deepEqual([fal.upstream.purchases, fal.upstream.requests.length], [1, 5]);
  });
}

test('a content refusal of the model’s own is one', async () => {
  await using setting = await start();
  const detail = [{ loc: ['body', 'prompt'], msg: 'flagged', type: 'content_policy_violation' }];
  setting.fal.nextJobs({ outcome: { status: 422, body: { detail } } });
  assertFailure(await setting.easel.failure({}), 'moderation_blocked');
});

test('the field that was refused is named, by the caller’s word for it', async () => {
  await using setting = await start();
  const failure = await setting.easel.failure({ n: 5 });
  assertFailure(failure, 'invalid_value');
  assert.equal(failure.param, 'n');
  const other = await setting.easel.failure({ parameters: { image_size: 'huge' } });
  assert.deepEqual([other.param, other.message], ['image_size', 'Input should be a valid size']);
});

for (const [status, name, billed] of [
  [400, 'invalid_value', undefined],
  [401, 'upstream_error', 'no'],
  [402, 'upstream_error', 'no'],
  [404, 'upstream_error', 'no'],
  [422, 'invalid_value', undefined],
  [429, 'overloaded', 'no'],
  [500, 'upstream_error', 'unknown'],
  [503, 'overloaded', 'no'],
  [504, 'upstream_timeout', 'unknown'],
] as const) {
  test(`a submit answered with ${status} is ${name}`, async () => {
    await using setting = await start();
    const { fal, easel } = setting;
    fal.upstream.next({ kind: 'status', status });
    assertFailure(await easel.failure({}), name, billed);
    assert.deepEqual([fal.upstream.purchases, fal.upstream.requests.length], [0, 1]);
  });
}

test('a wrong key and a spent balance are the operator’s matter', async () => {
  await using wrong = await start({ apiKey: 'wrong' });
  assertFailure(await wrong.easel.failure({}), 'upstream_error', 'no');
  await using spent = await start();
  spent.fal.upstream.next('insufficient_quota');
  const failure = await spent.easel.failure({});
  assertFailure(failure, 'upstream_error', 'no');
  assert.doesNotMatch(failure.message, /balance/i);
});

for (const place of ['status', 'response'] as const) {
  test(`what goes wrong with the ${place} URL now and then does no harm`, async () => {
    await using setting = await start();
    const { fal, easel } = setting;
    fal.faultsAt = place;
    fal.upstream.next({ kind: 'status', status: 503 }, 'hang_up', { kind: 'status', status: 429 });
    fal.upstream.next('garbage', 'half_json', 'html', 'die_mid_payload', 'redirect_private');
    const attempt = await easel.attempt({ upstreamParameters: { sync_mode: true } });
    assert.equal((await decodeBytes(attempt.images[0]?.bytes ?? Buffer.alloc(0))).format, 'png');
    assert.equal(fal.upstream.purchases, 1);
  });
}

test('the key goes to no other host than the queue’s', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  fal.jobsOrigin = fal.cdn.url;
  assertFailure(await easel.failure({}), 'upstream_error', 'unknown');
  // The CDN's simulator complains of any credential.
  assert.equal(fal.cdn.requests.length, 1);
});

test('one lost download spares its siblings; the only one is an error', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  const urls = ['https://10.0.0.1/x.png'];
  fal.nextJobs({ urls });
  const attempt = await easel.attempt({ n: 2 });
  assert.deepEqual(attempt.events, ['submitted', 'image_failed', 'image']);
  fal.nextJobs({ urls });
  assertFailure(await easel.failure({}), 'upstream_error', 'unknown');
});

test('a download that dies in its midst fails its reader', async () => {
  await using setting = await start();
  setting.fal.cdn.next('die_mid_payload');
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('a download beyond its bound fails its reader', async () => {
  await using setting = await start({ egress: { downloadBytesMax: 100 } });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

const SIZE = { width: 96, height: 64 };
const FEW = 'fal-ai/flux-2/edit';
const ONE = 'fal-ai/flux/dev/image-to-image';
const ONE_MASKED = 'fal-ai/flux-general/inpainting';
const MASKED = 'fal-ai/simulated/edit';

test('one picture goes as a list of one data URI, byte for byte', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  const picture = await noisePicture(SIZE);
  const passthrough = { image_url: 'x', image_urls: ['y'], mask_url: 'z', guidance_scale: 2 };
  const references = [referenceOf(picture)];
  const attempt = await easel.attempt({ upstreamModel: FEW, references, passthrough, n: 2 });
  assert.deepEqual(attempt.events, ['submitted', 'image', 'image']);
  assert.deepEqual(attempt.receipt, { upstreamIds: [easel.jobs[0]?.id] });
  assert.deepEqual(fal.edits, [{ images: [picture] }]);
  const [submitted] = fal.upstream.requests;
  assert.equal(submitted?.path, `/${FEW}`);
  assert.equal(submitted.headers['content-type'], 'application/json');
  assert.deepEqual(submitted.json, {
    guidance_scale: 2,
    image_size: PARAMETERS,
    output_format: 'png',
    prompt: 'a red house by the sea',
    num_images: 2,
    image_urls: [`data:image/png;base64,${picture.toString('base64')}`],
  });
});

test('several pictures go in order, each as it came and under its own media type', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  const pictures = await Promise.all([
    noisePicture({ ...SIZE, format: 'webp' }),
    noisePicture({ ...SIZE, format: 'jpeg', seed: 2 }),
    noisePicture({ ...SIZE, seed: 3 }),
  ]);
  await easel.attempt({ upstreamModel: FEW, references: pictures.map(referenceOf) });
  assert.deepEqual(fal.edits, [{ images: pictures }]);
  const sent = fal.upstream.requests[0]?.json;
  const { image_urls: urls } = sent as { image_urls: string[] };
  assert.deepEqual(
    urls.map((url) => url.slice(0, url.indexOf(','))),
    ['data:image/webp;base64', 'data:image/jpeg;base64', 'data:image/png;base64'],
  );
});

test('image_field: image_url sends the one picture as a text, and refuses more', async () => {
  await using setting = await start({ settings: { image_field: 'image_url' } });
  const { fal, easel } = setting;
  const picture = await noisePicture({ ...SIZE, format: 'webp' });
  const reference = referenceOf(picture);
  await easel.attempt({ upstreamModel: ONE, references: [reference] });
  assert.deepEqual(fal.edits, [{ images: [picture] }]);
  const sent = fal.upstream.requests.length;
  const references = [reference, reference, reference];
  const failure = await easel.failure({ upstreamModel: ONE, references });
  assertFailure(failure, 'too_many_images');
  assert.equal(failure.param, 'image');
  assert.equal(failure.message, 'This model takes one picture, but 3 were sent.');
  assert.equal(fal.upstream.requests.length, sent);
});

for (const format of ['png', 'webp'] as const) {
  test(`a mask (${format}) goes white where it was transparent`, async () => {
    await using setting = await start();
    const { fal, easel } = setting;
    const picture = await noisePicture(SIZE);
    const mask = await middleMask(SIZE, format);
    const references = [referenceOf(picture), referenceOf(picture)];
    await easel.attempt({ upstreamModel: MASKED, references, mask: referenceOf(mask) });
    assert.deepEqual(fal.edits[0]?.images, [picture, picture]);
    await assertWhiteMask(fal.edits[0].mask, mask);
  });

  test(`mask: alpha sends it (${format}) as it came`, async () => {
    await using setting = await start({ settings: { mask: 'alpha' } });
    const { fal, easel } = setting;
    const picture = await noisePicture(SIZE);
    const mask = await middleMask(SIZE, format);
    const references = [referenceOf(picture)];
    await easel.attempt({ upstreamModel: MASKED, references, mask: referenceOf(mask) });
    assert.deepEqual(fal.edits, [{ images: [picture], mask }]);
    const sent = fal.upstream.requests[0]?.json as { mask_url: string };
    assert(sent.mask_url.startsWith(`data:image/${format};base64,`));
  });
}

test('one picture and its mask go to a model that takes one', async () => {
  await using setting = await start({ settings: { image_field: 'image_url' } });
  const picture = await noisePicture(SIZE);
  const mask = await middleMask(SIZE);
  const references = [referenceOf(picture)];
  const task = { upstreamModel: ONE_MASKED, references, mask: referenceOf(mask) };
  await setting.easel.attempt(task);
  assert.deepEqual(setting.fal.edits[0]?.images, [picture]);
  await assertWhiteMask(setting.fal.edits[0].mask, mask);
});

test('mask: none refuses a mask before anything is sent', async () => {
  await using setting = await start({ settings: { mask: 'none' } });
  const references = [referenceOf(await noisePicture(SIZE))];
  const mask = referenceOf(await middleMask(SIZE));
  const failure = await setting.easel.failure({ upstreamModel: FEW, references, mask });
  assertFailure(failure, 'mask_not_supported');
  assert.equal(failure.param, 'mask');
  assert.equal(setting.fal.upstream.requests.length, 0);
});

test('a mask that cannot be decoded is refused before anything is sent', async () => {
  await using setting = await start();
  const references = [referenceOf(await noisePicture(SIZE))];
  const bytes = await middleMask({ width: 512, height: 512 });
  const mask = referenceOf(bytes.subarray(0, bytes.length >> 1));
  const failure = await setting.easel.failure({ upstreamModel: MASKED, references, mask });
  assertFailure(failure, 'invalid_mask');
  assert.equal(failure.param, 'mask');
  assert.equal(setting.fal.upstream.requests.length, 0);
});

test('a refusal of the model’s names the pictures by the caller’s words', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  const picture = await noisePicture(SIZE);
  const reference = referenceOf(picture);
  const upstreamModel = FEW;
  const five = Array.from({ length: 5 }, () => reference);
  const tooMany = await easel.failure({ upstreamModel, references: five });
  assertFailure(tooMany, 'invalid_value');
  assert.equal(tooMany.param, 'image');
  const broken = referenceOf(picture.subarray(0, picture.length >> 1));
  const unread = await easel.failure({ upstreamModel, references: [reference, broken] });
  assertFailure(unread, 'invalid_value');
  assert.deepEqual([unread.param, unread.message], ['image', 'Failed to load the image']);
  const mask = referenceOf(await middleMask(SIZE));
  const unknown = await easel.failure({ upstreamModel, references: [reference], mask });
  assertFailure(unknown, 'invalid_value');
  assert.equal(unknown.param, 'mask');
  assert.equal(fal.edits.length, 0);
});

test('an edit whose pictures are flagged is refused', async () => {
  await using setting = await start();
  setting.fal.upstream.next('moderation');
  const references = [referenceOf(await noisePicture(SIZE))];
  const failure = await setting.easel.failure({ upstreamModel: FEW, references });
  assertFailure(failure, 'moderation_blocked');
});

for (const [fault, name, billed] of [
  ['insufficient_quota', 'upstream_error', 'no'],
  [{ kind: 'status', status: 413 }, 'payload_too_large', undefined],
  [{ kind: 'status', status: 429 }, 'overloaded', 'no'],
  [{ kind: 'status', status: 500 }, 'upstream_error', 'unknown'],
  ['hang_up', 'upstream_error', 'unknown'],
] as const) {
  test(`an edit that meets ${JSON.stringify(fault)} is ${name}, and is sent once`, async () => {
    await using setting = await start();
    const { fal, easel } = setting;
    fal.upstream.next(fault);
    const references = [referenceOf(await noisePicture(SIZE))];
    assertFailure(await easel.failure({ upstreamModel: FEW, references }), name, billed);
    assert.equal(fal.upstream.requests.length, 1);
  });
}

test('an edit is taken up from its JSON without its pictures', async () => {
  await using setting = await start();
  const { fal, easel } = setting;
  const task = { upstreamModel: MASKED, n: 2 };
  const references = [referenceOf(await noisePicture(SIZE))];
  await easel.attempt({ ...task, references, mask: referenceOf(await middleMask(SIZE)) });
  const resumed = await easel.resume(easel.jobs[0], { ...task, references: [] });
  assert.deepEqual(resumed.events, ['image', 'image']);
  assert.doesNotMatch(JSON.stringify(easel.jobs), /base64|iVBOR/);
  assert.equal(fal.upstream.purchases, 1);
});

for (const [settings, message] of [
  [{ image_field: 'image' }, 'my-fal: image_field must be one of image_urls, image_url'],
  [{ image_field: ['image_url'] }, 'my-fal: image_field must be one of image_urls, image_url'],
  [{ mask: 'black' }, 'my-fal: mask must be one of white, alpha, none'],
  [{ mask: false }, 'my-fal: mask must be one of white, alpha, none'],
] as const) {
  test(`the settings ${JSON.stringify(settings)} are refused in words`, () => {
    const egress = { close: async () => undefined } as Egress;
    const account = { name: 'my-fal', egress, baseUrl: 'https://queue.fal.run', settings };
    assert.throws(() => createFal(account), { message });
  });
}
