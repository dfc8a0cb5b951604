import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { begin } from '../../src/blobs/bucket-keys.ts';
import { testBucket, testPrefix } from '../../src/blobs/test-s3.ts';
import type { Config } from '../../src/config/config.ts';
import type { BucketConfig } from '../../src/config/results.ts';
import { createBucket } from '../../src/egress/bucket.ts';

/** What lies in a result store, seen and touched as somebody else could. */
export interface StoredPictures {
  /** Of every picture, and of whatever else is there: where it lies. */
  readonly list: () => Promise<string[]>;
  /** Of them all together. */
  readonly bytes: () => Promise<number>;
  readonly remove: (path: string) => Promise<void>;
  /** From now on nothing can be written. */
  readonly refuse: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Settings for a place of its own in the bucket of `npm test`, where these tests are about one. */
export function pictureEnvironment(
  given: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const place = testBucket();
  if (place === undefined || given['EASEL_RESULTS_URL'] !== undefined) {
    return {};
  }
  return {
    EASEL_RESULTS_URL: `s3://${place.bucket}/${testPrefix()}`,
    EASEL_S3_ENDPOINT: place.endpoint,
    AWS_ACCESS_KEY_ID: place.accessKeyId,
    AWS_SECRET_ACCESS_KEY: place.secretAccessKey,
    AWS_REGION: place.region,
  };
}

export function storedPictures({ results: { place }, homeFolder }: Config): StoredPictures {
  return place.kind === 'folder' ? onDisk(place.folder) : inBucket(place, homeFolder);
}

async function block(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await writeFile(folder, 'no folder');
}

function onDisk(folder: string): StoredPictures {
  const list = async (): Promise<string[]> => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  };
  return {
    list,
    bytes: async () => {
      // One may go while it is looked at.
      const sizes = await Promise.all(
        (await list()).map((path) =>
          stat(path).then(
            ({ size }) => size,
            () => 0,
          ),
        ),
      );
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    remove: (path) => rm(path),
    refuse: () => block(folder),
    close: async () => undefined,
  };
}

function inBucket(place: BucketConfig, homeFolder: string): StoredPictures {
  const bucket = createBucket(place);
  const list = async (): Promise<string[]> =>
    (await Array.fromAsync(bucket.objects(begin(place.prefix)))).map(({ key }) => key);
  return {
    list,
    bytes: async () => {
      const looks = await Promise.all((await list()).map((key) => bucket.look(key)));
      return looks.reduce((sum, look) => sum + (look?.bytes ?? 0), 0);
    },
    remove: (key) => bucket.remove(key),
    // What is on its way there lies here meanwhile.
    refuse: () => block(join(homeFolder, 'spool')),
    close: () => bucket.close(),
  };
}
