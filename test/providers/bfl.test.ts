import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Egress } from '../../src/egress/egress.ts';
import type { EgressOptions } from '../../src/egress/upstream.ts';
import { createBfl } from '../../src/providers/bfl.ts';
import { decodeBytes } from '../support/pictures.ts';
import { middleMask, noisePicture, referenceOf } from '../support/references.ts';
import { type BflSimulator, startBfl } from '../support/upstreams/bfl.ts';
import { assertFailure, type JobTryOut, tryOutJobs } from './job-attempts.ts';

interface Setting extends AsyncDisposable {
  readonly bfl: BflSimulator;
  readonly easel: JobTryOut;
}

interface StartOptions {
  readonly apiKey?: string;
  readonly egress?: Partial<EgressOptions>;
  readonly settings?: Readonly<Record<string, unknown>>;
}

const PARAMETERS = { width: 512, height: 256, safety_tolerance: 2 };

async function start({ apiKey, egress, settings }: StartOptions = {}): Promise<Setting> {
  const bfl = await startBfl();
  const easel = await tryOutJobs({
    create: createBfl,
    baseUrl: bfl.baseUrl,
    apiKey: apiKey ?? bfl.apiKey,
    task: { upstreamModel: 'flux-2-pro', parameters: PARAMETERS, format: 'png' },
    egress: { trustedHosts: new Set(bfl.hosts), ...egress },
    settings: { polling_hosts: [bfl.clusterHost], not_found_grace_ms: 1, ...settings },
  });
  return {
    bfl,
    easel,
    [Symbol.asyncDispose]: async () => {
      await easel[Symbol.asyncDispose]();
      await bfl[Symbol.asyncDispose]();
      const { upstream, cluster, delivery } = bfl;
      assert.deepEqual(
        [upstream, cluster, delivery].flatMap(({ problems }) => problems),
        [],
      );
    },
  };
}

test('a picture is bought, waited for and downloaded, with its seed and its cost', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const attempt = await easel.attempt({ seed: 7 });
  assert.deepEqual(attempt.events, ['submitted', 'image']);
  const [image] = attempt.images;
  assert.equal(image?.seed, 7);
  const { size, format } = await decodeBytes(image.bytes);
  assert.deepEqual([size, format], ['512x256', 'png']);
  const [job] = easel.jobs;
  assert.deepEqual(attempt.receipt, { upstreamIds: [job?.id], upstreamCost: 30_000_000n });
  assert.deepEqual(bfl.upstream.lastJson, {
    ...PARAMETERS,
    seed: 7,
    prompt: 'a red house by the sea',
    output_format: 'png',
  });
  assert.deepEqual(
    [bfl.upstream.purchases, bfl.cluster.requests.length, bfl.delivery.requests.length],
    [1, 3, 1],
  );
});

test('flex takes its steps and guidance, and a seed that only the answer names', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const parameters = { ...PARAMETERS, steps: 20, guidance: 4.5 };
  const task = { upstreamModel: 'flux-2-flex', parameters, format: 'jpeg' } as const;
  const attempt = await easel.attempt(task);
  assert.equal(attempt.images[0]?.seed, 4_242_424_242);
  assert.equal(attempt.images[0].header?.format, 'jpeg');
  assert.deepEqual([bfl.upstream.lastJson['steps'], bfl.upstream.lastJson['guidance']], [20, 4.5]);
});

test('fields that order delivery or send pictures are not passed through', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const webhook_url = 'https://evil.example';
  await easel.attempt({ passthrough: { webhook_url, webhook_secret: 'x', input_image_2: 'y' } });
  assert.deepEqual(Object.keys(bfl.upstream.lastJson).toSorted(), [
    'height',
    'output_format',
    'prompt',
    'safety_tolerance',
    'width',
  ]);
});

for (const [cost, nanousd] of [
  [4.5, 45_000_000n],
  [1.4, 14_000_000n],
  [0.1 + 0.2, 3_000_000n],
  [0.0000001, 1n],
  [0, 0n],
  [null, undefined],
  ['4.5', undefined],
  [-1, undefined],
] as const) {
  test(`a cost of ${cost} credits is ${nanousd} nano-dollars`, async () => {
    await using setting = await start();
    setting.bfl.nextJobs({ cost });
    const { receipt } = await setting.easel.attempt({});
    assert.equal(receipt.upstreamCost, nanousd);
  });
}

