import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EgressOptions } from '../../src/egress/upstream.ts';
import { createFal } from '../../src/providers/fal.ts';
import { decodeBytes } from '../support/pictures.ts';
import { type FalSimulator, startFal } from '../support/upstreams/fal.ts';
import { assertFailure, type JobTryOut, tryOutJobs } from './job-attempts.ts';

interface Setting extends AsyncDisposable {
  readonly fal: FalSimulator;
  readonly easel: JobTryOut;
}

interface StartOptions {
  readonly apiKey?: string;
  readonly egress?: Partial<EgressOptions>;
}

const PARAMETERS = { width: 512, height: 256 };

async function start({ apiKey, egress }: StartOptions = {}): Promise<Setting> {
  const fal = await startFal();
  const easel = await tryOutJobs({
    create: createFal,
    baseUrl: fal.baseUrl,
    apiKey: apiKey ?? fal.apiKey,
    task: { upstreamModel: 'fal-ai/flux/dev', parameters: PARAMETERS, format: 'png' },
    egress: { trustedHosts: new Set([fal.cdnHost]), ...egress },
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
