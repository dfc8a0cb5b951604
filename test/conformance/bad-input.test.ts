import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deleteKey, revokeKey } from '../../src/access/keys.ts';
import { ERRORS, type ErrorName } from '../../src/base/errors.ts';
import { checkErrorBody, readAnswer, readError } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject, type JsonObject } from '../support/json.ts';
import { type RawAnswer, sendRaw } from '../support/raw-http.ts';

// Whatever comes in, what goes out is a row of the table in JSON, and nobody pays for it.

const GENERATIONS = '/v1/images/generations';
const BANANA = 'deepshi-banana-pro';
const JSON_TYPE = { 'content-type': 'application/json' };
/** Stands in every prompt here, so that one in a log line is found. */
const MARK = 'XYZZY-PROMPT';
const CREDIT = 10;

let easel: Easel;

before(async () => {
  easel = await startEasel({ creditUsd: String(CREDIT) });
});

after(async () => {
  try {
    await assertNothingHappened();
  } finally {
    await easel.close();
  }
});

type Body = string | Buffer<ArrayBuffer> | ReadableStream | null;

/** Sends a body as it is, JSON or not. */
async function send(body: Body, headers: Record<string, string> = JSON_TYPE): Promise<Response> {
  const authorization = `Bearer ${easel.key}`;
  return fetch(easel.url + GENERATIONS, {
    method: 'POST',
    headers: { authorization, ...headers },
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  });
}

async function post(fields: JsonObject, headers: Record<string, string> = {}): Promise<Response> {
  return easel.post(GENERATIONS, { model: BANANA, prompt: MARK, ...fields }, headers);
}

async function assertNothingHappened(): Promise<void> {
  const { balance, held, spent } = asObject(await (await easel.get('/v1/balance')).json());
  assert.deepEqual({ balance, held, spent }, { balance: CREDIT, held: 0, spent: 0 });
  assert.deepEqual(await easel.auditProblems(), []);
  const log = easel.logLines.map((line) => JSON.stringify(line));
  assert(log.length > 0);
  for (const secret of [easel.key, MARK, 'iVBORw0KGgo', '/9j/', ...secrets]) {
    assert.deepEqual(
      log.filter((line) => line.includes(secret)),
      [],
      `${secret} stands in the log`,
    );
  }
}

const secrets: string[] = [];

test('the table of errors is the contract’s', () => {
  const contract: Readonly<Record<string, string>> = {
    '400 invalid_request_error':
      'invalid_json invalid_type missing_required_parameter invalid_value model_not_found ' +
      'PROMPT_TOO_LONG edit_not_supported mask_not_supported too_many_images invalid_image ' +
      'invalid_mask image_url_refused',
    '400 image_generation_user_error': 'moderation_blocked',
    '401 invalid_request_error': 'invalid_api_key',
    '402 insufficient_quota': 'insufficient_quota',
    '403 invalid_request_error': 'model_not_found api_key_revoked invalid_signature',
    '404 invalid_request_error': 'not_found model_not_found',
    '405 invalid_request_error': 'method_not_allowed',
    '409 invalid_request_error': 'request_cancelled',
    '410 invalid_request_error': 'result_expired',
    '413 invalid_request_error': 'payload_too_large',
    '415 invalid_request_error': 'unsupported_media_type',
    '416 invalid_request_error': 'invalid_range',
    '422 invalid_request_error': 'idempotency_key_reused',
    '429 rate_limit_error': 'rate_limit_exceeded',
    '500 api_error': 'null',
    '502 api_error': 'upstream_error',
    '503 api_error': 'overloaded',
    '504 api_error': 'upstream_timeout',
  };
  const rows = Object.values(ERRORS).map(({ status, type, code }) => `${status} ${type} ${code}`);
  const wanted = Object.entries(contract).flatMap(([kind, codes]) =>
    codes.split(' ').map((code) => `${kind} ${code}`),
  );
  assert.deepEqual(new Set(rows), new Set(wanted));
});

