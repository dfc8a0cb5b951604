import { mkdir } from 'node:fs/promises';
import { type ArrivalMemory, Arrivals } from './arrivals.ts';
import { storageError } from './blob-error.ts';
import { blobFiles, openExisting, removeFile, removeParts, writtenAt } from './blob-files.ts';
import { blobName, blobPaths } from './blob-paths.ts';
import type { Blobs, OpenBlob } from './blobs.ts';
import { type Durability, PartFile } from './part-file.ts';
import { SharedFile } from './shared-file.ts';
import { StoredBlob } from './stored-blob.ts';

export interface DiskBlobsOptions extends ArrivalMemory {
  /** Made when it is missing. */
  readonly folder: string;
  readonly durability: Durability;
  /**
   * Another process may be writing into the folder: its part files are left alone. Otherwise those
   * of a process that died are removed.
   */
  readonly isShared?: boolean;
}

/** Pictures as files, one each. Throws a BlobError when the folder cannot be used. */
export async function createDiskBlobs(options: DiskBlobsOptions): Promise<Blobs> {
  const { folder, durability, isShared = false } = options;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!isShared) {
      await removeParts(folder);
    }
  } catch (error) {
    throw storageError('written', error);
  }
  const open: Blobs['open'] = async (name) => {
    const { whole } = blobPaths(folder, name);
    return arrivals.opened(name, (leave) => openWhole(whole, leave));
  };
  const arrivals = new Arrivals({ ...options, reopen: open });
  return {
    keep: (name, payload) => {
      const paths = blobPaths(folder, name);
      const { form } = payload;
      return arrivals.begin(name, payload, () => PartFile.open({ paths, form, durability }));
    },
    open,
    remove: async (name) => {
      const { whole } = blobPaths(folder, name);
      try {
        await arrivals.drop(name);
        await Promise.all(Object.values(whole).map((path) => removeFile(path)));
      } catch (error) {
        throw storageError('removed', error);
      }
    },
    isInUse: (name) => arrivals.uses.has(name),
    names: (writtenBefore) => namesIn(folder, writtenBefore),
    removeUnfinished: async (begunBefore) => {
      try {
        return await removeParts(folder, begunBefore);
      } catch (error) {
        throw storageError('removed', error);
      }
    },
    close: () => arrivals.close(),
  };
}

async function openWhole(
  whole: Readonly<Record<'base64' | 'binary', string>>,
  leave: () => void,
): Promise<OpenBlob | undefined> {
  try {
    for (const form of ['base64', 'binary'] as const) {
      const found = await openExisting(whole[form]);
      if (found !== undefined) {
        return new StoredBlob({
          file: new SharedFile(found.handle, leave),
          bytes: found.bytes,
          form,
        });
      }
    }
    return undefined;
  } catch (error) {
    throw storageError('read', error);
  }
}

async function* namesIn(
  folder: string,
  writtenBefore: number | undefined,
): AsyncGenerator<string, void, void> {
  try {
    for await (const { path, fileName } of blobFiles(folder)) {
      const name = blobName(fileName);
      if (name !== undefined && (await isOlder(path, writtenBefore))) {
        yield name;
      }
    }
  } catch (error) {
    throw storageError('read', error);
  }
}

/** One that is gone by now is as old as it will get. */
async function isOlder(path: string, before: number | undefined): Promise<boolean> {
  return before === undefined || ((await writtenAt(path)) ?? -Infinity) < before;
}
