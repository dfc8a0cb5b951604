import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { parse } from 'yaml';
import type { ErrorName } from '../../src/base/errors.ts';
import {
  firstPicture,
  type ImageAnswer,
  readAnswer,
  readError,
  readStream,
  warningsOf,
} from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asArray, asObject, at, type JsonObject, leafPaths } from '../support/json.ts';
import { decodeBytes, decodePicture } from '../support/pictures.ts';
import { temporaryFolder } from '../support/process.ts';
import { runPython, skipWithoutPython } from '../support/python.ts';
import { runShell, skipWithoutCurl } from '../support/shell.ts';

/**
 * The pages that Easel implements, by the names that this file gives them. Their words are the
 * vendors' own: the tests say the same in ours, and where the pages lie beside the repository
 * their own text is run and read, too.
 */
const PAGES = {
  guide: 'deepshi-image-generation-guide.txt',
  openapi: 'deepshi-generate-openapi.txt',
  deer: 'deerapi-generate-reference.txt',
} as const;
type Page = keyof typeof PAGES;

const PROMPT = 'a canal at dusk';
const GENERATIONS = '/v1/images/generations';
const withoutCurl = await skipWithoutCurl();

let easel: Easel;

before(async () => {
  easel = await startEasel({ creditUsd: '100' });
});

after(async () => {
  const problems = await easel.auditProblems();
  await easel.close();
  assert.deepEqual(problems, []);
});

async function generate(body: JsonObject): Promise<ImageAnswer> {
  return readAnswer(await easel.post(GENERATIONS, { prompt: PROMPT, ...body }));
}

// ── What the answers hold ────────────────────────────────────────────────────────────────────────

type FieldType = 'integer' | 'number' | 'string' | 'base64' | 'data URI' | 'WxH';

/** Every field that a page shows in an answer: what it is, and on which pages. */
const FIELDS: readonly (readonly [field: string, type: FieldType, pages: readonly Page[]])[] = [
  ['created', 'integer', ['guide', 'openapi', 'deer']],
  ['model', 'string', ['guide', 'openapi']],
  ['size', 'WxH', ['guide', 'openapi', 'deer']],
  ['background', 'string', ['deer']],
  ['output_format', 'string', ['deer']],
  ['quality', 'string', ['deer']],
  ['data[].b64_json', 'base64', ['guide', 'openapi', 'deer']],
  ['data[].index', 'integer', ['guide', 'openapi']],
  ['usage.prompt_tokens', 'integer', ['openapi']],
  ['usage.prompt_tokens_details.cached_tokens', 'integer', ['openapi']],
  ['usage.prompt_tokens_details.cached_read_tokens', 'integer', ['openapi']],
  ['usage.prompt_tokens_details.image_tokens', 'integer', ['openapi']],
  ['usage.completion_tokens', 'integer', ['openapi']],
  ['usage.completion_tokens_details.reasoning_tokens', 'integer', ['openapi']],
  ['usage.completion_tokens_details.image_tokens', 'integer', ['openapi']],
  ['usage.input_tokens', 'integer', ['deer']],
  ['usage.input_tokens_details.image_tokens', 'integer', ['deer']],
  ['usage.input_tokens_details.text_tokens', 'integer', ['deer']],
  ['usage.output_tokens', 'integer', ['deer']],
  ['usage.total_tokens', 'integer', ['openapi', 'deer']],
  ['usage.cost.total_cost', 'number', ['guide', 'openapi']],
];

/** The request whose answer each page shows; the OpenAPI page shows all that there can be. */
const SAMPLE_REQUESTS = {
  guide: { model: 'deepshi-banana-pro' },
  openapi: { model: 'gpt-image-2', quality: 'low' },
  deer: { model: 'gpt-image-2', quality: 'low', size: '1024x1024', output_format: 'jpeg' },
} as const satisfies Record<Page, JsonObject>;

