import { randomBytes } from 'node:crypto';
import type { BucketPlace } from '../egress/bucket-wire.ts';

/**
 * For tests: the bucket of the S3 server that `npm test` has started, if these tests are to keep
 * pictures there. The same test files keep them on the disk, without this variable.
 */
export function testBucket(): (BucketPlace & { readonly endpoint: string }) | undefined {
  const text = process.env['EASEL_TEST_S3_URL'];
  if (text === undefined) {
    return undefined;
  }
  const { origin, pathname, username, password } = new URL(text);
  return {
    bucket: pathname.slice(1),
    endpoint: origin,
    region: 'us-east-1',
    accessKeyId: decodeURIComponent(username),
    secretAccessKey: decodeURIComponent(password),
  };
}

/** A prefix that nothing else uses. */
export function testPrefix(): string {
  return `tests/${randomBytes(8).toString('hex')}`;
}
