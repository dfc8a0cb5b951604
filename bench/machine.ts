import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { versionOf } from './requirements.ts';

/** What the figures depend on, by name. */
export type Machine = Readonly<Record<string, string>>;

const PACKAGE = fileURLToPath(new URL('../package.json', import.meta.url));

/** Versions and hardware, as they stand now. */
export function describeMachine(): Machine {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
  return {
    Easel: `${version} (${commit()})`,
    Node: process.version,
    nginx: versionOf('nginx', ['-v'])?.replace(/^nginx version: nginx\//, '') ?? 'none',
    kernel: release(),
    CPU: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
  };
}

function commit(): string {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const hash = versionOf('git', ['-C', folder, 'rev-parse', '--short', 'HEAD']);
  if (hash === undefined || !/^[0-9a-f]+$/.test(hash)) {
    return 'not from a repository';
  }
  const changed = versionOf('git', ['-C', folder, 'status', '--porcelain']);
  return changed === '' ? hash : `${hash}, changed since`;
}
