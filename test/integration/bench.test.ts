import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findPostgres } from '../../scripts/postgres.mjs';
import { asArray, asObject } from '../support/json.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));

/** Why the benches cannot run here, or false. */
const skip =
  process.platform === 'linux' && availableParallelism() >= 2
    ? false
    : 'the benches read /proc and need two cores';

/** How many targets each of them holds itself to. */
const TARGETS = { overload: 4, flood: 3, 'slow-loris': 3, soak: 3, move: 3 };

/** Those that need a PostgreSQL server. */
const ON_POSTGRES: readonly string[] = ['move'];
const hasPostgres = findPostgres() !== undefined || process.env['CI'] === 'true';

// Miniatures: what is asked here is that they run, that nothing is answered wrongly, and that the
// ledger balances. Their figures mean nothing on a machine that runs other tests.
suite('benches, in small', { skip }, () => {
  for (const [name, targets] of Object.entries(TARGETS)) {
    const lacks = !hasPostgres && ON_POSTGRES.includes(name) ? 'there is no PostgreSQL' : false;
    test(`${name}: nothing goes wrong in it`, { skip: lacks }, async () => {
      const child = spawn(process.execPath, [MAIN, name, '--quick'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const outputs = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].on('data', (chunk: Buffer) => {
          outputs[stream] += chunk.toString();
        });
      }
      const [status] = (await once(child, 'close')) as [number | null];
      const { stdout, stderr } = outputs;
      assert.equal(status, 0, stderr + stdout.slice(0, 4_000));
      const [, json = ''] = stdout.split('```json\n');
      const report = asObject(JSON.parse(json.replace(/```\s*$/, '')));
      assert.deepEqual(report['failures'], []);
      assert.equal(asArray(report['targets']).length, targets);
    });
  }
});
