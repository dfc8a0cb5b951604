import { randomUUID } from 'node:crypto';
import type { Bucket } from '../egress/bucket.ts';
import { begin } from './bucket-keys.ts';

/**
 * Does with a bucket once what a store of pictures does with it, and leaves nothing there. Throws
 * the BucketError of whatever it refuses, after what was to be done.
 */
export async function checkBucket(bucket: Bucket, prefix: string): Promise<void> {
  const key = `${begin(prefix)}check-${randomUUID()}`;
  const content = Buffer.from('Easel looks whether it can write here.');
  const body = {
    bytes: content.length,
    chunks: async function* chunks() {
      yield content;
    },
  };
  await bucket.put(key, { body, notes: {} });
  try {
    const look = await bucket.look(key);
    for await (const _ of (await bucket.read(key, { start: 0, end: 5, tag: look?.tag ?? '' })) ??
      []) {
      // That it can be read is all there is to know.
    }
    const upload = await bucket.startUpload(key, {});
    await bucket.abortUpload(upload);
    for await (const _ of bucket.objects(key)) {
      break;
    }
    for await (const _ of bucket.uploads(key)) {
      break;
    }
  } finally {
    await bucket.remove(key);
  }
}
