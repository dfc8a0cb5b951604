import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Card } from './card.ts';
import { type Catalog, loadCatalog, readSources, toCatalog } from './catalog.ts';
import type { Parameter } from './parameter.ts';
import { CatalogError } from './problem.ts';

const FOLDER = fileURLToPath(new URL('../../catalog', import.meta.url));
const { files } = readSources(FOLDER, undefined);
const PLAIN = toCatalog(files);
const PROVIDERS = new Set(['painter', 'openai', 'gemini', 'bfl', 'xai', 'ark', 'fal', 'mine']);

function withOperator(text: string): Catalog {
  return toCatalog(files, { operator: { name: 'easel.yaml', text }, providers: PROVIDERS });
}

function cardOf(catalog: Catalog, id: string): Card {
  const card = catalog.find(id);
  assert(card !== undefined, id);
  return card;
}

function parameterOf(card: Card, name: string): Parameter | undefined {
  return card.parameters.find((parameter) => parameter.name === name);
}

function problemsOf(text: string): string[] {
  try {
    withOperator(text);
    return [];
  } catch (error) {
    assert(error instanceof CatalogError, String(error));
    return error.message.split('\n');
  }
}

test('a file that says nothing of models changes nothing', () => {
  for (const text of ['', '# nothing\n', 'models:\n', 'models: []\nmarkup:\n', 'owned_by: me\n']) {
    assert.equal(withOperator(text).version, PLAIN.version, text);
  }
});

test('any field of a card can be changed: scalars and lists are replaced, maps merge', () => {
  const catalog = withOperator(`
models:
  - id: nano-banana-pro
    description: Ours.
    max_n: 2
    family: house
    shutdown_at: '2030-01-01'
    edit: { max_reference_images: 2 }
    formats: { native: [png] }
    upstream_parameters: { region: eu }
    parameters:
      seed: { maximum: 10, default: 7 }
      mood: { type: string, max_length: 20 }
    sizes: { pixels: { '21:9': 1536x672 } }
`);
  const [before, after] = [cardOf(PLAIN, 'nano-banana-pro'), cardOf(catalog, 'nano-banana-pro')];
  assert.deepEqual(after, {
    ...before,
    description: 'Ours.',
    maxN: 2,
    family: 'house',
    shutdownAt: '2030-01-01',
    edit: { maxReferenceImages: 2, mask: false },
    formats: { native: ['png'], default: 'png', chosenByUpstream: true },
    upstreamParameters: { region: 'eu' },
    routes: [
      {
        provider: 'gemini',
        upstreamModel: 'gemini-3-pro-image',
        upstreamParameters: { region: 'eu' },
        weight: 1,
        priority: 1,
      },
    ],
    parameters: [
      ...before.parameters.slice(0, 2),
      { name: 'seed', type: 'integer', minimum: 0, maximum: 10, default: 7 },
      { name: 'mood', type: 'string', maxLength: 20 },
    ],
    sizes: after.sizes,
    hash: after.hash,
  });
  assert(after.sizes.kind === 'listed' && before.sizes.kind === 'listed');
  const wide = after.sizes.listed.filter(({ size }) => size.width === 1536 && size.height === 672);
  assert.equal(wide.length, 1);
  assert.equal(after.sizes.listed.length, before.sizes.listed.length);
  // The others are untouched, and all stay in their places.
  assert.deepEqual(
    catalog.list().filter(({ id }) => id !== after.id),
    PLAIN.list().filter(({ id }) => id !== after.id),
  );
  assert.equal(catalog.list().indexOf(after), PLAIN.list().indexOf(before));
});

