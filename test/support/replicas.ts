import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface ReplicaOptions {
  /** Of its own. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The text of its `easel.yaml`. */
  readonly yaml: string;
  /** The program of another version. */
  readonly main?: string;
}

/** One of several Easels on one database: a process of its own. */
export interface Replica {
  readonly url: string;
  readonly pid: number;
  /** What it wrote so far. */
  readonly output: () => string;
  readonly kill: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts it on a free port, or on one that is given. Resolves when it listens. */
export async function startReplica(options: ReplicaOptions, port = 0): Promise<Replica> {
  const { folder, environment, yaml, main = MAIN } = options;
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'easel.yaml');
  await writeFile(file, yaml);
  const child = spawn(process.execPath, [main], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      PORT: String(port),
      EASEL_HOME: join(folder, 'home'),
      EASEL_CONFIG: file,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const listening = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const [, url] = /^Listening\s+(\S+)$/m.exec(output) ?? [];
      if (url !== undefined) {
        listening.resolve(url);
      }
    });
  }
  child.once('exit', () => listening.reject(new Error(`a replica did not start:\n${output}`)));
  const url = await listening.promise;
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output,
    kill: () => end(child, 'SIGKILL'),
    stop: () => end(child, 'SIGTERM'),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}
