import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { accepts } from '../scripts/servers.mjs';
import { plainEnvironment } from './environment.ts';
import { processTree } from './proc.ts';

/** Which core a process may use. The load and the upstream share one, a gateway has its own. */
export const GATEWAY_CORE = 0;
export const LOAD_CORE = 1;

export interface StartedProcess {
  readonly pid: number;
  /** Resolves with its exit code when it has ended; null: by a signal. */
  readonly ended: Promise<number | null>;
  /** What it wrote so far, both outputs. */
  readonly output: () => string;
  readonly stop: () => Promise<void>;
}

export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The only one that it may use; absent: it may use all. */
  readonly core?: number;
  /** Its working folder; its output goes to a file in it. */
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const STOP_MS = 4_000;
const READY_MS = 20_000;

const running = new Map<number, ChildProcess>();
const folders = new Set<string>();

/** Starts a process that may use one core only, or all. Its id is the command's own, not `taskset`'s. */
export function startProcess(options: ProcessOptions): StartedProcess {
  const { command, args, core, folder, environment = {} } = options;
  const file = join(folder, `output-${running.size}-${Date.now()}.log`);
  const output = openSync(file, 'a');
  const pinned = core === undefined ? [] : ['taskset', '-c', String(core)];
  const [program = command, ...rest] = [...pinned, command, ...args];
  const child = spawn(program, rest, {
    cwd: folder,
    env: { ...plainEnvironment(), ...environment },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  // Not being startable shows as an end without a process id.
  child.on('error', () => undefined);
  const { pid } = child;
  if (pid === undefined) {
    throw new Error(`${command} cannot be started`);
  }
  running.set(pid, child);
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      running.delete(pid);
      resolve(code);
    });
  });
  return { pid, ended, output: () => readFileSync(file, 'utf8'), stop: () => stopChild(child) };
}

/** Waits until something listens on that port of this machine. Throws when the process ends. */
export async function listening(started: StartedProcess, port: number): Promise<void> {
  for (const deadline = performance.now() + READY_MS; performance.now() < deadline;) {
    if (!running.has(started.pid)) {
      break;
    }
    if (await accepts(port)) {
      return;
    }
    await delay(20);
  }
  throw new Error(`it does not listen:\n${started.output().slice(-2_000)}`);
}

/** A fresh folder that `stopAll` removes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'easel-bench-'));
  folders.add(folder);
  return folder;
}

/** Stops whatever was started and removes the temporary folders. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running.values()].map(stopChild));
  removeFolders();
}

/** The same at once, for the moment in which this process ends. */
export function killAll(): void {
  for (const pid of running.keys()) {
    killTree(pid);
  }
  removeFolders();
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || !running.has(child.pid)) {
    return;
  }
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(killTree, STOP_MS, child.pid);
  await ended;
  clearTimeout(timer);
}

function killTree(root: number): void {
  for (const pid of processTree(root)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

function removeFolders(): void {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
  folders.clear();
}
