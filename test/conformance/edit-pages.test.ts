import assert from 'node:assert/strict';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI, { BadRequestError } from 'openai';
import { ImageResponse } from '../../src/contract/answers.ts';
import { type ImageAnswer, readAnswer, readError, readStream } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asArray, asObject, at, type JsonObject, leafPaths } from '../support/json.ts';
import { decodeBytes, decodePicture } from '../support/pictures.ts';
import { temporaryFolder } from '../support/process.ts';
import { runPython, skipWithoutPython } from '../support/python.ts';
import { middleMask, noisePicture } from '../support/references.ts';
import { runShell, skipWithoutCurl } from '../support/shell.ts';

// The two pages on edits, as spec-pages.test.ts does it: in our words always, and in their own
// where they lie beside the repository.

const PAGES = {
  guide: 'deepshi-image-editing-guide.txt',
  reference: 'deepshi-edit-reference.txt',
} as const;
type Page = keyof typeof PAGES;

const EDITS = '/v1/images/edits';
const MODEL = 'deepshi-image-1';
const PROMPT = 'remove the person on the left';
const SIZE = { width: 640, height: 480 };
const withoutCurl = await skipWithoutCurl();

let easel: Easel;
let client: OpenAI;
/** Holds the files that the pages' commands name. */
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

before(async () => {
  easel = await startEasel({ creditUsd: '100' });
  client = new OpenAI({ baseURL: `${easel.url}/v1`, apiKey: easel.key });
  folder = await temporaryFolder();
  const files = {
    'input.png': await noisePicture(SIZE),
    'first.png': await noisePicture({ ...SIZE, seed: 2 }),
    'second.png': await noisePicture({ width: 320, height: 200, seed: 3 }),
    'mask.png': await middleMask(SIZE),
  };
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(join(folder.path, name), bytes);
  }
});

after(async () => {
  const problems = await easel.auditProblems();
  await easel.close();
  await folder[Symbol.asyncDispose]();
  assert.deepEqual(problems, []);
});

function file(name: string): ReturnType<typeof createReadStream> {
  return createReadStream(join(folder.path, name));
}

async function dataUri(name: string): Promise<string> {
  return `data:image/png;base64,${await readFile(join(folder.path, name), 'base64')}`;
}

async function postForm(fields: Readonly<Record<string, string>>): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.append(name, value);
  }
  form.append('image[]', new Blob([await readFile(join(folder.path, 'input.png'))]), 'input.png');
  const headers = { authorization: `Bearer ${easel.key}` };
  return fetch(easel.url + EDITS, { method: 'POST', headers, body: form });
}

async function edit(fields: Readonly<Record<string, string>>): Promise<ImageAnswer> {
  return readAnswer(await postForm({ prompt: PROMPT, ...fields }));
}

// ── The commands and programs of the pages ───────────────────────────────────────────────────────

const CURL = `curl "$BASE/v1/images/edits" -H "Authorization: Bearer $KEY" -F model="${MODEL}"`;

test('guide, step 1: the curl command edits a file', { skip: withoutCurl }, async () => {
  await assertAnswer(await shell(`${CURL} -F prompt="${PROMPT}" -F 'image[]=@input.png'`));
});

test('guide: so does the one with two files', { skip: withoutCurl }, async () => {
  const files = "-F 'image[]=@first.png' -F 'image[]=@second.png'";
  await assertAnswer(await shell(`${CURL} -F prompt="combine these into one scene" ${files}`));
});

const guideSkip = without('guide') || withoutCurl;
test('guide: so do the page’s own commands', { skip: guideSkip }, async () => {
  const commands = curlCommands('guide');
  assert.equal(commands.length, 2);
  for (const command of commands) {
    await assertAnswer(await shell(command));
  }
});

const referenceSkip = without('reference') || withoutCurl;
test(
  'reference: the page’s own command, a file in each place',
  { skip: referenceSkip },
  async () => {
    const [command = ''] = curlCommands('reference');
    // The page is generated: `<string>` and the names with `.items` stand for files, in all the ways
    // of its schema at once.
    const filled = command
      .replace('<token>', easel.key)
      .replaceAll("=<string>'", "=@input.png'")
      .replaceAll(/ *--form \d\.image\S*\.items='@example-file'(?: \\\n)?/g, '')
      .trimEnd()
      .replace(/\\$/, '');
    assert.equal(filled.match(/@input\.png/g)?.length, 2);
    const answer = asObject(JSON.parse(await shell(filled)));
    ImageResponse.parse(answer);
    assert.equal(answer['model'], 'nano-banana-2');
    const picture = await decodePicture(String(at(answer, 'data[0].b64_json')));
    assert.deepEqual([picture.size, answer['size']], ['2752x1536', '2752x1536']);
  },
);

