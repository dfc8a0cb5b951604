import type { Blobs } from './blobs/blobs.ts';
import type { BucketConfig } from './config/results.ts';
import type { Config } from './config/config.ts';
import { createDiskBlobs } from './blobs/disk.ts';
import { spoolFolder } from './build-pipeline.ts';
import type { Bucket } from './egress/bucket.ts';

/** Opens the place where finished pictures lie. Throws an Error in words when it cannot be used. */
export async function openResultBlobs(config: Config): Promise<Blobs> {
  const { place } = config.results;
  if (place.kind === 'folder') {
    const { durability } = config.file;
    return createDiskBlobs({ folder: place.folder, durability, isShared: isShared(config) });
  }
  const bucket = await openBucket(place);
  try {
    await checkResultBucket(bucket, place);
  } catch (error) {
    await bucket.close();
    throw error;
  }
  const { createBucketBlobs } = await import('./blobs/s3.ts');
  // Emptied at each start.
  const folder = spoolFolder(config);
  return createBucketBlobs({ bucket, prefix: place.prefix, folder });
}

/** Whether other processes may keep their pictures at the same place. */
export function isShared({ database, results }: Config): boolean {
  return database !== undefined || results.place.kind === 'bucket';
}

/** What is loaded for it costs nothing where there is no bucket. */
export async function openBucket(place: BucketConfig): Promise<Bucket> {
  const { createBucket } = await import('./egress/bucket.ts');
  return createBucket(place);
}

/** Whether pictures can be kept there. Throws an Error that tells the operator what to look at. */
export async function checkResultBucket(
  bucket: Bucket,
  { prefix }: Pick<BucketConfig, 'prefix'>,
): Promise<void> {
  const { checkBucket } = await import('./blobs/bucket-check.ts');
  try {
    await checkBucket(bucket, prefix);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const look = 'EASEL_RESULTS_URL, EASEL_S3_ENDPOINT, AWS_REGION and the AWS_… credentials';
    throw new Error(`pictures cannot be kept: ${why.replace(/\.$/, '')}. Look at ${look}.`, {
      cause: error,
    });
  }
}