test('null takes a field away, and another sort of map replaces the one below', () => {
  const catalog = withOperator(`
models:
  - id: seedream-5
    parameters: { image_size: { custom: null } }
  - id: gpt-image-2
    parameters:
      moderation: null
      quality: { type: enum, values: [low, medium, high], default: low }
      background: { type: boolean }
  - id: flux-2-flex
    sizing: ratio
    parameters:
      width: null
      height: null
      aspect_ratio: { type: enum, values: ['1:1', '2:1'], default: '1:1' }
    sizes: { kind: area, by: aspect_ratio, pixels: 1048576, multiple_of: 16 }
`);
  const size = parameterOf(cardOf(catalog, 'seedream-5'), 'image_size');
  assert(size?.type === 'enum' && size.custom === undefined);
  const gpt = cardOf(catalog, 'gpt-image-2');
  assert.equal(parameterOf(gpt, 'moderation'), undefined);
  assert.deepEqual(parameterOf(gpt, 'background'), { name: 'background', type: 'boolean' });
  assert.equal(parameterOf(gpt, 'quality')?.default, 'low');
  assert.deepEqual(
    cardOf(catalog, 'flux-2-flex').parameters.map(({ name }) => name),
    ['seed', 'safety_tolerance', 'steps', 'guidance', 'aspect_ratio'],
  );
});

test('prices replace the price list, dates and all', () => {
  const catalog = withOperator(`
models:
  - id: nano-banana-pro
    prices:
      - { from: '2026-01-01', kind: image, rates: [{ usd: 0.2 }] }
      - { from: '2027-01-01', kind: image, rates: [{ usd: 0.1 }] }
`);
  const { prices } = cardOf(catalog, 'nano-banana-pro');
  assert.deepEqual(prices, [
    {
      version: '2026-01-01',
      tariff: { kind: 'image', rates: [{ when: {}, usd: 200_000_000n }], referenceUsd: 0n },
    },
    {
      version: '2027-01-01',
      tariff: { kind: 'image', rates: [{ when: {}, usd: 100_000_000n }], referenceUsd: 0n },
    },
  ]);
});

/** A card of its own that is in order, from line 2 on. */
const OWN = `models:
  - id: mine
    created: '2026-11-21'
    description: A model of ours.
    provider: mine
    upstream_model: m
    sizing: pixels
    parameters:
      width: { type: integer, minimum: 64, maximum: 512, default: 64 }
      height: { type: integer, minimum: 64, maximum: 512, default: 64 }
    sizes: { kind: pixels, max_pixels: 262144 }
    prompt_max_length: 100
    edit: false
    max_n: 1
    images_per_call: 1
    formats: { native: [png], default: png }
    passthrough: any
    prices: [{ from: '2026-01-01', kind: image, rates: [{ usd: 0.001 }] }]
`;

test('a new id is a card of its own, at the end of the list', () => {
  const catalog = withOperator(OWN);
  assert.deepEqual(
    catalog.list().map(({ id }) => id),
    [...PLAIN.list().map(({ id }) => id), 'mine'],
  );
  const { family, passthrough, provider } = cardOf(catalog, 'mine');
  assert.deepEqual(
    { family, passthrough, provider },
    {
      family: 'mine',
      passthrough: 'any',
      provider: 'mine',
    },
  );
  // Anchors and merge keys work as in the card files, and it may succeed another.
  const text = OWN.replace('- id: mine', '- &mine\n    id: mine');
  const more = `${text}  - <<: *mine\n    id: another\n    parameters: { width: null, height: null }
    sizing: preset
    family: ours
`;
  assert.match(problemsOf(more).join(), /easel\.yaml:\d+: models\[1\]\.sizes\.kind: needs the int/);
  const follow = `${text}  - <<: *mine\n    id: another\n    family: ours
  - { id: dall-e-3, successor: another, aliases: { quality: null } }\n`;
  assert.equal(cardOf(withOperator(follow), 'another').family, 'ours');
  assert.equal(cardOf(withOperator(follow), 'dall-e-3').provider, 'mine');
});

