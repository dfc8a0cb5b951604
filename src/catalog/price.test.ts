import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatUsd, parseUsd } from '../base/money.ts';
import type { TokenUsage } from '../base/usage.ts';
import type { PricedCall } from './admitted.ts';
import type { Card } from './card.ts';
import { loadCatalog } from './catalog.ts';
import type { Parameters } from './parameter.ts';
import { cost, fixedCost, priceAt, quote, testUsage } from './price.ts';
import { pixelsOf, possibleSizes } from './sizing.ts';
import { expectedOutputTokens } from './tokens.ts';

const NOW = Date.parse('2026-11-21');
const VERSION = '2026-11-01';
const catalog = loadCatalog(fileURLToPath(new URL('../../catalog', import.meta.url)));

function cardOf(id: string): Card {
  const card = catalog.find(id);
  assert(card !== undefined, id);
  return card;
}

function defaultsOf(card: Card): Parameters {
  const entries = card.parameters.flatMap(({ name, default: fallback }) =>
    fallback === undefined ? [] : [[name, fallback] as const],
  );
  return Object.fromEntries(entries);
}

function callOf(card: Card, sent: Parameters = {}, rest: Partial<PricedCall> = {}): PricedCall {
  const parameters = { ...defaultsOf(card), ...sent };
  return {
    prompt: 'a fox',
    n: 1,
    parameters,
    expectedSize: pixelsOf(card, parameters),
    partialImages: 0,
    referenceCount: 0,
    referenceSizes: [],
    ...rest,
  };
}

const NO_TOKENS: TokenUsage = {
  textInput: 0,
  imageInput: 0,
  cachedTextInput: 0,
  cachedImageInput: 0,
  textOutput: 0,
  imageOutput: 0,
  reasoningOutput: 0,
};

test('every rate of every card charges what the price list says', () => {
  const table: [string, Parameters, string][] = [
    ['deepshi-banana-pro', {}, '0.01'],
    ['deepshi-image-1', { width: 2048, height: 2048 }, '0.01'],
    ['nano-banana', {}, '0.039'],
    ['nano-banana-2', { resolution: '1K' }, '0.0336'],
    ['nano-banana-2', { resolution: '2K' }, '0.0504'],
    ['nano-banana-2', { resolution: '4K' }, '0.113'],
    ['nano-banana-pro', { resolution: '1K' }, '0.134'],
    ['nano-banana-pro', {}, '0.134'],
    ['nano-banana-pro', { resolution: '4K' }, '0.24'],
    ['flux-2-pro', {}, '0.03'],
    ['flux-2-pro', { width: 64, height: 64 }, '0.03'],
    ['flux-2-pro', { width: 1040, height: 1024 }, '0.045'],
    ['flux-2-pro', { width: 1920, height: 1080 }, '0.045'],
    ['flux-2-pro', { width: 2048, height: 2048 }, '0.075'],
    ['flux-2-max', { width: 1920, height: 1088 }, '0.1'],
    ['flux-2-flex', { width: 1920, height: 1088 }, '0.1'],
    ['flux-2-klein-9b', { width: 1920, height: 1088 }, '0.017'],
    ['grok-imagine', {}, '0.02'],
    ['grok-imagine-quality', { resolution: '1K' }, '0.04'],
    ['grok-imagine-quality', { resolution: '2K' }, '0.06'],
    ['seedream-4.5', {}, '0.04'],
    ['seedream-5', { image_size: 'auto_3K' }, '0.035'],
  ];
  for (const [id, sent, usd] of table) {
    const card = cardOf(id);
    const call = callOf(card, sent);
    const label = `${id} ${JSON.stringify(sent)}`;
    assert.equal(formatUsd(cost(card, VERSION, call, { images: 1 })), usd, label);
    assert.equal(cost(card, VERSION, call, { images: 3 }), parseUsd(usd) * 3n, label);
    assert.equal(cost(card, VERSION, call, { images: 0 }), 0n, label);
  }
});

test('token prices: each rate alone, the cached part at its own', () => {
  const million = 1_000_000;
  const usages: [Partial<TokenUsage>, (keyof TokenUsage)[]][] = [
    [{ textInput: million }, ['textInput']],
    [{ textInput: million, cachedTextInput: million }, ['cachedTextInput']],
    [{ imageInput: million }, ['imageInput']],
    [{ imageInput: million, cachedImageInput: million }, ['cachedImageInput']],
    [{ imageOutput: million }, ['imageOutput']],
    [{ reasoningOutput: million }, ['reasoningOutput']],
  ];
  const table: [string, string[]][] = [
    ['gpt-image-1.5', ['5', '1.25', '8', '2', '32', '32']],
    ['gpt-image-2', ['5', '1.25', '8', '2', '30', '30']],
    ['gpt-image-2.5', ['5', '1.25', '8', '2', '30', '30']],
    ['gpt-image-2.6', ['5', '1.25', '8', '2', '30', '30']],
    ['gpt-image-1-mini', ['2', '0.2', '2.5', '0.25', '8', '8']],
  ];
  for (const [id, prices] of table) {
    const card = cardOf(id);
    usages.forEach(([usage], index) => {
      const tokens = { ...NO_TOKENS, ...usage };
      const charged = cost(card, VERSION, callOf(card), { images: 1, tokens });
      assert.equal(formatUsd(charged), prices[index], `${id} ${JSON.stringify(usage)}`);
    });
  }
});

