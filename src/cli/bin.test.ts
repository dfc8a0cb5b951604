import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readEnvironment } from '../config/env.ts';
import { makeTestFolder } from '../store/test-store.ts';

const BIN = fileURLToPath(new URL('../../bin/easel.mjs', import.meta.url));

/** Nodes to start the command with: this one, and the machine's own, which may be too old. */
const NODES = [process.execPath, '/usr/bin/node'].filter((path) => existsSync(path));

function options(folder: string): { cwd: string; env: NodeJS.ProcessEnv } {
  return { cwd: folder, env: { PATH: readEnvironment()['PATH'] } };
}

test('the command runs on whatever Node starts it, with its exit code', (context) => {
  const folder = makeTestFolder(context);
  for (const node of NODES) {
    const quote = spawnSync(node, [BIN, 'quote', 'x'], { ...options(folder), encoding: 'utf8' });
    assert.equal(quote.status, 0, quote.stderr);
    assert.match(quote.stdout, /^Estimated +0\.01 USD$/m);
    assert.equal(spawnSync(node, [BIN, 'quoet'], options(folder)).status, 2);
  }
});

test('a server started by it drains on SIGTERM, even one that comes twice', async (context) => {
  const folder = makeTestFolder(context);
  for (const node of NODES) {
    const child = spawn(node, [BIN, 'serve', '--port', '0'], {
      ...options(folder),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close') as Promise<[number | null, string | null]>;
    let output = '';
    for await (const chunk of child.stdout) {
      output += String(chunk);
      if (output.includes('API playground')) {
        break;
      }
    }
    assert.match(output, /^Listening {2}http:\/\/127\.0\.0\.1:\d+$/m);
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    child.stderr.resume();
    assert.deepEqual(await ended, [0, null], node);
  }
});