test('enabled: false takes a model away', () => {
  const catalog = withOperator('models: [{ id: flux-2-pro, enabled: false }]');
  assert.equal(catalog.find('flux-2-pro'), undefined);
  assert.equal(catalog.list().length, PLAIN.list().length - 1);
  const all = ['gpt-image-2', 'dall-e-2', 'dall-e-3'].map((id) => `{ id: ${id}, enabled: false }`);
  const without = withOperator(`models: [${all.join(', ')}]`);
  assert.equal(without.list().length, PLAIN.list().length - 3);
  assert.equal(withOperator(`${OWN}    enabled: false\n`).version, PLAIN.version);
  assert.equal(withOperator('models: [{ id: flux-2-pro, enabled: true }]').version, PLAIN.version);
});

test('what cannot be is refused with file, line and reason', () => {
  const entry = (id: string, fields: string): string => `\nmodels:\n  - id: ${id}\n${fields}`;
  // what is in the file, what is said
  const table: [string, string][] = [
    [
      entry('nano-banana', '    prices: [{ from: soon, kind: image, rates: [{ usd: 1 }] }]\n'),
      'easel.yaml:4: models[0].prices[0].from: Invalid ISO date',
    ],
    [
      entry('nano-banana', '    prices:\n      - from: "2026-01-01"\n        kind: image\n'),
      'easel.yaml:5: models[0].prices[0].rates: Invalid input',
    ],
    [entry('nano-banana', '    prices: []\n'), 'easel.yaml:4: models[0].prices: Too small'],
    [entry('nano-banana', '    max_nn: 2\n'), 'easel.yaml:4: models[0].max_nn: unknown key'],
    // The fault shows in the card that was changed; the change is where it is mended.
    [
      entry('nano-banana-pro', '    parameters: { resolution: { values: [2K, 4K] } }\n'),
      'easel.yaml:3: models[0].sizes.scale.factors.1K: "1K" is not a value',
    ],
    [
      entry('nano-banana-pro', '    parameters:\n      resolution: { default: 8K }\n'),
      'easel.yaml:5: models[0].parameters.resolution.default: "8K" is not one of',
    ],
    [
      entry('gpt-image-2', '    parameters: { quality: { values: [low, medium] } }\n'),
      'easel.yaml:3: models[0]: with this change dall-e.yaml:',
    ],
    [entry('nano-bananna', '    max_n: 2\n'), 'easel.yaml:3: models[0].id: there is no model "na'],
    [entry('nano-bananna', '    enabled: false\n'), 'models[0].id: there is no model "nano-bana'],
    [
      entry('gpt-image-2', '    enabled: false\n'),
      'easel.yaml:4: models[0].enabled: it succeeds dall-e-3, dall-e-2: take them away, too',
    ],
    [
      entry('nano-banana', '    max_n: 1\n  - id: nano-banana\n'),
      'easel.yaml:5: models[1].id: there is already an entry for "nano-banana"',
    ],
    [
      entry('nano-banana', '    provider: nobody\n'),
      'easel.yaml:4: models[0].provider: there is no provider "nobody"; since the start there are',
    ],
    [entry('nano-banana', '    enabled: maybe\n'), 'easel.yaml:4: models[0].enabled: Invalid inp'],
    [entry('flux-2-pro', '    successor: nobody\n'), 'models[0].successor: there is no model "nob'],
    ['models: { nano-banana: {} }\n', 'easel.yaml:1: models: Invalid input: expected array'],
    ['models: [nano-banana]\n', 'easel.yaml:1: models[0]: Invalid input: expected object'],
    ['models:\n  - max_n: 2\n', 'easel.yaml:2: models[0].id: Invalid input'],
    ['models: [\n', 'easel.yaml:2: Flow sequence in block collection'],
    ['models:\n  - *nobody\n', 'easel.yaml:2: there is no anchor for this alias'],
    [OWN.replace('    sizing: pixels\n', ''), 'easel.yaml:2: models[0].sizing: Invalid option'],
    [OWN.replace('id: mine', 'id: Mine'), 'easel.yaml:2: models[0].id: must be lower case'],
    [OWN.replace('default: 64 }', 'default: 1 }'), 'easel.yaml:9: models[0].parameters.width.def'],
  ];
  for (const [text, said] of table) {
    const problems = problemsOf(text);
    assert(
      problems.some((problem) => problem.includes(said)),
      `${text} → ${problems.join(' | ') || 'nothing was said'}, not ${said}`,
    );
  }
});

