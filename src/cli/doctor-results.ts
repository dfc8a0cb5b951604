import type { Config } from '../config/config.ts';
import { checkResultBucket, openBucket } from '../result-blobs.ts';
import { type Finding, messageOf } from './doctor-checks.ts';

/** Does once with the bucket of pictures what a server does with it. Of a folder, nothing. */
export async function checkResults({ results: { place } }: Config): Promise<Finding[]> {
  if (place.kind === 'folder') {
    return [];
  }
  const bucket = await openBucket(place);
  const where = `s3://${place.bucket}/${place.prefix}`;
  try {
    await checkResultBucket(bucket, place);
    return [{ what: 'results', state: 'fine', says: [`${where} takes, gives and deletes`] }];
  } catch (error) {
    return [{ what: 'results', state: 'wrong', says: [`${where}:`, messageOf(error)] }];
  } finally {
    await bucket.close();
  }
}
