import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  firstPicture,
  type ImageAnswer,
  readAnswer,
  readStream,
  warningsOf,
} from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import type { JsonObject } from '../support/json.ts';
import { decodePicture } from '../support/pictures.ts';

const BANANA = 'deepshi-banana-pro';
const GENERATIONS = '/v1/images/generations';

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
  const request = { model: BANANA, prompt: 'a lighthouse', ...body };
  return readAnswer(await easel.post(GENERATIONS, request));
}

test('an answer without anything to warn of has no warnings', async () => {
  assert.equal('warnings' in (await generate({})), false);
});

test('a field that the model does not declare is ignored, named, and never type-checked', async () => {
  const table: [string, JsonObject, string[]][] = [
    [BANANA, { aspect_ratio: '16:9' }, ['aspect_ratio']],
    [BANANA, { resolution: '2K', image_size: 'auto_2K' }, ['resolution', 'image_size']],
    ['grok-imagine', { width: 512, height: 512 }, ['width', 'height']],
    ['nano-banana', { resolution: '4K', image_size: 'square' }, ['resolution', 'image_size']],
    ['seedream-4.5', { aspect_ratio: '1:1', width: 512 }, ['aspect_ratio', 'width']],
    ['gpt-image-2', { quality: 'low', aspect_ratio: '1:1' }, ['aspect_ratio']],
    [BANANA, { quality: 'high' }, ['quality']],
    [BANANA, { quality: 17 }, ['quality']],
    ['nano-banana', { quality: ['low'], style: 3 }, ['quality', 'style']],
    [BANANA, { style: 'vivid', user: 'somebody' }, ['style', 'user']],
    [BANANA, { style: { deep: [] }, user: 5 }, ['style', 'user']],
    [
      BANANA,
      { aspect_ratio: 5, resolution: [], image_size: {} },
      ['aspect_ratio', 'resolution', 'image_size'],
    ],
    ['seedream-4.5', { seed: 'seven' }, ['seed']],
    [BANANA, { moderation: 1, background: 2 }, ['moderation', 'background']],
    [BANANA, { partial_images: 'two' }, ['partial_images']],
    [BANANA, { something_new: true }, ['something_new']],
    [
      'gpt-image-2',
      { quality: 'low', seed: 'x', input_fidelity: 'high' },
      ['seed', 'input_fidelity'],
    ],
  ];
  for (const [model, fields, named] of table) {
    const answer = await generate({ model, ...fields });
    const label = JSON.stringify(fields);
    assert.deepEqual(
      warningsOf(answer).toSorted(),
      named.map((name) => `${name} ignored`).toSorted(),
      label,
    );
    for (const { param, message } of answer.warnings ?? []) {
      assert(message.includes(param), `${label}: ${message}`);
    }
  }
});

test('names that would change the count or the delivery are ignored, too', async () => {
  const fields = { num_images: 4, webhook_url: 'https://example.com', service_tier: 'priority' };
  const answer = await generate(fields);
  assert.equal(answer.data.length, 1);
  assert.deepEqual(
    warningsOf(answer).toSorted(),
    Object.keys(fields)
      .map((name) => `${name} ignored`)
      .toSorted(),
  );
});

test('a body full of unknown fields gets a bounded list of warnings', async () => {
  const fields = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`field_${n}`, n]));
  const answer = await generate(fields);
  assert((answer.warnings ?? []).length <= 40, `${answer.warnings?.length} warnings`);
});

test('null means absent, on every field', async () => {
  const answer = await generate({
    n: null,
    response_format: null,
    output_format: null,
    stream: null,
    metadata: null,
    seed: null,
    width: null,
    height: null,
    size: null,
    quality: null,
    style: null,
    aspect_ratio: null,
    unknown_field: null,
  });
  assert.deepEqual(warningsOf(answer), []);
  assert.equal(answer.size, '1024x1024');
});

test('"auto" on an enum that lacks it means omitted', async () => {
  const table: [JsonObject, string][] = [
    [{ output_format: 'auto', response_format: 'auto' }, '1024x1024'],
    [{ model: 'gpt-image-2', quality: 'auto' }, '1024x1024'],
    [{ model: 'nano-banana-2', resolution: 'auto' }, '1024x1024'],
    [{ model: 'seedream-4.5', image_size: 'auto' }, '2048x2048'],
    [{ size: 'auto' }, '1024x1024'],
  ];
  for (const [fields, size] of table) {
    const answer = await generate(fields);
    assert.deepEqual(warningsOf(answer), [], JSON.stringify(fields));
    assert.equal(answer.size, size, JSON.stringify(fields));
  }
  const { quality } = await generate({ model: 'gpt-image-2', quality: 'auto' });
  assert.equal(quality, 'medium');
});

