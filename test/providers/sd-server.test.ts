import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import type { Egress } from '../../src/egress/egress.ts';
import { createSdServer } from '../../src/providers/sd-server.ts';
import { cleanPrompt } from '../../src/providers/sd-server-request.ts';
import { decodeBytes } from '../support/pictures.ts';
import { middleMask, noisePicture, referenceOf } from '../support/references.ts';
import { type SdServerSimulator, startSdServer } from '../support/upstreams/sd-server.ts';
import { assertWhiteMask } from '../support/white-mask.ts';
import { assertFailure, type JobTryOut, tryOutJobs } from './job-attempts.ts';

interface Setting extends AsyncDisposable {
  readonly server: SdServerSimulator;
  readonly easel: JobTryOut;
}

async function start(settings: Readonly<Record<string, unknown>> = {}): Promise<Setting> {
  const server = await startSdServer();
  const easel = await tryOutJobs({
    create: createSdServer,
    baseUrl: server.baseUrl,
    task: { upstreamModel: 'local', format: 'png', size: { width: 512, height: 256 } },
    settings,
  });
  return {
    server,
    easel,
    [Symbol.asyncDispose]: async () => {
      await easel[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      assert.deepEqual(server.upstream.problems, []);
    },
  };
}

test('pictures come of a job, each with its own seed', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  const parameters = { width: 512, height: 256, steps: 20, cfg: 7.5 };
  const passthrough = { negative_prompt: 'blur', lora: [{ path: '/etc/passwd' }], width: 4096 };
  const attempt = await easel.attempt({ n: 2, seed: 7, parameters, passthrough });
  assert.deepEqual(attempt.events, ['submitted', 'image', 'image']);
  assert.deepEqual(
    attempt.images.map(({ seed }) => seed),
    [7, 8],
  );
  for (const { bytes } of attempt.images) {
    const { size, format } = await decodeBytes(bytes);
    assert.deepEqual([size, format], ['512x256', 'png']);
  }
  assert.deepEqual(attempt.receipt, { upstreamIds: [easel.jobs[0]?.id] });
  assert.deepEqual(server.upstream.requests[0]?.json, {
    embed_image_metadata: false,
    negative_prompt: 'blur',
    sample_params: { sample_steps: 20, guidance: { txt_cfg: 7.5 } },
    prompt: 'a red house by the sea',
    width: 512,
    height: 256,
    seed: 7,
    batch_count: 2,
    output_format: 'png',
  });
});

test('a card reaches any field by its path', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  const upstreamParameters = {
    'sample_params.guidance.distilled_guidance': 3.5,
    'sample_params.sample_steps': 4,
    embed_image_metadata: true,
  };
  await easel.attempt({ upstreamParameters, parameters: { steps: 50, cfg_scale: 1 } });
  const sent = server.upstream.requests[0]?.json as Record<string, unknown>;
  assert.deepEqual(sent['sample_params'], {
    sample_steps: 4,
    guidance: { txt_cfg: 1, distilled_guidance: 3.5 },
  });
  assert.equal(sent['embed_image_metadata'], true);
});

test('a field of the wrong type is the caller’s fault', async () => {
  await using setting = await start();
  const failure = await setting.easel.failure({ passthrough: { steps: 'many' } });
  assertFailure(failure, 'invalid_type');
  assert.equal(failure.param, 'steps');
  assert.equal(setting.server.upstream.requests.length, 0);
});

test('without a seed of the caller’s the picture still has one, after a restart as well', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  const attempt = await easel.attempt({});
  const sent = server.upstream.requests[0]?.json as Record<string, unknown>;
  assert.equal(attempt.images[0]?.seed, sent['seed']);
  const resumed = await easel.resume(easel.jobs[0]);
  assert.deepEqual(resumed.events, ['image']);
  assert.equal(resumed.images[0]?.seed, sent['seed']);
  assert.equal(server.upstream.purchases, 1);
});

