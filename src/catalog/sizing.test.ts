import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatSize, parseSize } from '../base/image.ts';
import type { Card } from './card.ts';
import { loadCatalog } from './catalog.ts';
import type { Parameters } from './parameter.ts';
import { fitSize, snapSize, whyOutside } from './size-bounds.ts';
import { pixelsOf, sizingFields, sizingForReference, translateSize } from './sizing.ts';

const catalog = loadCatalog(fileURLToPath(new URL('../../catalog', import.meta.url)));

function cardOf(id: string): Card {
  const card = catalog.find(id);
  assert(card !== undefined, id);
  return card;
}

test("OpenAI's size in the words of each style", () => {
  // model, size, the card's own fields, the picture where it differs from what was asked
  const table: [string, string, Parameters, string?][] = [
    // pixels
    ['deepshi-banana-pro', '1024x1024', { width: 1024, height: 1024 }],
    ['deepshi-banana-pro', '1536 × 1024', { width: 1536, height: 1024 }],
    ['deepshi-banana-pro', '1792X1024', { width: 1792, height: 1024 }],
    ['deepshi-banana-pro', '100x100', { width: 256, height: 256 }, '256x256'],
    ['deepshi-banana-pro', '4096x2048', { width: 2048, height: 1024 }, '2048x1024'],
    ['flux-2-pro', '1000x1000', { width: 1008, height: 1008 }, '1008x1008'],
    ['flux-2-pro', '4096x4096', { width: 2048, height: 2048 }, '2048x2048'],
    // tier
    ['nano-banana-pro', '1024x1024', { aspect_ratio: '1:1', resolution: '1K' }],
    ['nano-banana-pro', '2048x2048', { aspect_ratio: '1:1', resolution: '2K' }],
    ['nano-banana-pro', '1536x1024', { aspect_ratio: '3:2', resolution: '1K' }, '1264x848'],
    ['nano-banana-pro', '3840x2160', { aspect_ratio: '16:9', resolution: '2K' }, '2752x1536'],
    ['nano-banana-2', '256x1024', { aspect_ratio: '1:4', resolution: '1K' }, '512x2048'],
    ['grok-imagine-quality', '2048x2048', { aspect_ratio: '1:1', resolution: '2K' }],
    ['grok-imagine-quality', '2000x1000', { aspect_ratio: '2:1', resolution: '1K' }, '1456x720'],
    // ratio
    ['nano-banana', '1344x768', { aspect_ratio: '16:9' }],
    ['nano-banana', '512x512', { aspect_ratio: '1:1' }, '1024x1024'],
    ['grok-imagine', '1024x1792', { aspect_ratio: '9:16' }, '768x1360'],
    // preset
    ['gpt-image-1.5', '1536x1024', { image_size: '1536x1024' }],
    ['gpt-image-1.5', '512x512', { image_size: '1024x1024' }, '1024x1024'],
    ['gpt-image-1.5', '1024x1792', { image_size: '1024x1536' }, '1024x1536'],
    ['gpt-image-2', '1024x1792', { image_size: '1024x1792' }],
    ['gpt-image-2', '256x256', { image_size: '816x816' }, '816x816'],
    ['gpt-image-2', '4000x1000', { image_size: '3456x1152' }, '3456x1152'],
    ['seedream-4.5', '2048x2048', { image_size: 'square_hd' }],
    ['seedream-4.5', '1024x1024', { image_size: 'square' }, '1920x1920'],
    ['seedream-4.5', '3000x2000', { image_size: '3000x2000' }],
    ['seedream-5', '8000x8000', { image_size: '4096x4096' }, '4096x4096'],
    ['dall-e-3', '1792x1024', { image_size: '1792x1024' }],
  ];
  for (const [id, size, parameters, made] of table) {
    const translation = translateSize(cardOf(id), size);
    assert(translation !== undefined, `${id} ${size}`);
    assert.deepEqual({ ...translation.parameters }, parameters, `${id} ${size}`);
    const adjusted = translation.adjusted && formatSize(translation.adjusted.made);
    assert.equal(adjusted, made, `${id} ${size}`);
  }
});

test('auto is the value auto where there is one, and nothing where there is none', () => {
  const table: [string, Parameters][] = [
    ['deepshi-banana-pro', {}],
    ['nano-banana-2', { aspect_ratio: 'auto' }],
    ['gpt-image-1.5', { image_size: 'auto' }],
    ['seedream-4.5', {}],
  ];
  for (const [id, parameters] of table) {
    assert.deepEqual(translateSize(cardOf(id), 'auto'), { parameters }, id);
  }
  for (const size of ['big', '', '0x10', '1024', 1024, ['1024x1024'], {}, true]) {
    assert.equal(translateSize(cardOf('flux-2-pro'), size), undefined, JSON.stringify(size));
  }
});

