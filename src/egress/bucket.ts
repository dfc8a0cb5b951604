import { BucketError } from './bucket-error.ts';
import {
  type ListedObject,
  type ListedUpload,
  listObjects,
  listUploads,
  type UploadId,
} from './bucket-lists.ts';
import { elementText, partList } from './bucket-text.ts';
import {
  type BucketBody,
  type BucketPatience,
  type BucketPlace,
  BucketWire,
  refusal,
  textOf,
} from './bucket-wire.ts';
import type { ExchangeAnswer } from './exchange.ts';

/** Names in lower case to short ASCII values, kept with an object. */
export type ObjectNotes = Readonly<Record<string, string>>;

/** How one request is made. */
export interface BucketOptions {
  readonly signal?: AbortSignal | undefined;
  /** How often at most; by default as often as the bucket's patience says. */
  readonly tries?: number | undefined;
}

/** What is known of an object without all of its bytes. */
export interface ObjectLook {
  readonly bytes: number;
  /** Of this version of it and no other. */
  readonly tag: string;
  readonly notes: ObjectNotes;
  /** Its last two bytes, or what there is of them. */
  readonly tail: Buffer;
}

export interface ObjectPart {
  /** From this byte on, to the one before `end`. */
  readonly start: number;
  readonly end: number;
  /** Of the version that was looked at. */
  readonly tag: string;
}

/**
 * The objects of one bucket. Everything throws a BucketError, after several tries where the bucket
 * was away, or the signal's reason.
 */
export interface Bucket {
  /** How people know it: `the bucket pictures at 127.0.0.1:9000`. */
  readonly name: string;
  /** What is sent is hashed before; see `BucketBody`. */
  readonly signsBodies: boolean;
  /** Whole, or not at all; replaces what is there. */
  readonly put: (
    key: string,
    content: { readonly body: BucketBody; readonly notes: ObjectNotes },
    options?: BucketOptions,
  ) => Promise<void>;
  readonly startUpload: (
    key: string,
    notes: ObjectNotes,
    options?: BucketOptions,
  ) => Promise<UploadId>;
  /** The tag that the end of the upload must name. Parts are numbered from 1. */
  readonly putPart: (
    upload: UploadId,
    part: { readonly number: number; readonly body: BucketBody },
    options?: BucketOptions,
  ) => Promise<string>;
  /** The object is there from now on, all at once. */
  readonly completeUpload: (upload: UploadId, tags: readonly string[]) => Promise<void>;
  /** Twice is fine. */
  readonly abortUpload: (upload: UploadId, options?: BucketOptions) => Promise<void>;
  /** Undefined: there is no such object. */
  readonly look: (key: string) => Promise<ObjectLook | undefined>;
  /** Undefined: that version is not there any more. The body can be read once. */
  readonly read: (key: string, part: ObjectPart) => Promise<AsyncIterable<Buffer> | undefined>;
  /** Twice is fine. */
  readonly remove: (key: string, options?: BucketOptions) => Promise<void>;
  /** All whose keys begin so. */
  readonly objects: (prefix: string) => AsyncIterable<ListedObject>;
  readonly uploads: (prefix: string) => AsyncIterable<ListedUpload>;
  /** Whatever is under way fails. */
  readonly close: () => Promise<void>;
}

const NOTE = 'x-amz-meta-';

/** Opens no connection yet. */
export function createBucket(place: BucketPlace, patience?: BucketPatience): Bucket {
  const wire = new BucketWire(place, patience);
  return {
    name: wire.name,
    signsBodies: wire.signsBodies,
    put: (key, { body, notes }, options) =>
      wire.ask(
        { method: 'PUT', key, headers: objectHeaders(notes), body, ...options },
        async (answer) => void (await textOf(answer)),
      ),
    ...uploading(wire),
    look: (key) => look(wire, key),
    read: (key, { start, end, tag }) => {
      const headers = { range: `bytes=${start}-${end - 1}`, 'if-match': tag };
      return unlessGone(
        wire.ask({ method: 'GET', key, headers }, async (answer) => {
          if (answer.status !== 206) {
            answer.abandon();
            throw strange(wire, 'answers with all of an object in place of a part');
          }
          return told(wire, answer.body);
        }),
      );
    },
    remove: (key, options) =>
      wire.ask(
        { method: 'DELETE', key, ...options },
        async (answer) => void (await textOf(answer)),
      ),
    objects: (prefix) => listObjects(wire, prefix),
    uploads: (prefix) => listUploads(wire, prefix),
    close: () => wire.close(),
  };
}