test('a width off the grid is snapped: nearest, ties up, never past a bound', async () => {
  const table: [JsonObject, string, string[]][] = [
    [{ width: 1001 }, '1000x1024', ['width adjusted']],
    [{ width: 1004, height: 515 }, '1008x512', ['width adjusted', 'height adjusted']],
    [{ width: 2045 }, '2048x1024', ['width adjusted']],
    [{ model: 'flux-2-pro', width: 520, height: 512 }, '528x512', ['width adjusted']],
    [
      { model: 'flux-2-pro', width: 2055, height: 2041 },
      '2048x2048',
      ['width adjusted', 'height adjusted'],
    ],
  ];
  for (const [fields, size, warnings] of table) {
    const answer = await generate(fields);
    assert.equal(answer.size, size, JSON.stringify(fields));
    assert.deepEqual(warningsOf(answer), warnings, JSON.stringify(fields));
  }
});

test('size is translated, and the warning says so when it is not exact', async () => {
  const table: [JsonObject, string, string[]][] = [
    [{ size: '512x768' }, '512x768', []],
    [{ size: '1001x1001' }, '1000x1000', ['size adjusted']],
    [{ model: 'nano-banana-pro', size: '1376x768' }, '1376x768', []],
    [{ model: 'nano-banana-pro', size: '1792x1024' }, '1376x768', ['size adjusted']],
    [{ model: 'grok-imagine', size: '512x512' }, '1024x1024', ['size adjusted']],
    [{ model: 'seedream-4.5', size: '1024x1024' }, '1920x1920', ['size adjusted']],
    [{ size: 'large' }, '1024x1024', ['size ignored']],
    [{ size: 7 }, '1024x1024', ['size ignored']],
    [{ size: '512x512', width: 768 }, '768x1024', ['size ignored']],
  ];
  for (const [fields, size, warnings] of table) {
    const answer = await generate(fields);
    assert.equal(answer.size, size, JSON.stringify(fields));
    assert.deepEqual(warningsOf(answer), warnings, JSON.stringify(fields));
  }
});

test('a format that the model lacks is converted, and the picture really is one', async () => {
  const table: [string, string, string[]][] = [
    ['grok-imagine', 'png', ['output_format converted']],
    ['grok-imagine', 'webp', ['output_format converted']],
    ['grok-imagine', 'jpeg', []],
    ['flux-2-pro', 'webp', ['output_format converted']],
    ['nano-banana', 'webp', ['output_format converted']],
    ['seedream-4.5', 'png', ['output_format converted']],
    [BANANA, 'webp', []],
  ];
  for (const [model, output_format, warnings] of table) {
    const answer = await generate({ model, output_format });
    const picture = await decodePicture(firstPicture(answer));
    assert.equal(answer.output_format, output_format, model);
    assert.equal(picture.format, output_format, model);
    assert.equal(picture.size, answer.size, model);
    assert.deepEqual(warningsOf(answer), warnings, model);
  }
});

test('a retired model is served by its successor, and says so', async () => {
  for (const model of ['dall-e-3', 'dall-e-2']) {
    const answer = await generate({ model, quality: 'hd', style: 'natural' });
    assert.equal(answer.model, model);
    assert.equal(answer.quality, 'high');
    assert.deepEqual(warningsOf(answer), ['model model_redirected', 'style ignored']);
    assert.match(answer.warnings?.[0]?.message ?? '', /gpt-image-2/);
  }
});

test('a stream carries b64_json, and warns where a url was asked for', async () => {
  const body = { model: BANANA, prompt: 'a lighthouse', stream: true, response_format: 'url' };
  const { events } = await readStream(await easel.post(GENERATIONS, body));
  const completed = events.at(-1)?.data;
  assert.deepEqual(warningsOf(completed ?? {}), ['response_format ignored']);
  assert.equal((await decodePicture(completed?.b64_json ?? '')).size, completed?.size);
  assert.equal('url' in (completed ?? {}), false);
});

test('partial pictures and compression are ignored where they mean nothing', async () => {
  const table: [JsonObject, string[]][] = [
    [{ model: 'gpt-image-2', partial_images: 2 }, ['partial_images ignored']],
    [{ model: 'gpt-image-2', partial_images: 0 }, []],
    [{ model: 'gpt-image-2', output_compression: 50 }, ['output_compression ignored']],
    [{ model: 'gpt-image-2', output_compression: 50, output_format: 'jpeg' }, []],
    [{ output_compression: 50, output_format: 'webp' }, []],
  ];
  for (const [fields, warnings] of table) {
    const answer = await generate({ quality: null, ...fields });
    assert.deepEqual(warningsOf(answer), warnings, JSON.stringify(fields));
  }
});

test('the quote of a request warns of the same things', async () => {
  const body = {
    model: 'dall-e-3',
    prompt: 'a lighthouse',
    style: 'vivid',
    size: '1000x1000',
    output_format: 'webp',
  };
  const answer = await generate(body);
  const response = await easel.post('/v1/images/quotes', body);
  const quote = (await response.json()) as Pick<ImageAnswer, 'warnings'>;
  assert.deepEqual(quote.warnings, answer.warnings);
});