test('a job is taken up from its JSON without a second purchase', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  bfl.nextJobs({ pendingPolls: 1_000_000 });
  const controller = new AbortController();
  const given = easel.attempt({ seed: 7 }, controller.signal);
  await bfl.cluster.until(() => bfl.cluster.requests.length >= 2);
  controller.abort(new Error('the process died'));
  await assert.rejects(given, /the process died/);
  bfl.nextJobs({});
  await easel.attempt({ seed: 7 });
  const [, job] = easel.jobs;
  const resumed = await easel.resume(job);
  assert.deepEqual(resumed.events, ['image']);
  assert.equal(resumed.images[0]?.seed, 7);
  assert.deepEqual(resumed.receipt, { upstreamIds: [job?.id], upstreamCost: 30_000_000n });
  assert.equal(bfl.upstream.purchases, 2);
});

for (const [ends, name, billed] of [
  ['Request Moderated', 'moderation_blocked', undefined],
  ['Content Moderated', 'moderation_blocked', undefined],
  ['Error', 'upstream_error', 'unknown'],
  ['Failed', 'upstream_error', 'unknown'],
  ['Task not found', 'upstream_error', 'unknown'],
  ['Something New', 'upstream_error', 'unknown'],
] as const) {
  test(`a job that ends as ${ends} is ${name}`, async () => {
    await using setting = await start();
    setting.bfl.nextJobs({ ends, pendingPolls: 3 });
    assertFailure(await setting.easel.failure({}), name, billed);
    assert.equal(setting.bfl.delivery.requests.length, 0);
  });
}

test('a cluster may not know a new job for a while', async () => {
  await using setting = await start({ settings: { not_found_grace_ms: 60_000 } });
  setting.bfl.nextJobs({ notFoundPolls: 4 });
  const attempt = await setting.easel.attempt({});
  assert.equal(attempt.images.length, 1);
  assert.equal(setting.bfl.cluster.requests.length, 7);
});

test('a job that stays unknown has failed', async () => {
  await using setting = await start();
  setting.bfl.nextJobs({ notFoundPolls: 1_000_000 });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('what goes wrong with polls now and then does no harm', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const trouble = { kind: 'status', status: 503, headers: { 'retry-after': '0' } } as const;
  bfl.cluster.next(trouble, 'hang_up', { kind: 'status', status: 429 }, 'garbage');
  bfl.cluster.next('half_json', 'html', 'die_mid_payload', 'oversized', 'redirect_private');
  const attempt = await easel.attempt({});
  assert.equal(attempt.images.length, 1);
  assert.equal(bfl.upstream.purchases, 1);
});

test('polls that fail for good end the wait, and nobody buys again', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const trouble = { kind: 'status', status: 503 } as const;
  bfl.cluster.next(...Array.from({ length: 30 }, () => trouble));
  assertFailure(await easel.failure({}), 'upstream_error', 'unknown');
  assert.equal(bfl.cluster.requests.length, 11);
  assert.equal(bfl.upstream.purchases, 1);
});

