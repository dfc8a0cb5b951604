import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Payload } from './payload.ts';
import { SpoolError } from './spool-error.ts';

/** Read and written at once: each costs a round through Node's thread pool. */
const BLOCK_BYTES = 256 * 1024;

/**
 * A file that only this process can reach: its name is removed as soon as it is open, so that even
 * a killed process leaves nothing behind. It lives until it is released and its last reader is done.
 */
export class SpoolFile {
  readonly #file: FileHandle;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #length = 0;
  #readers = 0;
  #isReleased = false;
  #isClosed = false;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Opens a file in the folder, which is made when it is missing. Throws a SpoolError. */
  static async create(folder: string): Promise<SpoolFile> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, `${randomUUID()}.part`);
      const file = await open(path, 'wx+', 0o600);
      try {
        await rm(path);
      } catch (error) {
        await file.close();
        throw error;
      }
      return new SpoolFile(file);
    } catch (error) {
      throw diskError('written', error);
    }
  }

  /** Adds the chunk, of which nothing is kept once `flush` has been called. */
  async append(chunk: Buffer): Promise<void> {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes >= BLOCK_BYTES) {
      await this.flush();
    }
  }

  /** Writes what was added. Throws a SpoolError, when the disk is full for example. */
  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      for (let written = 0; written < bytes.length;) {
        const step = await this.#file.write(bytes, written, bytes.length - written, this.#length);
        written += step.bytesWritten;
        this.#length += step.bytesWritten;
      }
    } catch (error) {
      throw diskError('written', error);
    }
  }

  /** The file's content, to be read any number of times until the release. */
  payload(form: Payload['form']): Payload {
    return {
      form,
      isLasting: true,
      peek: (bytes) => this.#reading(() => this.#read(0, bytes)),
      chunks: () => this.#chunks(),
    };
  }

  /** Closes the file, once nobody reads it any more. Twice is fine. */
  async release(): Promise<void> {
    this.#isReleased = true;
    if (this.#readers === 0 && !this.#isClosed) {
      this.#isClosed = true;
      await this.#file.close();
    }
  }

  async *#chunks(): AsyncGenerator<Buffer, void, void> {
    this.#enter();
    try {
      for (let position = 0; position < this.#length;) {
        const block = await this.#read(position, BLOCK_BYTES);
        position += block.length;
        yield block;
      }
    } finally {
      await this.#leave();
    }
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    this.#enter();
    try {
      return await read();
    } finally {
      await this.#leave();
    }
  }

  #enter(): void {
    if (this.#isReleased) {
      throw new SpoolError('closed', 'the spool of this payload is closed');
    }
    this.#readers += 1;
  }

  async #leave(): Promise<void> {
    this.#readers -= 1;
    if (this.#isReleased) {
      await this.release();
    }
  }

  /** A fresh buffer each time: the one before may still be on its way into a socket. */
  async #read(position: number, bytesMax: number): Promise<Buffer> {
    const bytes = Math.max(0, Math.min(bytesMax, this.#length - position));
    const buffer = Buffer.allocUnsafeSlow(bytes);
    try {
      for (let read = 0; read < bytes;) {
        const { bytesRead } = await this.#file.read(buffer, read, bytes - read, position + read);
        if (bytesRead === 0) {
          throw new Error('the file is shorter than what was written');
        }
        read += bytesRead;
      }
    } catch (error) {
      throw diskError('read', error);
    }
    return buffer;
  }
}

function diskError(deed: 'written' | 'read', cause: unknown): SpoolError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SpoolError('disk', `the spool could not be ${deed}: ${reason}`, { cause });
}