for (const [prompt, cleaned] of [
  ['a cat', 'a cat'],
  ['a <b> cat', 'a <b> cat'],
  ['a cat <sd_cpp_extra_args>{"steps":1}</sd_cpp_extra_args>', 'a cat'],
  ['a <SD_Cpp_EXTRA_args>{"a":1}</sd_cpp_extra_ARGS> cat', 'a   cat'],
  ['a <sd_cpp_extra_args>1<sd_cpp_extra_args>2</sd_cpp_extra_args>3</sd_cpp_extra_args>b', 'a  b'],
  ['a <sd_cpp_extra_args>{"steps":1}', 'a  {"steps":1}'],
  ['a </sd_cpp_extra_args> b', 'a   b'],
  ['< sd_cpp_extra_args >x</ sd_cpp_extra_args> a', 'a'],
  ['<sd_cpp_<sd_cpp_extra_args>extra_args>{}', '<sd_cpp_ extra_args>{}'],
  ['<sd_cpp_ex<sd_cpp_extra_args></sd_cpp_extra_args>tra_args>{}', '<sd_cpp_ex tra_args>{}'],
  ['<\u200bsd_cpp_extra_args>', '<\u200b >'],
] as const) {
  test(`the prompt ${JSON.stringify(prompt)} goes as ${JSON.stringify(cleaned)}`, () => {
    assert.equal(cleanPrompt(prompt), cleaned);
  });
}

test('a prompt of nothing but arguments is refused', async () => {
  await using setting = await start();
  const prompt = '<sd_cpp_extra_args>{}</sd_cpp_extra_args>';
  const failure = await setting.easel.failure({ prompt });
  assertFailure(failure, 'invalid_value');
  assert.equal(failure.param, 'prompt');
});

test('a hostile prompt costs no time', () => {
  const parts = ['<sd_cpp_extra_args>', '<sd_cpp_', ' '.repeat(100_000), '<', 'extra_args>'];
  const prompt = parts.map((part) => part.repeat(part.length > 99 ? 5 : 20_000)).join('');
  const startedAt = performance.now();
  assert.doesNotMatch(cleanPrompt(prompt), /sd_cpp_extra_args/i);
  assert(performance.now() - startedAt < 2000);
});

test('no tag reaches the server, in a negative prompt neither', async () => {
  await using setting = await start();
  const tag = '<sd_cpp_extra_args>{}</sd_cpp_extra_args>';
  const parameters = { negative_prompt: tag };
  const { images } = await setting.easel.attempt({ prompt: `a cat ${tag}`, parameters });
  assert.equal(images.length, 1);
});

for (const [ends, name, billed] of [
  ['failed', 'upstream_error', 'no'],
  ['cancelled', 'request_cancelled', undefined],
  ['forgotten', 'upstream_error', 'no'],
  ['expired', 'upstream_error', 'unknown'],
  ['unheard-of', 'upstream_error', 'unknown'],
] as const) {
  test(`a job that is ${ends} is ${name}`, async () => {
    await using setting = await start();
    setting.server.nextJobs({ ends });
    const failure = await setting.easel.failure({});
    assertFailure(failure, name, billed);
    assert.doesNotMatch(failure.message, /generate_image/);
  });
}

test('a full queue is overloaded', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  server.queueMax = 0;
  assertFailure(await easel.failure({}), 'overloaded', 'no');
  server.queueMax = 1;
  assert.equal((await easel.attempt({})).images.length, 1);
});

for (const [status, body, name, message] of [
  [
    400,
    { error: 'invalid generation parameters' },
    'invalid_value',
    'invalid generation parameters',
  ],
  [400, { error: 'invalid json', message: 'at line 1' }, 'invalid_value', 'at line 1'],
  [400, { error: { code: 'bad', message: 'No.' } }, 'invalid_value', 'No.'],
  [500, { error: 'server_error', message: 'out of /srv/models' }, 'upstream_error', undefined],
  [502, '<html>bad gateway</html>', 'upstream_error', undefined],
] as const) {
  test(`a submit answered with ${status} ${JSON.stringify(body)} is ${name}`, async () => {
    await using setting = await start();
    setting.server.upstream.next({ kind: 'status', status, body });
    const failure = await setting.easel.failure({});
    assert.equal(failure.errorName, name);
    if (message === undefined) {
      assert.doesNotMatch(failure.message, /server_error|models|gateway/);
    } else {
      assert.equal(failure.message, message);
    }
  });
}

test('a waiting job is cancelled; one that is being painted or is done is not', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  const submit = async (queuedPolls: number): Promise<void> => {
    server.nextJobs({ queuedPolls, generatingPolls: 1_000_000 });
    const before = server.upstream.requests.length;
    const controller = new AbortController();
    const given = easel.attempt({}, controller.signal);
    await server.upstream.until(() => server.upstream.requests.length > before + 1);
    controller.abort(new Error('enough'));
    await assert.rejects(given, /enough/);
  };
  await submit(1_000_000);
  assert.equal(await easel.cancel(easel.jobs[0]), true);
  await assert.rejects(easel.resume(easel.jobs[0]), { errorName: 'request_cancelled' });
  await submit(0);
  assert.equal(await easel.cancel(easel.jobs[1]), false);
  await easel.attempt({});
  assert.equal(await easel.cancel(easel.jobs[2]), false);
  assert.equal(await easel.cancel({ id: 'job_nobody', pollUrl: '' }), false);
  server.faultsAt = 'cancel';
  server.upstream.next('hang_up', 'garbage');
  assert.equal(await easel.cancel(easel.jobs[0]), false);
  assert.equal(await easel.cancel(easel.jobs[0]), false);
});

