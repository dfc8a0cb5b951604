import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Failure } from '../base/errors.ts';
import type { ImageCall } from '../contract/call.ts';
import type { Card } from './card.ts';
import { loadCatalog } from './catalog.ts';
import { validateParameters } from './parameters.ts';

const catalog = loadCatalog(fileURLToPath(new URL('../../catalog', import.meta.url)));

function cardOf(id: string): Card {
  const card = catalog.find(id);
  assert(card !== undefined, id);
  return card;
}

type Options = Partial<Pick<ImageCall, 'operation' | 'textFields'>>;

function validate(
  card: Card | string,
  fields: Record<string, unknown>,
  options: Options = {},
): ReturnType<typeof validateParameters> {
  const call = { operation: 'generation', textFields: false, fields, ...options } as const;
  return validateParameters(typeof card === 'string' ? cardOf(card) : card, call);
}

test('defaults are filled in, in the order of the card', () => {
  const table: [string, object][] = [
    ['deepshi-banana-pro', { width: 1024, height: 1024 }],
    ['nano-banana-pro', { resolution: '2K', aspect_ratio: 'auto' }],
    ['seedream-4.5', { image_size: 'auto_2K' }],
    [
      'gpt-image-2',
      {
        image_size: '1024x1024',
        quality: 'medium',
        background: 'auto',
        moderation: 'auto',
        partial_images: 0,
      },
    ],
    ['flux-2-flex', { width: 1024, height: 1024, safety_tolerance: 2, steps: 50, guidance: 4.5 }],
  ];
  for (const [id, parameters] of table) {
    assert.deepEqual(validate(id, {}), { parameters, passthrough: {}, warnings: [] }, id);
  }
});

test('what is sent is taken: values, other spellings, other names, absences', () => {
  const table: [string, Record<string, unknown>, string, unknown][] = [
    ['nano-banana-pro', { resolution: '4K' }, 'resolution', '4K'],
    ['nano-banana-pro', { resolution: null }, 'resolution', '2K'],
    ['nano-banana-pro', { resolution: 'auto' }, 'resolution', '2K'],
    ['nano-banana-pro', { aspect_ratio: 'auto' }, 'aspect_ratio', 'auto'],
    ['grok-imagine-quality', { resolution: '2k' }, 'resolution', '2K'],
    ['dall-e-3', { quality: 'hd' }, 'quality', 'high'],
    ['dall-e-3', { quality: 'standard' }, 'quality', 'medium'],
    ['gpt-image-2', { quality: 'auto' }, 'quality', 'medium'],
    ['gpt-image-2', { image_size: '1600x1200' }, 'image_size', '1600x1200'],
    ['seedream-4.5', { image_size: '2500X2001' }, 'image_size', '2500x2001'],
    ['flux-2-flex', { guidance: 1.5 }, 'guidance', 1.5],
    ['flux-2-pro', { seed: 0 }, 'seed', 0],
    ['deepshi-banana-pro', { width: 256 }, 'width', 256],
  ];
  for (const [id, fields, name, value] of table) {
    const { parameters, warnings } = validate(id, fields);
    assert.equal(parameters[name], value, `${id} ${JSON.stringify(fields)}`);
    assert.deepEqual(warnings, [], id);
  }
});