test("DeerAPI's sample usage costs 0.00632 USD", () => {
  const card = cardOf('gpt-image-2');
  const tokens = { ...NO_TOKENS, textInput: 16, imageOutput: 208 };
  const charged = cost(card, VERSION, callOf(card, { quality: 'low' }), { images: 1, tokens });
  assert.equal(formatUsd(charged), '0.00632');
});

test('a cached count above its total is cut to it, and the sum is rounded up once', () => {
  const card = cardOf('gpt-image-2');
  const tokens = { ...NO_TOKENS, textInput: 4, cachedTextInput: 9 };
  const charged = cost(card, VERSION, callOf(card), { images: 1, tokens });
  assert.equal(charged, 4n * 1250n);
});

test("the output tokens are those of OpenAI's own tables", () => {
  const sizes = ['1024x1024', '1536x1024', '1024x1536', '2048x2048', '3840x2160'];
  const table: [string, string, number[]][] = [
    ['gpt-image-2', 'low', [196, 158, 158, 397, 371]],
    ['gpt-image-2', 'medium', [1756, 1372, 1372, 3568, 3336]],
    ['gpt-image-2', 'high', [7024, 5488, 5488, 14272, 13342]],
    ['gpt-image-2.5', 'low', [196, 158, 158, 397, 371]],
    ['gpt-image-2.5', 'medium', [439, 343, 343, 892, 865]],
    ['gpt-image-2.5', 'high', [1756, 1372, 1372, 3568, 3336]],
    ['gpt-image-2.5', 'xhigh', [3122, 2459, 2459, 6343, 5930]],
    ['gpt-image-2.6', 'max', [7024, 5488, 5488, 14272, 13342]],
    ['gpt-image-1.5', 'low', [272, 400, 408]],
    ['gpt-image-1.5', 'medium', [1056, 1568, 1584]],
    ['gpt-image-1-mini', 'high', [4160, 6208, 6240]],
  ];
  for (const [id, quality, counts] of table) {
    const card = cardOf(id);
    counts.forEach((count, index) => {
      const call = callOf(card, { quality, image_size: sizes[index] ?? '' });
      const label = `${id} ${quality} ${sizes[index]}`;
      assert.equal(testUsage(card, call, 1)?.imageOutput, count, label);
    });
  }
});

test('made-up usage counts prompt bytes, references, images and partial images', () => {
  const card = cardOf('gpt-image-2');
  const call = callOf(
    card,
    { quality: 'low' },
    { prompt: 'a fox 🦊', n: 2, partialImages: 3, referenceCount: 2 },
  );
  const usage = testUsage(card, call, 2);
  // 'a fox ' is 6 bytes and the fox 4.
  const imageOutput = 2 * (196 + 300);
  assert.deepEqual(usage, { ...NO_TOKENS, textInput: 3, imageInput: 2000, imageOutput });
  assert.equal(testUsage(cardOf('flux-2-pro'), callOf(cardOf('flux-2-pro')), 1), undefined);
});

test('the hold is never below the cost, for every combination that bears a price', () => {
  let combinations = 0;
  for (const card of catalog.list()) {
    for (const parameters of priceCombinations(card)) {
      for (const n of [1, card.maxN]) {
        for (const partialImages of card.capabilities.includes('partial_images') ? [0, 3] : [0]) {
          for (const referenceCount of card.edit === false
            ? [0]
            : [0, card.edit.maxReferenceImages]) {
            const rest = { n, partialImages, referenceCount, prompt: 'ein Füchslein 🦊' };
            const call = callOf(card, parameters, rest);
            const tokens = testUsage(card, call, n);
            const receipt = tokens === undefined ? { images: n } : { images: n, tokens };
            const charged = cost(card, VERSION, call, receipt);
            const { estimated, max } = quote(card, call, NOW);
            const label = `${card.id} ${JSON.stringify({ ...parameters, ...rest })}`;
            assert(max >= charged, label);
            assert.equal(estimated, charged, label);
            assert(max >= 1n, label);
            combinations += 1;
          }
        }
      }
    }
  }
  assert(combinations > 1000, String(combinations));
});