test('guide, step 2: the Python SDK saves the edit', { skip: skipWithoutPython }, async () => {
  await savesEdit(`import base64, os
from openai import OpenAI

client = OpenAI(base_url=os.environ["BASE"] + "/v1", api_key=os.environ["KEY"])
answer = client.images.edit(model="${MODEL}", prompt="${PROMPT}", image=open("input.png", "rb"))
with open("edited.png", "wb") as file:
    file.write(base64.b64decode(answer.data[0].b64_json))
`);
});

const pythonSkip = without('guide') || skipWithoutPython;
test('guide, step 2: so does the page’s own program', { skip: pythonSkip }, async () => {
  const [program = ''] = /^import base64\n[^]*?^print\(.*\)$/m.exec(readPage('guide')) ?? [];
  await savesEdit(
    program.replace('https://api.deepshi.ai', easel.url).replace('YOUR_DEEPSHI_API_KEY', easel.key),
  );
});

async function shell(command: string): Promise<string> {
  const variables = { BASE: easel.url, KEY: easel.key, DEEPSHI_API_KEY: easel.key };
  return runShell(`cd '${folder.path}' && ${command}`, variables);
}

/** The guide's answer, with a picture as large as the one that was sent. */
async function assertAnswer(printed: string): Promise<void> {
  const answer = asObject(JSON.parse(printed));
  ImageResponse.parse(answer);
  assert.deepEqual([answer['model'], answer['size']], [MODEL, '640x480']);
  assert.deepEqual(answer['usage'], { cost: { total_cost: 0.01 } });
  assert.equal(at(answer, 'data[0].index'), 0);
  const picture = await decodePicture(String(at(answer, 'data[0].b64_json')));
  assert.deepEqual([picture.size, picture.format], ['640x480', 'png']);
}

async function savesEdit(program: string): Promise<void> {
  const edited = join(folder.path, 'edited.png');
  await rm(edited, { force: true });
  const inFolder = `import os\nos.chdir(${JSON.stringify(folder.path)})\n`;
  await runPython(inFolder + program, { BASE: easel.url, KEY: easel.key });
  assert.equal((await decodeBytes(await readFile(edited))).size, '640x480');
}

// ── What the answers hold ────────────────────────────────────────────────────────────────────────

/** The leaves of the pages' sample answers, by the type of each. */
const FIELDS: Readonly<Record<Page, Readonly<Record<string, 'number' | 'string'>>>> = {
  guide: {
    created: 'number',
    model: 'string',
    size: 'string',
    'data[].b64_json': 'string',
    'data[].index': 'number',
    'usage.cost.total_cost': 'number',
  },
  reference: {
    created: 'number',
    model: 'string',
    size: 'string',
    'data[].index': 'number',
    'data[].b64_json': 'string',
    'data[].url': 'string',
    'data[].revised_prompt': 'string',
    'usage.prompt_tokens': 'number',
    'usage.prompt_tokens_details.cached_tokens': 'number',
    'usage.prompt_tokens_details.cached_read_tokens': 'number',
    'usage.prompt_tokens_details.image_tokens': 'number',
    'usage.completion_tokens': 'number',
    'usage.completion_tokens_details.reasoning_tokens': 'number',
    'usage.completion_tokens_details.image_tokens': 'number',
    'usage.total_tokens': 'number',
    'usage.cost.total_cost': 'number',
  },
};

/** Those that come only when they are asked for, or when the upstream rewrote the prompt. */
const SOMETIMES = ['data[].url', 'data[].revised_prompt'];

for (const page of Object.keys(PAGES) as Page[]) {
  test(`every field of the ${page}’s answer is in ours, of its type`, async () => {
    const fields = { guide: { model: MODEL }, reference: { model: 'gpt-image-2', quality: 'low' } };
    const answer = await edit(fields[page]);
    for (const [field, type] of Object.entries(FIELDS[page])) {
      const value = at(answer, field.replace('[]', '[0]'));
      assert.equal(typeof value, SOMETIMES.includes(field) ? 'undefined' : type, field);
    }
  });

  test(`the list has what the ${page} shows`, { skip: without(page) }, () => {
    const sample = JSON.parse(/^\{\n {2}"created"[^]*?^\}/m.exec(readPage(page))?.[0] ?? '');
    assert.deepEqual(Object.keys(FIELDS[page]).toSorted(), leafPaths(sample).toSorted());
  });
}

// ── The reference, field by field ────────────────────────────────────────────────────────────────

