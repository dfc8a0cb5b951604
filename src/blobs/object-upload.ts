import { randomUUID } from 'node:crypto';
import { BucketError } from '../egress/bucket-error.ts';
import type { Bucket } from '../egress/bucket.ts';
import type { UploadId } from '../egress/bucket-lists.ts';
import type { BucketBody } from '../egress/bucket-wire.ts';
import type { Payload } from '../payload/payload.ts';
import { BlobError } from './blob-error.ts';
import { PartHashes } from './part-hashes.ts';
import type { SharedFile } from './shared-file.ts';
import { READ_BYTES } from './stored-blob.ts';

/** Of one picture. More would only help one that is alone. */
const PARTS_AT_ONCE = 2;

export interface ObjectUploadOptions {
  readonly bucket: Bucket;
  readonly key: string;
  readonly form: Payload['form'];
  /** Grows while the picture arrives, and is read from for each part, again should it be refused. */
  readonly file: SharedFile;
  /** Of each part but the last; a picture that is no larger goes in one piece. */
  readonly partBytes: number;
}

/** A file on its way into a bucket while it is written. Nothing can be seen there until it is whole. */
export class ObjectUpload {
  readonly #options: ObjectUploadOptions;
  /** Found again by it, should the end of the upload be done and the answer lost. */
  readonly #mark = randomUUID();
  readonly #stop = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  readonly #hashes: PartHashes | undefined;
  readonly #tags: string[] = [];
  #parts = 0;
  /** How much of the file the parts take that have begun. */
  #begunBytes = 0;
  #bytes = 0;
  #isWhole = false;
  /** The object may be there. */
  #isEnding = false;
  #upload: Promise<UploadId> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ObjectUploadOptions) {
    this.#options = options;
    this.#hashes = options.bucket.signsBodies ? new PartHashes(options.partBytes) : undefined;
  }

  /** So many bytes of the chunks were added to the file, and more may come. Sends what makes a part. */
  grown(chunks: readonly Buffer[], bytes: number): void {
    this.#hashes?.add(chunks, bytes);
    this.#bytes += bytes;
    this.#sendParts();
  }

  /** The file is whole. Resolves when the object is there; throws a BucketError. */
  async finish(): Promise<void> {
    const { bucket, key } = this.#options;
    this.#stop.signal.throwIfAborted();
    if (this.#upload === undefined) {
      this.#isEnding = true;
      await bucket.put(key, { body: this.#body(1, 0, this.#bytes), notes: this.#notes() });
      return;
    }
    this.#isWhole = true;
    this.#sendParts();
    while (this.#sending.size > 0) {
      await Promise.all(this.#sending);
    }
    this.#stop.signal.throwIfAborted();
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    await this.#complete(await this.#upload);
  }

  /** Sends no more parts. What is ending already ends: nobody could stop it on the other side. */
  stop(): void {
    if (!this.#isEnding) {
      this.#stop.abort(new BlobError('removed', 'the picture was given up'));
    }
  }

  /**
   * Leaves nothing behind, as far as the bucket answers at once: what stays is taken away by whoever
   * sweeps it.
   */
  async discard(): Promise<void> {
    this.stop();
    await Promise.all(this.#sending);
    const { bucket, key } = this.#options;
    const upload = await this.#upload?.catch(() => undefined);
    const once = { tries: 1 };
    if (upload !== undefined) {
      await bucket.abortUpload(upload, once).catch(() => undefined);
    }
    if (this.#isEnding) {
      await bucket.remove(key, once).catch(() => undefined);
    }
  }

  #sendParts(): void {
    const { partBytes } = this.#options;
    while (this.#sending.size < PARTS_AT_ONCE && this.#failure === undefined) {
      const restBytes = this.#bytes - this.#begunBytes;
      // A full part waits for a byte behind it, without which it would be all there is.
      if (
        this.#stop.signal.aborted ||
        restBytes === 0 ||
        !(this.#isWhole || restBytes > partBytes)
      ) {
        return;
      }
      this.#parts += 1;
      const start = this.#begunBytes;
      this.#begunBytes = Math.min(start + partBytes, this.#bytes);
      const sent = this.#sendPart(
        this.#parts,
        this.#body(this.#parts, start, this.#begunBytes),
      ).catch((error: unknown) => {
        this.#failure ??= { error };
      });
      const ended = sent.then(() => {
        this.#sending.delete(ended);
        this.#sendParts();
      });
      this.#sending.add(ended);
    }
  }

  async #sendPart(number: number, body: BucketBody): Promise<void> {
    const { bucket, key } = this.#options;
    // Not stopped: one that has begun unseen could not be aborted.
    this.#upload ??= bucket.startUpload(key, this.#notes());
    const upload = await this.#upload;
    const { signal } = this.#stop;
    this.#tags[number - 1] = await bucket.putPart(upload, { number, body }, { signal });
  }

  async #complete(upload: UploadId): Promise<void> {
    const { bucket, key } = this.#options;
    this.#isEnding = true;
    try {
      await bucket.completeUpload(upload, this.#tags);
    } catch (error) {
      // Told twice, the second answer is that there is no such upload.
      const isUnknown = error instanceof BucketError && error.code === 'NoSuchUpload';
      const found = isUnknown ? await bucket.look(key) : undefined;
      if (found?.notes[MARK] !== this.#mark) {
        throw error;
      }
    }
    this.#upload = undefined;
  }

  #notes(): Record<string, string> {
    return { [FORM]: this.#options.form, [MARK]: this.#mark };
  }

  #body(part: number, start: number, end: number): BucketBody {
    const sha256 = this.#hashes?.of(part);
    return {
      bytes: end - start,
      chunks: () => blocks(this.#options.file, start, end),
      ...(sha256 === undefined ? {} : { sha256 }),
    };
  }
}

/** The note that says in which form the object holds its picture. */
export const FORM = 'easel-form';
const MARK = 'easel-upload';

async function* blocks(
  file: SharedFile,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, void> {
  for (let position = start; position < end;) {
    const block = await file.read(position, Math.min(position + READ_BYTES, end));
    position += block.length;
    yield block;
  }
}