test('bodies that are no JSON object', async (t) => {
  const table: [string, Body, ErrorName][] = [
    ['nothing but a word', MARK, 'invalid_json'],
    ['a JSON text that breaks off', `{"model":"${BANANA}","prompt":"${MARK}`, 'invalid_json'],
    ['single quotes', `{'prompt': '${MARK}'}`, 'invalid_json'],
    ['a trailing comma', `{"prompt":"${MARK}",}`, 'invalid_json'],
    ['__proto__', `{"model":"${BANANA}","prompt":"${MARK}","__proto__":{"n":9}}`, 'invalid_json'],
    [
      'constructor.prototype',
      `{"model":"${BANANA}","prompt":"${MARK}","constructor":{"prototype":{"n":9}}}`,
      'invalid_json',
    ],
    ['an empty body', '', 'invalid_json'],
    ['no body at all', null, 'invalid_json'],
    ['an array', `["${MARK}"]`, 'invalid_type'],
    ['a string', `"${MARK}"`, 'invalid_type'],
    ['a number', '5', 'invalid_type'],
    ['null', 'null', 'invalid_type'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'invalid_json'],
  ];
  for (const [name, body, row] of table) {
    await t.test(`${name}: ${row}`, async () => {
      await readError(await send(body), { name: row });
    });
  }
});

test('fields of the contract with a wrong type, a wrong value, or missing', async (t) => {
  const pairs = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, 'v']));
  const absent = undefined;
  const table: [JsonObject, ErrorName, string][] = [
    [{ model: absent }, 'missing_required_parameter', 'model'],
    [{ model: null }, 'missing_required_parameter', 'model'],
    [{ model: 5 }, 'invalid_type', 'model'],
    [{ model: [BANANA] }, 'invalid_type', 'model'],
    [{ model: '' }, 'invalid_value', 'model'],
    [{ prompt: absent }, 'missing_required_parameter', 'prompt'],
    [{ prompt: null }, 'missing_required_parameter', 'prompt'],
    [{ prompt: 5 }, 'invalid_type', 'prompt'],
    [{ prompt: { text: MARK } }, 'invalid_type', 'prompt'],
    [{ prompt: [MARK] }, 'invalid_type', 'prompt'],
    [{ prompt: '' }, 'invalid_value', 'prompt'],
    [{ n: '1' }, 'invalid_type', 'n'],
    [{ n: true }, 'invalid_type', 'n'],
    [{ n: 1.5 }, 'invalid_type', 'n'],
    [{ n: 0 }, 'invalid_value', 'n'],
    [{ n: -1 }, 'invalid_value', 'n'],
    [{ n: 5 }, 'invalid_value', 'n'],
    [{ n: 1e30 }, 'invalid_value', 'n'],
    [{ n: 2 }, 'invalid_value', 'n'],
    [{ model: 'deepshi-image-1', n: 2 }, 'invalid_value', 'n'],
    [{ response_format: 'png' }, 'invalid_value', 'response_format'],
    [{ response_format: '' }, 'invalid_value', 'response_format'],
    [{ output_format: 'gif' }, 'invalid_value', 'output_format'],
    [{ output_format: 'PNG' }, 'invalid_value', 'output_format'],
    [{ stream: 'true' }, 'invalid_type', 'stream'],
    [{ stream: 1 }, 'invalid_type', 'stream'],
    [{ metadata: 'x' }, 'invalid_type', 'metadata'],
    [{ metadata: [] }, 'invalid_type', 'metadata'],
    [{ metadata: { a: 1 } }, 'invalid_type', 'metadata.a'],
    [{ metadata: pairs }, 'invalid_value', 'metadata'],
    [{ metadata: { a: 'v'.repeat(513) } }, 'invalid_value', 'metadata.a'],
  ];
  for (const [fields, row, param] of table) {
    await t.test(`${JSON.stringify(fields).slice(0, 70)}: ${row} ${param}`, async () => {
      await readError(await post(fields), { name: row, param });
    });
  }
});

test('an enum of the contract with another type is refused as well', async (t) => {
  for (const param of ['response_format', 'output_format']) {
    for (const value of [5, true, ['png'], {}]) {
      await t.test(`${param} ${JSON.stringify(value)}`, async () => {
        const response = await post({ [param]: value });
        const { error } = asObject(await response.clone().json());
        const { code } = asObject(error);
        assert(code === 'invalid_type' || code === 'invalid_value', String(code));
        await readError(response, { name: code, param });
      });
    }
  }
});