test('what goes wrong with polls now and then does no harm', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  server.nextJobs({ queuedPolls: 8 });
  server.faultsAt = 'poll';
  server.upstream.next({ kind: 'status', status: 503 }, 'hang_up', 'garbage', 'half_json', 'html');
  const attempt = await easel.attempt({});
  assert.equal(attempt.images.length, 1);
  assert.equal(server.upstream.purchases, 1);
});

test('an answer that dies inside its picture fails the reader', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  server.nextJobs({ queuedPolls: 0, generatingPolls: 0 });
  server.faultsAt = 'poll';
  server.upstream.next('die_mid_payload');
  assertFailure(await easel.failure({}), 'upstream_error', 'unknown');
});

test('a picture that is no base64 fails the reader', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  server.nextJobs({ queuedPolls: 0, generatingPolls: 0 });
  server.faultsAt = 'poll';
  server.upstream.next({ kind: 'payload_with', text: '\\u0000' });
  assertFailure(await easel.failure({}), 'upstream_error', 'unknown');
});

test('pictures that did not come are failures, none at all is an error', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  server.nextJobs({ images: 1 }, { images: 0 }, { images: 3 });
  assert.deepEqual((await easel.attempt({ n: 2 })).events, ['submitted', 'image', 'image_failed']);
  assertFailure(await easel.failure({}), 'upstream_error', 'unknown');
  assert.deepEqual((await easel.attempt({ n: 2 })).events, ['submitted', 'image', 'image']);
});

test('an abort while polling ends with the reason it was given', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  server.nextJobs({ queuedPolls: 1_000_000 });
  const controller = new AbortController();
  const given = easel.attempt({}, controller.signal);
  await server.upstream.until(() => server.upstream.requests.length >= 4);
  const reason = new Error('given up');
  controller.abort(reason);
  await assert.rejects(given, (error) => error === reason);
});

test('pictures of a job that says it has failed are an error', async () => {
  await using setting = await start();
  setting.server.nextJobs({ claims: 'failed' });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

const SIZE = { width: 96, height: 64 };

test('one picture goes as a reference image, byte for byte', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  const picture = await noisePicture(SIZE);
  const passthrough = { init_image: 'x', ref_images: ['y'], mask_image: 'z', steps: 4 };
  const attempt = await easel.attempt({ references: [referenceOf(picture)], passthrough, seed: 7 });
  assert.deepEqual(attempt.events, ['submitted', 'image']);
  assert.deepEqual(server.edits, [{ images: [picture] }]);
  const [submitted] = server.upstream.requests;
  assert.equal(submitted?.headers['content-type'], 'application/json');
  assert.deepEqual(submitted.json, {
    embed_image_metadata: false,
    sample_params: { sample_steps: 4 },
    prompt: 'a red house by the sea',
    width: 512,
    height: 256,
    seed: 7,
    batch_count: 1,
    output_format: 'png',
    ref_images: [picture.toString('base64')],
  });
});

test('several pictures go in order; a webp goes as a png of the same pixels', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  const [png, webp, jpeg] = await Promise.all([
    noisePicture(SIZE),
    noisePicture({ ...SIZE, format: 'webp', seed: 2 }),
    noisePicture({ ...SIZE, format: 'jpeg', seed: 3 }),
  ]);
  await easel.attempt({ references: [png, webp, jpeg].map(referenceOf) });
  const { images = [] } = server.edits[0] ?? {};
  assert.deepEqual([images.length, images[0], images[2]], [3, png, jpeg]);
  const converted = images[1] ?? Buffer.alloc(0);
  assert.equal((await decodeBytes(converted)).format, 'png');
  assert.deepEqual(await sharp(converted).raw().toBuffer(), await sharp(webp).raw().toBuffer());
});