test('a poll that refuses the key after the purchase is not said to be unbilled', async () => {
  await using setting = await start();
  setting.bfl.cluster.next({ kind: 'status', status: 401 });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

for (const [status, name, billed] of [
  [400, 'invalid_value', undefined],
  [401, 'upstream_error', 'no'],
  [402, 'upstream_error', 'no'],
  [403, 'upstream_error', 'no'],
  [404, 'upstream_error', 'no'],
  [422, 'invalid_value', undefined],
  [429, 'overloaded', 'no'],
  [500, 'upstream_error', 'unknown'],
  [502, 'upstream_error', 'unknown'],
  [503, 'overloaded', 'no'],
  [504, 'upstream_timeout', 'unknown'],
] as const) {
  test(`a submit answered with ${status} is ${name}`, async () => {
    await using setting = await start();
    const { bfl, easel } = setting;
    bfl.upstream.next({ kind: 'status', status });
    assertFailure(await easel.failure({}), name, billed);
    assert.deepEqual([bfl.upstream.purchases, bfl.upstream.requests.length], [0, 1]);
  });
}

test('a wrong key is the operator’s matter', async () => {
  await using setting = await start({ apiKey: 'wrong' });
  const failure = await setting.easel.failure({});
  assertFailure(failure, 'upstream_error', 'no');
  assert.doesNotMatch(failure.message, /authenticated/);
});

test('spent credits are the operator’s matter', async () => {
  await using setting = await start();
  setting.bfl.upstream.next('insufficient_quota');
  const failure = await setting.easel.failure({});
  assertFailure(failure, 'upstream_error', 'no');
  assert.doesNotMatch(failure.message, /credits/);
});

test('the field that was refused is named', async () => {
  await using setting = await start();
  const failure = await setting.easel.failure({ parameters: { width: 1000, height: 1024 } });
  assertFailure(failure, 'invalid_value');
  assert.deepEqual([failure.param, failure.message], ['width', 'Input should be a multiple of 16']);
});

test('more than 24 active tasks are too many', async () => {
  await using setting = await start();
  setting.bfl.occupy(24);
  assertFailure(await setting.easel.failure({}), 'overloaded', 'no');
  setting.bfl.occupy(23);
  assert.equal((await setting.easel.attempt({})).images.length, 1);
});

for (const fault of ['garbage', 'half_json', 'hang_up', 'die_mid_payload', 'oversized'] as const) {
  test(`a submit answer that is lost (${fault}) may have been bought`, async () => {
    await using setting = await start();
    setting.bfl.upstream.next(fault);
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
    assert.equal(setting.bfl.upstream.requests.length, 1);
  });
}

test('the key never goes to a host that is not the provider’s', async () => {
  await using setting = await start({ settings: { polling_hosts: [] } });
  const { bfl, easel } = setting;
  // The cluster refuses whoever comes without a key.
  assertFailure(await easel.failure({}), 'upstream_error', 'unknown');
  assert.equal(bfl.cluster.requests.length, 1);
  assert.equal('x-key' in (bfl.cluster.requests[0]?.headers ?? {}), false);
});

test('the key goes to clusters below bfl.ai over https only', async () => {
  const asked: string[] = [];
  const egress = {
    request: ({ url }: { url: string }) => tell('with', url),
    download: ({ url }: { url: string }) => tell('without', url),
    close: async () => undefined,
  };
  const tell = (how: string, url: string): Promise<never> => {
    asked.push(`${how} ${url}`);
    return Promise.reject(new Error('enough'));
  };
  const account = { name: 'bfl', egress, baseUrl: 'https://api.bfl.ai', apiKey: 'k' };
  const provider = createBfl({ ...account, settings: { poll_interval_ms: 1 } });
  const urls = [
    'https://api.eu2.bfl.ai/v1/get_result?id=1',
    'https://api.bfl.ai/v1/get_result?id=1',
    'http://api.bfl.ai/v1/get_result?id=1',
    'http://api.eu2.bfl.ai/v1/get_result?id=1',
    'https://bfl.ai.evil.example/x',
    'https://evilbfl.ai/x',
    'https://user@api.bfl.ai/x',
    'nonsense',
  ];
  for (const pollUrl of urls) {
    const { signal } = new AbortController();
    const context = { signal, spool: () => Promise.reject(new Error()), log: console as never };
    const events = provider.resume?.({ id: '1', pollUrl }, {} as never, context);
    await assert.rejects(async () => events?.next(), /enough/);
  }
  assert.deepEqual(asked, [
    `with ${urls[0]}`,
    `with ${urls[1]}`,
    ...urls.slice(2).map((url) => `without ${url}`),
  ]);
});

for (const sampleUrl of [
  'https://169.254.169.254/latest/meta-data',
  'http://127.0.0.1:1/sample',
  'https://localhost/sample',
  'http://delivery.example/sample',
  'file:///etc/passwd',
  'nonsense',
]) {
  test(`a picture at ${sampleUrl} is not fetched`, async () => {
    await using setting = await start();
    setting.bfl.nextJobs({ sampleUrl });
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
  });
}

test('a picture whose address has expired is lost', async () => {
  await using setting = await start();
  setting.bfl.nextJobs({ isExpired: true });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
  assert.equal(setting.bfl.delivery.requests.length, 1);
});

test('a download that does not begin is tried again', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  bfl.delivery.next('hang_up', { kind: 'status', status: 503 });
  const attempt = await easel.attempt({});
  assert.equal(attempt.images[0]?.header?.format, 'png');
  assert.deepEqual([bfl.upstream.purchases, bfl.delivery.requests.length], [1, 3]);
});

for (const afterBytes of [0, 20, 300]) {
  test(`a download that dies after ${afterBytes} bytes fails its reader`, async () => {
    await using setting = await start();
    setting.bfl.delivery.next({ kind: 'die_mid_payload', afterBytes });
    assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
  });
}

test('a download beyond its bound fails its reader', async () => {
  await using setting = await start({ egress: { downloadBytesMax: 500 } });
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('a redirect of the download to a private address is not followed', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const fault = { kind: 'redirect_private' } as const;
  bfl.delivery.next(fault, fault, fault, fault);
  assertFailure(await easel.failure({}), 'upstream_error', 'unknown');
});

test('a job that is ready without a picture has failed', async () => {
  await using setting = await start();
  setting.bfl.upstream.next('empty_data');
  assertFailure(await setting.easel.failure({}), 'upstream_error', 'unknown');
});

test('what is no picture is passed on as it came: the pipeline looks at it', async () => {
  await using setting = await start();
  setting.bfl.upstream.next('not_a_picture');
  const { images } = await setting.easel.attempt({});
  assert.equal(images[0]?.header, undefined);
});

test('a picture that nobody reads to its end closes its connection', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  bfl.nextJobs({ sample: Buffer.alloc(8 * 1024 * 1024) });
  const events = easel.generate({});
  await events.next();
  const { value } = await events.next();
  assert(value !== undefined && 'type' in value && value.type === 'image');
  assert.equal((await value.payload.peek(12)).length, 12);
  assert.equal((await events.next()).done, true);
  await bfl.delivery.until(() => bfl.delivery.hangUps === 1);
  await assert.rejects(() => Array.fromAsync(value.payload.chunks()));
});

for (const settings of [
  { poll_interval_ms: 0 },
  { poll_interval_ms: '250' },
  { not_found_grace_ms: -1 },
  { polling_hosts: 'api.eu2.bfl.ai' },
  { polling_hosts: ['https://api.eu2.bfl.ai'] },
]) {
  test(`the settings ${JSON.stringify(settings)} are refused in words`, () => {
    const egress = { close: async () => undefined } as Egress;
    const account = { name: 'my-bfl', egress, baseUrl: 'https://api.bfl.ai', settings };
    assert.throws(() => createBfl(account), /^Error: my-bfl: \w+ must be a /);
  });
}

test('a download that died while it was looked at does not then read as a short file', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  bfl.delivery.next({ kind: 'die_mid_payload', afterBytes: 100 });
  const events = easel.generate({});
  await events.next();
  const { value } = await events.next();
  assert(value !== undefined && 'type' in value && value.type === 'image');
  await assert.rejects(value.payload.peek(5000), { errorName: 'upstream_error' });
  await assert.rejects(Array.fromAsync(value.payload.chunks()), { errorName: 'upstream_error' });
});

