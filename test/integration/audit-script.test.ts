import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/process.ts';
import { Simulator } from '../support/upstreams/simulator.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What the registry says of the package itself. */
const PACKUMENT = {
  name: 'standardwebhooks',
  'dist-tags': { latest: '1.1.1' },
  versions: { '1.1.1': { name: 'standardwebhooks', version: '1.1.1', dist: {} } },
};

/** Runs the audit against a registry that knows this of one package; its exit code and its words. */
async function auditWith(severity: string | undefined): Promise<[number, string]> {
  const advisory = {
    id: 1,
    url: 'https://example.com/advisory',
    title: 'something is wrong',
    severity,
    vulnerable_versions: '*',
    cwe: [],
    cvss: { score: 0, vectorString: null },
  };
  await using registry = await Simulator.start({
    answer: ({ path }) =>
      path.endsWith('/advisories/bulk')
        ? { status: 200, body: severity === undefined ? {} : { standardwebhooks: [advisory] } }
        : { status: 200, body: PACKUMENT },
    errorBody: () => ({}),
  });
  await using cache = await temporaryFolder();
  const environment = {
    ...process.env,
    npm_config_registry: registry.url,
    npm_config_cache: cache.path,
    npm_config_noproxy: '127.0.0.1',
    NO_PROXY: '127.0.0.1',
    no_proxy: '127.0.0.1',
  };
  return await new Promise((resolve) => {
    execFile(
      process.execPath,
      ['scripts/audit.mjs'],
      { cwd: ROOT, env: environment },
      (error, stdout) => resolve([Number(error?.code ?? 0), stdout]),
    );
  });
}

test('a known hole of high severity is red, and named; none or a lesser one is not', async () => {
  const [code, text] = await auditWith('high');
  assert.equal(code, 1, text);
  assert.match(text, /high: standardwebhooks: something is wrong/);
  assert.deepEqual((await auditWith('low'))[0], 0);
  assert.deepEqual(await auditWith(undefined), [0, '']);
});