for (const page of Object.keys(PAGES) as Page[]) {
  test(`every field that the ${page} page shows is in our answer, of its type`, async () => {
    const answer = await generate(SAMPLE_REQUESTS[page]);
    for (const [field, type, pages] of FIELDS) {
      if (pages.includes(page)) {
        const value = at(answer, field.replace('[]', '[0]'));
        assert(isOfType(value, type), `${field} is ${JSON.stringify(value)?.slice(0, 80)}`);
      }
    }
  });

  test(`the matrix has what the ${page} page shows`, { skip: without(page) }, () => {
    const listed = FIELDS.filter(([, , pages]) => pages.includes(page)).map(([field]) => field);
    assert.deepEqual(listed.toSorted(), fieldsOn(page).toSorted());
  });
}

function isOfType(value: unknown, type: FieldType): boolean {
  switch (type) {
    case 'integer':
      return Number.isSafeInteger(value) && Number(value) >= 0;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'string':
      return typeof value === 'string' && value !== '';
    case 'base64':
      return typeof value === 'string' && /^[A-Za-z0-9+/]{100,}={0,2}$/.test(value);
    case 'data URI':
      return typeof value === 'string' && /^data:image\/[a-z]+;base64,[A-Za-z0-9+/]/.test(value);
    case 'WxH':
      return typeof value === 'string' && /^[1-9]\d*x[1-9]\d*$/.test(value);
  }
}

/** The fields of a page's sample answer; of the OpenAPI page, those of its schemas. */
function fieldsOn(page: Page): string[] {
  const text = readPage(page);
  if (page !== 'openapi') {
    const sample = /^\{\n {2}"created"[^]*?^\}/m.exec(text)?.[0] ?? '';
    return leafPaths(JSON.parse(sample));
  }
  const schemas = ['ImageResponse', 'ImageData', 'Usage', 'Cost'];
  const named = new Set(schemas.flatMap((schema) => propertiesOf(text, schema)));
  // The two that come only when asked for have tests of their own below.
  const optional = ['data[].url', 'data[].revised_prompt'];
  return [...named].filter((field) => !optional.includes(field));
}

const PREFIXES: Readonly<Record<string, string>> = {
  ImageResponse: '',
  ImageData: 'data[].',
  Usage: 'usage.',
  Cost: 'usage.cost.',
};

/** The leaves of a component schema, by the indentation of the page's YAML. */
function propertiesOf(text: string, schema: string): string[] {
  const block = new RegExp(`^    ${schema}:\n((?: {6}.*\n|\n)+)`, 'm').exec(text)?.[1] ?? '';
  const names = [...block.matchAll(/^( {8}| {12})(\w+):$/gm)].map(([, indent = '', name = '']) => ({
    isNested: indent.length === 12,
    name,
  }));
  const prefix = PREFIXES[schema] ?? '';
  return names.flatMap(({ isNested, name }, position) => {
    if (isNested) {
      const parent = names.slice(0, position).findLast((other) => !other.isNested)?.name ?? '';
      return name === 'properties' ? [] : [`${prefix}${parent}.${name}`];
    }
    const isObject = /_details$|^(data|usage|cost)$/.test(name);
    return isObject ? [] : [`${prefix}${name}`];
  });
}

test('url comes when it is asked for, as an inline data URI, and then b64_json does not', async () => {
  const answer = await generate({ model: 'deepshi-banana-pro', response_format: 'url' });
  const [item] = answer.data;
  assert(isOfType(item.url, 'data URI'));
  assert(!('b64_json' in item));
  const decoded = await decodePicture(String(item.url).replace('data:image/png;base64,', ''));
  assert.equal(decoded.size, answer.size);
});

test('the guide’s sample answer: one picture of 1024x1024 for exactly 0.01 USD', async () => {
  const earliest = Math.floor(Date.now() / 1000);
  const answer = await generate({ model: 'deepshi-banana-pro' });
  const { created, model, size, data, usage } = answer;
  assert(created >= earliest && created <= Date.now() / 1000, 'created is in Unix seconds');
  assert.deepEqual(
    { model, size, index: data[0].index, usage },
    {
      model: 'deepshi-banana-pro',
      size: '1024x1024',
      index: 0,
      usage: { cost: { total_cost: 0.01 } },
    },
  );
  assert.equal((await decodePicture(firstPicture(answer))).format, 'png');
});

// ── What the guide lets people run ───────────────────────────────────────────────────────────────

