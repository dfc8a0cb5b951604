import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadCatalog } from './catalog.ts';
import { type ModelEntry, modelEntry } from './models.ts';

const catalog = loadCatalog(fileURLToPath(new URL('../../catalog', import.meta.url)));

function entryOf(id: string): ModelEntry {
  const card = catalog.find(id);
  assert(card !== undefined, id);
  return modelEntry(card, { ownedBy: 'deepshi', nowMs: Date.parse('2026-11-21') });
}

/** Whether every part of the smaller value is in the larger, lists in the same order. */
function isWithin(smaller: unknown, larger: unknown): boolean {
  if (Array.isArray(smaller) && Array.isArray(larger)) {
    const places = smaller.map((item) => larger.indexOf(item));
    return places.every((place, index) => place > (places[index - 1] ?? -1));
  }
  if (typeof smaller === 'object' && smaller !== null) {
    return Object.entries(smaller).every(
      ([key, value]) =>
        typeof larger === 'object' &&
        larger !== null &&
        isWithin(value, Object.entries(larger).find(([name]) => name === key)?.[1]),
    );
  }
  return Object.is(smaller, larger);
}

test("the spec's example entry is a part of ours", () => {
  const example = {
    id: 'nano-banana-pro',
    object: 'model',
    owned_by: 'deepshi',
    parameters: {
      resolution: { type: 'enum', values: ['1K', '2K', '4K'], default: '2K' },
      aspect_ratio: { type: 'enum', values: ['auto', '16:9', '1:1', '9:16'], default: 'auto' },
    },
    edit: { supported: true, max_reference_images: 14 },
    prompt_max_length: 50_000,
    input_modalities: ['text'],
    output_modalities: ['image'],
  };
  const entry = entryOf('nano-banana-pro');
  assert(isWithin(example, entry), JSON.stringify(entry));
  assert.deepEqual(Object.keys(entry.parameters), ['resolution', 'aspect_ratio', 'seed']);
  assert.deepEqual(entry.pricing, [
    { unit: 'image', when: { resolution: '1K' }, usd: 0.134 },
    { unit: 'image', when: { resolution: '2K' }, usd: 0.134 },
    { unit: 'image', when: { resolution: '4K' }, usd: 0.24 },
  ]);
  assert.deepEqual(entry.capabilities, ['edit', 'seed']);
});

test('the whole entry of a house model', () => {
  const edge = { type: 'integer', minimum: 256, maximum: 2048, multiple_of: 8, default: 1024 };
  assert.deepEqual(entryOf('deepshi-banana-pro'), {
    id: 'deepshi-banana-pro',
    object: 'model',
    created: Date.parse('2026-11-20') / 1000,
    owned_by: 'deepshi',
    parameters: {
      width: edge,
      height: edge,
      seed: { type: 'integer', minimum: 0, maximum: 4_294_967_295 },
      output_compression: { type: 'integer', minimum: 0, maximum: 100 },
    },
    edit: { supported: false },
    prompt_max_length: 8000,
    input_modalities: ['text'],
    output_modalities: ['image'],
    sizing: 'pixels',
    max_pixels: 4_194_304,
    max_n: 1,
    output_formats: ['png', 'jpeg', 'webp'],
    streaming: true,
    capabilities: ['seed'],
    pricing: [{ unit: 'image', usd: 0.01 }],
    engine: 'painter',
  });
});

test('edits, masks, engines and successors are said where they are', () => {
  const edit = { supported: true, max_reference_images: 5, mask: true };
  assert.deepEqual(entryOf('deepshi-image-1').edit, edit);
  const retired = entryOf('dall-e-3');
  assert.equal(retired.successor, 'gpt-image-2');
  assert.equal(retired.shutdown_at, '2026-05-12');
  assert.deepEqual(retired.output_formats, ['png']);
  assert.equal(entryOf('flux-2-pro').engine, undefined);
  const card = catalog.find('flux-2-pro');
  assert(card !== undefined);
  assert.equal(modelEntry(card, { ownedBy: 'me', engine: 'painter' }).engine, 'painter');
  assert.deepEqual(entryOf('gpt-image-2').capabilities, [
    'edit',
    'mask',
    'transparent',
    'partial_images',
  ]);
});

test('every price kind has its units, as JSON numbers', () => {
  assert.deepEqual(entryOf('flux-2-pro').pricing, [
    { unit: 'first_megapixel', usd: 0.03, estimate: true },
    { unit: 'further_megapixel', usd: 0.015, estimate: true },
    { unit: 'input_megapixel', usd: 0.015, estimate: true },
  ]);
  assert.deepEqual(entryOf('gpt-image-1-mini').pricing, [
    { unit: 'million_text_input_tokens', usd: 2 },
    { unit: 'million_cached_text_input_tokens', usd: 0.2 },
    { unit: 'million_image_input_tokens', usd: 2.5 },
    { unit: 'million_cached_image_input_tokens', usd: 0.25 },
    { unit: 'million_image_output_tokens', usd: 8 },
    { unit: 'million_text_output_tokens', usd: 8 },
  ]);
});

test('every entry is plain JSON and says its parameters in the shapes of the spec', () => {
  for (const card of catalog.list()) {
    const entry = entryOf(card.id);
    assert.deepEqual(JSON.parse(JSON.stringify(entry)), entry, card.id);
    assert.deepEqual(
      Object.keys(entry.parameters),
      card.parameters.map(({ name }) => name),
    );
    assert(entry.pricing.length > 0 && entry.created > 1_600_000_000, card.id);
  }
});
