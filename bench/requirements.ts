import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { findPostgres } from '../scripts/postgres.mjs';
import { plainEnvironment } from './environment.ts';
import { LOAD_CORE } from './processes.ts';

/** What this machine lacks, in sentences that say what to do. Empty when nothing is missing. */
export function missingRequirements(needed: {
  readonly nginx: boolean;
  readonly postgres: boolean;
}): string[] {
  const { nginx, postgres } = needed;
  if (process.platform !== 'linux') {
    return ['The bench reads /proc and pins processes to cores: it runs on Linux only.'];
  }
  const missing: string[] = [];
  if (nginx && versionOf('nginx', ['-v']) === undefined) {
    missing.push('There is no nginx: install it, on Debian with `apt-get install nginx-light`.');
  }
  if (postgres && findPostgres() === undefined) {
    missing.push(
      'There is no PostgreSQL: install it, on Debian with `apt-get install postgresql`.',
    );
  }
  if (versionOf('taskset', ['--version']) === undefined) {
    missing.push('There is no taskset: install it, on Debian with `apt-get install util-linux`.');
  }
  if (availableParallelism() <= LOAD_CORE) {
    missing.push('Two cores are needed: one for the gateway, one for the load and the upstream.');
  }
  return missing;
}

/** The first line that a program prints of itself; undefined when it is not there. */
export function versionOf(command: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(command, args, {
    env: plainEnvironment(),
    encoding: 'utf8',
  });
  return error === undefined ? `${stdout}${stderr}`.trim().split('\n', 1)[0] : undefined;
}

/** Leaves the gateway's core to the gateway: this process is the load. Its children follow it. */
export function pinLoad(): void {
  pin(process.pid, String(LOAD_CORE));
}

/** Lets a child of this process use every core after all; its own children follow it. */
export function unpin(pid: number): void {
  pin(pid, `0-${cpus().length - 1}`);
}

function pin(pid: number, cores: string): void {
  const args = ['-a', '-p', '-c', cores, String(pid)];
  const { status, stderr } = spawnSync('taskset', args, {
    env: plainEnvironment(),
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw new Error(`process ${pid} cannot be pinned to ${cores}: ${stderr}`);
  }
}