test('guide, step 1: the curl command answers with JSON', { skip: withoutCurl }, async () => {
  const printed = await runShell(
    `curl "$BASE/v1/images/generations" \\
      -H "Authorization: Bearer $KEY" \\
      -H "Content-Type: application/json" \\
      -d '{
        "model": "deepshi-banana-pro",
        "prompt": "${PROMPT}"
      }'`,
    { BASE: easel.url, KEY: easel.key },
  );
  await assertGuideAnswer(printed);
});

const guideSkip = without('guide') || withoutCurl;
test('guide, step 1: so does the page’s own command', { skip: guideSkip }, async () => {
  const [command = ''] = curlCommands('guide');
  await assertGuideAnswer(await runShell(command, { DEEPSHI_API_KEY: easel.key }));
});

async function assertGuideAnswer(printed: string): Promise<void> {
  const answer = asObject(JSON.parse(printed));
  assert.equal(answer['model'], 'deepshi-banana-pro');
  assert.equal(at(answer, 'usage.cost.total_cost'), 0.01);
  const picture = await decodePicture(String(at(answer, 'data[0].b64_json')));
  assert.equal(picture.size, '1024x1024');
}

test('guide, step 2: the Python SDK saves a picture', { skip: skipWithoutPython }, async () => {
  await savesPicture(`import base64, os
from openai import OpenAI

client = OpenAI(base_url=os.environ["BASE"] + "/v1", api_key=os.environ["KEY"])
answer = client.images.generate(model="deepshi-banana-pro", prompt="${PROMPT}")
with open("output.png", "wb") as file:
    file.write(base64.b64decode(answer.data[0].b64_json))
`);
});

const pythonSkip = without('guide') || skipWithoutPython;
test('guide, step 2: so does the page’s own program', { skip: pythonSkip }, async () => {
  const [program = ''] = /^import base64\n[^]*?^print\(.*\)$/m.exec(readPage('guide')) ?? [];
  await savesPicture(
    program.replace('https://api.deepshi.ai', easel.url).replace('YOUR_DEEPSHI_API_KEY', easel.key),
  );
});

/** Runs a program in a folder of its own: it must leave a picture in `output.png`. */
async function savesPicture(program: string): Promise<void> {
  await using folder = await temporaryFolder();
  const inFolder = `import os\nos.chdir(${JSON.stringify(folder.path)})\n`;
  await runPython(inFolder + program, { BASE: easel.url, KEY: easel.key });
  const { size, format } = await decodeBytes(await readFile(join(folder.path, 'output.png')));
  assert.deepEqual([size, format], ['1024x1024', 'png']);
}

test('guide, step 2: the Node SDK does the same', async () => {
  const client = new OpenAI({ baseURL: `${easel.url}/v1`, apiKey: easel.key });
  const answer = await client.images.generate({ model: 'deepshi-banana-pro', prompt: PROMPT });
  const picture = await decodePicture(answer.data?.[0]?.b64_json ?? '');
  assert.deepEqual([picture.size, picture.format], ['1024x1024', 'png']);
});

test('guide, step 3: each of the four styles of sizing, on each of its examples', async () => {
  const table: [JsonObject, string][] = [
    [{ model: 'deepshi-banana-pro', width: 1024, height: 1024 }, '1024x1024'],
    [{ model: 'flux-2-pro', width: 512, height: 256 }, '512x256'],
    [{ model: 'nano-banana-pro', aspect_ratio: '16:9', resolution: '2K' }, '2752x1536'],
    [{ model: 'nano-banana-2', aspect_ratio: '16:9', resolution: '1K' }, '1376x768'],
    [{ model: 'grok-imagine', aspect_ratio: '16:9' }, '1360x768'],
    [{ model: 'seedream-4.5', image_size: 'auto_2K' }, '2048x2048'],
    [{ model: 'gpt-image-2', image_size: '1024x1024', quality: 'low' }, '1024x1024'],
  ];
  for (const [body, size] of table) {
    const answer = await generate(body);
    assert.equal(answer.size, size, JSON.stringify(body));
    assert.equal((await decodePicture(firstPicture(answer))).size, size, JSON.stringify(body));
    assert.deepEqual(warningsOf(answer), [], JSON.stringify(body));
  }
});

test('guide: a model ignores another model’s sizing', async () => {
  const foreign = { aspect_ratio: '16:9', resolution: '2K', image_size: 'auto_2K' };
  const answer = await generate({ model: 'deepshi-banana-pro', ...foreign });
  assert.equal(answer.size, '1024x1024');
});

