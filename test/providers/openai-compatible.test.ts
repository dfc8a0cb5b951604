import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import type { ErrorName, Failure } from '../../src/base/errors.ts';
import { UpstreamFailure } from '../../src/base/upstream-failure.ts';
import type { Egress } from '../../src/egress/egress.ts';
import { createOpenaiCompatible } from '../../src/providers/openai-compatible.ts';
import { decodeBytes } from '../support/pictures.ts';
import { middleMask, noisePicture, referenceOf } from '../support/references.ts';
import {
  type CompatibleFlavour,
  type CompatibleSimulator,
  startOpenaiCompatible,
} from '../support/upstreams/openai-compatible.ts';
import { AZURE_API_KEY } from '../support/upstreams/openai-compatible-azure.ts';
import { readForm, type ReceivedPart } from '../support/upstreams/received-edit.ts';
import { type TryOut, tryOut } from './attempt.ts';

interface Setting extends AsyncDisposable {
  readonly server: CompatibleSimulator;
  readonly easel: TryOut;
}

interface Options {
  readonly flavour: CompatibleFlavour;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly apiKey?: string;
  /** Behind the base URL. */
  readonly path?: string;
}

async function start(options: Options): Promise<Setting> {
  const { flavour, apiKey, path = '' } = options;
  const isAzure = flavour === 'azure';
  const server = await startOpenaiCompatible({
    flavour,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  const ofFlavour = flavour === 'sdserver' ? {} : { flavour };
  const settings = { ...ofFlavour, ...options.settings };
  const key = apiKey ?? (isAzure ? AZURE_API_KEY : undefined);
  const easel = await tryOut({
    create: (account) => createOpenaiCompatible({ ...account, settings }),
    baseUrl: server.baseUrl + path,
    ...(key === undefined ? {} : { apiKey: key }),
    task: {
      upstreamModel: isAzure ? 'my-gpt-image' : 'flux.1-dev',
      format: 'png',
      size: { width: 768, height: 512 },
      parameters: isAzure ? { image_size: '1536x1024', quality: 'low' } : {},
    },
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

interface Expected {
  readonly name: ErrorName;
  readonly billed?: 'no' | 'unknown';
}

function assertFailure(failure: Failure, { name, billed }: Expected): void {
  assert.equal(failure.errorName, name, failure.internal);
  assert.equal(failure instanceof UpstreamFailure ? failure.billed : undefined, billed);
}

const LOCAL = ['localai', 'ollama', 'sdserver', 'sglang', 'vllm'] as const;

for (const flavour of LOCAL) {
  test(`${flavour}: a picture in the size of the task, no tokens, nothing else passed on`, async () => {
    await using setting = await start({ flavour });
    const { easel, server } = setting;
    const attempt = await easel.attempt({ parameters: { image_size: 'auto' }, seed: 5 });
    const { lastJson } = server.upstream;
    const { model, n, size, response_format, seed } = lastJson;
    assert.deepEqual(
      [model, n, size, response_format, seed],
      ['flux.1-dev', 1, '768x512', 'b64_json', 5],
    );
    const givesFormat = flavour !== 'localai' && flavour !== 'ollama';
    assert.equal(lastJson['output_format'], givesFormat ? 'png' : undefined);
    assert.equal(server.upstream.requests[0]?.headers['authorization'], undefined);
    const [image] = attempt.images;
    assert.deepEqual(Object.keys(image ?? {}).toSorted(), ['bytes', 'header', 'seed']);
    assert.equal((await decodeBytes(image?.bytes ?? Buffer.alloc(0))).size, '768x512');
    assert.equal(image?.seed, 5);
    assert.deepEqual(attempt.receipt, { upstreamIds: [] });
  });

  test(`${flavour}: errors in its own form take nothing from the rows of the table`, async () => {
    await using setting = await start({ flavour });
    const { easel, server } = setting;
    const rows: readonly (Expected & { readonly status: number })[] = [
      { status: 400, name: 'invalid_value' },
      { status: 401, name: 'upstream_error', billed: 'no' },
      { status: 404, name: 'upstream_error', billed: 'no' },
      { status: 429, name: 'overloaded', billed: 'no' },
      { status: 500, name: 'upstream_error', billed: 'unknown' },
      { status: 503, name: 'overloaded', billed: 'no' },
    ];
    for (const { status, ...expected } of rows) {
      server.upstream.next({ kind: 'status', status });
      assertFailure(await easel.failure({}), expected);
    }
    server.upstream.next('moderation');
    assertFailure(await easel.failure({}), { name: 'moderation_blocked' });
    for (const fault of ['die_mid_payload', 'half_json', 'empty_data', 'garbage'] as const) {
      server.upstream.next(fault);
      assertFailure(await easel.failure({}), { name: 'upstream_error', billed: 'unknown' });
    }
  });
}

test('several pictures; one that the server leaves out is a failure', async () => {
  await using vllm = await start({ flavour: 'vllm' });
  assert.equal((await vllm.easel.attempt({ n: 3 })).images.length, 3);
  await using ollama = await start({ flavour: 'ollama' });
  const attempt = await ollama.easel.attempt({ n: 2 });
  assert.deepEqual(attempt.events, ['image', 'image_failed']);
});

test('undeclared fields are passed on, but for those that decide or open something', async () => {
  await using setting = await start({
    flavour: 'vllm',
    settings: { extra_body: { guidance_scale: 3, num_inference_steps: 20 } },
  });
  const { easel, server } = setting;
  await easel.attempt({
    parameters: { negative_prompt: 'fog', width: 768, height: 512 },
    upstreamParameters: { num_inference_steps: 10 },
    passthrough: {
      true_cfg_scale: 4,
      guidance_scale: 9,
      layers: [1, { a: null }],
      response_format: 'file',
      stream: true,
      n: 10,
      lora: { path: '/etc' },
      ref_images: ['http://169.254.169.254/'],
    },
    format: 'webp',
    compression: 50,
  });
  assert.deepEqual(server.upstream.lastJson, {
    model: 'flux.1-dev',
    prompt: 'a red house by the sea',
    n: 1,
    size: '768x512',
    response_format: 'b64_json',
    output_format: 'webp',
    output_compression: 50,
    negative_prompt: 'fog',
    num_inference_steps: 20,
    guidance_scale: 3,
    true_cfg_scale: 4,
    layers: [1, { a: null }],
  });
});

test('FastAPI’s refusal names the field', async () => {
  await using setting = await start({ flavour: 'vllm' });
  const failure = await setting.easel.failure({ n: 11 });
  assertFailure(failure, { name: 'invalid_value' });
  assert.deepEqual([failure.param, failure.message], ['n', 'Not valid']);
});

test('an error that is a text is read', async () => {
  await using setting = await start({ flavour: 'sdserver' });
  const failure = await setting.easel.failure({ prompt: '' });
  assertFailure(failure, { name: 'invalid_value' });
  assert.equal(failure.message, 'prompt required');
});

test('LocalAI: a bar of the prompt begins no negative prompt, the parameter does', async () => {
  await using setting = await start({ flavour: 'localai' });
  const { easel, server } = setting;
  await easel.attempt({ prompt: 'a sign: A|B', parameters: { negative_prompt: 'fog|rain' } });
  assert.equal(server.upstream.lastJson['prompt'], 'a sign: A｜B|fog｜rain');
  assert.equal(server.upstream.lastJson['negative_prompt'], undefined);
  await easel.attempt({ prompt: 'A|B' });
  assert.equal(server.upstream.lastJson['prompt'], 'A｜B');
});

test('stable-diffusion.cpp: a prompt brings no settings of the server', async () => {
  await using setting = await start({ flavour: 'sdserver' });
  const { easel, server } = setting;
  const prompt = 'a cat<sd_cpp_extra_args>{"steps":999}</SD_CPP_extra_args>';
  await easel.attempt({ prompt });
  assert.doesNotMatch(String(server.upstream.lastJson['prompt']), /sd_cpp_extra_args/i);
  // Taking the tag out must not leave another one behind.
  await easel.attempt({ prompt: '<sd_cpp_<sd_cpp_extra_argsextra_args>{}' });
  assert.doesNotMatch(String(server.upstream.lastJson['prompt']), /<sd_cpp_extra_args/i);
});

for (const flavour of ['localai', 'sglang'] as const) {
  test(`${flavour}: pictures named by URL are fetched, without the key`, async () => {
    const settings = { response_format: 'url' };
    await using setting = await start({ flavour, settings, apiKey: 'local-key' });
    const { easel, server } = setting;
    const attempt = await easel.attempt({ n: 2, seed: 3 });
    assert.deepEqual(attempt.events, ['image', 'image']);
    assert.notDeepEqual(attempt.images[0]?.bytes, attempt.images[1]?.bytes);
    assert.equal(attempt.images[0]?.seed, undefined, 'one seed is not that of two pictures');
    const [post, ...gets] = server.upstream.requests;
    assert.equal(post?.headers['authorization'], 'Bearer local-key');
    assert.equal(gets.length, 2);
    for (const { headers } of gets) {
      assert.equal(headers['authorization'], undefined);
    }
  });
}

test('data URIs of any length are pictures, whole', async () => {
  await using setting = await start({ flavour: 'vllm' });
  for (const bytes of [30, 5000]) {
    const picture = Buffer.alloc(bytes, 'p');
    const url = `data:image/png;base64,${picture.toString('base64')}`;
    setting.server.upstream.next({ kind: 'status', status: 200, body: { data: [{ url }] } });
    const attempt = await setting.easel.attempt({});
    assert.deepEqual(attempt.images[0]?.bytes, picture);
  }
});

test('a URL into the private network is not followed, nor a redirect there', async () => {
  await using setting = await start({ flavour: 'localai', settings: { response_format: 'url' } });
  const { easel, server } = setting;
  server.upstream.next('redirect_private');
  assertFailure(await easel.failure({}), { name: 'upstream_error', billed: 'unknown' });
  const urls = [
    'http://169.254.169.254/a',
    'file:///etc/passwd',
    'https://127.0.0.1/a',
    'http://[',
  ];
  for (const url of urls) {
    server.upstream.next({ kind: 'status', status: 200, body: { data: [{ url }] } });
    assertFailure(await easel.failure({}), { name: 'upstream_error', billed: 'unknown' });
  }
});

test('one picture that cannot be fetched spares the others', async () => {
  await using setting = await start({ flavour: 'vllm' });
  const inline = `data:image/png;base64,${Buffer.alloc(20, 'p').toString('base64')}`;
  const data = [{ url: 'http://10.0.0.1/a' }, { url: inline }];
  setting.server.upstream.next({ kind: 'status', status: 200, body: { data } });
  const attempt = await setting.easel.attempt({ n: 2 });
  assert.deepEqual(attempt.events, ['image', 'image_failed']);
});

test('giving up while a picture is fetched ends all of it', async () => {
  await using setting = await start({ flavour: 'localai', settings: { response_format: 'url' } });
  const abort = new AbortController();
  const run = setting.easel.generate({ n: 2 }, abort.signal);
  assert.equal((await run.next()).done, false);
  const reason = new Error('the caller cancelled');
  abort.abort(reason);
  await assert.rejects(run.next(), reason);
});

const AZURE_WAYS = [
  { path: '', settings: {}, expected: '/openai/v1/images/generations?api-version=v1' },
  { path: '/openai', settings: {}, expected: '/openai/v1/images/generations?api-version=v1' },
  {
    path: '/openai/v1',
    settings: { api_version: 'preview' },
    expected: '/openai/v1/images/generations?api-version=preview',
  },
  {
    path: '',
    settings: { api_version: '2025-04-01-preview' },
    expected: '/openai/deployments/my-gpt-image/images/generations?api-version=2025-04-01-preview',
  },
];

for (const { path, settings, expected } of AZURE_WAYS) {
  test(`Azure: ${path || 'the resource'} ${JSON.stringify(settings)} leads to ${expected}`, async () => {
    await using setting = await start({ flavour: 'azure', path, settings });
    const { easel, server } = setting;
    const attempt = await easel.attempt({});
    const [request] = server.upstream.requests;
    assert.equal(`${request?.path}?${request?.query.toString()}`, expected);
    const { model, response_format, size } = server.upstream.lastJson;
    assert.deepEqual([model, response_format, size], ['my-gpt-image', undefined, '1536x1024']);
    assert.equal(attempt.receipt.tokens?.imageOutput, 158);
    assert.deepEqual(attempt.receipt.upstreamIds, ['req_simulated', 'apim-simulated']);
  });
}

test('Azure: a deployment of the account goes before the card’s model', async () => {
  await using setting = await start({ flavour: 'azure', settings: { deployment: 'my-gpt-image' } });
  await setting.easel.attempt({ upstreamModel: 'gpt-image-2' });
});

test('Azure: a deployment that is not there is the operator’s matter', async () => {
  await using setting = await start({ flavour: 'azure' });
  const failure = await setting.easel.failure({ upstreamModel: 'gpt-image-2' });
  assertFailure(failure, { name: 'upstream_error', billed: 'no' });
  assert.match(failure.internal ?? '', /404 \(DeploymentNotFound\)/);
});

test('Azure: streams as OpenAI does', async () => {
  await using setting = await start({ flavour: 'azure' });
  const attempt = await setting.easel.attempt({ stream: true, partialImages: 1 });
  assert.deepEqual(attempt.events, ['partial', 'image']);
});

test('Azure: its content filter is moderation_blocked, its refused key the operator’s', async () => {
  await using setting = await start({ flavour: 'azure' });
  setting.server.upstream.next('moderation');
  assertFailure(await setting.easel.failure({}), { name: 'moderation_blocked' });
  await using bearer = await start({
    flavour: 'azure',
    settings: { auth_header: 'authorization' },
  });
  assertFailure(await bearer.easel.failure({}), { name: 'upstream_error', billed: 'no' });
  const { headers } = bearer.server.upstream.requests[0] ?? {};
  assert.equal(headers?.['authorization'], `Bearer ${AZURE_API_KEY}`);
});

const SMALL = { width: 64, height: 48 } as const;

/** A picture of each encoding, none like another. */
const PICTURES = await Promise.all([
  noisePicture({ ...SMALL, format: 'png' }),
  noisePicture({ ...SMALL, format: 'jpeg', seed: 2 }),
  noisePicture({ ...SMALL, format: 'webp', seed: 3 }),
]);
const [PICTURE] = PICTURES;
const REFERENCES = PICTURES.map(referenceOf);
const ONE = REFERENCES.slice(0, 1);
const MASK = await middleMask(SMALL);

/** The parts of the form that came last. */
async function lastForm({ server }: Setting): Promise<readonly ReceivedPart[]> {
  const request = server.upstream.requests.findLast(({ method }) => method === 'POST');
  assert(request !== undefined);
  return (await readForm(request)) ?? [];
}

async function textsOf(setting: Setting): Promise<Readonly<Record<string, string>>> {
  const parts = await lastForm(setting);
  return Object.fromEntries(
    parts.flatMap(({ name, text }) => (text === undefined ? [] : [[name, text]])),
  );
}

async function fileNames(setting: Setting): Promise<readonly string[]> {
  const parts = await lastForm(setting);
  return parts.flatMap(({ name, file }) => (file === undefined ? [] : [name]));
}

/** Decoded, so that encodings do not matter. */
function pixelsOf(bytes: Buffer | undefined): Promise<Buffer> {
  return sharp(bytes).raw().toBuffer();
}

/** Where a white mask is white, by its one channel. */
async function assertWhiteInTheMiddle(mask: Buffer | undefined): Promise<void> {
  const { channels, width, height, format } = await sharp(mask).metadata();
  assert.deepEqual([channels, width, height, format], [1, 64, 48, 'png']);
  const alpha = await sharp(MASK).extractChannel('alpha').negate().raw().toBuffer();
  const white = await sharp(mask).extractChannel(0).raw().toBuffer();
  assert.deepEqual(white, alpha);
}

for (const flavour of ['sdserver', 'sglang', 'vllm'] as const) {
  test(`${flavour}: an edit is a form with the fields of a generation as text`, async () => {
    await using setting = await start({
      flavour,
      settings: { extra_body: { guidance_scale: 2.5 } },
    });
    const { easel, server } = setting;
    const attempt = await easel.attempt({
      references: ONE,
      n: 2,
      seed: 5,
      parameters: { image_size: 'auto', negative_prompt: 'fog' },
      passthrough: { layers: [1, { a: null }], strict: true, nothing: null, 'url[]': 'http://a' },
    });
    assert.equal(server.upstream.requests[0]?.path, '/v1/images/edits');
    assert.deepEqual(await textsOf(setting), {
      model: 'flux.1-dev',
      prompt: 'a red house by the sea',
      n: '2',
      size: '768x512',
      seed: '5',
      response_format: 'b64_json',
      output_format: 'png',
      negative_prompt: 'fog',
      guidance_scale: '2.5',
      layers: '[1,{"a":null}]',
      strict: 'true',
    });
    assert.deepEqual(await fileNames(setting), ['image']);
    assert.deepEqual(server.edits, [{ images: [PICTURE] }]);
    assert.deepEqual(attempt.events, ['image', 'image']);
    assert.equal((await decodeBytes(attempt.images[0]?.bytes ?? PICTURE)).size, '768x512');
    assert.deepEqual(attempt.receipt, { upstreamIds: [] });
  });

  test(`${flavour}: three pictures of an edit come in order`, async () => {
    await using setting = await start({ flavour });
    await setting.easel.attempt({ references: REFERENCES });
    assert.deepEqual(await fileNames(setting), ['image[]', 'image[]', 'image[]']);
    const images = setting.server.edits[0]?.images ?? [];
    assert.deepEqual(images.slice(0, 2), PICTURES.slice(0, 2));
    // stable-diffusion.cpp may have been built without webp.
    const third = flavour === 'sdserver' ? 'png' : 'webp';
    assert.equal((await decodeBytes(images[2] ?? PICTURE)).format, third);
    assert.deepEqual(await pixelsOf(images[2]), await pixelsOf(PICTURES[2]));
  });

  test(`${flavour}: what its edits answer takes nothing from the rows of the table`, async () => {
    await using setting = await start({ flavour });
    const { easel, server } = setting;
    const rows: readonly (Expected & { readonly status: number })[] = [
      { status: 400, name: 'invalid_value' },
      { status: 429, name: 'overloaded', billed: 'no' },
      { status: 500, name: 'upstream_error', billed: 'unknown' },
    ];
    for (const { status, ...expected } of rows) {
      server.upstream.next({ kind: 'status', status });
      assertFailure(await easel.failure({ references: ONE }), expected);
    }
    const refused = await easel.failure({ references: ONE, prompt: 'a cat sim:moderation' });
    assertFailure(refused, { name: 'moderation_blocked' });
  });
}

const MASK_KINDS: readonly {
  readonly flavour: CompatibleFlavour;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly isWhite: boolean;
}[] = [
  { flavour: 'sdserver', settings: {}, isWhite: false },
  { flavour: 'sdserver', settings: { mask: 'white' }, isWhite: true },
  { flavour: 'azure', settings: {}, isWhite: false },
  { flavour: 'sglang', settings: { mask: 'alpha' }, isWhite: false },
  { flavour: 'localai', settings: {}, isWhite: true },
  { flavour: 'vllm', settings: { mask: 'white' }, isWhite: true },
];

for (const { flavour, settings, isWhite } of MASK_KINDS) {
  const how = `${flavour} ${JSON.stringify(settings)}`;
  test(`${how}: the mask is ${isWhite ? 'white where to paint' : 'the caller’s own'}`, async () => {
    await using setting = await start({ flavour, settings });
    await setting.easel.attempt({ references: ONE, mask: referenceOf(MASK) });
    const [edit] = setting.server.edits;
    assert.deepEqual(edit?.images, [PICTURE]);
    if (isWhite) {
      await assertWhiteInTheMiddle(edit?.mask);
    } else {
      assert.deepEqual(edit?.mask, MASK);
    }
  });
}

test('a webp mask is a png with the same transparency to a server that takes alpha', async () => {
  await using setting = await start({ flavour: 'azure' });
  const mask = await middleMask(SMALL, 'webp');
  await setting.easel.attempt({ references: ONE, mask: referenceOf(mask) });
  const sent = setting.server.edits[0]?.mask;
  assert.equal((await decodeBytes(sent ?? mask)).format, 'png');
  const alphas = [sent, mask].map((bytes) => sharp(bytes).extractChannel('alpha').raw().toBuffer());
  assert.deepEqual(await alphas[0], await alphas[1]);
});

const REFUSED_EDITS: readonly {
  readonly what: string;
  readonly flavour: CompatibleFlavour;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly task: Parameters<TryOut['attempt']>[0];
  readonly name: ErrorName;
  readonly param: string;
}[] = [
  {
    what: 'an edit',
    flavour: 'ollama',
    task: { references: ONE },
    name: 'edit_not_supported',
    param: 'model',
  },
  ...(['vllm', 'sglang', 'sdserver', 'azure', 'localai'] as const).map((flavour) => ({
    what: 'a mask where there is none',
    flavour,
    ...(flavour === 'vllm' || flavour === 'sglang' ? {} : { settings: { mask: 'none' } }),
    task: { references: ONE, mask: referenceOf(MASK) },
    name: 'mask_not_supported' as const,
    param: 'mask',
  })),
  {
    what: 'several pictures with a mask',
    flavour: 'localai',
    task: { references: REFERENCES, mask: referenceOf(MASK) },
    name: 'too_many_images',
    param: 'image',
  },
  {
    what: 'a negative prompt with a mask',
    flavour: 'localai',
    task: {
      references: ONE,
      mask: referenceOf(MASK),
      parameters: { negative_prompt: 'fog' },
    },
    name: 'invalid_value',
    param: 'negative_prompt',
  },
  {
    what: 'a mask that cannot be read',
    flavour: 'localai',
    task: { references: ONE, mask: referenceOf(MASK.subarray(0, 60)) },
    name: 'invalid_mask',
    param: 'mask',
  },
  {
    what: 'a webp that cannot be read',
    flavour: 'sdserver',
    task: { references: [referenceOf(PICTURES[2].subarray(0, 500))] },
    name: 'invalid_image',
    param: 'image',
  },
];

for (const { what, flavour, settings = {}, task, name, param } of REFUSED_EDITS) {
  test(`${flavour}: ${what} is ${name}, and nothing is sent`, async () => {
    await using setting = await start({ flavour, settings });
    const failure = await setting.easel.failure(task);
    assertFailure(failure, { name });
    assert.equal(failure.param, param);
    assert.match(failure.message, /^(This model|With a mask|The mask|Picture 1) .*\.$/);
    assert.equal(setting.server.upstream.requests.length, 0);
  });
}

test('LocalAI: pictures without a mask go with a generation, in base64', async () => {
  await using setting = await start({ flavour: 'localai' });
  const { easel, server } = setting;
  const attempt = await easel.attempt({
    references: REFERENCES,
    seed: 3,
    parameters: { negative_prompt: 'fog' },
    passthrough: { ref_images: ['http://169.254.169.254/'], Ref_Images: ['http://10.0.0.1/'] },
  });
  assert.equal(server.upstream.requests[0]?.path, '/v1/images/generations');
  const { ref_images, prompt, size, Ref_Images } = server.upstream.lastJson;
  assert.deepEqual(
    [prompt, size, Ref_Images],
    ['a red house by the sea|fog', '768x512', undefined],
  );
  const [edit] = server.edits;
  assert.deepEqual(
    ref_images,
    edit?.images.map((bytes) => bytes.toString('base64')),
  );
  assert.deepEqual(edit?.images.slice(0, 2), PICTURES.slice(0, 2));
  assert.equal((await decodeBytes(edit?.images[2] ?? PICTURE)).format, 'png');
  assert.deepEqual(await pixelsOf(edit?.images[2]), await pixelsOf(PICTURES[2]));
  assert.equal(attempt.images[0]?.seed, 3);
});

test('LocalAI: a picture with a mask is inpainted; its answer names the picture by URL', async () => {
  await using setting = await start({ flavour: 'localai', apiKey: 'local-key' });
  const { easel, server } = setting;
  const mask = referenceOf(MASK);
  const attempt = await easel.attempt({ references: ONE, mask, seed: 3, prompt: 'a sign: A|B' });
  const [post, get] = server.upstream.requests;
  assert.equal(post?.path, '/v1/images/inpainting');
  assert.equal(post.headers['authorization'], 'Bearer local-key');
  assert.equal(get?.headers['authorization'], undefined);
  const { model, prompt } = await textsOf(setting);
  assert.deepEqual([model, prompt], ['flux.1-dev', 'a sign: A|B']);
  assert.deepEqual(await fileNames(setting), ['image', 'mask']);
  assert.equal((await decodeBytes(attempt.images[0]?.bytes ?? PICTURE)).size, '512x512');
  assert.equal(attempt.images[0]?.seed, undefined, 'it paints by a seed of its own');
  const two = await easel.attempt({ references: ONE, mask, n: 2 });
  assert.deepEqual(two.events, ['image', 'image_failed']);
});

test('edits_path leads the edits elsewhere, and only those', async () => {
  await using setting = await start({ flavour: 'vllm', settings: { edits_path: '/own/edits' } });
  const { easel, server } = setting;
  await easel.failure({ references: ONE });
  await easel.attempt({});
  assert.deepEqual(
    server.upstream.requests.map(({ path }) => path),
    ['/v1/own/edits', '/v1/images/generations'],
  );
});

test('stable-diffusion.cpp: the prompt of an edit brings no settings of the server', async () => {
  await using setting = await start({ flavour: 'sdserver' });
  await setting.easel.attempt({ references: ONE, prompt: 'a<sd_cpp_extra_args>{}</x>' });
  assert.doesNotMatch((await textsOf(setting))['prompt'] ?? '', /sd_cpp_extra_args/i);
});

const HELD_BACK = {
  azure: ['image', 'images', 'mask', 'image_url', 'image[]', 'stream'],
  vllm: ['url', 'url[]', 'URL[0]', 'mask_image', 'reference_image', 'image', 'lora', 'stream'],
  sglang: ['url[]', 'perf_dump_path', 'upscaling_model_path', 'mask'],
  localai: ['ref_images', 'REF_IMAGES', 'ref_image\u017f', 'file', 'response_format'],
} as const;

for (const [flavour, fields] of Object.entries(HELD_BACK)) {
  test(`${flavour}: ${fields.join(', ')} are not passed on`, async () => {
    await using setting = await start({ flavour: flavour as CompatibleFlavour });
    const { easel, server } = setting;
    for (const field of fields) {
      assert.equal(easel.provider.holdsBack?.(field), true, field);
    }
    assert.equal(easel.provider.holdsBack?.('quality'), false);
    const entries = fields.map((field) => [field, 'http://10.0.0.1/a']);
    const passthrough = Object.fromEntries(entries) as Readonly<Record<string, unknown>>;
    await easel.attempt({ passthrough });
    const body = String(server.upstream.requests[0]?.body);
    await easel.attempt({ passthrough, references: ONE });
    const [, edit] = server.upstream.requests;
    assert.doesNotMatch(body + String(edit?.body), /10\.0\.0\.1/);
  });
}

for (const { path, settings, expected } of AZURE_WAYS) {
  const place = expected.replace('generations', 'edits');
  test(`Azure: an edit by ${path || 'the resource'} ${JSON.stringify(settings)} leads to ${place}`, async () => {
    await using setting = await start({ flavour: 'azure', path, settings });
    const { easel, server } = setting;
    const mask = referenceOf(MASK);
    const attempt = await easel.attempt({ references: REFERENCES, mask });
    const [request] = server.upstream.requests;
    assert.equal(`${request?.path}?${request?.query.toString()}`, place);
    const { model, size, response_format } = await textsOf(setting);
    assert.deepEqual([model, size, response_format], ['my-gpt-image', '1536x1024', undefined]);
    assert.deepEqual(server.edits, [{ images: PICTURES, mask: MASK }]);
    assert.equal(attempt.receipt.tokens?.imageInput, 3000);
  });
}

test('Azure: the stream of an edit, and its content filter', async () => {
  await using setting = await start({ flavour: 'azure' });
  const { easel, server } = setting;
  const attempt = await easel.attempt({ references: ONE, stream: true, partialImages: 1 });
  assert.deepEqual(attempt.events, ['partial', 'image']);
  assert.equal(attempt.receipt.tokens?.imageInput, 1000);
  server.upstream.next('moderation');
  assertFailure(await easel.failure({ references: ONE }), { name: 'moderation_blocked' });
});

const EGRESS: Egress = {
  request: () => Promise.reject(new Error('not to be used')),
  download: () => Promise.reject(new Error('not to be used')),
  close: () => Promise.resolve(),
};

const WRONG_SETTINGS: readonly (readonly [object, RegExp])[] = [
  [{ flavor: 'azure' }, /unknown setting 'flavor': there are flavour, auth_header,/],
  [{ flavour: 'openai' }, /flavour must be one of plain, azure,/],
  [{ auth_header: 'x-key' }, /auth_header must be one of/],
  [{ auth_header: 'api-key' }, /auth_header is api-key, but there is no API key/],
  [{ path: 'images' }, /path must be a path such as/],
  [{ path: '/a?b' }, /path must be/],
  [{ flavour: 'azure', path: '/x' }, /path is not for the flavour azure/],
  [{ edits_path: 'images/edits' }, /edits_path must be a path such as \/images\/edits/],
  [{ flavour: 'azure', edits_path: '/x' }, /edits_path is not for the flavour azure/],
  [{ flavour: 'ollama', edits_path: '/x' }, /edits_path is not for the flavour ollama/],
  [{ mask: 'black' }, /mask must be one of alpha, white, none/],
  [{ deployment: 'x' }, /only for the flavour azure/],
  [{ api_version: 'v1' }, /only for the flavour azure/],
  [{ flavour: 'azure', api_version: 'a&b' }, /api_version must be/],
  [{ response_format: 'file' }, /response_format must be one of/],
  [{ extra_body: [] }, /extra_body must hold fields/],
  [{ extra_body: { n: 4 } }, /extra_body may not set 'n'/],
];

for (const [settings, expected] of WRONG_SETTINGS) {
  test(`settings ${JSON.stringify(settings)} are refused`, () => {
    const account = { name: 'mine', egress: EGRESS, baseUrl: 'http://127.0.0.1:8080/v1' };
    const create = (): unknown => createOpenaiCompatible({ ...account, settings: { ...settings } });
    assert.throws(create, expected);
    assert.throws(create, /^Error: provider mine: /);
  });
}
