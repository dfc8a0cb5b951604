import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { readEnvironment } from '../config/env.ts';
import { runCommandLine } from './run.ts';
import type { Terminal } from './terminal.ts';

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
  const child = startCommand(words, { folder, environment });
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
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [ENTRY, ...words], {
    cwd: folder,
    env: { PATH: readEnvironment()['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** For tests: the same as `runEasel` in this very process, for what needs no process of its own. */
export async function runHere(
  words: readonly string[],
  { folder, environment = {} }: CommandOptions,
): Promise<Finished> {
  const output = { stdout: '', stderr: '' };
  const terminal: Terminal = {
    print: (line) => {
      output.stdout += `${line}\n`;
    },
    printJson: (value) => {
      output.stdout += `${JSON.stringify(value)}\n`;
    },
    note: (line) => {
      output.stderr += `${line}\n`;
    },
    style: (_, plainText) => plainText,
    styleNote: (_, plainText) => plainText,
    progress: () => () => undefined,
  };
  const home = { EASEL_HOME: join(folder, '.easel') };
  const exitCode = await runCommandLine(words, {
    environment: { ...home, ...environment },
    terminal,
  });
  return { exitCode, ...output };
}
