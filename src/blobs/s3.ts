import type { Bucket } from '../egress/bucket.ts';
import { type ArrivalMemory, Arrivals } from './arrivals.ts';
import { BlobError, storageError } from './blob-error.ts';
import type { Blobs, OpenBlob } from './blobs.ts';
import { BucketBlob } from './bucket-blob.ts';
import { begin, blobKey, keyedName } from './bucket-keys.ts';
import { FORM } from './object-upload.ts';
import { UploadingFile } from './uploading-file.ts';

const PART_BYTES = 8 * 1024 * 1024;

export interface BucketBlobsOptions extends ArrivalMemory {
  /** The store's own from now on: closed with it. */
  readonly bucket: Bucket;
  /** What all keys begin with, without a slash at either end; may be empty. */
  readonly prefix: string;
  /**
   * On this machine's disk, for what arrives and is not in the bucket yet. What a process that died
   * has left there is the owner's to remove.
   */
  readonly folder: string;
  /** 8 MiB by default; S3 takes no less than 5 MiB. */
  readonly partBytes?: number;
}

/**
 * Pictures as objects of a bucket, one each, that many processes may share. What is there is whole:
 * an object is visible all at once, and a process that dies leaves parts at most, which
 * `removeUnfinished` of another takes away.
 */
export function createBucketBlobs(options: BucketBlobsOptions): Blobs {
  const { bucket, prefix, folder, partBytes = PART_BYTES } = options;
  const open: Blobs['open'] = async (name) => {
    const key = blobKey(prefix, name);
    return arrivals.opened(name, (leave) =>
      openObject(bucket, key, () => {
        leave();
        void closeWhenUnused();
      }),
    );
  };
  let isClosed = false;
  // Who reads reads to the end, and may have to ask for the rest.
  const closeWhenUnused = async (): Promise<void> => {
    if (isClosed && arrivals.uses.isEmpty) {
      await bucket.close();
    }
  };
  const arrivals = new Arrivals({ ...options, reopen: open });
  return {
    keep: (name, payload) => {
      const upload = { bucket, key: blobKey(prefix, name), form: payload.form, folder, partBytes };
      return arrivals.begin(name, payload, () => UploadingFile.open(upload));
    },
    open,
    remove: async (name) => {
      const key = blobKey(prefix, name);
      try {
        await arrivals.drop(name);
        await bucket.remove(key);
      } catch (error) {
        throw storageError('removed', error);
      }
    },
    isInUse: (name) => arrivals.uses.has(name),
    names: (writtenBefore = Infinity) => namesIn(options, writtenBefore),
    removeUnfinished: (begunBefore) => abortUploads(options, begunBefore),
    close: async () => {
      await arrivals.close();
      isClosed = true;
      await closeWhenUnused();
    },
  };
}

async function openObject(
  bucket: Bucket,
  key: string,
  onClosed: () => void,
): Promise<OpenBlob | undefined> {
  try {
    const look = await bucket.look(key);
    if (look === undefined) {
      return undefined;
    }
    const form = look.notes[FORM];
    if (form !== 'base64' && form !== 'binary') {
      throw new BlobError('storage', `what lies at ${key} is no picture of Easel’s`);
    }
    return new BucketBlob({ bucket, key, look, form, onClosed });
  } catch (error) {
    throw storageError('read', error);
  }
}

async function* namesIn(
  { bucket, prefix }: BucketBlobsOptions,
  writtenBefore: number,
): AsyncGenerator<string, void, void> {
  try {
    for await (const { key, writtenAt } of bucket.objects(begin(prefix))) {
      const name = keyedName(prefix, key);
      if (name !== undefined && writtenAt < writtenBefore) {
        yield name;
      }
    }
  } catch (error) {
    throw storageError('read', error);
  }
}

async function abortUploads(
  { bucket, prefix }: BucketBlobsOptions,
  begunBefore: number,
): Promise<number> {
  let aborted = 0;
  try {
    for await (const { key, uploadId, begunAt } of bucket.uploads(begin(prefix))) {
      if (begunAt < begunBefore && keyedName(prefix, key) !== undefined) {
        await bucket.abortUpload({ key, uploadId });
        aborted += 1;
      }
    }
  } catch (error) {
    throw storageError('removed', error);
  }
  return aborted;
}