test('one picture goes as bare base64, byte for byte, with the size of the card', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const picture = await noisePicture({ width: 640, height: 480 });
  const passthrough = { input_image: 'x', input_image_2: 'y', input_image_blob_path: 'z' };
  const attempt = await easel.attempt({ references: [referenceOf(picture)], passthrough });
  assert.deepEqual(attempt.events, ['submitted', 'image']);
  assert.deepEqual(bfl.edits, [{ images: [picture] }]);
  const [submitted] = bfl.upstream.requests;
  assert.equal(submitted?.headers['content-type'], 'application/json');
  assert.equal(submitted.headers['content-length'], String(submitted.body.length));
  assert.deepEqual(submitted.json, {
    ...PARAMETERS,
    prompt: 'a red house by the sea',
    output_format: 'png',
    input_image: picture.toString('base64'),
  });
  // One megapixel out for 3 credits, one in for 1.5.
  assert.equal(attempt.receipt.upstreamCost, 45_000_000n);
});

test('several pictures of any format go in order as they came, and each costs', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const pictures = await Promise.all([
    noisePicture({ width: 64, height: 64, format: 'webp' }),
    noisePicture({ width: 1040, height: 1024, format: 'jpeg', seed: 2 }),
    noisePicture({ width: 100, height: 65, seed: 3 }),
  ]);
  const { receipt } = await easel.attempt({ references: pictures.map(referenceOf) });
  assert.deepEqual(bfl.edits, [{ images: pictures }]);
  const names = Object.keys(bfl.upstream.requests[0]?.json as object);
  assert.deepEqual(names.slice(-3), ['input_image', 'input_image_2', 'input_image_3']);
  // 3 credits, and 1.5 for each of 1 + 2 + 1 megapixels.
  assert.equal(receipt.upstreamCost, 90_000_000n);
});