test('guide: curl lists the models', { skip: withoutCurl }, async () => {
  const printed = await runShell('curl "$BASE/v1/models" -H "Authorization: Bearer $KEY"', {
    BASE: easel.url,
    KEY: easel.key,
  });
  assertModelList(JSON.parse(printed));
});

test('guide: so does the page’s own command', { skip: guideSkip }, async () => {
  const [, command = ''] = curlCommands('guide');
  assertModelList(JSON.parse(await runShell(command, { DEEPSHI_API_KEY: easel.key })));
});

/** The list, and in it the guide's sample entry: ours may have more of everything. */
function assertModelList(list: unknown): void {
  assert.equal(at(list, 'object'), 'list');
  const entries = asArray(at(list, 'data')).map(asObject);
  const entry = asObject(entries.find(({ id }) => id === 'nano-banana-pro'));
  assert.equal(entry['object'], 'model');
  assert.equal(entry['owned_by'], 'deepshi');
  assert.deepEqual(Object.keys(asObject(entry['parameters'])).slice(0, 2), [
    'resolution',
    'aspect_ratio',
  ]);
  assert.deepEqual(at(entry, 'parameters.resolution'), {
    type: 'enum',
    values: ['1K', '2K', '4K'],
    default: '2K',
  });
  const ratio = asObject(at(entry, 'parameters.aspect_ratio'));
  assert.deepEqual([ratio['type'], ratio['default']], ['enum', 'auto']);
  assert.deepEqual(asArray(ratio['values']).slice(0, 4), ['auto', '16:9', '1:1', '9:16']);
  assert.equal(at(entry, 'edit.supported'), true);
  assert.equal(at(entry, 'edit.max_reference_images'), 14);
  assert.equal(entry['prompt_max_length'], 50_000);
  assert.deepEqual(entry['input_modalities'], ['text']);
  assert.deepEqual(entry['output_modalities'], ['image']);
  const banana = asObject(entries.find(({ id }) => id === 'deepshi-banana-pro'));
  assert.deepEqual(banana['edit'], { supported: false });
}

test('the sample entry is the page’s', { skip: without('guide') }, async () => {
  const sample = asObject(
    JSON.parse(/^\{\n {2}"id": "nano-banana-pro"[^]*?^\}/m.exec(readPage('guide'))?.[0] ?? ''),
  );
  const entry = asObject(await (await easel.get('/v1/models/nano-banana-pro')).json());
  for (const path of leafPaths(sample)) {
    assert.notEqual(at(entry, path.replace('[]', '[0]')), undefined, path);
  }
});

// ── "Common parameters" of the guide, row by row ─────────────────────────────────────────────────

test('model: required', async () => {
  const response = await easel.post(GENERATIONS, { prompt: PROMPT });
  await readError(response, { name: 'missing_required_parameter', param: 'model' });
});

test('prompt: required, and capped at 8,000 to 50,000 characters by model', async () => {
  const response = await easel.post(GENERATIONS, { model: 'deepshi-banana-pro' });
  await readError(response, { name: 'missing_required_parameter', param: 'prompt' });
  const list: unknown = await (await easel.get('/v1/models')).json();
  const caps = asArray(at(list, 'data')).map((entry) => Number(at(entry, 'prompt_max_length')));
  assert.equal(Math.min(...caps), 8000);
  assert.equal(Math.max(...caps), 50_000);
  const prompt = 'a'.repeat(8001);
  const long = await easel.post(GENERATIONS, { model: 'deepshi-banana-pro', prompt });
  await readError(long, { name: 'prompt_too_long', param: 'prompt', message: /8001.*8000/ });
});

test('n: 1 to 4, 1 by default, and only 1 for the house’s own models', async () => {
  assert.equal((await generate({ model: 'gpt-image-2', quality: 'low' })).data.length, 1);
  const four = await generate({ model: 'gpt-image-2', quality: 'low', n: 4 });
  assert.deepEqual(
    four.data.map(({ index }) => index),
    [0, 1, 2, 3],
  );
  for (const model of ['deepshi-banana-pro', 'deepshi-image-1']) {
    assert.equal((await generate({ model, n: 1 })).data.length, 1);
    const response = await easel.post(GENERATIONS, { model, prompt: PROMPT, n: 2 });
    await readError(response, { name: 'invalid_value', param: 'n' });
  }
});

