import type { Config } from '../config/config.ts';
import { checkResultBucket, openBucket } from '../result-blobs.ts';
import { type Finding, messageOf } from './doctor-checks.ts';

/** Whether the bucket of finished pictures can be written, read, listed and deleted from. */
export async function checkResults({ results }: Config): Promise<Finding[]> {
  const { place, ttlMs } = results;
  if (place.kind === 'folder' || ttlMs === 0) {
    return [];
  }
  const what = 'results';
  const bucket = await openBucket(place);
  try {
    await checkResultBucket(bucket, place);
    const says = [`${bucket.name} can be written, read and deleted from`];
    return [{ what, state: 'fine', says }];
  } catch (error) {
    const mend = 'Correct it; until then pictures are in their answers only.';
    return [{ what, state: 'wrong', says: [messageOf(error)], mend }];
  } finally {
    await bucket.close();
  }
}
