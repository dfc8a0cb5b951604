import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ERRORS, type ErrorName, type ErrorRow } from '../../src/base/errors.ts';
import { deleteKey, revokeKey } from '../../src/access/keys.ts';
import { type Arrivals, watchArrivals } from '../support/arrivals.ts';
import { FAIL_WITH, startFailingServer } from '../support/failing-server.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asArray, asObject, at, type JsonObject } from '../support/json.ts';
import { decodePicture } from '../support/pictures.ts';
import { runPython, skipWithoutPython } from '../support/python.ts';

// The official SDK for Python, unchanged: only its base URL and its key are set. One program for
// each topic, which prints what it saw as JSON.

const skip = skipWithoutPython;
const PROMPT = 'a red fox in the snow';
const BANANA = 'deepshi-banana-pro';

let easel: Easel;
let arrivals: Arrivals;

before(async () => {
  easel = await startEasel({ creditUsd: '100' });
  arrivals = watchArrivals(easel.app.server.server);
});

after(async () => {
  const problems = await easel.auditProblems();
  await easel.close();
  assert.deepEqual(problems, []);
});

/** What every program begins with; `raised` calls and tells what came of it. */
const PRELUDE = `
import json, os
from concurrent.futures import ThreadPoolExecutor
import openai

BASE = os.environ["BASE"] + "/v1"
PROMPT = "${PROMPT}"
INPUT = json.loads(os.environ.get("INPUT", "null"))
client = openai.OpenAI(base_url=BASE, api_key=os.environ["KEY"])

def raised(call):
    try:
        call()
    except openai.APIError as error:
        return {
            "class": type(error).__name__,
            "bases": [base.__name__ for base in type(error).__mro__],
            "status": getattr(error, "status_code", None),
            "request_id": getattr(error, "request_id", None),
            "code": error.code, "type": error.type, "param": error.param,
            "message": error.message,
        }
    except Exception as error:
        return {"class": type(error).__name__, "bases": [], "message": str(error)}
    return {"class": None, "bases": [], "message": "nothing was raised"}
`;

/** Runs a program after the prelude; its last line prints JSON. */
async function python(program: string, input: unknown = null, base = easel.url): Promise<unknown> {
  const environment = { BASE: base, KEY: easel.key, INPUT: JSON.stringify(input) };
  return JSON.parse(await runPython(PRELUDE + program, environment));
}

test('models.list, models.retrieve, and images.generate with every id', { skip }, async (t) => {
  const seen = asObject(
    await python(`
ids = [model.id for model in client.models.list()]
def generate(id):
    answer = client.images.generate(model=id, prompt=PROMPT)
    return [id, answer.to_dict()]
with ThreadPoolExecutor(4) as pool:
    answers = dict(pool.map(generate, ids))
model = client.models.retrieve("nano-banana-pro")
print(json.dumps({"ids": ids, "answers": answers, "model": model.to_dict()}))
`),
  );
  const ids = asArray(seen['ids']).map(String);
  for (const id of [BANANA, 'gpt-image-2', 'nano-banana-pro', 'dall-e-2', 'dall-e-3']) {
    assert(ids.includes(id), `${id} is not listed`);
  }
  assert.equal(at(seen, 'model.id'), 'nano-banana-pro');
  assert.equal(at(seen, 'model.object'), 'model');
  assert.equal(at(seen, 'model.owned_by'), 'deepshi');
  for (const id of ids) {
    await t.test(id, async () => {
      const answer = asObject(asObject(seen['answers'])[id]);
      const picture = await decodePicture(String(at(answer, 'data[0].b64_json')));
      assert.equal(answer['model'], id);
      assert.deepEqual([answer['size'], answer['output_format']], [picture.size, picture.format]);
      assert(Number(at(answer, 'usage.cost.total_cost')) > 0);
    });
  }
});

test('every style of sizing, and OpenAI’s own size on each', { skip }, async (t) => {
  // `extra` is what the SDK's signature does not know and sends by `extra_body`.
  const table: { known: JsonObject; extra: JsonObject; size: string }[] = [
    { known: { model: BANANA }, extra: { width: 512, height: 768 }, size: '512x768' },
    { known: { model: BANANA, size: '768x512' }, extra: {}, size: '768x512' },
    {
      known: { model: 'nano-banana-2' },
      extra: { resolution: '1K', aspect_ratio: '9:16' },
      size: '768x1376',
    },
    { known: { model: 'nano-banana-2', size: '1024x1024' }, extra: {}, size: '1024x1024' },
    { known: { model: 'grok-imagine' }, extra: { aspect_ratio: '1:2' }, size: '720x1456' },
    {
      known: { model: 'gpt-image-2', size: '1536x1024', quality: 'low' },
      extra: {},
      size: '1536x1024',
    },
    { known: { model: 'seedream-4.5' }, extra: { image_size: 'square' }, size: '1920x1920' },
    {
      known: { model: 'dall-e-3', size: '1792x1024', quality: 'hd' },
      extra: {},
      size: '1792x1024',
    },
  ];
  const program = `
def generate(case):
    answer = client.images.generate(prompt=PROMPT, **case["known"], extra_body=case["extra"])
    return [answer.size, answer.data[0].b64_json]
with ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(generate, INPUT))))
`;
  const answers = asArray(await python(program, table));
  for (const [position, { known, extra, size }] of table.entries()) {
    await t.test(JSON.stringify({ ...known, ...extra }), async () => {
      assert.equal(at(answers, `[${position}][0]`), size);
      const picture = await decodePicture(String(at(answers, `[${position}][1]`)));
      assert.equal(picture.size, size);
    });
  }
});