test('outside the declared set is 400 with the field and what is allowed', () => {
  const table: [string, Record<string, unknown>, string, string, RegExp][] = [
    ['nano-banana-pro', { resolution: '8K' }, 'invalid_value', 'resolution', /1K, 2K, 4K/],
    ['nano-banana-pro', { resolution: '2k' }, 'invalid_value', 'resolution', /1K, 2K, 4K/],
    ['nano-banana-pro', { resolution: 2 }, 'invalid_type', 'resolution', /a string/],
    ['gpt-image-2', { quality: 'hd' }, 'invalid_value', 'quality', /low, medium, high\./],
    ['gpt-image-2', { image_size: 'huge' }, 'invalid_value', 'image_size', /2160x3840, or a/],
    ['gpt-image-2', { image_size: '3841x2160' }, 'invalid_value', 'image_size', /3840/],
    ['gpt-image-2', { image_size: '3200x1024' }, 'invalid_value', 'image_size', /3 times/],
    ['gpt-image-2', { image_size: '800x800' }, 'invalid_value', 'image_size', /655360/],
    ['gpt-image-2', { image_size: '3840x2176' }, 'invalid_value', 'image_size', /8294400/],
    ['gpt-image-2', { partial_images: 4 }, 'invalid_value', 'partial_images', /from 0 to 3/],
    ['gpt-image-2', { output_compression: 101 }, 'invalid_value', 'output_compression', /100/],
    ['gpt-image-1.5', { image_size: '2048x2048' }, 'invalid_value', 'image_size', /1024x1536/],
    ['seedream-4.5', { image_size: '1024x1024' }, 'invalid_value', 'image_size', /3686400/],
    ['deepshi-banana-pro', { width: 255 }, 'invalid_value', 'width', /from 256 to 2048/],
    ['deepshi-banana-pro', { height: 2049 }, 'invalid_value', 'height', /from 256 to 2048/],
    ['deepshi-banana-pro', { width: '512' }, 'invalid_type', 'width', /an integer/],
    ['deepshi-banana-pro', { width: 512.5 }, 'invalid_type', 'width', /an integer/],
    ['deepshi-banana-pro', { seed: -1 }, 'invalid_value', 'seed', /from 0/],
    ['flux-2-pro', { width: 63 }, 'invalid_value', 'width', /64 to 8192/],
    ['flux-2-pro', { width: 2049, height: 2048 }, 'invalid_value', 'width', /4194304/],
    ['flux-2-pro', { safety_tolerance: 6 }, 'invalid_value', 'safety_tolerance', /0 to 5/],
    ['flux-2-flex', { guidance: 1.4 }, 'invalid_value', 'guidance', /1\.5 to 10/],
    ['flux-2-flex', { guidance: 'much' }, 'invalid_type', 'guidance', /a number/],
  ];
  for (const [id, fields, code, param, message] of table) {
    const label = `${id} ${JSON.stringify(fields)}`;
    assert.throws(
      () => validate(id, fields),
      (error: unknown) => {
        assert(error instanceof Failure, label);
        assert.equal(error.row.status, 400, label);
        assert.equal(error.row.code, code, label);
        assert.equal(error.param, param, label);
        assert.match(error.message, message, label);
        return true;
      },
    );
  }
});

test('pixels off the grid are snapped with a warning, ties up, inside the bounds', () => {
  const table: [string, Record<string, unknown>, number, number, string[]][] = [
    ['deepshi-banana-pro', { width: 1000, height: 1000 }, 1000, 1000, []],
    ['deepshi-banana-pro', { width: 1003 }, 1000, 1024, ['width']],
    ['deepshi-banana-pro', { width: 1004 }, 1008, 1024, ['width']],
    ['deepshi-banana-pro', { width: 2047, height: 257 }, 2048, 256, ['width', 'height']],
    ['flux-2-pro', { width: 1032, height: 1031 }, 1040, 1024, ['width', 'height']],
    ['flux-2-pro', { width: 2047, height: 2048 }, 2048, 2048, ['width']],
    ['flux-2-pro', { width: 2063, height: 2033 }, 2064, 2032, ['width', 'height']],
    // Both up would be more than 4,194,304 pixels, so one goes down.
    ['flux-2-pro', { width: 2300, height: 1820 }, 2288, 1824, ['width', 'height']],
  ];
  for (const [id, fields, width, height, warned] of table) {
    const { parameters, warnings } = validate(id, fields);
    const label = `${id} ${JSON.stringify(fields)}`;
    assert.deepEqual([parameters['width'], parameters['height']], [width, height], label);
    assert.deepEqual(
      warnings.map(({ param, code }) => [param, code]),
      warned.map((param) => [param, 'adjusted']),
      label,
    );
  }
  const preset = validate('gpt-image-2', { image_size: '1000x1000' });
  assert.equal(preset.parameters['image_size'], '1008x1008');
  assert.equal(preset.warnings[0]?.code, 'adjusted');
});

