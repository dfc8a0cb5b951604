import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** The spooled files of a home that this process still has open, removed or not. */
export async function openSpoolFiles(home: string): Promise<string[]> {
  const folder = join(home, 'spool');
  const names = await readdir('/proc/self/fd');
  const links = await Promise.all(
    names.map((name) => readlink(join('/proc/self/fd', name)).catch(() => '')),
  );
  return links.filter((link) => link.startsWith(folder));
}
