import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Failure } from '../base/errors.ts';
import { loadCatalog, toCatalog } from '../catalog/catalog.ts';
import type { Admitted } from '../catalog/admitted.ts';
import type { ImageCall } from '../contract/call.ts';
import { type AdmitScope, admit } from './admit.ts';

const catalog = loadCatalog(fileURLToPath(new URL('../../catalog', import.meta.url)));

function callOf(call: Partial<ImageCall>): ImageCall {
  return {
    operation: 'generation',
    model: 'deepshi-banana-pro',
    prompt: 'a fox',
    n: 1,
    responseFormat: 'b64_json',
    stream: false,
    metadata: {},
    fields: {},
    referenceCount: 0,
    hasMask: false,
    textFields: false,
    ...call,
  };
}

function admitted(call: Partial<ImageCall>, scope: Partial<AdmitScope> = {}): Admitted {
  const nowMs = Date.parse('2026-11-21');
  const isConfigured = (provider: string): boolean => provider === 'painter';
  return admit(catalog, callOf(call), { mode: 'test', isConfigured, nowMs, ...scope });
}

function codesOf({ warnings }: Admitted): string[] {
  return warnings.map(({ param, code }) => `${param} ${code}`);
}

test('a plain call is admitted with all that later steps need', () => {
  const call = callOf({ fields: { seed: 7, width: 512 } });
  const { card, ...rest } = admitted(call);
  assert.equal(card.id, 'deepshi-banana-pro');
  assert.deepEqual(rest, {
    call,
    requestedModel: 'deepshi-banana-pro',
    prompt: 'a fox',
    n: 1,
    parameters: { width: 512, height: 1024 },
    passthrough: {},
    seed: 7,
    outputFormat: 'png',
    nativeFormat: 'png',
    formatRequested: false,
    partialImages: 0,
    expectedSize: { width: 512, height: 1024 },
    referenceCount: 0,
    referenceSizes: [],
    warnings: [],
    priceVersion: '2026-11-01',
  });
});

test('who may use which model', () => {
  const live = { mode: 'live' } as const;
  const only = { allowedModels: ['flux-2-pro', 'dall-e-3'] };
  const table: [string, Partial<AdmitScope>, string | undefined][] = [
    ['gpt-image-2', {}, undefined],
    ['nothing', {}, 'model_not_found'],
    ['', {}, 'model_not_found'],
    ['toString', {}, 'model_not_found'],
    ['deepshi-banana-pro', live, undefined],
    ['gpt-image-2', live, 'model_not_found'],
    ['dall-e-3', live, 'model_not_found'],
    ['gpt-image-2', { ...live, isConfigured: (name) => name === 'openai' }, undefined],
    ['flux-2-pro', only, undefined],
    ['dall-e-3', only, undefined],
    ['gpt-image-2', only, 'model_forbidden'],
    ['nothing', only, 'model_not_found'],
  ];
  for (const [model, scope, failure] of table) {
    const label = `${model} ${JSON.stringify(scope)}`;
    if (failure === undefined) {
      assert.equal(admitted({ model }, scope).requestedModel, model, label);
    } else {
      assert.throws(() => admitted({ model }, scope), { errorName: failure }, label);
    }
  }
});

test('a retired id is served by its successor and keeps its name', () => {
  const result = admitted({
    model: 'dall-e-3',
    fields: { quality: 'hd', size: '1792x1024', style: 'vivid' },
  });
  assert.equal(result.card.id, 'gpt-image-2');
  assert.equal(result.requestedModel, 'dall-e-3');
  assert.equal(result.parameters['quality'], 'high');
  assert.deepEqual(result.expectedSize, { width: 1792, height: 1024 });
  assert.deepEqual(codesOf(result), ['model model_redirected', 'style ignored']);
});

test('a model past its shutdown is served by its successor, before it by itself', () => {
  const text = (id: string, more: string): string => `  - id: ${id}
    created: '2026-01-01'
    description: A model.
    provider: painter
    upstream_model: ${id}
    sizing: ratio
    parameters: { aspect_ratio: { type: enum, values: ['1:1'], default: '1:1' } }
    sizes: { kind: area, by: aspect_ratio, pixels: 1048576, multiple_of: 16 }
    prompt_max_length: 100
    edit: false
    max_n: 1
    images_per_call: 1
    formats: { native: [png], default: png }
    prices: [{ from: '2026-01-01', kind: image, rates: [{ usd: 0.01 }] }]
${more}`;
  const ending = "    shutdown_at: '2026-12-01'\n    successor: new\n";
  const models = `family: x\nmodels:\n${text('old', ending)}${text('new', '')}`;
  const two = toCatalog([{ name: 'x.yaml', text: models }]);
  const servedAt = (day: string): string => {
    const scope = { mode: 'test', isConfigured: () => true, nowMs: Date.parse(day) } as const;
    return admit(two, callOf({ model: 'old' }), scope).card.id;
  };
  assert.equal(servedAt('2026-11-30T23:59:59Z'), 'old');
  assert.equal(servedAt('2026-12-01'), 'new');
});

test('prompts are measured in code points, to the very last', () => {
  const fox = '🦊';
  for (const character of ['a', fox, 'é', '语']) {
    assert.equal(admitted({ prompt: character.repeat(8000) }).n, 1, character);
    assert.throws(
      () => admitted({ prompt: character.repeat(8001) }),
      (error: unknown) => {
        assert(error instanceof Failure);
        assert.equal(error.row.code, 'PROMPT_TOO_LONG');
        assert.equal(error.param, 'prompt');
        assert.match(error.message, /8001.*8000/);
        return true;
      },
    );
  }
  assert.equal(admitted({ model: 'nano-banana-pro', prompt: fox.repeat(50_000) }).n, 1);
});

