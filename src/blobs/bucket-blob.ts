import { setTimeout as delay } from 'node:timers/promises';
import type { ByteRange } from '../payload/decoded-range.ts';
import type { Payload } from '../payload/payload.ts';
import { BlobError, storageError } from './blob-error.ts';
import type { OpenBlob } from './blobs.ts';
import type { Bucket, ObjectLook } from '../egress/bucket.ts';
import { checkRange } from './stored-blob.ts';

/** So often in a row a reader asks for the rest, when it brings nothing. */
const BREAKS_MAX = 4;
const PAUSE_MS = 100;

export interface BucketBlobOptions {
  readonly bucket: Bucket;
  readonly key: string;
  readonly look: ObjectLook;
  readonly form: Payload['form'];
  /** It is closed, and nobody reads it any more. */
  readonly onClosed: () => void;
}

/** A picture in a bucket, of the version that was there when it was opened. */
export class BucketBlob implements OpenBlob {
  readonly bytes: number;
  readonly form: Payload['form'];
  readonly payload: Payload;
  readonly #options: BucketBlobOptions;
  #holders = 1;
  #isClosed = false;

  constructor(options: BucketBlobOptions) {
    const { look, form } = options;
    this.#options = options;
    this.bytes = look.bytes;
    this.form = form;
    this.payload = {
      form,
      isLasting: true,
      peek: async (count) =>
        Buffer.concat(
          await Array.fromAsync(this.read({ start: 0, end: Math.min(count, look.bytes) })),
        ),
      chunks: () => this.read({ start: 0, end: look.bytes }),
    };
  }

  read(range: ByteRange): AsyncIterable<Buffer> {
    checkRange(range, this.bytes);
    return { [Symbol.asyncIterator]: () => this.#chunks(range) };
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#letGo();
    }
  }

  async *#chunks({ start, end }: ByteRange): AsyncGenerator<Buffer, void, void> {
    if (this.#isClosed) {
      throw new BlobError('closed', 'the picture was closed before it was read');
    }
    const { tail, bytes } = this.#options.look;
    this.#holders += 1;
    try {
      const tailStart = bytes - tail.length;
      if (start >= tailStart) {
        if (start < end) {
          yield tail.subarray(start - tailStart, end - tailStart);
        }
        return;
      }
      yield* this.#fetched({ start, end });
    } finally {
      this.#letGo();
    }
  }

  /** A connection that breaks, because the reader was slow for example, is made again. */
  async *#fetched({ start, end }: ByteRange): AsyncGenerator<Buffer, void, void> {
    let position = start;
    for (let breaks = 0; position < end;) {
      const from = position;
      try {
        for await (const chunk of await this.#rest(position, end)) {
          position += chunk.length;
          yield chunk;
        }
      } catch (thrown) {
        const error = storageError('read', thrown);
        breaks = position > from ? 1 : breaks + 1;
        if (error.fault !== 'away' || breaks > BREAKS_MAX) {
          throw error;
        }
        await delay(PAUSE_MS * 2 ** breaks);
        continue;
      }
      if (position === from) {
        throw new BlobError('storage', `${this.#options.bucket.name} sent nothing of a picture`);
      }
    }
  }

  async #rest(start: number, end: number): Promise<AsyncIterable<Buffer>> {
    const { bucket, key, look } = this.#options;
    const body = await bucket.read(key, { start, end, tag: look.tag });
    if (body === undefined) {
      throw new BlobError('removed', 'the picture was removed while it was read');
    }
    return body;
  }

  #letGo(): void {
    this.#holders -= 1;
    if (this.#holders === 0) {
      this.#options.onClosed();
    }
  }
}
