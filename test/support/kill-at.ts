import { flushCompileCache } from 'node:module';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { KillMessage, KillPoint } from './crash.ts';

/**
 * Preloaded into a server (`node --import`): it dies of SIGKILL right before, or right after, the
 * COMMIT of the first transaction that runs a certain statement, and no hook in our code is needed.
 * The point is in the environment for what happens at the start, else it comes as a message.
 */
let point = readPoint(process.env['EASEL_TEST_KILL_AT']);
/** The statement has been run, its transaction is not committed yet. */
let isDue = false;
delete process.env['EASEL_TEST_KILL_AT'];

process.on('message', (message: KillMessage) => {
  if (message === 'flush') {
    flushCompileCache();
  } else {
    point = message;
    process.send?.('armed');
  }
});
// Only the test's end of it keeps a process alive.
process.channel?.unref();

const { exec, prepare } = DatabaseSync.prototype;

DatabaseSync.prototype.exec = function execute(this: DatabaseSync, sql: string): void {
  const dies = isDue && sql === 'commit';
  if (dies && point?.when === 'before') {
    die();
  }
  exec.call(this, sql);
  if (dies) {
    die();
  }
};

DatabaseSync.prototype.prepare = function watch(
  this: DatabaseSync,
  ...args: Parameters<typeof prepare>
): StatementSync {
  const statement = prepare.apply(this, args);
  for (const name of ['all', 'run'] as const) {
    const original = statement[name].bind(statement) as (...values: unknown[]) => never;
    statement[name] = (...values: unknown[]) => {
      isDue ||= isMeant(args[0], values);
      return original(...values);
    };
  }
  return statement;
};

function isMeant(sql: string, values: readonly unknown[]): boolean {
  return (
    point !== undefined &&
    sql.includes(point.statement) &&
    (point.value === undefined || values.includes(point.value))
  );
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function readPoint(text: string | undefined): KillPoint | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as KillPoint);
}