test('an integer with a multiple goes to the nearest one, ties up, never past a bound', () => {
  const card = cardOf('flux-2-flex');
  const stepped = card.parameters.map((parameter) =>
    parameter.name === 'steps' && parameter.type === 'integer'
      ? { ...parameter, minimum: 3, maximum: 50, multipleOf: 4 }
      : parameter,
  );
  const table: [number, number][] = [
    [3, 4],
    [4, 4],
    [5, 4],
    [6, 8],
    [7, 8],
    [50, 48],
  ];
  for (const [sent, taken] of table) {
    const { parameters, warnings } = validate({ ...card, parameters: stepped }, { steps: sent });
    assert.equal(parameters['steps'], taken, String(sent));
    assert.equal(warnings.length, sent === taken ? 0 : 1, String(sent));
  }
});

test('what a card does not declare is ignored, never looked at, and named', () => {
  const table: [string, Record<string, unknown>][] = [
    ['nano-banana', { width: 'abc', height: {} }],
    ['deepshi-banana-pro', { quality: 5, aspect_ratio: false, image_size: [] }],
    ['gpt-image-2', { style: 'vivid', seed: 'x', user: 'u1', input_fidelity: 9 }],
    ['flux-2-pro', { partial_images: 'many', webhook_url: 'https://example.com', tools: [] }],
    ['seedream-4.5', { constructor: 1, toString: 2, ['__proto__']: { polluted: true } }],
  ];
  for (const [id, fields] of table) {
    const { parameters, passthrough, warnings } = validate(id, fields);
    assert.deepEqual(parameters, validate(id, {}).parameters, id);
    assert.deepEqual(passthrough, {}, id);
    assert.deepEqual(
      warnings.map(({ param, code }) => [param, code]),
      Object.keys(fields).map((param) => [param, 'ignored']),
      id,
    );
  }
  const own = JSON.parse('{"__proto__": 1, "width": 512}') as Record<string, unknown>;
  assert.equal(validate('deepshi-banana-pro', own).warnings[0]?.param, '__proto__');
});

test('a body full of unknown fields does not become an answer full of warnings', () => {
  const names = Array.from({ length: 1000 }, (_, index) => [`${'x'.repeat(500)}${index}`, 1]);
  const { warnings } = validate('flux-2-pro', Object.fromEntries(names));
  assert.equal(warnings.length, 33);
  assert(JSON.stringify(warnings).length < 10_000);
  assert.match(warnings.at(-1)?.message ?? '', /968 further fields/);
});

test('passthrough forwards unknown names untouched, but none that change count or delivery', () => {
  const card: Card = { ...cardOf('flux-2-pro'), passthrough: 'any' };
  const loras = [{ path: 'x', scale: 1 }];
  const fields = {
    loras,
    negative_prompt: 'blur',
    num_images: 9,
    maxImages: 9,
    'max-images': 9,
    webhook_url: 'https://example.com',
    webhookUrl: 'https://example.com',
    tools: [],
    service_tier: 'flex',
    serviceTier: 'flex',
    sync_mode: true,
    width: 512,
  };
  const { parameters, passthrough, warnings } = validate(card, fields);
  assert.deepEqual(passthrough, { loras, negative_prompt: 'blur' });
  assert.equal(parameters['width'], 512);
  assert.equal(warnings.length, 9);
  assert(warnings.every(({ code }) => code === 'ignored'));
});

test('a parameter of edits is ignored elsewhere', () => {
  const fields = { input_fidelity: 'high' };
  const edited = validate('gpt-image-1.5', fields, { operation: 'edit' });
  assert.equal(edited.parameters['input_fidelity'], 'high');
  const generated = validate('gpt-image-1.5', fields);
  assert.equal('input_fidelity' in generated.parameters, false);
  assert.match(generated.warnings[0]?.message ?? '', /only for edit requests/);
  // The default too belongs to edits only.
  assert.equal(
    validate('gpt-image-1.5', {}, { operation: 'edit' }).parameters['input_fidelity'],
    'low',
  );
});

