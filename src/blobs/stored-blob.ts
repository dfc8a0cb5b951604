import assert from 'node:assert/strict';
import type { ByteRange } from '../payload/decoded-range.ts';
import type { Payload } from '../payload/payload.ts';
import { BlobError } from './blob-error.ts';
import type { OpenBlob } from './blobs.ts';
import type { SharedFile } from './shared-file.ts';

/** Read at once: each block costs a round through Node's thread pool. */
export const READ_BYTES = 256 * 1024;

export interface StoredFile {
  /** Held for the blob, which lets it go. */
  readonly file: SharedFile;
  readonly bytes: number;
  readonly form: Payload['form'];
}

/** A picture in a file. */
export class StoredBlob implements OpenBlob {
  readonly bytes: number;
  readonly form: Payload['form'];
  readonly payload: Payload;
  readonly #file: SharedFile;
  #isClosed = false;

  constructor({ file, bytes, form }: StoredFile) {
    this.#file = file;
    this.bytes = bytes;
    this.form = form;
    this.payload = {
      form,
      isLasting: true,
      peek: async (count) => {
        this.#refuseClosed();
        return file.read(0, Math.min(count, bytes));
      },
      chunks: () => this.read({ start: 0, end: bytes }),
    };
  }

  read(range: ByteRange): AsyncIterable<Buffer> {
    checkRange(range, this.bytes);
    const { start, end } = range;
    return { [Symbol.asyncIterator]: () => this.#blocks(start, end) };
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      await this.#file.letGo();
    }
  }

  async *#blocks(start: number, end: number): AsyncGenerator<Buffer, void, void> {
    this.#refuseClosed();
    this.#file.hold();
    try {
      for (let position = start; position < end;) {
        const block = await this.#file.read(position, Math.min(position + READ_BYTES, end));
        position += block.length;
        yield block;
      }
    } finally {
      await this.#file.letGo();
    }
  }

  #refuseClosed(): void {
    if (this.#isClosed) {
      throw new BlobError('closed', 'the picture was closed before it was read');
    }
  }
}

/** Throws an AssertionError unless the range lies inside so many bytes. */
export function checkRange({ start, end }: ByteRange, bytes: number): void {
  assert.ok(Number.isInteger(start) && Number.isInteger(end), 'a range consists of integers');
  assert.ok(start >= 0 && start <= end && end <= bytes, 'a range lies inside the blob');
}
