import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import type { AccountConfig } from './account.ts';
import { type Config, ConfigError, loadConfig } from './config.ts';
import type { Environment } from './env.ts';

const folder = mkdtempSync(join(tmpdir(), 'easel-accounts-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'easel.yaml');

/** The config of this environment, with this file. */
function load(environment: Environment, text = ''): Config {
  writeFileSync(path, text);
  return loadConfig({ EASEL_CONFIG: path, ...environment });
}

function problemsOf(environment: Environment, text = ''): string[] {
  try {
    load(environment, text);
    return [];
  } catch (error) {
    assert(error instanceof ConfigError, String(error));
    return error.message.split('\n').map((line) => line.replace(`${folder}/`, ''));
  }
}

/** The vendor's bound; it stands for an account without a word of the operator's. */
const BFL_PLACES = { maxInFlight: 24 };
const NOTHING = {
  settings: {},
  time: {},
  queue: { waitingMax: 1000, waitMs: 300_000 },
  traceContext: false,
};

test('each credential of the environment makes an account of its kind', () => {
  const { providers } = load({
    OPENAI_API_KEY: 'a',
    GEMINI_API_KEY: 'b',
    BFL_API_KEY: 'c',
    XAI_API_KEY: ' d ',
    ARK_API_KEY: 'e',
    FAL_KEY: 'f:g',
    SDSERVER_BASE_URL: 'http://127.0.0.1:1234/',
  });
  const ark = 'https://ark.ap-southeast.bytepluses.com/api/v3';
  const table: [AccountConfig['kind'], string, string][] = [
    ['openai', 'https://api.openai.com/v1', 'a'],
    ['gemini', 'https://generativelanguage.googleapis.com', 'b'],
    ['bfl', 'https://api.bfl.ai', 'c'],
    ['xai', 'https://api.x.ai/v1', 'd'],
    ['ark', ark, 'e'],
    ['fal', 'https://queue.fal.run', 'f:g'],
  ];
  assert.deepEqual(providers, [
    ...table.map(([kind, baseUrl, apiKey]) => ({
      name: kind,
      kind,
      baseUrl,
      apiKey,
      ...NOTHING,
      ...(kind === 'bfl' ? BFL_PLACES : {}),
    })),
    { name: 'sd-server', kind: 'sd-server', baseUrl: 'http://127.0.0.1:1234', ...NOTHING },
  ]);
  assert.deepEqual(load({ OPENAI_API_KEY: '' }).providers, []);
});

test('each base URL of the environment goes with its account', () => {
  const table: [string, string][] = [
    ['OPENAI_API_KEY', 'OPENAI_BASE_URL'],
    ['GEMINI_API_KEY', 'GEMINI_BASE_URL'],
    ['BFL_API_KEY', 'BFL_BASE_URL'],
    ['XAI_API_KEY', 'XAI_BASE_URL'],
    ['ARK_API_KEY', 'ARK_BASE_URL'],
    ['FAL_KEY', 'FAL_BASE_URL'],
  ];
  for (const [key, url] of table) {
    const { providers } = load({ [key]: 'secret', [url]: 'http://127.0.0.1:9/x//' });
    assert.deepEqual(
      providers.map(({ baseUrl, apiKey }) => [baseUrl, apiKey]),
      [['http://127.0.0.1:9/x', 'secret']],
    );
    assert.deepEqual(problemsOf({ [url]: 'http://127.0.0.1:9' }), [
      `${url}: it is set without ${key}`,
    ]);
  }
});

test('the file has accounts of its own, several of one kind', () => {
  const { providers } = load(
    { OPENAI_API_KEY: 'first', SECOND: ' second ' },
    `providers:
  team:
    kind: openai
    api_key_env: SECOND
    settings: { organization: org-1, nested: { a: [1] } }
    time: { connect_seconds: 1.1, first_byte_seconds: 120, idle_seconds: 0.5, total_seconds: 300 }
  local: { kind: openai-compatible, base_url: 'http://localhost:8081/v1/' }
  proxied: { kind: openai-compatible, base_url: https://a.example, api_key: third, markup: 1.5 }
  bfl: { api_key: fourth }
  sd-server: { base_url: http://10.0.0.1:1234 }
`,
  );
  const local = { kind: 'openai-compatible', ...NOTHING } as const;
  assert.deepEqual(providers, [
    {
      name: 'openai',
      kind: 'openai',
      baseUrl: 'https://api.openai.com/v1',
      apiKey: 'first',
      ...NOTHING,
    },
    {
      name: 'bfl',
      kind: 'bfl',
      baseUrl: 'https://api.bfl.ai',
      apiKey: 'fourth',
      ...NOTHING,
      ...BFL_PLACES,
    },
    { name: 'sd-server', kind: 'sd-server', baseUrl: 'http://10.0.0.1:1234', ...NOTHING },
    {
      name: 'team',
      kind: 'openai',
      baseUrl: 'https://api.openai.com/v1',
      apiKey: 'second',
      settings: { organization: 'org-1', nested: { a: [1] } },
      time: { connectMs: 1100, firstByteMs: 120_000, idleMs: 500, totalMs: 300_000 },
      queue: NOTHING.queue,
      traceContext: false,
    },
    { name: 'local', baseUrl: 'http://localhost:8081/v1', ...local },
    { name: 'proxied', baseUrl: 'https://a.example', apiKey: 'third', ...local },
  ]);
});

test('an entry comes over the account of the environment, field by field', () => {
  const environment = { XAI_API_KEY: 'of-env', XAI_BASE_URL: 'https://env.example' };
  const [time] = load(environment, 'providers: { xai: { time: { idle_seconds: 5 } } }').providers;
  assert.equal(time?.apiKey, 'of-env');
  assert.equal(time.baseUrl, 'https://env.example');
  assert.deepEqual(time.time, { idleMs: 5000 });
  const [key] = load(environment, 'providers: { xai: { api_key: of-file } }').providers;
  assert.equal(key?.apiKey, 'of-file');
  assert.equal(key.baseUrl, 'https://env.example');
  const [url] = load(
    environment,
    'providers: { xai: { base_url: http://file.example } }',
  ).providers;
  assert.equal(url?.apiKey, 'of-env');
  assert.equal(url.baseUrl, 'http://file.example');
  // The environment may hold one half and the file the other.
  const halves = { XAI_BASE_URL: 'https://env.example' };
  const [whole] = load(halves, 'providers: { xai: { api_key: of-file } }').providers;
  assert.equal(whole?.baseUrl, 'https://env.example');
});

test('an entry of another kind takes no credential that was meant for its name', () => {
  const { providers, notices } = load(
    { OPENAI_API_KEY: 'sk-for-openai', OPENAI_BASE_URL: 'https://openai.example' },
    'providers: { openai: { kind: openai-compatible, base_url: https://other.example } }',
  );
  const [account] = providers;
  assert.equal(providers.length, 1);
  assert.equal(account?.apiKey, undefined);
  assert.equal(account?.baseUrl, 'https://other.example');
  assert.deepEqual(notices, [
    'OPENAI_API_KEY has no effect: the account openai is of kind openai-compatible',
    'OPENAI_BASE_URL has no effect: the account openai is of kind openai-compatible',
  ]);
});

test('half an account and every nonsense is refused in words, with file and line', () => {
  const entry = (fields: string): string => `# A comment.\nproviders:\n  mine:\n${fields}`;
  // what is in the file, what is said
  const table: [string, string][] = [
    [entry('    api_key: x\n'), 'easel.yaml:3: providers.mine: kind is missing: one of openai, '],
    [entry('    kind: dalle\n'), 'easel.yaml:4: providers.mine.kind: Invalid option: expected one'],
    [entry('    kind: openai\n'), 'easel.yaml:3: providers.mine: an account of kind openai needs'],
    [
      entry('    kind: openai-compatible\n    api_key: x\n'),
      'easel.yaml:3: providers.mine: an account of kind openai-compatible needs base_url',
    ],
    [entry('    kind: sd-server\n'), 'an account of kind sd-server needs base_url'],
    [
      entry('    kind: bfl\n    api_key: x\n    api_key_env: Y\n'),
      'easel.yaml:6: providers.mine.api_key_env: api_key is there, too: leave out one of them',
    ],
    [
      entry('    kind: bfl\n    api_key_env: NOT_SET\n'),
      'easel.yaml:5: providers.mine.api_key_env: the variable that it names is not set',
    ],
    [
      entry('    kind: bfl\n    api_key_env: EMPTY\n'),
      'easel.yaml:5: providers.mine.api_key_env: the variable that it names is not set',
    ],
    [
      entry('    kind: bfl\n    api_key_env: SPACED\n'),
      'easel.yaml:5: providers.mine.api_key_env: in the variable that it names, it holds a space',
    ],
    [entry("    kind: bfl\n    api_key: ''\n"), 'providers.mine.api_key: it must not be blank'],
    [entry('    kind: bfl\n    api_key: a b\n'), 'providers.mine.api_key: it holds a space or'],
    [entry('    kind: bfl\n    api_key: ${BFL}\n'), 'providers.mine.api_key: it is a reference'],
    [
      entry('    kind: bfl\n    api_key: 12\n'),
      'easel.yaml:5: providers.mine.api_key: Invalid inp',
    ],
    [entry('    kind: bfl\n    apikey: x\n'), 'easel.yaml:5: providers.mine.apikey: Unrecognized'],
    [entry('    time: { idle_seconds: 0 }\n'), 'easel.yaml:4: providers.mine.time.idle_seconds: '],
    [entry('    time: { idle: 5 }\n'), 'easel.yaml:4: providers.mine.time.idle: Unrecognized'],
    [entry('    settings: [1]\n'), 'easel.yaml:4: providers.mine.settings: Invalid input'],
    [entry('    base_url: ftp://a.example\n'), 'base_url: it is not an http or https URL'],
    [entry('    base_url: a.example/v1\n'), 'base_url: it is not an http or https URL'],
    [entry('    base_url: https://a.example/?v=1\n'), 'base_url: it must not hold a user, a pass'],
    ['providers:\n  Mine: { kind: bfl }\n', 'easel.yaml:2: providers.Mine: a name is lower case'],
    ['providers:\n  painter: { kind: bfl }\n', 'providers.painter: this is the engine inside'],
    ['providers: [openai]\n', 'easel.yaml:1: providers: Invalid input'],
    ['providers:\n  openai: { time: {} }\n', 'easel.yaml:2: providers.openai: an account of kind'],
  ];
  for (const [text, said] of table) {
    const problems = problemsOf({ EMPTY: '', SPACED: 'a b' }, text);
    assert(
      problems.some((problem) => problem.includes(said)),
      `${text} → ${problems.join(' | ') || 'nothing was said'}, not ${said}`,
    );
    // One thing is wrong, and it is told once.
    assert(problems.length === 1, problems.join(' | '));
  }
  assert.deepEqual(load({}, 'providers:\n').providers, []);
});

test('all that is wrong is told at once', () => {
  const text = `providers:
  one: { kind: openai }
  two: { kind: sd-server }
`;
  const problems = problemsOf({ PORT: 'x', BFL_BASE_URL: 'http://a.example' }, text);
  assert.deepEqual(
    problems.map((line) => line.split(': ', 2).join(': ')),
    [
      'BFL_BASE_URL: it is set without BFL_API_KEY',
      'easel.yaml:2: providers.one',
      'easel.yaml:3: providers.two',
      'PORT: "x" is not a port; a number from 0 to 65535 is',
    ],
  );
});

test('no credential is ever in a message', () => {
  const secret = 'qZ7secret';
  const broken: [Environment, string][] = [
    [{ OPENAI_API_KEY: `${secret} ${secret}` }, ''],
    [{ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: `https://user:${secret}@a.example` }, ''],
    [{ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: `https://:${secret}@a.example` }, ''],
    [{ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: `htps//user:${secret}@a.example` }, ''],
    [{ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: `https://a.example/?key=${secret}` }, ''],
    [{}, `providers:\n  mine: { kind: bfl, base_url: 'https://u:${secret}@a.example' }\n`],
    [{}, `providers:\n  mine: { kind: bfl, api_key: '${secret} ' , api_key_env: ${secret} }\n`],
    [{}, `providers:\n  mine: { kind: bfl, api_key: '${secret} x' }\n`],
    // A key in the place of a URL, or of a variable's name.
    [{ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: `sk-${secret}` }, ''],
    [{ EASEL_SERVER: `http//user:${secret}@a.example` }, ''],
    [{}, `providers:\n  mine: { kind: bfl, base_url: sk-${secret} }\n`],
    [{}, `providers:\n  mine: { kind: bfl, api_key_env: ${secret} }\n`],
    [{}, `providers:\n  mine: { kind: bfl, api_key_env: sk-${secret} }\n`],
    [{}, `providers:\n  mine: { kind: ${secret} }\n`],
    [{}, `providers:\n  mine: { kind: bfl, api_key: [${secret}] }\n`],
    [{}, `providers:\n  mine: ${secret}\n`],
    // Files that are no YAML: the parser likes to quote.
    [{}, `providers:\n  mine:\n    api_key: "${secret}\n`],
    [{}, `providers:\n  mine:\n    api_key: *${secret}\n`],
    [{}, `providers:\n  mine:\n    api_key: "\\${secret}"\n`],
    [{}, `providers:\n  mine:\n    api_key: @${secret}\n`],
    [{}, `providers:\n  mine:\n    api_key: a: ${secret}\n`],
    [{}, `providers:\n  mine:\n    api_key: x\n  ${secret}\n`],
    [{}, `providers:\n\tmine: ${secret}\n`],
    [{}, `providers: {\n${secret}: ]\n`],
    [{}, `providers:\n  a: &${secret} &${secret} x\n`],
    [{}, `providers: x\n---\nproviders: ${secret}\n`],
    [{}, `%${secret}\n---\nproviders: x: y\n`],
  ];
  for (const [environment, text] of broken) {
    const problems = problemsOf(environment, text);
    assert(problems.length > 0, `${inspect(environment)} ${text}`);
    assert(!problems.join('\n').includes(secret), problems.join('\n'));
    assert(
      problems.every((line) => /^(easel\.yaml:\d+|[A-Z_]+): /.test(line)),
      problems.join(),
    );
  }
  const { notices } = load({ OPENAI_API_KEY: secret }, 'providers: {}\n');
  assert.deepEqual(notices, []);
});

test('places that may be fetched from are told as host and port', () => {
  const { fetchAllow } = load({
    EASEL_FETCH_ALLOW: '127.0.0.1:8188, LocalHost:80,[::1]:443,, [0:0::1]:9',
  });
  assert.deepEqual([...fetchAllow], ['127.0.0.1:8188', 'localhost:80', '[::1]:443', '[::1]:9']);
  assert.equal(load({}).fetchAllow.size, 0);
  const broken = ['localhost', 'a:0', 'a:65536', '::1:80', 'a b:1', 'http://a:1', 'a/b:1', 'u@a:1'];
  for (const text of broken) {
    assert.match(problemsOf({ EASEL_FETCH_ALLOW: text }).join(), /^EASEL_FETCH_ALLOW: "/, text);
  }
});
