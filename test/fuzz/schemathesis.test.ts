import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEasel } from '../support/harness.ts';
import { skipWithoutPython, spawnTool } from '../support/python.ts';

/**
 * Cases for each operation. `EASEL_FUZZ_CASES=200 npm test -- test/fuzz/schemathesis.test.ts` is the
 * full run.
 */
const CASES = Number(process.env['EASEL_FUZZ_CASES'] ?? 15);
const CONFIG = fileURLToPath(new URL('schemathesis.toml', import.meta.url));
const ADMIN_KEY = `sk-easel-admin-${'fuzz'.repeat(10)}abc`;

/** Apart, so that what operators do to keys does not end the key of the others. */
const RUNS = [
  { name: 'what users call', filter: ['--exclude-tag', 'Admin'] },
  { name: 'what operators call', filter: ['--include-tag', 'Admin'] },
] as const;

suite('every operation of the document', { skip: skipWithoutPython }, () => {
  for (const { name, filter } of RUNS) {
    test(`${name}: no 5xx, no hang, and every answer as documented`, async () => {
      await using easel = await startEasel({
        creditUsd: '1000000',
        environment: { EASEL_ADMIN_KEY: ADMIN_KEY },
      });
      const child = spawnTool(
        'schemathesis',
        ['--config-file', CONFIG, 'run', `${easel.url}/openapi.json`, ...filter].concat([
          '--max-examples',
          String(CASES),
          '--suppress-health-check',
          'all',
          '--no-color',
        ]),
        {
          folder: easel.home,
          environment: { EASEL_FUZZ_KEY: easel.key, EASEL_FUZZ_ADMIN_KEY: ADMIN_KEY },
        },
      );
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
      const [status] = (await once(child, 'close')) as [number | null];
      if (process.env['EASEL_FUZZ_SHOW'] === '1') {
        process.stderr.write(output);
      }
      assert.equal(status, 0, output.slice(-20_000));
      assert.deepEqual(await easel.auditProblems(), []);
    });
  }
});