test('declared fields of a model with a wrong type or a value outside its set', async (t) => {
  const gpt = { model: 'gpt-image-2' };
  const nano = { model: 'nano-banana-pro' };
  const table: [JsonObject, ErrorName, string][] = [
    [{ width: '512' }, 'invalid_type', 'width'],
    [{ width: 512.5 }, 'invalid_type', 'width'],
    [{ height: true }, 'invalid_type', 'height'],
    [{ width: 255 }, 'invalid_value', 'width'],
    [{ width: 2049 }, 'invalid_value', 'width'],
    [{ height: 0 }, 'invalid_value', 'height'],
    [{ height: -8 }, 'invalid_value', 'height'],
    [{ seed: '7' }, 'invalid_type', 'seed'],
    [{ seed: 1.5 }, 'invalid_type', 'seed'],
    [{ seed: -1 }, 'invalid_value', 'seed'],
    [{ seed: 2 ** 32 }, 'invalid_value', 'seed'],
    [{ output_compression: 101 }, 'invalid_value', 'output_compression'],
    [{ ...gpt, quality: 'best' }, 'invalid_value', 'quality'],
    [{ ...gpt, quality: 'xhigh' }, 'invalid_value', 'quality'],
    [{ ...gpt, quality: 5 }, 'invalid_type', 'quality'],
    [{ ...gpt, image_size: 'huge' }, 'invalid_value', 'image_size'],
    [{ ...gpt, image_size: 1024 }, 'invalid_type', 'image_size'],
    [{ ...gpt, image_size: '64x64' }, 'invalid_value', 'image_size'],
    [{ ...gpt, image_size: '3856x1600' }, 'invalid_value', 'image_size'],
    [{ ...gpt, image_size: '3840x1024' }, 'invalid_value', 'image_size'],
    [{ ...gpt, background: 'pink' }, 'invalid_value', 'background'],
    [{ ...gpt, background: 'transparent', output_format: 'jpeg' }, 'invalid_value', 'background'],
    [{ ...gpt, moderation: 'off' }, 'invalid_value', 'moderation'],
    [{ ...gpt, partial_images: 4, stream: true }, 'invalid_value', 'partial_images'],
    [{ ...gpt, partial_images: '2', stream: true }, 'invalid_type', 'partial_images'],
    [{ model: 'gpt-image-1.5', image_size: '2048x2048' }, 'invalid_value', 'image_size'],
    [{ ...nano, aspect_ratio: '7:1' }, 'invalid_value', 'aspect_ratio'],
    [{ ...nano, aspect_ratio: 1 }, 'invalid_type', 'aspect_ratio'],
    [{ ...nano, resolution: '8K' }, 'invalid_value', 'resolution'],
    [{ model: 'seedream-4.5', image_size: '1024x1024' }, 'invalid_value', 'image_size'],
    [{ model: 'flux-2-flex', steps: 51 }, 'invalid_value', 'steps'],
    [{ model: 'flux-2-flex', guidance: '4' }, 'invalid_type', 'guidance'],
    [{ model: 'flux-2-pro', width: 48 }, 'invalid_value', 'width'],
  ];
  for (const [fields, row, param] of table) {
    await t.test(`${JSON.stringify(fields)}: ${row} ${param}`, async () => {
      await readError(await post(fields), { name: row, param });
    });
  }
});

test('a picture of too many pixels is refused, by whichever edge', async () => {
  const response = await post({ model: 'flux-2-pro', width: 4096, height: 4096 });
  const { error } = asObject(await response.clone().json());
  const param = String(asObject(error)['param']);
  assert(['width', 'height'].includes(param), param);
  await readError(response, { name: 'invalid_value', param, message: /4194304/ });
});

test('the message names the field and the values that are allowed', async () => {
  const table: [JsonObject, string, RegExp][] = [
    [{ output_format: 'gif' }, 'output_format', /output_format.*png, jpeg, webp/],
    [{ model: 'gpt-image-1.5', quality: 'best' }, 'quality', /quality.*low, medium, high/],
    [{ model: 'nano-banana-pro', resolution: '8K' }, 'resolution', /resolution.*1K, 2K, 4K/],
    [{ width: 5 }, 'width', /width.*256.*2048/],
  ];
  for (const [fields, param, message] of table) {
    await readError(await post(fields), { name: 'invalid_value', param, message });
  }
});

test('models that are not there', async (t) => {
  for (const model of [
    'no-such',
    'DEEPSHI-BANANA-PRO',
    ' deepshi-banana-pro',
    '__proto__',
    '../x',
  ]) {
    await t.test(model, async () => {
      await readError(await post({ model }), { name: 'model_not_found' });
    });
  }
});

