import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findPostgres } from '../scripts/postgres.mjs';

/** How often this disk can be told to keep 8 KB for good, by PostgreSQL's own program; NaN: unknown. */
export function fsyncsPerSecond(folder: string, seconds: number): number {
  // Some of PostgreSQL's programs may be linked into a folder of the path, and this one not.
  const programs = dirname(realpathSync(join(findPostgres() ?? '', 'initdb')));
  const { stdout } = spawnSync(
    join(programs, 'pg_test_fsync'),
    ['-s', String(seconds), '-f', join(folder, 'fsync')],
    { encoding: 'utf8' },
  );
  const [, rate] = /one 8kB write:[^]*?^\s+fdatasync\s+([\d.]+) ops/m.exec(stdout) ?? [];
  return Number(rate);
}
