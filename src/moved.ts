import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** The SQLite file of this home is a thing of the past: `easel move` has copied it elsewhere. */
export class InstallationMoved extends Error {
  override readonly name = 'InstallationMoved';
}

/** Its being there is what counts; what it holds is for people. */
export function movedFile(homeFolder: string): string {
  return join(homeFolder, 'moved.json');
}

/**
 * Notes that the installation is now the one of that database. From here on nothing opens the SQLite
 * file of the home. Safe on the disk when it returns.
 */
export function markMoved(
  homeFolder: string,
  { to, nowMs }: { readonly to: string; readonly nowMs: number },
): void {
  const path = movedFile(homeFolder);
  const text = { moved_at: new Date(nowMs).toISOString(), to };
  const draft = `${path}.new`;
  writeFileSync(draft, `${JSON.stringify(text)}\n`, { flush: true });
  renameSync(draft, path);
  const folder = openSync(homeFolder, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Throws an InstallationMoved: two databases that go on from one state would fork the ledger. */
export function refuseMoved(homeFolder: string): void {
  const path = movedFile(homeFolder);
  if (existsSync(path)) {
    throw new InstallationMoved(
      `This installation was moved${whereAndWhen(path)}. Set EASEL_DATABASE_URL. To go back to the ` +
        `SQLite file, without what was done since: remove ${path}.`,
    );
  }
}

function whereAndWhen(path: string): string {
  try {
    const { moved_at: at, to } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return ` to ${String(to)} on ${String(at).slice(0, 10)}`;
  } catch {
    // Cut off, or written by somebody else: it says so all the same.
    return '';
  }
}