test('every sizing value of every card has dimensions', () => {
  for (const card of catalog.list()) {
    for (const parameters of sizingCombinations(card)) {
      const { width, height } = pixelsOf(card, parameters);
      const label = `${card.id} ${JSON.stringify(parameters)} ${width}x${height}`;
      assert(Number.isInteger(width) && Number.isInteger(height), label);
      assert(width >= 64 && height >= 64, label);
      const ratio = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(String(parameters['aspect_ratio']));
      const wanted = ratio === null ? width / height : Number(ratio[1]) / Number(ratio[2]);
      assert(Math.abs(Math.log(width / height / wanted)) < 0.03, label);
    }
  }
});

function sizingCombinations(card: Card): Parameters[] {
  if (card.sizes.kind === 'pixels') {
    return [{ width: 1024, height: 1024 }];
  }
  return sizingFields(card).reduce<Parameters[]>(
    (all, field) => {
      const parameter = card.parameters.find(({ name }) => name === field);
      assert(parameter?.type === 'enum');
      return all.flatMap((one) => parameter.values.map((value) => ({ ...one, [field]: value })));
    },
    [{}],
  );
}

test('the pixels of a few values, by hand', () => {
  const table: [string, Parameters, string][] = [
    ['nano-banana-pro', { aspect_ratio: '21:9', resolution: '4K' }, '6336x2688'],
    ['nano-banana-pro', { aspect_ratio: 'auto', resolution: '2K' }, '2048x2048'],
    ['nano-banana', { aspect_ratio: '4:3' }, '1184x864'],
    ['grok-imagine', { aspect_ratio: 'auto' }, '1024x1024'],
    ['grok-imagine', { aspect_ratio: '16:9' }, '1360x768'],
    ['grok-imagine-quality', { aspect_ratio: '5:2', resolution: '2K' }, '3232x1296'],
    ['seedream-4.5', { image_size: 'auto_4K' }, '4096x4096'],
    ['seedream-5', { image_size: 'auto_3K' }, '3072x3072'],
    ['seedream-4.5', { image_size: '2500x2000' }, '2500x2000'],
    ['gpt-image-2', { image_size: 'auto' }, '1024x1024'],
  ];
  for (const [id, parameters, size] of table) {
    assert.equal(formatSize(pixelsOf(cardOf(id), parameters)), size, `${id} ${size}`);
  }
});

test('an edit follows its reference in shape; a priced tier is left to the caller', () => {
  const table: [string, string, Parameters][] = [
    ['deepshi-image-1', '1920x1080', { width: 1920, height: 1080 }],
    ['deepshi-image-1', '4032x3024', { width: 2048, height: 1536 }],
    ['nano-banana-pro', '4032x3024', { aspect_ratio: '4:3' }],
    ['grok-imagine', '800x400', { aspect_ratio: '2:1' }],
    ['gpt-image-1.5', '4032x3024', { image_size: '1536x1024' }],
    ['seedream-4.5', '1000x1000', { image_size: 'square' }],
  ];
  for (const [id, size, parameters] of table) {
    const reference = parseSize(size);
    assert(reference !== undefined);
    assert.deepEqual({ ...sizingForReference(cardOf(id), reference) }, parameters, `${id} ${size}`);
  }
});

test('any size at all is fitted into the bounds of every card that has them', () => {
  const edges = [1, 63, 64, 300, 809, 810, 1023, 2049, 3841, 9999, 99_999];
  for (const card of catalog.list()) {
    const { sizes } = card;
    const bounds = sizes.kind === 'pixels' ? sizes.bounds : sizes.custom?.bounds;
    if (bounds !== undefined) {
      for (const width of edges) {
        for (const height of edges) {
          const fitted = fitSize({ width, height }, bounds);
          const label = `${card.id} ${width}x${height} → ${formatSize(fitted)}`;
          assert.equal(whyOutside(fitted, bounds), undefined, label);
          assert.equal(fitted.width % bounds.multipleOf, 0, label);
          assert.equal(fitted.height % bounds.multipleOf, 0, label);
        }
      }
    }
  }
});

test('snapping: the nearest multiple, ties up, and never past a bound', () => {
  const bounds = {
    multipleOf: 16,
    minEdge: 64,
    maxEdge: 2048,
    minPixels: 1,
    maxPixels: 4_194_304,
    maxRatio: 32,
  };
  const table: [string, string][] = [
    ['1024x1024', '1024x1024'],
    ['1031x1033', '1024x1040'],
    ['1032x1032', '1040x1040'],
    ['2047x2048', '2048x2048'],
    ['71x64', '64x64'],
  ];
  for (const [sent, snapped] of table) {
    const size = parseSize(sent);
    assert(size !== undefined);
    const result = snapSize(size, bounds);
    assert.equal(result && formatSize(result), snapped, sent);
  }
  // Rounding both edges up would pass the area: one goes down instead.
  const tight = { ...bounds, maxEdge: 65_536, maxRatio: 1024 };
  const snapped = snapSize({ width: 4088, height: 1025 }, tight);
  assert(snapped !== undefined && snapped.width * snapped.height <= tight.maxPixels);
});