test('response_format: b64_json by default, or url', async () => {
  const model = 'deepshi-banana-pro';
  for (const body of [{ model }, { model, response_format: 'b64_json' }]) {
    assert.deepEqual(Object.keys((await generate(body)).data[0]).toSorted(), ['b64_json', 'index']);
  }
  const answer = await generate({ model, response_format: 'url' });
  assert.deepEqual(Object.keys(answer.data[0]).toSorted(), ['index', 'url']);
});

test('output_format: png, jpeg or webp', async () => {
  for (const output_format of ['png', 'jpeg', 'webp']) {
    const answer = await generate({ model: 'deepshi-banana-pro', output_format });
    assert.equal(answer.output_format, output_format);
    assert.equal((await decodePicture(firstPicture(answer))).format, output_format);
  }
});

test('quality: low, medium or high on GPT models, dearer upwards; others ignore it', async () => {
  const costs: number[] = [];
  for (const quality of ['low', 'medium', 'high']) {
    const answer = await generate({ model: 'gpt-image-1.5', quality });
    assert.equal(answer.quality, quality);
    costs.push(answer.usage.cost.total_cost);
  }
  assert.deepEqual(
    costs,
    costs.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(costs).size, 3);
  const other = await generate({ model: 'deepshi-banana-pro', quality: 'high' });
  assert.equal(other.usage.cost.total_cost, 0.01);
});

test('seed: the same seed gives the same picture, none gives a random one', async () => {
  const model = 'deepshi-banana-pro';
  const pictures = [];
  for (const seed of [7, 7, null, null]) {
    pictures.push(await generate({ model, seed }));
  }
  const [first, again, random, other] = pictures.map(firstPicture);
  assert.equal(first, again);
  assert.equal(pictures[0]?.seed, 7);
  assert.notEqual(random, other);
});

test('stream: comments, then the completed event with the flat shape', async () => {
  const response = await easel.post(GENERATIONS, {
    model: 'deepshi-banana-pro',
    prompt: PROMPT,
    stream: true,
  });
  const { comments, events } = await readStream(response);
  assert(comments.length > 0);
  assert.deepEqual(
    events.map(({ event }) => event),
    ['image_generation.completed'],
  );
  const [completed] = events;
  const { type, size, usage, b64_json } = completed?.data ?? {};
  assert.equal(type, 'image_generation.completed');
  assert.equal(size, '1024x1024');
  // A stream costs exactly what one answer costs.
  assert.equal(usage?.cost?.total_cost, 0.01);
  assert.equal((await decodePicture(b64_json ?? '')).size, '1024x1024');
});

test('anything else that is sent is no error', async () => {
  await generate({ model: 'deepshi-banana-pro', some_upstream_field: { deep: [1, 2] } });
});

// ── The OpenAPI page: its example values and its error examples ──────────────────────────────────

test('the OpenAPI page’s example values make a picture', async () => {
  const answer = await generate({
    model: 'nano-banana-pro',
    n: 1,
    response_format: 'b64_json',
    output_format: 'png',
    stream: false,
    seed: 5,
    aspect_ratio: '16:9',
    resolution: '2K',
  });
  assert.equal(answer.model, 'nano-banana-pro');
  assert.equal(answer.size, '2752x1536');
});

test('the OpenAPI page’s error examples, word by word', async (t) => {
  const poor = await easel.makeKey({ account: 'poor', creditUsd: '0' });
  const narrow = await easel.makeKey({ account: 'narrow', allowedModels: ['flux-2-pro'] });
  const body = { model: 'deepshi-banana-pro', prompt: PROMPT };
  const as = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
  const answers: Readonly<Record<string, Response>> = {
    BadRequest: await easel.post(GENERATIONS, { ...body, model: 'no-such-model' }),
    Unauthorized: await easel.post(GENERATIONS, body, as('sk-easel-test-nobody')),
    InsufficientQuota: await easel.post(GENERATIONS, body, as(poor.secret)),
    Forbidden: await easel.post(GENERATIONS, body, as(narrow.secret)),
    RateLimited: await easel.post(GENERATIONS, body, { 'x-easel-test': 'rate_limited' }),
  };
  const examples = without('openapi') === false ? errorExamples() : undefined;
  for (const [name, response] of Object.entries(answers)) {
    await t.test(name, async () => {
      const example = examples?.get(name);
      if (example !== undefined) {
        assert.deepEqual(await response.clone().json(), { error: example });
      }
      await readError(response, { name: ERROR_ROWS[name] ?? 'internal_error' });
    });
  }
});

