import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { lockHome } from './home-lock.ts';
import { makeTestFolder } from './test-store.ts';

const MODULE = new URL('home-lock.ts', import.meta.url).href;

/** A process that takes the lock and keeps it until it is killed. */
function spawnHolder(folder: string) {
  const script = `
    const { lockHome } = await import(${JSON.stringify(MODULE)});
    lockHome(${JSON.stringify(folder)});
    process.stdout.write('locked');
    setInterval(() => {}, 60_000);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('a second server on the same home is refused until the first one dies', async (context) => {
  const folder = makeTestFolder(context);
  const holder = spawnHolder(folder);
  context.after(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  assert.throws(
    () => lockHome(folder),
    (error: Error) => /Another Easel server/.test(error.message) && error.message.includes(folder),
  );
  const exit = once(holder, 'exit');
  holder.kill('SIGKILL');
  await exit;
  lockHome(folder).release();
});

test('the lock also holds within one process, and can be released', (context) => {
  const folder = makeTestFolder(context);
  const lock = lockHome(folder);
  assert.throws(() => lockHome(folder), /Another Easel server/);
  // The attempt that failed has not loosened the first lock.
  assert.throws(() => lockHome(folder), /Another Easel server/);
  lock.release();
  lock.release();
  lockHome(folder).release();
});

test('two homes do not know each other', (context) => {
  const first = lockHome(makeTestFolder(context));
  const second = lockHome(makeTestFolder(context));
  first.release();
  second.release();
});