test('the cost of an edit is the one that BFL names', async () => {
  await using setting = await start();
  setting.bfl.nextJobs({ cost: 12.5 });
  const references = [referenceOf(await noisePicture({ width: 64, height: 64 }))];
  const { receipt } = await setting.easel.attempt({ references });
  assert.equal(receipt.upstreamCost, 125_000_000n);
});

test('a mask is refused before anything is sent', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const size = { width: 64, height: 64 };
  const references = [referenceOf(await noisePicture(size))];
  const mask = referenceOf(await middleMask(size));
  const failure = await easel.failure({ references, mask });
  assertFailure(failure, 'mask_not_supported');
  assert.equal(failure.param, 'mask');
  assert.equal(bfl.upstream.requests.length, 0);
});

for (const [upstreamModel, most] of [
  ['flux-2-pro', 8],
  ['flux-2-klein-9b', 4],
] as const) {
  test(`${upstreamModel} takes ${most} pictures; one more is refused by its name`, async () => {
    await using setting = await start();
    const { bfl, easel } = setting;
    const reference = referenceOf(await noisePicture({ width: 16, height: 16 }));
    const references = Array.from({ length: most }, () => reference);
    await easel.attempt({ upstreamModel, references });
    assert.equal(bfl.edits[0]?.images.length, most);
    const failure = await easel.failure({ upstreamModel, references: [...references, reference] });
    assertFailure(failure, 'invalid_value');
    assert.equal(failure.param, 'image');
    assert.equal(bfl.upstream.purchases, 1);
  });
}

test('a picture that BFL cannot read is the caller’s fault', async () => {
  await using setting = await start();
  const picture = await noisePicture({ width: 64, height: 64 });
  const broken = referenceOf(picture.subarray(0, picture.length >> 1));
  const failure = await setting.easel.failure({ references: [broken] });
  assertFailure(failure, 'invalid_value');
  assert.deepEqual([failure.param, failure.message], ['image', 'Input should be a valid image']);
  assert.equal(setting.bfl.edits.length, 0);
});

test('a refusal that repeats the picture still says whose fault it is', async () => {
  await using setting = await start();
  const references = [referenceOf(await noisePicture({ width: 300, height: 300 }))];
  const input = 'iVBORw0KGgo'.repeat(20_000);
  const detail = [{ loc: ['body', 'input_image'], msg: 'No.', type: 'value_error', input }];
  setting.bfl.upstream.next({ kind: 'status', status: 422, body: { detail } });
  const failure = await setting.easel.failure({ references });
  assertFailure(failure, 'invalid_value');
  assert.doesNotMatch(failure.message, /iVBOR/);
});

for (const [fault, name, billed] of [
  ['moderation', 'moderation_blocked', undefined],
  ['insufficient_quota', 'upstream_error', 'no'],
  [{ kind: 'status', status: 400 }, 'invalid_value', undefined],
  [{ kind: 'status', status: 413 }, 'payload_too_large', undefined],
  [{ kind: 'status', status: 429 }, 'overloaded', 'no'],
  [{ kind: 'status', status: 500 }, 'upstream_error', 'unknown'],
  ['hang_up', 'upstream_error', 'unknown'],
  ['garbage', 'upstream_error', 'unknown'],
] as const) {
  test(`an edit that meets ${JSON.stringify(fault)} is ${name}, and is sent once`, async () => {
    await using setting = await start();
    const { bfl, easel } = setting;
    bfl.upstream.next(fault);
    const references = [referenceOf(await noisePicture({ width: 64, height: 64 }))];
    assertFailure(await easel.failure({ references }), name, billed);
    assert.equal(bfl.upstream.requests.length, 1);
  });
}

test('an edit is taken up from its JSON without its pictures', async () => {
  await using setting = await start();
  const { bfl, easel } = setting;
  const references = [referenceOf(await noisePicture({ width: 64, height: 64 }))];
  await easel.attempt({ references, seed: 7 });
  const [job] = easel.jobs;
  const resumed = await easel.resume(job, { references: [], seed: 7 });
  assert.deepEqual(resumed.events, ['image']);
  assert.deepEqual(resumed.receipt, { upstreamIds: [job?.id], upstreamCost: 45_000_000n });
  assert.doesNotMatch(JSON.stringify(job), /input_image|iVBOR/);
  assert.equal(bfl.upstream.purchases, 1);
});
