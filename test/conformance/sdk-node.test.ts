import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI, {
  APIConnectionError,
  APIError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} from 'openai';
import { ERRORS, type ErrorName, type ErrorRow } from '../../src/base/errors.ts';
import { deleteKey, revokeKey } from '../../src/access/keys.ts';
import { type Arrivals, watchArrivals } from '../support/arrivals.ts';
import { FAIL_WITH, startFailingServer } from '../support/failing-server.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject, at, type JsonObject } from '../support/json.ts';
import { decodePicture } from '../support/pictures.ts';

// The official SDK for Node, unchanged: only its base URL and its key are set.

const PROMPT = 'a red fox in the snow';
const BANANA = 'deepshi-banana-pro';

let easel: Easel;
let arrivals: Arrivals;
let client: OpenAI;

before(async () => {
  easel = await startEasel({ creditUsd: '100' });
  arrivals = watchArrivals(easel.app.server.server);
  client = clientOf(easel.key);
});

after(async () => {
  const problems = await easel.auditProblems();
  await easel.close();
  assert.deepEqual(problems, []);
});

function clientOf(apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${easel.url}/v1`, apiKey });
}

/** A request with fields that the SDK's types do not know: it sends them all the same. */
function paramsOf(body: JsonObject): OpenAI.ImageGenerateParamsNonStreaming {
  return { prompt: PROMPT, model: BANANA, ...body };
}

test('models.list has the catalogue, and images.generate works with every id of it', async (t) => {
  const ids = (await Array.fromAsync(client.models.list())).map(({ id }) => id);
  for (const id of [
    'deepshi-banana-pro',
    'gpt-image-2',
    'nano-banana-pro',
    'dall-e-2',
    'dall-e-3',
  ]) {
    assert(ids.includes(id), `${id} is not listed`);
  }
  for (const id of ids) {
    await t.test(id, async () => {
      const answer = await client.images.generate(paramsOf({ model: id }));
      const [image] = answer.data ?? [];
      const picture = await decodePicture(image?.b64_json ?? '');
      assert.equal(at(answer, 'model'), id);
      assert.equal(answer.size, picture.size);
      assert.equal(answer.output_format, picture.format);
      assert(Number(at(answer, 'usage.cost.total_cost')) > 0);
    });
  }
});

test('models.retrieve', async () => {
  const model = await client.models.retrieve('nano-banana-pro');
  assert.equal(model.id, 'nano-banana-pro');
  assert.equal(model.object, 'model');
  assert(Number.isInteger(model.created));
  assert.equal(model.owned_by, 'deepshi');
});

test('every style of sizing, and OpenAI’s own size on each', async (t) => {
  const table: [JsonObject, string][] = [
    [{ model: BANANA, width: 512, height: 768 }, '512x768'],
    [{ model: BANANA, size: '768x512' }, '768x512'],
    [{ model: 'nano-banana-2', resolution: '1K', aspect_ratio: '9:16' }, '768x1376'],
    [{ model: 'nano-banana-2', size: '1024x1024' }, '1024x1024'],
    [{ model: 'grok-imagine', aspect_ratio: '1:2' }, '720x1456'],
    [{ model: 'grok-imagine', size: '1024x1024' }, '1024x1024'],
    [{ model: 'gpt-image-2', image_size: '1536x1024', quality: 'low' }, '1536x1024'],
    [{ model: 'gpt-image-2', size: '1024x1536', quality: 'low' }, '1024x1536'],
    [{ model: 'seedream-4.5', image_size: 'square' }, '1920x1920'],
    [{ model: 'seedream-4.5', size: '2048x2048' }, '2048x2048'],
    [{ model: 'dall-e-3', size: '1792x1024', quality: 'standard' }, '1792x1024'],
  ];
  for (const [body, size] of table) {
    await t.test(JSON.stringify(body), async () => {
      const answer = await client.images.generate(paramsOf(body));
      assert.equal(answer.size, size);
      assert.equal((await decodePicture(answer.data?.[0]?.b64_json ?? '')).size, size);
    });
  }
});

test('response_format url is a data URI', async () => {
  const answer = await client.images.generate(paramsOf({ response_format: 'url' }));
  const [image] = answer.data ?? [];
  assert.match(image?.url ?? '', /^data:image\/png;base64,/);
  assert.equal(image?.b64_json, undefined);
});

test('a stream is read to its completed event', async () => {
  const stream = await client.images.generate({ model: BANANA, prompt: PROMPT, stream: true });
  const events = await Array.fromAsync(stream);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['image_generation.completed'],
  );
  assert.equal(at(events, '[0].usage.cost.total_cost'), 0.01);
});

test('a stream of gpt-image-2 with two partial pictures, its usage and its cost', async () => {
  const stream = await client.images.generate({
    model: 'gpt-image-2',
    prompt: PROMPT,
    quality: 'low',
    stream: true,
    partial_images: 2,
  });
  const events = await Array.fromAsync(stream);
  assert.deepEqual(
    events.map(({ type }) => type),
    [
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ],
  );
  assert.deepEqual(
    events.map((event) => at(event, 'partial_image_index')),
    [0, 1, undefined],
  );
  for (const { b64_json, size, output_format } of events) {
    const picture = await decodePicture(b64_json);
    assert.deepEqual([picture.size, picture.format], [size, output_format]);
  }
  const usage = asObject(at(events, '[2].usage'));
  assert.equal(
    usage['total_tokens'],
    Number(usage['input_tokens']) + Number(usage['output_tokens']),
  );
  assert(Number(at(usage, 'cost.total_cost')) > 0);
});

// ── Errors ───────────────────────────────────────────────────────────────────────────────────────

type ErrorClass = new (...parameters: never[]) => Error;

/** The SDK's own class for a status. */
function classOf(status: number): ErrorClass {
  const classes: Readonly<Record<number, ErrorClass>> = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
  };
  return classes[status] ?? (status >= 500 ? InternalServerError : APIError);
}

/** The SDK retries 429, 5xx and the like by itself, but nothing that could buy a picture again. */
function attemptsOf({ status }: ErrorRow): number {
  return status === 429 || (status >= 500 && status !== 504) ? 3 : 1;
}

interface Provoked {
  readonly row: ErrorName;
  readonly param?: string;
  readonly key?: string;
  readonly call: (sdk: OpenAI, options: OpenAI.RequestOptions) => Promise<unknown>;
}

const generateWith =
  (body: JsonObject, headers: Readonly<Record<string, string>> = {}): Provoked['call'] =>
  (sdk, options) =>
    sdk.images.generate(paramsOf(body), {
      ...options,
      headers: { ...(options.headers as Record<string, string>), ...headers },
    });

test('every failure is raised as the SDK’s own class, with all of its fields', async (t) => {
  const expired = await easel.makeKey({ account: 'a', expiresAt: 1 });
  const revoked = await easel.makeKey({ account: 'a' });
  const deleted = await easel.makeKey({ account: 'a' });
  await easel.app.engine.store.transaction(async (tx) => {
    assert(await revokeKey(tx, revoked.keyId));
    assert(await deleteKey(tx, deleted.keyId));
  });
  const poor = await easel.makeKey({ account: 'poor', creditUsd: '0' });
  const narrow = await easel.makeKey({ account: 'a', allowedModels: ['flux-2-pro'] });
  const unknownKey = easel.key.slice(0, -4) + (easel.key.endsWith('0000') ? '1111' : '0000');
  const plain = generateWith({});
  const fault = (name: string): Provoked['call'] => generateWith({}, { 'x-easel-test': name });
  const table: Readonly<Record<string, Provoked>> = {
    'a field of the wrong type': {
      row: 'invalid_type',
      param: 'n',
      call: generateWith({ n: 'two' }),
    },
    'no prompt': {
      row: 'missing_required_parameter',
      param: 'prompt',
      call: generateWith({ prompt: undefined }),
    },
    'a value that is not allowed': {
      row: 'invalid_value',
      param: 'n',
      call: generateWith({ n: 5 }),
    },
    'an unknown model': { row: 'model_not_found', call: generateWith({ model: 'no-such' }) },
    'a prompt that is too long': {
      row: 'prompt_too_long',
      param: 'prompt',
      call: generateWith({ prompt: 'a'.repeat(8001) }),
    },
    'refused content': { row: 'moderation_blocked', call: fault('moderation_blocked') },
    'no key': {
      row: 'invalid_api_key',
      call: (sdk, options) =>
        sdk.images.generate(paramsOf({}), {
          ...options,
          headers: { ...(options.headers as Record<string, string>), authorization: null },
        }),
    },
    'a malformed key': { row: 'invalid_api_key', key: 'sk-something', call: plain },
    'an unknown key': { row: 'invalid_api_key', key: unknownKey, call: plain },
    'an expired key': { row: 'invalid_api_key', key: expired.secret, call: plain },
    'a deleted key': { row: 'invalid_api_key', key: deleted.secret, call: plain },
    'a revoked key': { row: 'api_key_revoked', key: revoked.secret, call: plain },
    'an empty balance': { row: 'insufficient_quota', key: poor.secret, call: plain },
    'a model that the key may not use': {
      row: 'model_forbidden',
      key: narrow.secret,
      call: plain,
    },
    'an unknown path': {
      row: 'not_found',
      call: (sdk, options) => sdk.post('/images/nothing', { ...options, body: {} }),
    },
    'an unknown model in the list': {
      row: 'model_absent',
      call: (sdk, options) => sdk.models.retrieve('no-such', options),
    },
    'a wrong method': {
      row: 'method_not_allowed',
      call: (sdk, options) => sdk.get('/images/generations', options),
    },
    'a body that is too large': {
      row: 'payload_too_large',
      call: generateWith({ prompt: 'a'.repeat(1_200_000) }),
    },
    'a wrong content type': {
      row: 'unsupported_media_type',
      call: generateWith({}, { 'content-type': 'text/plain' }),
    },
    'a rate limit': { row: 'rate_limit_exceeded', call: fault('rate_limited') },
    'a failing upstream': { row: 'upstream_error', call: fault('upstream_error') },
    'a slow upstream': { row: 'upstream_timeout', call: fault('upstream_timeout') },
  };
  // The SDK waits before it retries: all at once, so that the waits fall together.
  const outcomes = Object.entries(table).map(
    async ([name, { row, param, key, call }], position) => {
      const requestId = `provoked-${position}`;
      const sdk = key === undefined ? client : clientOf(key);
      const error = await raisedBy(call(sdk, { headers: { 'x-request-id': requestId } }));
      return { name, row, param: param ?? null, error, requestId };
    },
  );
  for (const { name, row, param, error, requestId } of await Promise.all(outcomes)) {
    await t.test(`${name}: ${ERRORS[row].status} ${row}`, () => {
      assertRaised(error, { row, param, requestId });
      assert.equal(arrivals.count(requestId), attemptsOf(ERRORS[row]), 'attempts');
    });
  }
});

test('every row of the error table is raised as the SDK’s own class', async (t) => {
  await using failing = await startFailingServer();
  const sdk = new OpenAI({ baseURL: `${failing.url}/v1`, apiKey: 'none' });
  const outcomes = (Object.keys(ERRORS) as ErrorName[]).map(async (row) => {
    const headers = { 'x-request-id': `row-${row}`, [FAIL_WITH]: row };
    return { row, error: await raisedBy(sdk.images.generate(paramsOf({}), { headers })) };
  });
  for (const { row, error } of await Promise.all(outcomes)) {
    await t.test(`${ERRORS[row].status} ${row}`, () => {
      const requestId = `row-${row}`;
      assertRaised(error, { row, param: 'prompt', requestId });
      assert.equal(failing.arrivals.count(requestId), attemptsOf(ERRORS[row]), 'attempts');
    });
  }
});

interface Raised {
  readonly row: ErrorName;
  readonly param: string | null;
  readonly requestId: string;
}

function assertRaised(error: unknown, { row, param, requestId }: Raised): void {
  const { status, type, code } = ERRORS[row];
  assert(error instanceof APIError, String(error));
  assert.equal(error.constructor, classOf(status), `${error.constructor.name}: ${error.message}`);
  assert.equal(error.status, status);
  assert.deepEqual([error.type, error.code, error.param], [type, code, param]);
  assert.equal(error.requestID, requestId);
  assert.match(error.message, /\w/);
}

test('a retry says of itself which one it is', async () => {
  const requestId = 'three-attempts';
  const headers = { 'x-request-id': requestId, 'x-easel-test': 'upstream_error' };
  await raisedBy(client.images.generate(paramsOf({}), { headers }));
  const counts = arrivals.requests
    .filter((request) => request.headers['x-request-id'] === requestId)
    .map((request) => request.headers['x-stainless-retry-count']);
  assert.deepEqual(counts, ['0', '1', '2']);
});

test('a stream whose picture dies on its way raises APIError', async () => {
  const stream = await client.images.generate(
    { model: BANANA, prompt: PROMPT, stream: true },
    { headers: { 'x-easel-test': 'die_mid_payload' } },
  );
  const error = await raisedBy(Array.fromAsync(stream));
  assert(error instanceof APIError, String(error));
  assert.deepEqual([error.type, error.code], ['api_error', 'upstream_error']);
});

test('an answer whose picture dies on its way never passes for one', async () => {
  const headers = { 'x-easel-test': 'die_mid_payload' };
  const error = await raisedBy(client.images.generate(paramsOf({}), { headers, maxRetries: 0 }));
  const isParseError = error instanceof SyntaxError || error instanceof TypeError;
  assert(error instanceof APIConnectionError || isParseError, String(error));
});

async function raisedBy(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was raised');
}
