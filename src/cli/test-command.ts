import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../cli.ts', import.meta.url));

/** For tests: what a command left behind. */
export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** The working directory; the home is `.easel` in it unless the environment names another. */
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** For tests: runs `easel` in a process of its own, with nothing of this one's settings. */
export async function runEasel(
  words: readonly string[],
  { folder, environment = {} }: CommandOptions,
): Promise<Finished> {
  const child = spawn(process.execPath, [ENTRY, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { exitCode, stdout, stderr };
}

/** For tests: the same, left running; whoever starts it ends it by `kill`. */
export function startCommand(
  words: readonly string[],
  { folder, environment = {} }: CommandOptions,
): ChildProcess {
  return spawn(process.execPath, [ENTRY, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
