import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSources, toCatalog } from '../catalog/catalog.ts';
import { ConfigError, loadConfig } from './config.ts';
import { SETTINGS } from './env.ts';
import { EMPTY_CONFIG_FILE, parseConfigFile } from './file.ts';
import type { BucketConfig } from './results.ts';

test('with nothing set, everything has a default', () => {
  const config = loadConfig({ EASEL_CONFIG: '' });
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8080 });
  assert.equal(config.homeFolder, resolve('.easel'));
  assert.deepEqual(config.bootstrap, { creditUsd: 10_000_000_000n });
  assert.deepEqual(config.file, EMPTY_CONFIG_FILE.settings);
  assert.equal(config.file.time.request_seconds, 600);
});

test('every broken setting is named at once', () => {
  assert.throws(
    () => loadConfig({ PORT: '80a', EASEL_BOOTSTRAP_CREDIT_USD: '-1', EASEL_LOG_LEVEL: 'loud' }),
    (error: Error) => {
      assert.ok(error instanceof ConfigError);
      const names = error.message.split('\n').map((line) => line.split(':', 1)[0]);
      assert.deepEqual(names, ['PORT', 'EASEL_BOOTSTRAP_CREDIT_USD', 'EASEL_LOG_LEVEL']);
      return true;
    },
  );
});

test('a port is a whole number that exists', () => {
  for (const text of ['-1', '65536', '8080.5', '0x50', 'http']) {
    assert.throws(() => loadConfig({ PORT: text }), /PORT: .* is not a port/, text);
  }
  assert.equal(loadConfig({ PORT: '0' }).listen.port, 0);
});

test('a misspelt setting is noticed, and does not keep the server from starting', () => {
  const { notices } = loadConfig({ EASEL_HOMES: '/data', PATH: '/bin' });
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? '', /^EASEL_HOMES is not a setting/);
});

test('a public URL loses its last slash and may hold no secrets', () => {
  assert.equal(
    loadConfig({ EASEL_PUBLIC_URL: 'https://a.example/x/' }).publicUrl,
    'https://a.example/x',
  );
  for (const url of ['ftp://a.example', 'https://user@a.example', 'https://a.example/?q=1', 'a']) {
    assert.throws(() => loadConfig({ EASEL_PUBLIC_URL: url }), /EASEL_PUBLIC_URL/, url);
  }
});

test('the config file: read, and refused with file and line', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'easel-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'easel.yaml');
  const load = async (text: string): Promise<ReturnType<typeof loadConfig>> => {
    await writeFile(path, text);
    return loadConfig({ EASEL_CONFIG: path });
  };
  const config = await load('owned_by: ours\ntime:\n  keepalive_seconds: 5\n');
  assert.equal(config.file.owned_by, 'ours');
  assert.equal(config.file.time.keepalive_seconds, 5);
  assert.equal(config.file.time.request_seconds, 600);
  assert.deepEqual((await load('')).file, EMPTY_CONFIG_FILE.settings);
  const broken: [string, RegExp][] = [
    ['time:\n  keepalive_seconds: soon\n', /easel\.yaml:2: time\.keepalive_seconds: /],
    ['owned_by: x\nkeepalive: 3\n', /easel\.yaml:2: keepalive: /],
    ['durability: perhaps\n', /easel\.yaml:1: durability: /],
    ['owned_by: [\n', /easel\.yaml:\d+: /],
  ];
  for (const [text, expected] of broken) {
    await assert.rejects(load(text), expected, text);
  }
});

test("README's table of settings is the one in the code", async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const rows = SETTINGS.map(
    (setting) => `| \`${setting.name}\` | ${setting.meaning} | ${setting.default} |`,
  );
  const table = ['| name | meaning | default |', '|---|---|---|', ...rows].join('\n');
  assert.ok(readme.includes(table), `README.md should hold:\n${table}`);
});

test("the documents' config files are the defaults, and can be read", async () => {
  const blocks = async (path: string): Promise<string[]> => {
    const text = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
    return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block]) => block ?? '');
  };
  for (const path of ['README.md', 'docs/guides/self-hosting.md']) {
    const [block = ''] = await blocks(path);
    const { settings, accounts } = parseConfigFile(path, block);
    assert.deepEqual(settings, EMPTY_CONFIG_FILE.settings, path);
    assert.equal(accounts.size, 0);
    for (const section of [...Object.keys(settings), 'providers', 'markup', 'models']) {
      assert.match(block, new RegExp(`^${section}:`, 'm'), path);
    }
  }
  const [, accounts = ''] = await blocks('docs/guides/self-hosting.md');
  assert.equal(parseConfigFile('guide', accounts).accounts.size, 2);
  const [models = ''] = await blocks('docs/guides/models-and-prices.md');
  assert.equal(parseConfigFile('guide', models).accounts.size, 1);
  const folder = fileURLToPath(new URL('../../catalog', import.meta.url));
  const { files } = readSources(folder, undefined);
  const catalog = toCatalog(files, { operator: { name: 'guide', text: models } });
  assert.deepEqual(catalog.find('flux-2-pro')?.markup, { numerator: 3n, denominator: 2n });
});

test('a bucket for results is whole or refused', () => {
  const access = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'a/secret+of=S3' };
  const load = (url: string, more: object = {}) =>
    loadConfig({ EASEL_RESULTS_URL: url, ...access, ...more }).results.place;
  assert.deepEqual(load('s3://pictures/easel/results/'), {
    kind: 'bucket',
    bucket: 'pictures',
    prefix: 'easel/results',
    region: 'us-east-1',
    accessKeyId: 'AKIA',
    secretAccessKey: 'a/secret+of=S3',
  });
  const own = { EASEL_S3_ENDPOINT: 'http://10.0.0.9:9000/', AWS_REGION: 'auto' };
  const { endpoint, region, prefix } = load('s3://pictures', own) as BucketConfig;
  assert.deepEqual([endpoint, region, prefix], ['http://10.0.0.9:9000', 'auto', '']);
  for (const url of ['s3://', 's3://A', 's3://ok/a//b', 's3://ok/a b', 'ftp://x/y', 's3://u@h/p']) {
    assert.throws(() => load(url), /^ConfigError: EASEL_RESULTS_URL: /, url);
  }
  assert.throws(
    () => load('s3://pictures', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: 'two words' }),
    (error: Error) => {
      assert.match(error.message, /^AWS_ACCESS_KEY_ID: the bucket .* needs it$/m);
      assert.match(error.message, /^AWS_SECRET_ACCESS_KEY: it holds a space/m);
      return !error.message.includes('two words');
    },
  );
  const elsewhere = { EASEL_S3_ENDPOINT: 'http://127.0.0.1:9000' };
  assert.throws(() => load('file:///pictures', elsewhere), /^ConfigError: EASEL_S3_ENDPOINT: it/);
  assert.throws(() => loadConfig(elsewhere), /^ConfigError: EASEL_S3_ENDPOINT: it/);
});
