import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReadSetting } from './env.ts';
import { httpUrl, nonEmpty, upstreamKey, wholeNumber } from './values.ts';

/** A bucket of an S3-compatible storage. It holds credentials: never log it. */
export interface BucketConfig {
  readonly kind: 'bucket';
  readonly bucket: string;
  /** What all keys begin with, without a slash at either end; may be empty. */
  readonly prefix: string;
  /** Without a slash at its end; absent: Amazon's own. */
  readonly endpoint?: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Where finished pictures lie. */
export type ResultsPlace = { readonly kind: 'folder'; readonly folder: string } | BucketConfig;

/** The result store; `ttlMs` 0: nothing is kept. */
export interface ResultsConfig {
  readonly ttlMs: number;
  readonly bytesMax: number;
  readonly place: ResultsPlace;
}

export interface ResultsSettings {
  readonly read: ReadSetting;
  readonly homeFolder: string;
  readonly problems: string[];
}

/** Half a bucket goes to the problems. */
export function readResults({ read, homeFolder, problems }: ResultsSettings): ResultsConfig {
  const place = read('EASEL_RESULTS_URL', resultsUrl);
  const endpoint = read('EASEL_S3_ENDPOINT', httpUrl);
  if (endpoint !== undefined && place?.kind !== 'bucket') {
    problems.push(
      'EASEL_S3_ENDPOINT: it belongs to an EASEL_RESULTS_URL such as s3://bucket/easel',
    );
  }
  return {
    ttlMs: (read('EASEL_RESULT_TTL', wholeNumber) ?? 3600) * 1000,
    bytesMax: read('EASEL_RESULTS_MAX_BYTES', wholeNumber) ?? 2 * 1024 ** 3,
    place:
      place?.kind === 'bucket'
        ? {
            ...place,
            ...bucketAccess(read, problems),
            ...(endpoint === undefined ? {} : { endpoint }),
          }
        : (place ?? { kind: 'folder', folder: join(homeFolder, 'results') }),
  };
}

function bucketAccess(
  read: ReadSetting,
  problems: string[],
): Omit<BucketConfig, 'kind' | 'bucket' | 'prefix' | 'endpoint'> {
  const needed = (name: 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY'): string => {
    const known = problems.length;
    const value = read(name, upstreamKey);
    if (value === undefined && problems.length === known) {
      problems.push(`${name}: the bucket of EASEL_RESULTS_URL needs it`);
    }
    return value ?? '';
  };
  const sessionToken = read('AWS_SESSION_TOKEN', upstreamKey);
  return {
    region: read('AWS_REGION', nonEmpty) ?? 'us-east-1',
    accessKeyId: needed('AWS_ACCESS_KEY_ID'),
    secretAccessKey: needed('AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

/** Amazon's rule for the names of buckets. */
const BUCKET = /^[a-z\d][a-z\d.-]{1,61}[a-z\d]$/;
/** Characters that every storage takes as they are, and signs alike. */
const PREFIX = /^[\w.-]+(?:\/[\w.-]+)*$/;

/** `file:///folder`, or `s3://bucket/prefix`. */
function resultsUrl(
  text: string,
): { kind: 'folder'; folder: string } | { kind: 'bucket'; bucket: string; prefix: string } {
  const { protocol } = URL.parse(text) ?? {};
  if (protocol === 'file:') {
    return { kind: 'folder', folder: fileURLToPath(text) };
  }
  // Not what a URL parser makes of it: that would take a user, a port and dots for something else.
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)(\/.*)?$/.exec(text) ?? [];
  const prefix = path.replace(/^\/|\/$/g, '');
  if (!BUCKET.test(bucket)) {
    throw new Error('it is neither file:///folder nor s3://bucket/prefix');
  }
  if (prefix !== '' && !PREFIX.test(prefix)) {
    throw new Error('a prefix has letters, digits, - _ . and single slashes only');
  }
  return { kind: 'bucket', bucket, prefix };
}