test('numbers and booleans are read from text in multipart bodies only', () => {
  const options = { operation: 'edit', textFields: true } as const;
  const { parameters } = validate('flux-2-flex', { width: '512', guidance: '2.5' }, options);
  assert.deepEqual([parameters['width'], parameters['guidance']], [512, 2.5]);
  for (const width of ['', 'abc', '1e3', '0x200', '512.5']) {
    assert.throws(() => validate('flux-2-flex', { width }, options), Failure, width);
  }
  const card = cardOf('flux-2-flex');
  const raw = { name: 'raw', type: 'boolean', default: false } as const;
  const withRaw: Card = { ...card, parameters: [...card.parameters, raw] };
  assert.equal(validate(withRaw, { raw: 'true' }, options).parameters['raw'], true);
  assert.throws(() => validate(withRaw, { raw: 'yes' }, options), Failure);
  assert.throws(() => validate(withRaw, { raw: 'true' }), Failure);
});

test('size is translated, warned about, or ignored', () => {
  const table: [string, Record<string, unknown>, object, string[]][] = [
    ['nano-banana-pro', { size: '1024x1024' }, { resolution: '1K', aspect_ratio: '1:1' }, []],
    ['nano-banana-pro', { size: '1000x500' }, { aspect_ratio: '16:9' }, ['adjusted']],
    ['nano-banana-pro', { size: 'auto' }, { resolution: '2K', aspect_ratio: 'auto' }, []],
    ['nano-banana-pro', { size: 'large' }, { resolution: '2K' }, ['ignored']],
    ['nano-banana-pro', { size: 7 }, { resolution: '2K' }, ['ignored']],
    ['nano-banana-pro', { size: '512x512', resolution: '4K' }, { resolution: '4K' }, ['ignored']],
    ['flux-2-pro', { size: '512x512', width: 640 }, { width: 640, height: 1024 }, ['ignored']],
    ['flux-2-pro', { size: '640x512' }, { width: 640, height: 512 }, []],
    ['gpt-image-1.5', { size: '1536x1024' }, { image_size: '1536x1024' }, []],
    ['gpt-image-1.5', { size: 'auto' }, { image_size: 'auto' }, []],
    ['dall-e-2', { size: '512x512' }, { image_size: '816x816' }, ['adjusted']],
  ];
  for (const [id, fields, expected, codes] of table) {
    const { parameters, warnings } = validate(id, fields);
    const label = `${id} ${JSON.stringify(fields)} → ${JSON.stringify(parameters)}`;
    assert.deepEqual({ ...parameters, ...expected }, parameters, label);
    assert.deepEqual(
      warnings.map(({ param, code }) => `${param} ${code}`),
      codes.map((code) => `size ${code}`),
      label,
    );
  }
});

test('an edit without sizing follows its first reference', () => {
  const follow = (id: string, fields: Record<string, unknown>): object =>
    validateParameters(
      cardOf(id),
      { operation: 'edit', textFields: true, fields },
      { referenceSize: { width: 1600, height: 800 } },
    ).parameters;
  const table: [string, Record<string, unknown>, object][] = [
    ['deepshi-image-1', {}, { width: 1600, height: 800 }],
    ['deepshi-image-1', { width: '512' }, { width: 512, height: 1024 }],
    ['nano-banana-2', {}, { aspect_ratio: '16:9', resolution: '1K' }],
    ['nano-banana-2', { resolution: '4K' }, { aspect_ratio: '16:9', resolution: '4K' }],
    ['nano-banana-2', { size: '1024x1024' }, { aspect_ratio: '1:1', resolution: '1K' }],
    ['gpt-image-2', {}, { image_size: '1600x800' }],
    ['gpt-image-2', { image_size: 'auto' }, { image_size: 'auto' }],
  ];
  for (const [id, fields, expected] of table) {
    const parameters = follow(id, fields);
    assert.deepEqual({ ...parameters, ...expected }, parameters, `${id} ${JSON.stringify(fields)}`);
  }
});
