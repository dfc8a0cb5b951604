import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadCatalog, toCatalog } from './catalog.ts';
import { CatalogError } from './problem.ts';

const FOLDER = fileURLToPath(new URL('../../catalog', import.meta.url));

test('every card loads, in a stable order, with a hash of its own', () => {
  const catalog = loadCatalog(FOLDER);
  assert.deepEqual(
    catalog.list().map(({ id, provider, upstreamModel }) => [id, provider, upstreamModel]),
    [
      ['dall-e-3', 'openai', 'gpt-image-2'],
      ['dall-e-2', 'openai', 'gpt-image-2'],
      ['flux-2-pro', 'bfl', 'flux-2-pro'],
      ['flux-2-max', 'bfl', 'flux-2-max'],
      ['flux-2-flex', 'bfl', 'flux-2-flex'],
      ['flux-2-klein-9b', 'bfl', 'flux-2-klein-9b'],
      ['gpt-image-1.5', 'openai', 'gpt-image-1.5'],
      ['gpt-image-2', 'openai', 'gpt-image-2'],
      ['gpt-image-2.5', 'openai', 'gpt-image-2.5-sunburst'],
      ['gpt-image-2.6', 'openai', 'gpt-image-2.6-sunburst'],
      ['gpt-image-1-mini', 'openai', 'gpt-image-1-mini'],
      ['grok-imagine', 'xai', 'grok-imagine-image'],
      ['grok-imagine-quality', 'xai', 'grok-imagine-image-2.0'],
      ['deepshi-banana-pro', 'painter', 'deepshi-banana-pro'],
      ['deepshi-image-1', 'painter', 'deepshi-image-1'],
      ['nano-banana', 'gemini', 'gemini-2.5-flash-image'],
      ['nano-banana-2', 'gemini', 'gemini-nano-banana-2.1'],
      ['nano-banana-pro', 'gemini', 'gemini-3-pro-image'],
      ['seedream-4.5', 'ark', 'seedream-4-5-251128'],
      ['seedream-5', 'ark', 'seedream-5-0-260128'],
    ],
  );
  const hashes = new Set(catalog.list().map(({ hash }) => hash));
  assert.equal(hashes.size, catalog.list().length);
  assert.equal(loadCatalog(FOLDER).version, catalog.version);
  assert.equal(catalog.find('constructor'), undefined);
});

/** A file of two models that is in order: each test below breaks one thing in it. */
const SOUND = `family: example
models:
  - id: first
    created: '2026-01-02'
    description: A model.
    provider: example
    upstream_model: first
    sizing: tier
    parameters:
      resolution: { type: enum, values: [1K, 2K], default: 1K }
      aspect_ratio: { type: enum, values: [auto, '2:1'], default: auto }
      quality: { type: enum, values: [low, high], default: low, aliases: { hd: high } }
      steps: { type: integer, minimum: 1, maximum: 50, default: 20 }
    sizes:
      kind: table
      by: aspect_ratio
      pixels: { auto: 1024x1024, '2:1': 1448x724 }
      scale: { by: resolution, factors: { 1K: 1, 2K: 2 } }
    prompt_max_length: 100
    edit: false
    max_n: 4
    images_per_call: 1
    formats: { native: [png], default: png }
    prices:
      - from: '2026-01-02'
        kind: image
        rates:
          - { when: { resolution: 1K }, usd: 0.01 }
          - { when: { resolution: 2K }, usd: 0.02 }
  - id: second
    created: '2020-01-01'
    description: An older model.
    retired_at: '2026-01-02'
    successor: first
    aliases: { quality: { best: high } }
`;

function problemsOf(text: string, name = 'example.yaml'): string[] {
  try {
    toCatalog([{ name, text }]);
    return [];
  } catch (error) {
    assert(error instanceof CatalogError, String(error));
    return error.message.split('\n');
  }
}