function uploading(
  wire: BucketWire,
): Pick<Bucket, 'startUpload' | 'putPart' | 'completeUpload' | 'abortUpload'> {
  return {
    startUpload: (key, notes, options) =>
      wire.ask(
        { method: 'POST', key, query: { uploads: '' }, headers: objectHeaders(notes), ...options },
        async (answer) => {
          const uploadId = elementText(await textOf(answer), 'UploadId');
          if (uploadId === undefined) {
            throw strange(wire, 'begins an upload and does not name it');
          }
          return { key, uploadId };
        },
      ),
    putPart: ({ key, uploadId }, { number, body }, options) =>
      wire.ask(
        { method: 'PUT', key, query: { partNumber: String(number), uploadId }, body, ...options },
        async (answer) => {
          await textOf(answer);
          const tag = answer.headers['etag'];
          if (tag === undefined) {
            throw strange(wire, 'takes a part and gives it no tag');
          }
          return tag;
        },
      ),
    completeUpload: ({ key, uploadId }, tags) =>
      wire.ask(
        { method: 'POST', key, query: { uploadId }, body: partList(tags) },
        async (answer) => {
          // S3 says 200 before it has begun, and what went wrong after that in the body.
          const text = await textOf(answer);
          if (text.includes('<Error>')) {
            throw refusal(wire.name, 200, text);
          }
        },
      ),
    abortUpload: ({ key, uploadId }, options) =>
      wire
        .ask(
          { method: 'DELETE', key, query: { uploadId }, ...options },
          async (answer) => void (await textOf(answer)),
        )
        .catch((error: unknown) => {
          if (!(error instanceof BucketError && error.code === 'NoSuchUpload')) {
            throw error;
          }
        }),
  };
}

/** One question for all that an opening needs; it also tells the size of what base64 stands for. */
async function look(wire: BucketWire, key: string): Promise<ObjectLook | undefined> {
  const ask = (headers: Record<string, string>): Promise<ObjectLook> =>
    wire.ask({ method: 'GET', key, headers }, (answer) => lookAt(wire, answer));
  return unlessGone(
    ask({ range: 'bytes=-2' }).catch((error: unknown) => {
      // Nothing is in it, so there is no last byte.
      if (error instanceof BucketError && error.code === 'InvalidRange') {
        return ask({});
      }
      throw error;
    }),
  );
}

async function lookAt(wire: BucketWire, answer: ExchangeAnswer): Promise<ObjectLook> {
  const { headers, status } = answer;
  const [, of] = /\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  const bytes = Number(of ?? headers['content-length']);
  const tag = headers['etag'];
  const isPart = status === 206 || bytes === 0;
  if (!isPart || !Number.isSafeInteger(bytes) || tag === undefined) {
    answer.abandon();
    throw strange(wire, 'does not tell what it has');
  }
  const notes = Object.entries(headers)
    .filter(([name]) => name.startsWith(NOTE))
    .map(([name, value]) => [name.slice(NOTE.length), value] as const);
  const tail = Buffer.concat(await Array.fromAsync(answer.body));
  return { bytes, tag, notes: Object.fromEntries(notes), tail };
}

/** What breaks on the way is a BucketError there, too. */
async function* told(
  wire: BucketWire,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  try {
    yield* body;
  } catch (error) {
    throw wire.told(error);
  }
}

/** Undefined where the object, or the version of it that was asked for, is not there. */
async function unlessGone<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof BucketError && ['NoSuchKey', 'PreconditionFailed'].includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}

function objectHeaders(notes: ObjectNotes): Record<string, string> {
  const noted = Object.entries(notes).map(([name, value]) => [`${NOTE}${name}`, value] as const);
  return { 'content-type': 'application/octet-stream', ...Object.fromEntries(noted) };
}

function strange(wire: BucketWire, what: string): BucketError {
  return new BucketError(`${wire.name} ${what}`, { code: 'StrangeAnswer', isAway: false });
}