/** Every value of every enum, and a few sizes of cards that are sized in pixels. */
function priceCombinations(card: Card): Parameters[] {
  const start: Parameters[] =
    card.sizes.kind === 'pixels'
      ? [{}, { width: 256, height: 256 }, { width: 2048, height: 2048 }]
      : [{}];
  const priced = ['resolution', 'quality', 'aspect_ratio', 'image_size'];
  return card.parameters.reduce(
    (all, parameter) =>
      parameter.type === 'enum' && priced.includes(parameter.name)
        ? all.flatMap((one) =>
            parameter.values.map((value) => ({ ...one, [parameter.name]: value })),
          )
        : all,
    start,
  );
}

test('an auto size is held at the dearest that it may become', () => {
  const card = cardOf('gpt-image-2');
  const auto = callOf(card, { image_size: 'auto' });
  const dearest = callOf(card, { image_size: '2048x2048' });
  assert.equal(quote(card, auto, NOW).max, quote(card, dearest, NOW).max);
  assert(quote(card, auto, NOW).estimated < quote(card, dearest, NOW).estimated);
  const rule = priceAt(card, NOW).tariff;
  assert(rule.kind === 'token');
  for (const size of possibleSizes(card, auto.parameters)) {
    const tokens = expectedOutputTokens(rule.outputTokens, auto.parameters, size);
    assert(BigInt(tokens) * 30_000n <= quote(card, auto, NOW).max);
  }
});

test('the hold of a token price, by hand', () => {
  const card = cardOf('gpt-image-2');
  const rest = { prompt: 'ten bytes.', n: 2, partialImages: 1, referenceCount: 1 };
  const { max, lines } = quote(card, callOf(card, { quality: 'low' }, rest), NOW);
  // (10 × 5 + 10,000 × 8 + (196 × 1.25 + 100) × 30) × 2 per million
  assert.equal(formatUsd(max), formatUsd(parseUsd('0.1808')));
  assert.deepEqual(
    lines.map(({ description, quantity }) => [description, quantity]),
    [
      ['text input tokens', 3],
      ['image input tokens', 1000],
      ['image output tokens', 592],
    ],
  );
});

test("an upstream price takes the upstream's own figure, and holds half as much again", () => {
  const card = cardOf('flux-2-pro');
  const call = callOf(card, {}, { n: 2 });
  const upstreamCost = parseUsd('0.047');
  assert.equal(cost(card, VERSION, call, { images: 2, upstreamCost }), upstreamCost);
  assert.equal(formatUsd(cost(card, VERSION, call, { images: 2 })), '0.06');
  assert.equal(formatUsd(quote(card, call, NOW).max), '0.09');
  // A fixed price does not look at the upstream's figure.
  const fixed = cardOf('nano-banana');
  assert.equal(
    formatUsd(cost(fixed, VERSION, callOf(fixed), { images: 1, upstreamCost })),
    '0.039',
  );
});

test('input megapixels: by the reference, else by the largest picture, for each call', () => {
  const card = cardOf('flux-2-pro');
  const known = { referenceCount: 1, referenceSizes: [{ width: 1500, height: 1500 }] };
  assert.equal(formatUsd(cost(card, VERSION, callOf(card, {}, known), { images: 1 })), '0.075');
  const unknown = { referenceCount: 2, n: 2 };
  const expected = formatUsd(2n * (parseUsd('0.03') + 8n * parseUsd('0.015')));
  assert.equal(formatUsd(cost(card, VERSION, callOf(card, {}, unknown), { images: 2 })), expected);
});

test('what is certain beforehand is only a fixed price', () => {
  const pro = cardOf('nano-banana-pro');
  assert.equal(fixedCost(pro, callOf(pro, {}, { n: 2 }), NOW), parseUsd('0.268'));
  for (const id of ['gpt-image-2', 'flux-2-pro']) {
    assert.equal(fixedCost(cardOf(id), callOf(cardOf(id)), NOW), undefined, id);
  }
});

test('the price in force is the latest that has begun; an old version still prices', () => {
  const card = cardOf('nano-banana');
  const [first] = card.prices;
  assert(first?.tariff.kind === 'image');
  const tariff = { ...first.tariff, rates: [{ when: {}, usd: parseUsd('0.05') }] };
  const dated: Card = { ...card, prices: [first, { version: '2026-12-01', tariff }] };
  const at = (day: string): string => priceAt(dated, Date.parse(day)).version;
  assert.equal(at('2020-01-01'), VERSION);
  assert.equal(at('2026-11-30T23:59:59.999Z'), VERSION);
  assert.equal(at('2026-12-01T00:00:00Z'), '2026-12-01');
  const call = callOf(dated);
  assert.equal(formatUsd(quote(dated, call, Date.parse('2027-01-01')).max), '0.05');
  assert.equal(formatUsd(cost(dated, VERSION, call, { images: 1 })), '0.039');
  assert.throws(() => cost(dated, '2025-01-01', call, { images: 1 }), /no price of 2025-01-01/);
});
