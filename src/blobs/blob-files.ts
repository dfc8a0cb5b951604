import { type FileHandle, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isBlobFolder, PART_EXTENSION } from './blob-paths.ts';

interface BlobFile {
  readonly path: string;
  readonly fileName: string;
}

/** All files that lie where pictures lie, in no order. */
export async function* blobFiles(root: string): AsyncGenerator<BlobFile, void, void> {
  for (const folder of await readdir(root, { withFileTypes: true })) {
    if (folder.isDirectory() && isBlobFolder(folder.name)) {
      for (const fileName of await readdir(join(root, folder.name))) {
        yield { path: join(root, folder.name, fileName), fileName };
      }
    }
  }
}

/**
 * Removes what processes that died were writing: all of it, or what nobody has written to since that
 * time. Says how many.
 */
export async function removeParts(root: string, before?: number): Promise<number> {
  let removed = 0;
  for await (const { path, fileName } of blobFiles(root)) {
    const isOld = before === undefined || ((await writtenAt(path)) ?? Infinity) < before;
    if (fileName.endsWith(PART_EXTENSION) && isOld) {
      await removeFile(path);
      removed += 1;
    }
  }
  return removed;
}

/** When it was last written to, in milliseconds since 1970. Undefined: it is not there. */
export async function writtenAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

/** Twice is fine. Not `rm`, which looks at each file before it removes it. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isMissing(error)) {
      throw error;
    }
  }
}

/** A file for reading, and its size. Undefined: it is not there. */
export async function openExisting(
  path: string,
): Promise<{ readonly handle: FileHandle; readonly bytes: number } | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
  try {
    return { handle, bytes: (await handle.stat()).size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Writes some of the bytes, at least one, and says how many. */
export async function writeSome(
  handle: FileHandle,
  chunks: readonly Buffer[],
  position: number,
): Promise<number> {
  const { bytesWritten } = await handle.writev(chunks, position);
  if (bytesWritten === 0) {
    throw new Error('the disk takes no more bytes');
  }
  return bytesWritten;
}

/** The file, or the folder where it would lie, is not there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
