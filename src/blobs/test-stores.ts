import type { TestContext } from 'node:test';
import { createBucket } from '../egress/bucket.ts';
import type { ArrivalMemory } from './arrivals.ts';
import type { Blobs } from './blobs.ts';
import { begin } from './bucket-keys.ts';
import { createDiskBlobs } from './disk.ts';
import type { Durability } from './part-file.ts';
import { createBucketBlobs } from './s3.ts';
import { filesIn, folderFor, openFiles } from './test-blobs.ts';
import { testBucket, testPrefix } from './test-s3.ts';

export interface TestStoreOptions extends ArrivalMemory {
  readonly durability?: Durability;
  /** Where pictures go in parts: the smallest that S3 takes, by default. */
  readonly partBytes?: number;
}

/** A place for the pictures of one test, of the kind that this run of the tests is about. */
export interface TestStore {
  readonly kind: 'disk' | 'bucket';
  /** Opens it, as often as it is called. */
  readonly open: (options?: TestStoreOptions) => Promise<Blobs>;
  /** How many pictures lie there, whole, and how many half ones that somebody could see. */
  readonly count: () => Promise<number>;
  /** Descriptors of this process; 0 where nobody can tell. */
  readonly openFiles: () => number;
}

const PART_BYTES = 5 * 1024 * 1024;

/** On the disk, or in the bucket of `npm test`; whatever it holds goes when the test is over. */
export function storeFor(context: TestContext): TestStore {
  const folder = folderFor(context);
  const place = testBucket();
  if (place === undefined) {
    return {
      kind: 'disk',
      open: (options) => createDiskBlobs({ folder, durability: 'normal', ...options }),
      count: async () => filesIn(folder).length,
      openFiles: () => openFiles(folder),
    };
  }
  const prefix = testPrefix();
  const look = createBucket(place);
  context.after(() => look.close());
  return {
    kind: 'bucket',
    open: async (options) =>
      createBucketBlobs({
        bucket: createBucket(place),
        prefix,
        folder,
        partBytes: PART_BYTES,
        ...options,
      }),
    count: async () => {
      const listed = [look.objects(begin(prefix)), look.uploads(begin(prefix))];
      const found = await Promise.all(listed.map((keys) => Array.fromAsync<unknown>(keys)));
      return found.flat().length;
    },
    openFiles: () => openFiles(folder),
  };
}