test("n is held to the model's own maximum", () => {
  assert.equal(admitted({ model: 'flux-2-pro', n: 4 }).n, 4);
  const tooMany = { errorName: 'invalid_value', param: 'n', message: /at most 1 .* not 2/ };
  assert.throws(() => admitted({ n: 2 }), tooMany);
});

test('formats: native, converted, or whatever comes', () => {
  // model, asked; delivered, asked of the upstream, warnings
  const table: [string, ImageCall['outputFormat'], string, string, string[]][] = [
    ['deepshi-banana-pro', undefined, 'png', 'png', []],
    ['deepshi-banana-pro', 'webp', 'webp', 'webp', []],
    ['flux-2-pro', 'jpeg', 'jpeg', 'jpeg', []],
    ['flux-2-pro', 'webp', 'webp', 'png', ['output_format converted']],
    ['grok-imagine', undefined, 'jpeg', 'jpeg', []],
    ['grok-imagine', 'png', 'png', 'jpeg', ['output_format converted']],
    ['seedream-5', 'png', 'png', 'png', []],
    ['nano-banana', 'webp', 'webp', 'png', ['output_format converted']],
    ['dall-e-3', 'jpeg', 'jpeg', 'png', ['model model_redirected', 'output_format converted']],
  ];
  for (const [model, asked, delivered, native, warned] of table) {
    const result = admitted({ model, ...(asked === undefined ? {} : { outputFormat: asked }) });
    const label = `${model} ${asked}`;
    assert.deepEqual([result.outputFormat, result.nativeFormat], [delivered, native], label);
    assert.equal(result.formatRequested, asked !== undefined, label);
    assert.deepEqual(codesOf(result), warned, label);
  }
  const { warnings } = admitted({ model: 'grok-imagine', outputFormat: 'png' });
  assert.match(warnings[0]?.message ?? '', /jpeg.*png/);
});

test('transparency needs a format that has it', () => {
  const fields = { background: 'transparent' };
  assert.equal(admitted({ model: 'gpt-image-2', fields }).outputFormat, 'png');
  assert.equal(admitted({ model: 'gpt-image-2', fields, outputFormat: 'webp' }).n, 1);
  assert.throws(() => admitted({ model: 'gpt-image-2', fields, outputFormat: 'jpeg' }), {
    errorName: 'invalid_value',
    param: 'background',
  });
});

test('compression goes with jpeg and webp', () => {
  const fields = { output_compression: 60 };
  const jpeg = admitted({ model: 'gpt-image-2', fields, outputFormat: 'jpeg' });
  assert.equal(jpeg.compression, 60);
  assert.deepEqual(codesOf(jpeg), []);
  const png = admitted({ model: 'gpt-image-2', fields });
  assert.equal(png.compression, undefined);
  assert.deepEqual(codesOf(png), ['output_compression ignored']);
  assert.deepEqual(codesOf(admitted({ model: 'flux-2-pro', fields })), [
    'output_compression ignored',
  ]);
});

test('partial images come only in streams, of models that have them', () => {
  const fields = { partial_images: 2 };
  const streamed = admitted({ model: 'gpt-image-2', fields, stream: true });
  assert.equal(streamed.partialImages, 2);
  assert.equal('partial_images' in streamed.parameters, false);
  const whole = admitted({ model: 'gpt-image-2', fields });
  assert.equal(whole.partialImages, 0);
  const several = admitted({ model: 'gpt-image-2', stream: true, n: 2, fields });
  assert.deepEqual([several.partialImages, codesOf(several)], [0, ['partial_images ignored']]);
  assert.deepEqual(codesOf(whole), ['partial_images ignored']);
  assert.deepEqual(codesOf(admitted({ model: 'gpt-image-2', fields: { partial_images: 0 } })), []);
  const without = admitted({ fields, stream: true });
  assert.equal(without.partialImages, 0);
  assert.deepEqual(codesOf(without), ['partial_images ignored']);
});

test('a stream carries b64_json, whatever was asked', () => {
  const call = { responseFormat: 'url', stream: true } as const;
  assert.deepEqual(codesOf(admitted(call)), ['response_format ignored']);
  assert.deepEqual(codesOf(admitted({ ...call, stream: false })), []);
});

test('edits: the model must take them, and their references and mask', () => {
  const edit = { operation: 'edit', model: 'deepshi-image-1', referenceCount: 1 } as const;
  const referenceSizes = [{ width: 1920, height: 1080 }];
  const result = admitted(edit, { referenceSizes });
  assert.deepEqual(result.expectedSize, { width: 1920, height: 1080 });
  assert.deepEqual(result.referenceSizes, referenceSizes);
  assert.deepEqual(admitted(edit).expectedSize, { width: 1024, height: 1024 });
  const table: [Partial<ImageCall>, string, string][] = [
    [{ ...edit, model: 'deepshi-banana-pro' }, 'edit_not_supported', 'model'],
    [{ ...edit, referenceCount: 6 }, 'too_many_images', 'image'],
    [{ ...edit, model: 'flux-2-pro', hasMask: true }, 'mask_not_supported', 'mask'],
  ];
  for (const [call, errorName, param] of table) {
    assert.throws(() => admitted(call), { errorName, param }, param);
  }
});