test('model, prompt and a picture are required', async () => {
  const missing = (param: string): { name: 'missing_required_parameter'; param: string } => ({
    name: 'missing_required_parameter',
    param,
  });
  await readError(await postForm({ prompt: PROMPT }), missing('model'));
  await readError(await postForm({ model: MODEL }), missing('prompt'));
  const fields = { model: MODEL, prompt: PROMPT };
  await readError(await easel.post(EDITS, fields), missing('image'));
});

test('every style of sizing; without one the first picture decides', async () => {
  const table: [Readonly<Record<string, string>>, string][] = [
    [{ model: MODEL, width: '512', height: '256' }, '512x256'],
    [{ model: MODEL }, '640x480'],
    [{ model: 'flux-2-pro', width: '512', height: '768' }, '512x768'],
    [{ model: 'nano-banana-2', aspect_ratio: '16:9', resolution: '1K' }, '1376x768'],
    [{ model: 'grok-imagine-quality', aspect_ratio: '1:1', resolution: '1K' }, '1024x1024'],
    [{ model: 'seedream-4.5', image_size: 'auto_2K' }, '2048x2048'],
    [{ model: 'gpt-image-2', image_size: '1024x1024', quality: 'low' }, '1024x1024'],
  ];
  for (const [fields, size] of table) {
    const answer = await edit(fields);
    assert.equal(answer.size, size, JSON.stringify(fields));
    assert.equal((await decodePicture(String(answer.data[0].b64_json))).size, size);
  }
});

test('n, response_format, output_format and seed', async () => {
  const several = await edit({ model: 'nano-banana', n: '2' });
  assert.deepEqual(
    several.data.map(({ index }) => index),
    [0, 1],
  );
  const tooMany = await postForm({ model: MODEL, prompt: PROMPT, n: '2' });
  await readError(tooMany, { name: 'invalid_value', param: 'n' });
  const url = await edit({
    model: MODEL,
    response_format: 'url',
    output_format: 'jpeg',
    seed: '5',
  });
  assert.match(String(url.data[0].url), /^data:image\/jpeg;base64,/);
  assert.deepEqual([url.seed, 'b64_json' in url.data[0]], [5, false]);
});

test('stream: keepalive comments, then the completed event with the picture', async () => {
  const { comments, events } = await readStream(
    await postForm({ model: MODEL, prompt: PROMPT, stream: 'true' }),
  );
  assert(comments.length > 0);
  const types = events.map(({ event, data }) => [event, data.type]);
  assert.deepEqual(types, [['image_generation.completed', 'image_generation.completed']]);
  const { b64_json, size, usage } = events[0]?.data ?? {};
  assert.deepEqual([size, usage?.cost?.total_cost], ['640x480', 0.01]);
  assert.equal((await decodePicture(b64_json ?? '')).size, '640x480');
});

test('the edit blocks of the models are those of the guide', async () => {
  const { data } = asObject(await (await easel.get('/v1/models')).json());
  const blocks = new Map(asArray(data).map((entry) => [at(entry, 'id'), at(entry, 'edit')]));
  const editor = asObject(blocks.get(MODEL));
  assert.deepEqual([editor['supported'], editor['max_reference_images']], [true, 5]);
  assert.deepEqual(blocks.get('deepshi-banana-pro'), { supported: false });
  const refused = await postForm({ model: 'deepshi-banana-pro', prompt: PROMPT });
  await readError(refused, { name: 'edit_not_supported', param: 'model' });
  const counts = [...blocks.values()].flatMap((block) => at(block, 'max_reference_images') ?? []);
  assert(counts.every((count) => Number(count) >= 1 && Number(count) <= 16));
});

// ── The SDKs ─────────────────────────────────────────────────────────────────────────────────────

test('the Node SDK: one file, several, a mask', async () => {
  const body = { model: MODEL, prompt: PROMPT };
  const answers = [
    await client.images.edit({ ...body, image: file('input.png') }),
    await client.images.edit({ ...body, image: [file('first.png'), file('second.png')] }),
    await client.images.edit({ ...body, image: file('input.png'), mask: file('mask.png') }),
  ];
  for (const answer of answers) {
    ImageResponse.parse(answer);
    assert.equal((await decodePicture(answer.data?.[0]?.b64_json ?? '')).size, '640x480');
    assert.equal(at(answer, 'usage.cost.total_cost'), 0.01);
  }
  const sized = await client.images.edit({ ...body, image: file('input.png'), size: '512x512' });
  assert.equal(sized.size, '512x512');
});

test('the Node SDK: a stream is read to its completed event', async () => {
  const stream = await client.images.edit({
    model: 'gpt-image-2',
    prompt: PROMPT,
    image: file('input.png'),
    quality: 'low',
    size: '1024x1024',
    stream: true,
    partial_images: 1,
  });
  const events = await Array.fromAsync(stream);
  assert.deepEqual(
    events.map((event) => at(event, 'type')),
    ['image_generation.partial_image', 'image_generation.completed'],
  );
  assert.equal((await decodePicture(events.at(-1)?.b64_json ?? '')).size, '1024x1024');
  assert(Number(at(events, '[1].usage.cost.total_cost')) > 0);
});