test('a broken card file is told as such, whatever the operator wrote', () => {
  const broken = [{ name: 'a.yaml', text: 'family: a\nmodels: [{ id: x }]\n' }];
  const operator = { name: 'easel.yaml', text: 'models: nonsense\n' };
  assert.throws(() => toCatalog(broken, { operator }), /^CatalogError: a\.yaml:2: models\[0\]/);
});

test('a card needs a provider that is known', () => {
  assert.deepEqual(problemsOf(''), []);
  assert.throws(
    () => toCatalog(files, { providers: new Set(['painter', 'openai']) }),
    /flux\.yaml:\d+: models\[0\]\.provider: there is no provider "bfl"; since the start there are/,
  );
});

test("the operator's file is read from where it lies", (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'easel-operator-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const operatorPath = join(folder, 'easel.yaml');
  writeFileSync(operatorPath, 'models: [{ id: flux-2-pro, max_n: 2 }]\n');
  assert.equal(loadCatalog(FOLDER, { operatorPath }).find('flux-2-pro')?.maxN, 2);
  writeFileSync(operatorPath, 'models: [{ id: flux-2-pro, max_n: 9 }]\n');
  assert.throws(
    () => loadCatalog(FOLDER, { operatorPath }),
    /easel\.yaml:1: models\[0\]\.max_n: T/,
  );
  assert(readFileSync(operatorPath, 'utf8').length > 0);
});

test('routes: what is left out is the card’s own, and each stands on its own', () => {
  const catalog = withOperator(`
models:
  - id: flux-2-pro
    provider: bfl
    fallback: gpt-image-2
    routes:
      - { provider: bfl, weight: 3 }
      - { provider: fal, priority: 2, upstream_model: fal-ai/flux-2-pro,
          upstream_parameters: { region: eu } }
`);
  const { provider, routes, fallback } = cardOf(catalog, 'flux-2-pro');
  assert.deepEqual([provider, fallback], ['bfl', 'gpt-image-2']);
  const own = { upstreamModel: 'flux-2-pro', upstreamParameters: {} };
  assert.deepEqual(routes, [
    { provider: 'bfl', ...own, weight: 3, priority: 1 },
    {
      provider: 'fal',
      upstreamModel: 'fal-ai/flux-2-pro',
      upstreamParameters: { region: 'eu' },
      weight: 1,
      priority: 2,
    },
  ]);
});

test('routes and fallbacks that make no sense are refused, with their place', () => {
  const problemOf = (fields: string): string =>
    problemsOf(`models:\n  - id: flux-2-pro\n    ${fields}\n`).join();
  const table: [string, RegExp][] = [
    ['routes: [{ provider: fal }]', /routes: bfl, the provider of the model, must be among them/],
    ['routes: []', /models\[0\]\.routes: /],
    [
      'routes: [{ provider: bfl }, { provider: bfl }]',
      /routes\[1\]: there is already a route bfl\//,
    ],
    [
      'routes: [{ provider: bfl }, { provider: nowhere }]',
      /routes\[1\]\.provider: there is no provider "nowhere"; since the start there are/,
    ],
    ['routes: [{ provider: bfl, weight: 0 }]', /routes\[0\]\.weight: /],
    ['routes: [{ provider: bfl, wieght: 1 }]', /wieght/],
    ['fallback: flux-2-pro', /fallback: a model is no fallback of itself/],
    ['fallback: dall-e-3', /fallback: there is no model "dall-e-3" that is served/],
    ['fallback: nothing', /fallback: there is no model "nothing" that is served/],
  ];
  for (const [fields, expected] of table) {
    assert.match(problemOf(fields), expected, fields);
  }
});
