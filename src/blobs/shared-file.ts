import type { FileHandle } from 'node:fs/promises';
import { storageError } from './blob-error.ts';

/** An open file that several read. It is closed when the last who holds it lets it go. */
export class SharedFile {
  readonly #handle: FileHandle;
  readonly #onClosed: () => void;
  #holders = 1;

  /** Whoever makes it holds it. */
  constructor(handle: FileHandle, onClosed: () => void = () => undefined) {
    this.#handle = handle;
    this.#onClosed = onClosed;
  }

  hold(): void {
    this.#holders += 1;
  }

  async letGo(): Promise<void> {
    this.#holders -= 1;
    if (this.#holders === 0) {
      // What was written is safe or not before this; a close that fails changes nothing.
      await this.#handle.close().catch(() => undefined);
      this.#onClosed();
    }
  }

  /**
   * All bytes from `start` to `end`. In a fresh buffer each time: the one before may still be on
   * its way into a socket. Throws a BlobError.
   */
  async read(start: number, end: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(end - start);
    this.hold();
    try {
      for (let read = 0; read < buffer.length;) {
        const step = await this.#handle.read(buffer, read, buffer.length - read, start + read);
        if (step.bytesRead === 0) {
          throw new Error('the file is shorter than what was written');
        }
        read += step.bytesRead;
      }
    } catch (error) {
      throw storageError('read', error);
    } finally {
      await this.letGo();
    }
    return buffer;
  }
}