test('the Node SDK: a mask of another size raises its BadRequestError', async () => {
  const body = { model: MODEL, prompt: PROMPT, image: file('second.png'), mask: file('mask.png') };
  await assert.rejects(client.images.edit(body), (error) => {
    assert(error instanceof BadRequestError);
    assert.deepEqual([error.code, error.param], ['invalid_mask', 'mask']);
    assert.match(error.message, /640x480.*320x200/);
    return true;
  });
});

test(
  'the Python SDK: one file, several, a mask, a stream',
  { skip: skipWithoutPython },
  async () => {
    const printed = await runPython(
      `import json, os
import openai

os.chdir(os.environ["FOLDER"])
client = openai.OpenAI(base_url=os.environ["BASE"] + "/v1", api_key=os.environ["KEY"])
def edit(**more):
    return client.images.edit(model="${MODEL}", prompt="${PROMPT}", **more)
def file(name):
    return open(name, "rb")
answers = [
    edit(image=file("input.png")),
    edit(image=[file("first.png"), file("second.png")]),
    edit(image=file("input.png"), mask=file("mask.png")),
]
sized = edit(image=file("input.png"), extra_body={"width": 512, "height": 256})
events = list(edit(image=file("input.png"), stream=True))
try:
    edit(image=file("second.png"), mask=file("mask.png"))
except openai.BadRequestError as error:
    refused = [error.code, error.param]
print(json.dumps({
    "answers": [answer.to_dict() for answer in answers],
    "sized": sized.size,
    "events": [event.to_dict() for event in events],
    "refused": refused,
}))`,
      { BASE: easel.url, KEY: easel.key, FOLDER: folder.path },
    );
    const seen = asObject(JSON.parse(printed));
    for (const answer of asArray(seen['answers'])) {
      ImageResponse.parse(answer);
      assert.equal((await decodePicture(String(at(answer, 'data[0].b64_json')))).size, '640x480');
      assert.equal(at(answer, 'usage.cost.total_cost'), 0.01);
    }
    assert.equal(seen['sized'], '512x256');
    assert.deepEqual(
      asArray(seen['events']).map((event) => at(event, 'type')),
      ['image_generation.completed'],
    );
    assert.equal(at(seen, 'events[0].size'), '640x480');
    assert.deepEqual(seen['refused'], ['invalid_mask', 'mask']);
  },
);

// ── JSON, which the pages do not have and OpenAI's own reference does ────────────────────────────

test('JSON: images, image and mask as data URIs', async () => {
  const [input, mask] = [await dataUri('input.png'), await dataUri('mask.png')];
  const small = await dataUri('second.png');
  const table: JsonObject[] = [
    { images: [{ image_url: input }] },
    { images: [{ image_url: input }, { image_url: small }], mask: { image_url: mask } },
    { image: input },
    { image: [input, { url: small }], mask },
  ];
  for (const body of table) {
    const sent = { model: MODEL, prompt: PROMPT, ...body };
    const answer = await readAnswer(await easel.post(EDITS, sent));
    assert.deepEqual([answer.size, answer.usage.cost.total_cost], ['640x480', 0.01]);
    assert.equal((await decodePicture(String(answer.data[0].b64_json))).size, '640x480');
  }
});

test('JSON: a stream, and the picture itself as the body', async () => {
  const body = { model: MODEL, prompt: PROMPT, image: await dataUri('input.png') };
  const { events } = await readStream(await easel.post(EDITS, { ...body, stream: true }));
  assert.deepEqual(
    events.map(({ event }) => event),
    ['image_generation.completed'],
  );
  const picture = await easel.post(EDITS, body, { accept: 'image/*' });
  assert.equal(picture.headers.get('x-easel-cost'), '0.01');
  assert.equal((await decodeBytes(Buffer.from(await picture.arrayBuffer()))).size, '640x480');
});

function curlCommands(page: Page): string[] {
  const commands = readPage(page).match(/^curl (?:https:|--request).*(?:\n .*)*/gm) ?? [];
  return commands.map((command) => command.replace(/https:\/\/[\w.]+/, easel.url));
}

function without(page: Page): string | false {
  return existsSync(pageUrl(page)) ? false : `${PAGES[page]} does not lie beside this repository`;
}

function readPage(page: Page): string {
  return readFileSync(pageUrl(page), 'utf8');
}

function pageUrl(page: Page): URL {
  return new URL(`../../../shared/spec/${PAGES[page]}`, import.meta.url);
}