const ERROR_ROWS: Readonly<Record<string, ErrorName>> = {
  BadRequest: 'model_not_found',
  Unauthorized: 'invalid_api_key',
  InsufficientQuota: 'insufficient_quota',
  Forbidden: 'model_forbidden',
  RateLimited: 'rate_limit_exceeded',
};

/** The error objects of the page's component responses. */
function errorExamples(): ReadonlyMap<string, JsonObject> {
  const [, document = ''] = readPage('openapi').split(/^`{4}.*$/m);
  const responses = asObject(at(parse(document), 'components.responses'));
  return new Map(
    Object.entries(responses).map(([name, response]) => {
      const content = asObject(asObject(response)['content'])['application/json'];
      return [name, asObject(at(content, 'example.error'))];
    }),
  );
}

// ── DeerAPI's page ───────────────────────────────────────────────────────────────────────────────

test('DeerAPI’s curl command answers with its fields', { skip: withoutCurl }, async () => {
  const printed = await runShell(
    `curl "$BASE/v1/images/generations" \\
      -H "Content-Type: application/json" \\
      -H "Authorization: Bearer $KEY" \\
      -d '{
        "model": "gpt-image-2",
        "prompt": "${PROMPT}",
        "quality": "low",
        "size": "1024x1024",
        "output_format": "jpeg"
      }'`,
    { BASE: easel.url, KEY: easel.key },
  );
  await assertDeerAnswer(printed);
});

const deerSkip = without('deer') || withoutCurl;
test('so does the page’s own command', { skip: deerSkip }, async () => {
  const [command = ''] = curlCommands('deer');
  await assertDeerAnswer(await runShell(command, { DEERAPI_KEY: easel.key }));
});

async function assertDeerAnswer(printed: string): Promise<void> {
  const answer = asObject(JSON.parse(printed));
  const { background, output_format, quality, size } = answer;
  assert.deepEqual(
    { background, output_format, quality, size },
    { background: 'opaque', output_format: 'jpeg', quality: 'low', size: '1024x1024' },
  );
  const picture = await decodePicture(String(at(answer, 'data[0].b64_json')));
  assert.deepEqual([picture.size, picture.format], ['1024x1024', 'jpeg']);
  const usage = asObject(answer['usage']);
  const sum = Number(usage['input_tokens']) + Number(usage['output_tokens']);
  assert.equal(usage['total_tokens'], sum);
  assert.equal(at(usage, 'input_tokens_details.image_tokens'), 0);
  assert.equal(at(usage, 'input_tokens_details.text_tokens'), usage['input_tokens']);
}

test('DeerAPI’s body fields: n, quality, size, response_format and output_format', async () => {
  const answer = await generate({
    model: 'dall-e-3',
    n: 1,
    quality: 'standard',
    size: '1024x1024',
    response_format: 'url',
    output_format: 'png',
  });
  assert.equal(answer.model, 'dall-e-3');
  assert.equal(answer.size, '1024x1024');
  assert(isOfType(answer.data[0].url, 'data URI'));
});

function without(page: Page): string | false {
  return existsSync(pageUrl(page)) ? false : `${PAGES[page]} does not lie beside this repository`;
}

function readPage(page: Page): string {
  return readFileSync(pageUrl(page), 'utf8');
}

function pageUrl(page: Page): URL {
  return new URL(`../../../shared/spec/${PAGES[page]}`, import.meta.url);
}

/** A page's curl commands, sent to this server instead of its vendor's. */
function curlCommands(page: Page): string[] {
  const commands = readPage(page).match(/^curl https:.*(?:\n .*)*/gm) ?? [];
  return commands.map((command) => command.replace(/https:\/\/[\w.]+/, easel.url));
}
