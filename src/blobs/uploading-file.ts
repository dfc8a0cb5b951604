import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArrivingFile } from './arrival-bytes.ts';
import { removeFile, writeSome } from './blob-files.ts';
import { ObjectUpload, type ObjectUploadOptions } from './object-upload.ts';
import { SharedFile } from './shared-file.ts';

export interface UploadingFileOptions extends Omit<ObjectUploadOptions, 'file'> {
  /** Made when it is missing. */
  readonly folder: string;
}

/**
 * A file without a name that goes into a bucket while it is written. Readers that fall behind, and
 * parts that have to be sent again, are read from it; so memory stays what it is, however slow the
 * bucket or a reader. A process that is killed in the moment of its making leaves an empty file.
 */
export class UploadingFile implements ArrivingFile {
  readonly file: SharedFile;
  readonly #handle: FileHandle;
  readonly #upload: ObjectUpload;
  #isDiscarded = false;
  /** What is being done to the object. One thing at a time. */
  #ending: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, options: UploadingFileOptions) {
    this.#handle = handle;
    this.file = new SharedFile(handle);
    this.#upload = new ObjectUpload({ ...options, file: this.file });
  }

  /** Throws what the operating system says. */
  static async open(options: UploadingFileOptions): Promise<UploadingFile> {
    const { folder } = options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${randomUUID()}.part`);
    const handle = await open(path, 'wx+', 0o600);
    try {
      await removeFile(path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new UploadingFile(handle, options);
  }

  async write(chunks: readonly Buffer[], position: number): Promise<number> {
    const bytes = await writeSome(this.#handle, chunks, position);
    this.#upload.grown(chunks, bytes);
    return bytes;
  }

  commit(): Promise<void> {
    return this.#next(async () => {
      if (!this.#isDiscarded) {
        await this.#upload.finish();
      }
    });
  }

  async discard(): Promise<void> {
    if (this.#isDiscarded) {
      await this.#ending;
      return;
    }
    this.#isDiscarded = true;
    this.#upload.stop();
    await this.#next(() => this.#upload.discard());
  }

  #next(deed: () => Promise<void>): Promise<void> {
    const done = this.#ending.then(deed);
    this.#ending = done.catch(() => undefined);
    return done;
  }
}
