import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A server in a process of its own, for what only a whole process can show: signals, crashes. */
export interface EaselProcess {
  readonly url: string;
  /** The key that the first start printed; empty on later starts. */
  readonly key: string;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts `src/main.ts` and waits until it listens. Kill it by `signal` when done. */
export async function spawnEasel(
  home: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<EaselProcess> {
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: ROOT,
    env: { ...process.env, ...environment, PORT: '0', EASEL_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const ended = endOf(child);
  const listening = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output.stdout += chunk.toString();
      if (/^API playground/m.test(output.stdout)) {
        resolve();
      }
    });
  });
  const early = ended.then((code) => {
    throw new Error(`the server ended with ${code}: ${output.stderr}`);
  });
  await Promise.race([listening, early]);
  early.catch(() => undefined);
  return {
    url: /^Listening {2}(\S+)$/m.exec(output.stdout)?.[1] ?? '',
    key: /^API key {2}(\S+)$/m.exec(output.stdout)?.[1] ?? '',
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: (name) => {
      child.kill(name);
    },
    ended,
  };
}

/** A fresh folder, and how to remove it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'easel-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? signal ?? 1;
}