test('a prompt is capped in code points, to the very last', async (t) => {
  for (const character of ['a', 'é', '语', '🦊']) {
    const quote = (length: number): Promise<Response> =>
      easel.post('/v1/images/quotes', { model: BANANA, prompt: character.repeat(length) });
    await t.test(character, async () => {
      // Whether the cap itself passes is asked of the quote: it is admitted alike and paints nothing.
      assert.equal((await quote(8000)).status, 200);
      const tooLong = { name: 'prompt_too_long', param: 'prompt', message: /8001.*8000/ } as const;
      await readError(await quote(8001), tooLong);
      await readError(await post({ prompt: character.repeat(8001) }), tooLong);
    });
  }
});

test('bodies that are too large: 413', async (t) => {
  const large = JSON.stringify({ model: BANANA, prompt: MARK.repeat(2 ** 18) });
  assert(large.length > 2 * 2 ** 20);
  await t.test('with a length', async () => {
    await readError(await send(large), { name: 'payload_too_large' });
  });
  await t.test('in chunks', async () => {
    const chunks = new Blob([large]).stream();
    await readError(await send(chunks), { name: 'payload_too_large' });
  });
});

test('content types that are not JSON: 415', async (t) => {
  const body = JSON.stringify({ model: BANANA, prompt: MARK });
  const types = [
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'nonsense',
  ];
  for (const type of types) {
    await t.test(type, async () => {
      const response = await send(body, { 'content-type': type });
      await readError(response, { name: 'unsupported_media_type' });
    });
  }
  await t.test('none', async () => {
    // A body of bytes, for which `fetch` makes up no content type.
    await readError(await send(Buffer.from(body), {}), { name: 'unsupported_media_type' });
  });
});

test('JSON may name its character set', async () => {
  const response = await send('{"n":"x"', { 'content-type': 'application/json; charset=utf-8' });
  await readError(response, { name: 'invalid_json' });
});