test('response_format url is a data URI', { skip }, async () => {
  const program = `
answer = client.images.generate(model="${BANANA}", prompt=PROMPT, response_format="url")
print(json.dumps([answer.data[0].url[:22], answer.data[0].b64_json]))
`;
  assert.deepEqual(await python(program), ['data:image/png;base64,', null]);
});

test('streams are read to the completed event, with partial pictures', { skip }, async () => {
  const program = `
def events(**request):
    return [e.to_dict() for e in client.images.generate(prompt=PROMPT, stream=True, **request)]
print(json.dumps([
    events(model="${BANANA}"),
    events(model="gpt-image-2", quality="low", partial_images=2),
]))
`;
  const [plain, partials] = asArray(await python(program));
  assert.deepEqual(
    asArray(plain).map((event) => at(event, 'type')),
    ['image_generation.completed'],
  );
  assert.equal(at(plain, '[0].usage.cost.total_cost'), 0.01);
  assert.deepEqual(
    asArray(partials).map((event) => at(event, 'type')),
    [
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ],
  );
  for (const event of asArray(partials)) {
    const picture = await decodePicture(String(at(event, 'b64_json')));
    assert.equal(picture.size, at(event, 'size'));
  }
  const usage = asObject(at(partials, '[2].usage'));
  assert.equal(
    usage['total_tokens'],
    Number(usage['input_tokens']) + Number(usage['output_tokens']),
  );
  assert(Number(at(usage, 'cost.total_cost')) > 0);
});

// ── Errors ───────────────────────────────────────────────────────────────────────────────────────

/** The SDK's own class for a status. */
function classOf(status: number): string {
  const classes: Readonly<Record<number, string>> = {
    400: 'BadRequestError',
    401: 'AuthenticationError',
    403: 'PermissionDeniedError',
    404: 'NotFoundError',
    409: 'ConflictError',
    422: 'UnprocessableEntityError',
    429: 'RateLimitError',
  };
  return classes[status] ?? (status >= 500 ? 'InternalServerError' : 'APIStatusError');
}

/** The SDK retries 429, 5xx and the like by itself, but nothing that could buy a picture again. */
function attemptsOf({ status }: ErrorRow): number {
  return status === 429 || (status >= 500 && status !== 504) ? 3 : 1;
}

interface Case {
  readonly row: ErrorName;
  readonly param?: string;
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
  /** A prompt of so many characters, made by the program: it may be longer than a variable. */
  readonly promptLength?: number;
  /** Leaves the key out. */
  readonly keyless?: true;
  /** Another call than `images.generate`. */
  readonly path?: string;
  readonly method?: 'get' | 'post';
}

const RAISE_ALL = `
def attempt(case):
    sdk = openai.OpenAI(base_url=BASE, api_key=case.get("key") or os.environ["KEY"])
    headers = {"x-request-id": case["id"], **case.get("headers", {})}
    if "path" in case:
        options = {"headers": headers}
        if case.get("method") == "get":
            return raised(lambda: sdk.get(case["path"], cast_to=object, options=options))
        return raised(lambda: sdk.post(case["path"], cast_to=object, body={}, options=options))
    if case.get("keyless"):
        headers["Authorization"] = openai.Omit()
    known = {"model": "${BANANA}", "prompt": "a" * case.get("promptLength", 0) or PROMPT}
    return raised(lambda: sdk.images.generate(
        **known, extra_headers=headers, extra_body=case.get("body")))
with ThreadPoolExecutor(40) as pool:
    print(json.dumps(list(pool.map(attempt, INPUT))))
`;

