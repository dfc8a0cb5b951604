import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseUsd } from '../base/money.ts';
import { type Catalog, loadCatalog } from '../catalog/catalog.ts';
import { modelEntry } from '../catalog/models.ts';
import type { Egress } from '../egress/egress.ts';
import { ADAPTERS } from '../providers/index.ts';
import { knownProviders, PROVIDER_KINDS } from './account.ts';
import { type Config, loadConfig } from './config.ts';

const EXAMPLE = fileURLToPath(new URL('../../easel.example.yaml', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../catalog', import.meta.url));

function loadExample(): { config: Config; catalog: Catalog } {
  const config = loadConfig({
    EASEL_CONFIG: EXAMPLE,
    OPENAI_API_KEY: 'sk-first',
    OPENAI_DRAFTS_KEY: 'sk-second',
    AZURE_OPENAI_KEY: 'azure-key',
    FAL_KEY: 'id:secret',
  });
  const providers = knownProviders(config.providers);
  return { config, catalog: loadCatalog(FOLDER, { operatorPath: EXAMPLE, providers }) };
}

test('the example is a config whose accounts their adapters take', () => {
  const { config } = loadExample();
  assert.deepEqual(config.notices, []);
  const names = config.providers.map(({ name }) => name);
  const wanted = ['openai', 'fal', 'sd-server', 'openai-drafts', 'azure', 'localai', 'vllm'];
  assert.deepEqual(names, [...wanted, 'sglang']);
  const egress: Egress = {
    request: () => Promise.reject(new Error('not asked')),
    download: () => Promise.reject(new Error('not asked')),
    close: async () => undefined,
  };
  for (const account of config.providers) {
    assert.equal(ADAPTERS[account.kind].create({ ...account, egress }).name, account.name);
  }
});

test('every card of the example is valid, and what it changes is changed', () => {
  const { catalog } = loadExample();
  const card = (id: string): NonNullable<ReturnType<Catalog['find']>> => {
    const found = catalog.find(id);
    assert(found !== undefined, id);
    return found;
  };
  const usdOf = (id: string): number[] =>
    modelEntry(card(id), { ownedBy: 'me', nowMs: Date.parse('2026-11-21') }).pricing.map(
      ({ usd }) => usd,
    );
  assert.equal(card('gpt-image-1-mini').provider, 'openai-drafts');
  assert.deepEqual(usdOf('gpt-image-1-mini'), [2.2, 0.22, 2.75, 0.275, 8.8, 8.8]);
  assert.deepEqual(usdOf('gpt-image-2'), [6, 1.5, 9.6, 2.4, 36, 36]);
  assert.equal(card('gpt-image-1.5').upstreamModel, 'my-gpt-image-deployment');
  assert(!card('gpt-image-1.5').parameters.some(({ name }) => name === 'moderation'));
  assert.deepEqual(card('dall-e-2').prices, card('gpt-image-1-mini').prices);
  assert.deepEqual(usdOf('nano-banana-pro'), [0.15, 0.15, 0.27]);
  assert.deepEqual(usdOf('flux-2-pro'), [0.045, 0.0225, 0.0225]);
  assert.deepEqual(card('flux-2-pro').markup, { numerator: 3n, denominator: 2n });
  assert.equal(catalog.find('grok-imagine'), undefined);
  assert.equal(card('seedream-4.5').maxN, 1);
  assert.equal(card('deepshi-banana-pro').provider, 'sd-server');
  const own = ['flux-dev', 'local-sdxl', 'local-qwen-image', 'local-flux', 'local-sd'];
  assert.deepEqual(
    catalog
      .list()
      .slice(-own.length)
      .map(({ id }) => id),
    own,
  );
  assert.equal(card('flux-dev').passthrough, 'any');
  assert.deepEqual(card('flux-dev').prices[0]?.tariff, {
    kind: 'megapixel',
    firstUsd: parseUsd('0.03'),
    furtherUsd: parseUsd('0.03'),
    inputUsd: 0n,
    referenceUsd: 0n,
  });
});

test('every kind of account has an adapter, and every section is in the example', async () => {
  assert.deepEqual(Object.keys(ADAPTERS).toSorted(), [...PROVIDER_KINDS].toSorted());
  const text = await readFile(EXAMPLE, 'utf8');
  for (const section of Object.keys(loadExample().config.file)) {
    assert.match(text, new RegExp(`^${section}:`, 'm'));
  }
});