test('each fault is refused with file, line and reason', () => {
  assert.deepEqual(problemsOf(SOUND), []);
  // what is broken, by what, and what is said
  const table: [string, string, string][] = [
    ['family: example', 'family: {', 'example.yaml:2: Flow map in block collection must'],
    ['    provider: example', '    povider: example', ':6: models[0].povider: unknown key'],
    ["created: '2026-01-02'", 'created: soon', ':4: models[0].created: Invalid ISO date'],
    ['id: second', 'id: first', ':30: models[1].id: there is already a model "first"'],
    ['successor: first', 'successor: third', ':34: models[1].successor: there is no model "third"'],
    ['successor: first', 'successor: second', ':34: models[1].successor: "second" is retired'],
    ['best: high', 'best: top', ':35: models[1].aliases.quality.best: "top" is not a value'],
    ['aliases: { quality: { best', 'aliases: { style: { best', 'no enum parameter "style"'],
    ['default: 1K }', 'default: 8K }', ':10: models[0].parameters.resolution.default: "8K" is not'],
    ['values: [low, high]', 'values: [low, low, high]', 'quality.values: a value is listed twice'],
    ['hd: high', 'hd: top', 'quality.aliases.hd: "top" is not one of low, high'],
    ['default: 20', 'default: 51', ':13: models[0].parameters.steps.default: is outside the bound'],
    ['default: 20', 'default: 20, multiple_of: 8', 'steps.default: is not a multiple of 8'],
    ['minimum: 1,', 'minimum: 60,', 'parameters.steps.minimum: is above the maximum'],
    ['steps: {', 'max_images: {', 'parameters.max_images: this name belongs to the contract'],
    ['steps: {', 'prompt: {', 'parameters.prompt: this name belongs to the contract'],
    ["'2:1': 1448x724 ", '', ':17: models[0].sizes.pixels: the value "2:1" has no dimensions'],
    ['1448x724', 'wide', ':17: models[0].sizes.pixels.2:1: "wide" is not a size such as'],
    ['1K: 1, 2K: 2', '1K: 1', ':18: models[0].sizes.scale.factors: the value "2K" has no'],
    ['1K: 1, 2K: 2', '1K: 1, 2K: 2, 4K: 4', 'sizes.scale.factors.4K: "4K" is not a value'],
    ['by: aspect_ratio', 'by: ratio', ':16: models[0].sizes.by: there is no enum parameter'],
    ['by: resolution', 'by: tier', 'sizes.scale.by: there is no enum parameter "tier"'],
    ['sizing: tier', 'sizing: preset', ':8: models[0].sizing: these sizes are of a tier model'],
    ["[auto, '2:1'], default: auto", "[auto, '2:1']", 'a sizing parameter needs a default'],
    ['default: png', 'default: webp', ':23: models[0].formats.default: is not one of png'],
    ['max_n: 4', 'max_n: 5', ':21: models[0].max_n: Too big'],
    ['images_per_call: 1', 'images_per_call: 1\n    successor: x', 'there is no model "x"'],
    ['usd: 0.02', 'usd: 0.0000000001', ':29: models[0].prices[0].rates[1].usd: "1e-10" is not'],
    ['usd: 0.02', 'usd: -1', ':29: models[0].prices[0].rates[1].usd: "-1" is not a price'],
    [
      '          - { when: { resolution: 2K }, usd: 0.02 }\n',
      '',
      ':27: models[0].prices[0].rates: there is no price for resolution 2K',
    ],
    ['{ resolution: 2K }', '{ resolution: 1K }', 'there is more than one price for resolution 1K'],
    ['{ resolution: 2K }', '{ resolution: 4K }', 'rates[1].when.resolution: "4K" is not one of'],
    ['{ resolution: 2K }', '{ style: 2K }', 'when.style: there is no enum parameter "style"'],
    [
      '    prices:\n',
      "    prices:\n      - { from: '2027-01-01', kind: image, rates: [{ usd: 1 }] }\n",
      'prices[1].from: must be later than the one before',
    ],
  ];
  for (const [sound, broken, said] of table) {
    assert(SOUND.includes(sound), sound);
    const problems = problemsOf(SOUND.replace(sound, broken));
    assert(
      problems.some((problem) => problem.includes(said)),
      `${sound} → ${broken}: ${problems.join(' | ') || 'nothing was said'}, not ${said}`,
    );
  }
});

test('faults of the shipped cards are told where they are, through anchors and merges', () => {
  const gpt = readFileSync(join(FOLDER, 'gpt-image.yaml'), 'utf8');
  const lineOf = (text: string, part: string): number =>
    text.slice(0, text.indexOf(part)).split('\n').length;
  // Written once under an anchor and used by several models.
  const broken = gpt.replace('high: 48, xhigh: 64', 'xhigh: 64');
  assert.deepEqual(
    problemsOf(broken, 'gpt-image.yaml')[0],
    `gpt-image.yaml:${lineOf(broken, 'factors: { low: 16, medium: 24')}: ` +
      'models[2].prices[0].output_tokens.factors: there is no factor for quality high',
  );
  const rows = gpt.replace('      1536x1024: { low: 400', '      1536x1000: { low: 400');
  assert.match(problemsOf(rows, 'gpt-image.yaml').join(), /no output tokens for 1536x1024 at/);
  const seedream = readFileSync(join(FOLDER, 'seedream.yaml'), 'utf8');
  const wrong = seedream.replace('square: 1920x1920', 'square: wide');
  assert.match(
    problemsOf(wrong, 'seedream.yaml').join(),
    new RegExp(`seedream.yaml:${lineOf(wrong, 'square: wide')}: models\\[1\\].sizes.pixels.square`),
  );
});

test('one id in two files is told, and a date may raise a price', () => {
  const twice = [
    { name: 'a.yaml', text: SOUND },
    { name: 'b.yaml', text: SOUND },
  ];
  assert.throws(() => toCatalog(twice), /b\.yaml:3: models\[0\]\.id: there is already a model/);
  const later = `      - { from: '2027-01-01', kind: image, rates: [{ usd: 1 }] }\n  - id: second`;
  assert.deepEqual(problemsOf(SOUND.replace('  - id: second', later)), []);
});

test('a folder without cards is refused', () => {
  assert.throws(() => loadCatalog(join(FOLDER, '..', 'src', 'catalog')), /no card files/);
});