for (const format of ['png', 'webp'] as const) {
  test(`a mask (${format}) goes white where it was transparent, on the first picture`, async () => {
    await using setting = await start();
    const { server, easel } = setting;
    const pictures = [await noisePicture(SIZE), await noisePicture({ ...SIZE, seed: 2 })];
    const mask = await middleMask(SIZE, format);
    const parameters = { strength: 0.9 };
    const references = pictures.map(referenceOf);
    await easel.attempt({ references, mask: referenceOf(mask), parameters });
    assert.deepEqual(server.edits[0]?.images, pictures);
    await assertWhiteMask(server.edits[0].mask, mask);
    const sent = server.upstream.requests[0]?.json as Record<string, unknown>;
    assert.equal(sent['init_image'], pictures[0]?.toString('base64'));
    assert.equal(sent['strength'], 0.9);
  });
}

test('init_image: always has the model begin from the first picture', async () => {
  await using setting = await start({ init_image: 'always' });
  const { server, easel } = setting;
  const pictures = [await noisePicture(SIZE), await noisePicture({ ...SIZE, seed: 2 })];
  await easel.attempt({ references: pictures.map(referenceOf) });
  const sent = server.upstream.requests[0]?.json as Record<string, unknown>;
  assert.equal(sent['init_image'], pictures[0]?.toString('base64'));
  assert.equal('mask_image' in sent, false);
  assert.deepEqual(server.edits, [{ images: pictures }]);
  await easel.attempt({});
  const [, plain] = server.upstream.requests.filter(({ method }) => method === 'POST');
  const generation = plain?.json;
  assert.equal('init_image' in (generation as object), false);
});

test('what cannot be decoded for conversion is refused before anything is sent', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  const webp = await noisePicture({ ...SIZE, format: 'webp' });
  const broken = referenceOf(webp.subarray(0, webp.length >> 1));
  const picture = referenceOf(await noisePicture(SIZE));
  const failure = await easel.failure({ references: [picture, broken] });
  assertFailure(failure, 'invalid_image');
  assert.equal(failure.param, 'image');
  const bytes = await middleMask({ width: 512, height: 512 });
  const mask = referenceOf(bytes.subarray(0, bytes.length >> 1));
  const other = await easel.failure({ references: [picture], mask });
  assertFailure(other, 'invalid_mask');
  assert.equal(other.param, 'mask');
  assert.equal(server.upstream.requests.length, 0);
});

test('a picture that the server cannot read is the caller’s fault', async () => {
  await using setting = await start();
  const picture = await noisePicture(SIZE);
  const broken = referenceOf(picture.subarray(0, picture.length >> 1));
  const failure = await setting.easel.failure({ references: [broken] });
  assertFailure(failure, 'invalid_value');
  assert.equal(failure.message, 'invalid generation parameters');
  assert.equal(setting.server.edits.length, 0);
});

for (const [fault, name, billed] of [
  ['moderation', 'upstream_error', 'no'],
  ['insufficient_quota', 'overloaded', 'no'],
  [{ kind: 'status', status: 400 }, 'invalid_value', undefined],
  [{ kind: 'status', status: 413 }, 'payload_too_large', undefined],
  [{ kind: 'status', status: 500 }, 'upstream_error', 'unknown'],
  ['hang_up', 'upstream_error', 'unknown'],
] as const) {
  test(`an edit that meets ${JSON.stringify(fault)} is ${name}, and is sent once`, async () => {
    await using setting = await start();
    const { server, easel } = setting;
    server.upstream.next(fault);
    const references = [referenceOf(await noisePicture(SIZE))];
    assertFailure(await easel.failure({ references }), name, billed);
    const sent = server.upstream.requests.filter(({ method }) => method === 'POST');
    assert.equal(sent.length, 1);
  });
}

test('an edit is taken up from its JSON without its pictures, seeds included', async () => {
  await using setting = await start();
  const { server, easel } = setting;
  const references = [referenceOf(await noisePicture(SIZE))];
  const mask = referenceOf(await middleMask(SIZE));
  const given = await easel.attempt({ references, mask, n: 2 });
  const resumed = await easel.resume(easel.jobs[0], { references: [], n: 2 });
  assert.deepEqual(resumed.events, ['image', 'image']);
  assert.deepEqual(
    resumed.images.map(({ seed }) => seed),
    given.images.map(({ seed }) => seed),
  );
  assert.doesNotMatch(JSON.stringify(easel.jobs), /iVBOR/);
  assert.equal(server.upstream.purchases, 1);
});

test('an init_image that is no word of its own is refused in words', () => {
  const egress = { close: async () => undefined } as Egress;
  const settings = { init_image: 'never' };
  const account = { name: 'my-sd', egress, baseUrl: 'http://127.0.0.1:1234', settings };
  const message = 'my-sd: init_image must be one of with_mask, always';
  assert.throws(() => createSdServer(account), { message });
});
