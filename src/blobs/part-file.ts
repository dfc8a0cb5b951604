import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Payload } from '../payload/payload.ts';
import type { ArrivingFile } from './arrival-bytes.ts';
import { isMissing, removeFile, writeSome } from './blob-files.ts';
import type { BlobPaths } from './blob-paths.ts';
import { SharedFile } from './shared-file.ts';

/** `full`: what was kept outlives a loss of power. `normal`: it outlives the process. */
export type Durability = 'full' | 'normal';

export interface PartFileOptions {
  readonly paths: BlobPaths;
  readonly form: Payload['form'];
  readonly durability: Durability;
}

/** A file that is being written, and gets its name when it is whole. */
export class PartFile implements ArrivingFile {
  readonly file: SharedFile;
  readonly #handle: FileHandle;
  readonly #options: PartFileOptions;
  /** Where it lies now. */
  #path: string | undefined;
  #isDiscarded = false;
  /** What is being done to its name. One thing at a time. */
  #naming: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, options: PartFileOptions) {
    this.#handle = handle;
    this.file = new SharedFile(handle);
    this.#options = options;
    this.#path = options.paths.part;
  }

  /** Makes its folder, too. Throws what the operating system says. */
  static async open(options: PartFileOptions): Promise<PartFile> {
    const { paths, durability } = options;
    const openPart = (): Promise<FileHandle> => open(paths.part, 'w+', 0o600);
    try {
      return new PartFile(await openPart(), options);
    } catch (error) {
      if (!isMissing(error)) {
        throw error;
      }
    }
    await mkdir(paths.folder, { recursive: true, mode: 0o700 });
    if (durability === 'full') {
      await syncFolder(dirname(paths.folder));
    }
    return new PartFile(await openPart(), options);
  }

  write(chunks: readonly Buffer[], position: number): Promise<number> {
    return writeSome(this.#handle, chunks, position);
  }

  commit(): Promise<void> {
    return this.#name(async () => {
      const { paths, form, durability } = this.#options;
      if (durability === 'full' && !this.#isDiscarded) {
        await this.#handle.sync();
      }
      if (this.#isDiscarded) {
        return;
      }
      // Of two forms nobody could tell which is the newer.
      await removeFile(paths.whole[form === 'binary' ? 'base64' : 'binary']);
      await rename(paths.part, paths.whole[form]);
      this.#path = paths.whole[form];
      if (durability === 'full') {
        await syncFolder(paths.folder);
      }
    });
  }

  discard(): Promise<void> {
    this.#isDiscarded = true;
    return this.#name(async () => {
      const path = this.#path;
      this.#path = undefined;
      if (path !== undefined) {
        await removeFile(path);
      }
    });
  }

  #name(deed: () => Promise<void>): Promise<void> {
    const done = this.#naming.then(deed);
    this.#naming = done.catch(() => undefined);
    return done;
  }
}

/** A new name in it outlives a loss of power. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