test(
  'every failure is raised as the SDK’s own class, with all of its fields',
  { skip },
  async (t) => {
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
    const fault = (name: string): Pick<Case, 'headers'> => ({ headers: { 'x-easel-test': name } });
    const table: Readonly<Record<string, Case>> = {
      'a field of the wrong type': { row: 'invalid_type', param: 'n', body: { n: 'two' } },
      'an empty prompt': { row: 'invalid_value', param: 'prompt', body: { prompt: '' } },
      'a value that is not allowed': { row: 'invalid_value', param: 'n', body: { n: 5 } },
      'no prompt': { row: 'missing_required_parameter', param: 'prompt', body: { prompt: null } },
      'an unknown model': { row: 'model_not_found', body: { model: 'no-such' } },
      'a prompt that is too long': { row: 'prompt_too_long', param: 'prompt', promptLength: 8001 },
      'a body that is too large': { row: 'payload_too_large', promptLength: 1_200_000 },
      'no key': { row: 'invalid_api_key', keyless: true },
      'refused content': { row: 'moderation_blocked', ...fault('moderation_blocked') },
      'a malformed key': { row: 'invalid_api_key', key: 'sk-something' },
      'an unknown key': { row: 'invalid_api_key', key: unknownKey },
      'an expired key': { row: 'invalid_api_key', key: expired.secret },
      'a deleted key': { row: 'invalid_api_key', key: deleted.secret },
      'a revoked key': { row: 'api_key_revoked', key: revoked.secret },
      'an empty balance': { row: 'insufficient_quota', key: poor.secret },
      'a model that the key may not use': { row: 'model_forbidden', key: narrow.secret },
      'an unknown path': { row: 'not_found', path: '/images/nothing' },
      'an unknown model in the list': {
        row: 'model_absent',
        path: '/models/no-such',
        method: 'get',
      },
      'a wrong method': { row: 'method_not_allowed', path: '/images/generations', method: 'get' },
      'a wrong content type': {
        row: 'unsupported_media_type',
        headers: { 'content-type': 'application/xml' },
      },
      'a rate limit': { row: 'rate_limit_exceeded', ...fault('rate_limited') },
      'a failing upstream': { row: 'upstream_error', ...fault('upstream_error') },
      'a slow upstream': { row: 'upstream_timeout', ...fault('upstream_timeout') },
    };
    const entries = Object.entries(table);
    const cases = entries.map(([, wanted], position) => ({
      ...wanted,
      id: `provoked-${position}`,
    }));
    const errors = asArray(await python(RAISE_ALL, cases));
    for (const [position, [name, { row, param }]] of entries.entries()) {
      await t.test(`${name}: ${ERRORS[row].status} ${row}`, () => {
        const requestId = `provoked-${position}`;
        assertRaised(errors[position], { row, param: param ?? null, requestId });
        assert.equal(arrivals.count(requestId), attemptsOf(ERRORS[row]), 'attempts');
      });
    }
  },
);

test('every row of the error table is raised as the SDK’s own class', { skip }, async (t) => {
  await using failing = await startFailingServer();
  const rows = Object.keys(ERRORS) as ErrorName[];
  const cases = rows.map((row) => ({ id: `row-${row}`, headers: { [FAIL_WITH]: row } }));
  const errors = asArray(await python(RAISE_ALL, cases, failing.url));
  for (const [position, row] of rows.entries()) {
    await t.test(`${ERRORS[row].status} ${row}`, () => {
      const requestId = `row-${row}`;
      assertRaised(errors[position], { row, param: 'prompt', requestId });
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
  const seen = asObject(error);
  const label = String(seen['message']);
  assert.equal(seen['class'], classOf(status), label);
  assert(asArray(seen['bases']).includes('APIStatusError'), label);
  assert.equal(seen['status'], status, label);
  assert.deepEqual([seen['type'], seen['code'], seen['param']], [type, code, param], label);
  assert.equal(seen['request_id'], requestId, label);
}

test(
  'a picture that dies on its way: APIError in a stream, never an answer',
  { skip },
  async () => {
    const program = `
dying = {"x-easel-test": "die_mid_payload"}
once = client.with_options(max_retries=0)
def generate(**more):
    return client.images.generate(model="${BANANA}", prompt=PROMPT, extra_headers=dying, **more)
print(json.dumps({
    "stream": raised(lambda: list(generate(stream=True))),
    "answer": raised(lambda: once.images.generate(
        model="${BANANA}", prompt=PROMPT, extra_headers=dying)),
}))
`;
    const seen = await python(program);
    assert.equal(at(seen, 'stream.class'), 'APIError');
    assert.deepEqual(
      [at(seen, 'stream.type'), at(seen, 'stream.code')],
      ['api_error', 'upstream_error'],
    );
    // The connection breaks: openai's own class, or that of its HTTP client in mid-body.
    const broken = ['APIConnectionError', 'RemoteProtocolError', 'ReadError', 'JSONDecodeError'];
    assert(broken.includes(String(at(seen, 'answer.class'))), JSON.stringify(seen));
  },
);