test('wrong methods: 405, with the right ones', async (t) => {
  const table: [string, string, string][] = [
    ['GET', GENERATIONS, 'POST'],
    ['PUT', GENERATIONS, 'POST'],
    ['DELETE', GENERATIONS, 'POST'],
    ['PATCH', GENERATIONS, 'POST'],
    ['OPTIONS', GENERATIONS, 'POST'],
    ['POST', '/v1/models', 'GET, HEAD'],
    ['DELETE', `/v1/models/${BANANA}`, 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
  ];
  for (const [method, path, allow] of table) {
    await t.test(`${method} ${path}`, async () => {
      const response = await easel.get(path, { method });
      assert.equal(response.headers.get('allow'), allow);
      await readError(response, { name: 'method_not_allowed', message: new RegExp(method) });
    });
  }
});

test('paths that are not there: 404', async (t) => {
  const paths = [
    '/nothing',
    '/v1',
    '/v1/images/generation',
    `${GENERATIONS}/`,
    '/V1/images/generations',
    '/v1/%zz',
    '/v1/models/%E0%A4%A',
    `/v1/models/${'x'.repeat(400)}`,
    '/docs/..%2f..%2fpackage.json',
    '/docs/package.json',
  ];
  for (const path of paths) {
    await t.test(path.slice(0, 60), async () => {
      await readError(await easel.get(path), { name: 'not_found' });
    });
  }
  await t.test('a model', async () => {
    const response = await easel.get('/v1/models/no-such');
    await readError(response, { name: 'model_absent' });
  });
});

test('keys that open nothing', async (t) => {
  const expired = await easel.makeKey({ account: 'others', expiresAt: 1 });
  const revoked = await easel.makeKey({ account: 'others' });
  const deleted = await easel.makeKey({ account: 'others' });
  const poor = await easel.makeKey({ account: 'poor', creditUsd: '0' });
  const pennies = await easel.makeKey({ account: 'pennies', creditUsd: '0.009999999' });
  const narrow = await easel.makeKey({ account: 'others', allowedModels: ['flux-2-pro'] });
  const live = await easel.makeKey({ account: 'others', mode: 'live' });
  const other = easel.key.endsWith('0') ? '1' : '0';
  const unknown = easel.key.slice(0, -1) + other;
  secrets.push(
    ...[expired, revoked, deleted, poor, pennies, narrow, live].map((key) => key.secret),
  );
  secrets.push(unknown);
  await easel.app.engine.store.transaction(async (tx) => {
    assert(await revokeKey(tx, revoked.keyId));
    assert(await deleteKey(tx, deleted.keyId));
  });
  const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
  const table: [string, Record<string, string>, ErrorName][] = [
    ['none', {}, 'invalid_api_key'],
    ['an empty one', bearer(''), 'invalid_api_key'],
    ['another scheme', { authorization: `Basic ${easel.key}` }, 'invalid_api_key'],
    ['no scheme', { authorization: easel.key }, 'invalid_api_key'],
    ['two keys', bearer(`${easel.key} ${easel.key}`), 'invalid_api_key'],
    ['another prefix', bearer(`sk-${'a'.repeat(43)}`), 'invalid_api_key'],
    ['one character short', bearer(easel.key.slice(0, -1)), 'invalid_api_key'],
    ['one character more', bearer(`${easel.key}0`), 'invalid_api_key'],
    ['another case', bearer(easel.key.toUpperCase()), 'invalid_api_key'],
    ['unknown', bearer(unknown), 'invalid_api_key'],
    ['unknown, as x-api-key', { 'x-api-key': unknown }, 'invalid_api_key'],
    ['expired', bearer(expired.secret), 'invalid_api_key'],
    ['deleted', bearer(deleted.secret), 'invalid_api_key'],
    ['revoked', bearer(revoked.secret), 'api_key_revoked'],
    ['without credit', bearer(poor.secret), 'insufficient_quota'],
    ['a nano-dollar short', bearer(pennies.secret), 'insufficient_quota'],
    ['for other models', bearer(narrow.secret), 'model_forbidden'],
  ];
  const body = JSON.stringify({ model: BANANA, prompt: MARK });
  for (const [name, headers, row] of table) {
    await t.test(`${name}: ${row}`, async () => {
      const init = { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body };
      await readError(await fetch(easel.url + GENERATIONS, init), { name: row });
    });
  }
  await t.test('live, for a model that no upstream serves: model_not_found', async () => {
    const response = await post({ model: 'flux-2-pro' }, bearer(live.secret));
    await readError(response, { name: 'model_not_found' });
  });
  await t.test('live, with an empty live balance is not helped by the test balance', async () => {
    const penniless = await easel.makeKey({ account: 'default', mode: 'live', creditUsd: '0' });
    secrets.push(penniless.secret);
    const response = await post({}, bearer(penniless.secret));
    await readError(response, { name: 'insufficient_quota' });
  });
});

test('the scheme may be written in any case, and x-api-key is taken', async () => {
  for (const headers of [
    { authorization: `bearer ${easel.key}` },
    { authorization: `BEARER  ${easel.key}` },
    { 'x-api-key': easel.key },
  ]) {
    const response = await fetch(`${easel.url}/v1/balance`, { headers });
    assert.equal(response.status, 200);
    await response.body?.cancel();
  }
});

test('x-easel-test: each failure that can be asked for, and nonsense', async (t) => {
  const table: [string, ErrorName, string | null][] = [
    ['moderation_blocked', 'moderation_blocked', null],
    ['rate_limited', 'rate_limit_exceeded', null],
    ['upstream_error', 'upstream_error', null],
    ['upstream_timeout', 'upstream_timeout', null],
    ['nonsense', 'invalid_value', 'x-easel-test'],
    ['slow=', 'invalid_value', 'x-easel-test'],
    ['slow=-1', 'invalid_value', 'x-easel-test'],
    ['slow=1e9', 'invalid_value', 'x-easel-test'],
    ['toString', 'invalid_value', 'x-easel-test'],
  ];
  for (const [header, row, param] of table) {
    await t.test(`${header}: ${row}`, async () => {
      const response = await post({}, { 'x-easel-test': header });
      await readError(response, { name: row, param });
    });
  }
  await t.test('rate limits say when to come again', async () => {
    const response = await post({}, { 'x-easel-test': 'rate_limited' });
    assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
    await response.body?.cancel();
  });
  await t.test('a picture that dies on its way breaks the connection', async () => {
    const response = await post({}, { 'x-easel-test': 'die_mid_payload' });
    assert.equal(response.status, 200);
    await assert.rejects(response.text(), TypeError);
  });
});

test('a live key’s x-easel-test is ignored', async () => {
  const live = await easel.makeKey({ account: 'livers', mode: 'live' });
  secrets.push(live.secret);
  const authorization = `Bearer ${live.secret}`;
  const response = await post(
    { width: 256, height: 256 },
    { authorization, 'x-easel-test': 'nonsense' },
  );
  const answer = await readAnswer(response);
  assert.equal('test' in answer, false);
});

test('what is no HTTP at all still gets JSON', async (t) => {
  const get = (headers: string): string =>
    `GET /v1/models HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n`;
  const table: [string, string, number][] = [
    ['garbage', 'this is no request\r\n\r\n', 400],
    ['a method that there is not', 'BREW /coffee HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['a header without a name', get(': value'), 400],
    ['two lengths', get('content-length: 1\r\ncontent-length: 2'), 400],
    ['a length and chunks', get('content-length: 1\r\ntransfer-encoding: chunked'), 400],
    ['a control character in a header', get('x-a: a\u0001b'), 400],
    ['no host', 'GET /v1/models HTTP/1.1\r\n\r\n', 400],
    ['headers without end', get(`x-a: ${'a'.repeat(40_000)}`), 431],
    [
      'headers without end, many of them',
      get('x-a: aaaaaaaaaaaaaaaa\r\n'.repeat(4000).trim()),
      431,
    ],
  ];
  for (const [name, text, status] of table) {
    await t.test(`${name}: ${status}`, async () => {
      assertRawError(await sendRaw(easel.url, text), status, 'invalid_value');
    });
  }
});

test('an expectation that nobody can meet is no reason to answer without JSON', async () => {
  const head = 'GET /v1/models HTTP/1.1\r\nhost: x\r\nexpect: the-unexpected\r\n\r\n';
  const { status, headers, body } = await sendRaw(easel.url, head);
  assert(status === 401 || status === 417, `${status}`);
  assert.match(headers.get('content-type') ?? '', /^application\/json/);
  assert.match(headers.get('x-request-id') ?? '', /./);
  checkErrorBody(body, { name: status === 401 ? 'invalid_api_key' : 'invalid_value' });
});

function assertRawError(answer: RawAnswer, status: number, name: ErrorName): void {
  assert.equal(answer.status, status, answer.body);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  assert.match(answer.headers.get('x-request-id') ?? '', /^[\w.:-]{1,128}$/);
  checkErrorBody(answer.body, { name });
}

test('a bad key is refused before the body is read, which may never come', async () => {
  const head = `POST ${GENERATIONS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
  const unfinished = 'content-length: 1000000\r\n\r\n';
  const answer = await sendRaw(easel.url, `${head}authorization: Bearer nobody\r\n${unfinished}`);
  assertRawError(answer, 401, 'invalid_api_key');
  const without = await sendRaw(easel.url, head + unfinished);
  assertRawError(without, 401, 'invalid_api_key');
});

test('so is a body that says itself that it is too large', async () => {
  const head = `POST ${GENERATIONS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
  const key = `authorization: Bearer ${easel.key}\r\n`;
  const answer = await sendRaw(easel.url, `${head}${key}content-length: 100000000\r\n\r\n`);
  assertRawError(answer, 413, 'payload_too_large');
});

test('a caller’s own x-request-id is echoed when it is safe, and replaced when not', async () => {
  for (const id of ['abc', 'a-b_c.d:e', 'x'.repeat(128)]) {
    const response = await post({ n: 9 }, { 'x-request-id': id });
    assert.equal(response.headers.get('x-request-id'), id);
    await readError(response, { name: 'invalid_value', param: 'n' });
  }
  for (const id of ['', 'a b', 'x'.repeat(129), '<b>', 'é', '"', 'a,b']) {
    const response = await post({ n: 9 }, { 'x-request-id': id });
    assert.match(response.headers.get('x-request-id') ?? '', /^req_[0-9A-Za-z]{24}$/, id);
    await readError(response, { name: 'invalid_value', param: 'n' });
  }
});

test('the request id of an error is that of its log line', async () => {
  const response = await post({ n: 9 }, { 'x-request-id': 'to-be-found' });
  await response.body?.cancel();
  await (await easel.get('/healthz')).body?.cancel();
  const line = easel.logLines.find(({ requestId }) => requestId === 'to-be-found');
  assert.equal(line?.['error'], 'invalid_value');
  assert.equal(line?.['status'], 400);
  assert.equal(line?.['path'], GENERATIONS);
});
