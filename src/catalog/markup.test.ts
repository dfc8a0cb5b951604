import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatUsd, parseUsd } from '../base/money.ts';
import type { PricedCall } from './admitted.ts';
import type { Card } from './card.ts';
import { type Catalog, readSources, toCatalog } from './catalog.ts';
import { type Markup, markUpFigure, markupSchema } from './markup.ts';
import { modelEntry } from './models.ts';
import type { Parameters } from './parameter.ts';
import { cost, priceAt, quote } from './price.ts';
import { CatalogError } from './problem.ts';
import { pixelsOf } from './sizing.ts';

const NOW = Date.parse('2026-11-21');
const FOLDER = fileURLToPath(new URL('../../catalog', import.meta.url));
const { files } = readSources(FOLDER, undefined);

function withOperator(text: string): Catalog {
  return toCatalog(files, { operator: { name: 'easel.yaml', text } });
}

function cardOf(catalog: Catalog, id: string): Card {
  const card = catalog.find(id);
  assert(card !== undefined, id);
  return card;
}

function callOf(card: Card, sent: Parameters = {}, rest: Partial<PricedCall> = {}): PricedCall {
  const defaults = card.parameters.flatMap(({ name, default: fallback }) =>
    fallback === undefined ? [] : [[name, fallback] as const],
  );
  const parameters = { ...Object.fromEntries(defaults), ...sent };
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

const FACTOR = (text: string): Markup => markupSchema.parse(text);

test('a factor is an exact ratio in lowest terms', () => {
  const table: [string | number, bigint, bigint][] = [
    ['1', 1n, 1n],
    [1.2, 6n, 5n],
    ['1.20', 6n, 5n],
    [0.5, 1n, 2n],
    [1.1, 11n, 10n],
    ['1.000000001', 1_000_000_001n, 1_000_000_000n],
    [1000, 1000n, 1n],
  ];
  for (const [factor, numerator, denominator] of table) {
    assert.deepEqual(markupSchema.parse(factor), { numerator, denominator }, String(factor));
  }
  for (const factor of [0, '0', -1, 1000.1, '1.0000000001', '20%', 'free', Infinity, NaN, true]) {
    assert.equal(markupSchema.safeParse(factor).success, false, String(factor));
  }
});

test('list prices are multiplied exactly, whatever their kind', () => {
  // model, parameters, markup, what one picture then costs: by hand from the price list
  const table: [string, Parameters, string, string][] = [
    ['deepshi-banana-pro', {}, '1.2', '0.012'],
    ['nano-banana', {}, '1.05', '0.04095'],
    ['nano-banana-2', { resolution: '1K' }, '1.3333', '0.04479888'],
    ['nano-banana-2', { resolution: '4K' }, '0.5', '0.0565'],
    ['nano-banana-pro', { resolution: '4K' }, '1.000001', '0.24000024'],
    ['seedream-5', {}, '3', '0.105'],
    // 0.03 + 3 × 0.015 = 0.075, times 1.25
    ['flux-2-pro', { width: 2048, height: 2048 }, '1.25', '0.09375'],
    ['grok-imagine-quality', { resolution: '2K' }, '1.1', '0.066'],
  ];
  for (const [id, sent, factor, usd] of table) {
    const card = cardOf(withOperator(`models: [{ id: ${id}, markup: ${factor} }]`), id);
    const receipt = { images: 1 };
    const charged = cost(card, '2026-11-01', callOf(card, sent), receipt);
    assert.equal(formatUsd(charged), usd, `${id} × ${factor}`);
    assert.equal(formatUsd(quote(card, callOf(card, sent), NOW).estimated), usd, id);
  }
});

test('token rates are multiplied, the sum is rounded up once', () => {
  const card = cardOf(withOperator('markup: 1.1'), 'gpt-image-2');
  const { tariff } = priceAt(card, NOW);
  assert(tariff.kind === 'token');
  const rates = Object.values(tariff.perMillion).map(formatUsd);
  // 5, 1.25, 8, 2, 30, and text output as image output
  assert.deepEqual(rates, ['5.5', '1.375', '8.8', '2.2', '33', '33']);
  const tokens = {
    textInput: 9,
    imageInput: 0,
    cachedTextInput: 1,
    cachedImageInput: 0,
    textOutput: 0,
    imageOutput: 5488,
    reasoningOutput: 0,
  };
  // (8 × 5.5 + 1 × 1.375 + 5488 × 33) / 1,000,000
  const charged = cost(card, '2026-11-01', callOf(card), { images: 1, tokens });
  assert.equal(formatUsd(charged), '0.181149375');
});

test("the upstream's own figure is multiplied at the end and rounded up once", () => {
  const card = cardOf(withOperator('models: [{ id: flux-2-pro, markup: 1.15 }]'), 'flux-2-pro');
  const call = callOf(card, {}, { n: 3 });
  const charged = (figure: string): string =>
    formatUsd(cost(card, '2026-11-01', call, { images: 3, upstreamCost: parseUsd(figure) }));
  assert.equal(charged('0.09'), '0.1035');
  // 0.000000001 × 1.15 is 1.15 nano-dollars; 0.033333333 × 1.15 is 38,333,332.95 of them
  assert.equal(charged('0.000000001'), '0.000000002');
  assert.equal(charged('0.033333333'), '0.038333333');
  assert.equal(charged('0'), '0');
  // Without a figure, the list price with the markup in it: 3 × 0.03 × 1.15.
  assert.equal(formatUsd(cost(card, '2026-11-01', call, { images: 3 })), '0.1035');
  // And the hold is half as much again as that.
  assert.equal(formatUsd(quote(card, call, NOW).max), '0.15525');
  assert.equal(markUpFigure(10n, FACTOR('1')), 10n);
  assert.equal(markUpFigure(10n, FACTOR('0.25')), 3n);
});

test('the most specific markup holds, on list prices only', () => {
  const catalog = withOperator(`
markup: 2
providers:
  openai: { kind: openai, markup: 3 }
  drafts: { kind: openai, markup: '4' }
  quiet:
models:
  - { id: gpt-image-2, markup: 5 }
  - { id: gpt-image-1-mini, provider: drafts }
  - { id: flux-2-pro, markup: 1 }
  - id: nano-banana
    prices: [{ from: '2026-01-01', kind: image, rates: [{ usd: 0.05 }] }]
  - id: grok-imagine
    prices: [{ from: '2026-01-01', kind: image, rates: [{ usd: 0.05 }] }]
`);
  const firstUsd = (id: string): unknown =>
    modelEntry(cardOf(catalog, id), { ownedBy: 'me', nowMs: NOW }).pricing[0]?.usd;
  assert.equal(firstUsd('gpt-image-2'), 25);
  assert.equal(firstUsd('dall-e-3'), 25);
  assert.equal(firstUsd('gpt-image-2.5'), 15);
  assert.equal(firstUsd('gpt-image-1-mini'), 8);
  assert.equal(firstUsd('flux-2-pro'), 0.03);
  assert.equal(firstUsd('flux-2-max'), 0.14);
  assert.equal(firstUsd('nano-banana'), 0.05);
  // An operator's own price makes it a card price: the upstream's figure no longer counts.
  const grok = cardOf(catalog, 'grok-imagine');
  const receipt = { images: 1, upstreamCost: parseUsd('0.02') };
  assert.equal(formatUsd(cost(grok, '2026-01-01', callOf(grok), receipt)), '0.05');
  assert.deepEqual(grok.markup, { numerator: 1n, denominator: 1n });
});

test('a markup changes the hash of the card, a factor of 1 does not', () => {
  const plain = toCatalog(files);
  const marked = withOperator('models: [{ id: flux-2-pro, markup: 1.5 }]');
  assert.notEqual(marked.find('flux-2-pro')?.hash, plain.find('flux-2-pro')?.hash);
  assert.equal(marked.find('flux-2-max')?.hash, plain.find('flux-2-max')?.hash);
  assert.equal(withOperator('markup: 1').version, plain.version);
});

test('a markup that leaves no exact price is refused where it stands', () => {
  const problemsOf = (text: string): string[] => {
    try {
      withOperator(text);
      return [];
    } catch (error) {
      assert(error instanceof CatalogError, String(error));
      return error.message.split('\n');
    }
  };
  const table: [string, string][] = [
    [
      '\nmodels:\n  - id: nano-banana-2\n    markup: 1.00000001\n',
      "easel.yaml:4: models[0].markup: nano-banana-2's prices[0].rates[0].usd: " +
        '0.0336 × 1.00000001 is not a whole number of nano-dollars',
    ],
    [
      'providers:\n  bfl: { kind: bfl, markup: 1.00000001 }\n',
      "easel.yaml:2: providers.bfl.markup: flux-2-pro's prices[0].fallback.first_usd: " +
        '0.03 × 1.00000001 is not a whole number of nano-dollars',
    ],
    [
      'markup: 1.000000001',
      "easel.yaml:1: markup: gpt-image-1.5's prices[0].per_million.cached_text_input: " +
        '1.25 × 1.000000001 is not a whole number of nano-dollars',
    ],
    ['markup: 20%', 'easel.yaml:1: markup: "20%" is not a factor such as 1.2: above 0, at most 10'],
    [
      "models:\n  - id: nano-banana\n    markup: 2\n    prices: [{ from: '2026-01-01' }]\n",
      'easel.yaml:3: models[0].markup: prices of your own are charged as you write them',
    ],
    [
      'models:\n  - id: dall-e-3\n    markup: 2\n',
      'easel.yaml:3: models[0].markup: it is retired: mark up its successor',
    ],
  ];
  for (const [text, said] of table) {
    const problems = problemsOf(text);
    assert(
      problems.some((problem) => problem.startsWith(said)),
      `${problems.join(' | ') || 'nothing was said'}, not ${said}`,
    );
  }
});
