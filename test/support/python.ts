import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const PYTHON = fileURLToPath(
  new URL('../../node_modules/.cache/easel/python/bin/python', import.meta.url),
);

/** A reason to skip what needs Python, or false. With CI=true nothing is skipped. */
export const skipWithoutPython: string | false =
  existsSync(PYTHON) || process.env['CI'] === 'true'
    ? false
    : 'there is no Python environment: see the line that `npm test` printed at its start';

/** Runs Python code with the official OpenAI SDK; returns what it printed. Throws if it fails. */
export async function runPython(
  code: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const child = spawn(PYTHON, ['-'], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.end(code);
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) {
    throw new Error(`Python ended with ${status}: ${stderr}\n${stdout}`);
  }
  return stdout;
}

export interface ToolOptions {
  /** Whatever it leaves lies there. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts a program of the Python environment. */
export function spawnTool(
  name: string,
  args: readonly string[],
  { folder, environment }: ToolOptions,
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(join(dirname(PYTHON), name), args, {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
