import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createBucket } from '../egress/bucket.ts';
import type { BucketPatience, BucketPlace } from '../egress/bucket-wire.ts';
import { bytesPayload } from '../payload/payload.ts';
import { checkBucket } from './bucket-check.ts';
import { begin, blobKey } from './bucket-keys.ts';
import type { Blobs } from './blobs.ts';
import { createBucketBlobs } from './s3.ts';
import { arriving, collect, content, folderFor } from './test-blobs.ts';
import { startProxy, type TestProxy } from './test-proxy.ts';
import { testBucket, testPrefix } from './test-s3.ts';

const place = testBucket();
const skip = place === undefined ? 'this is about a bucket' : false;

const NAME = 'img_0VkX2m9Q.0';
const MEBIBYTE = 1024 * 1024;
const PART_BYTES = 5 * MEBIBYTE;
/** Of a storage that is waited for no longer than a test should take. */
const HASTY: BucketPatience = { connectMs: 500, writeMs: 500, readMs: 500, idleMs: 500, tries: 2 };

interface Faulty {
  readonly proxy: TestProxy;
  readonly folder: string;
  readonly prefix: string;
  readonly store: (patience?: BucketPatience, access?: Partial<BucketPlace>) => Blobs;
  /** Keys of objects, and of uploads, as somebody sees them who is not behind the proxy. */
  readonly left: () => Promise<[string[], string[]]>;
}

async function openFaulty(context: TestContext): Promise<Faulty> {
  assert.ok(place !== undefined);
  const prefix = testPrefix();
  const folder = folderFor(context);
  const proxy = await startProxy(context, place.endpoint);
  const bucket = createBucket(place);
  context.after(() => bucket.close());
  const keys = async (listed: AsyncIterable<{ readonly key: string }>): Promise<string[]> =>
    (await Array.fromAsync(listed)).map(({ key }) => key);
  return {
    proxy,
    folder,
    prefix,
    store: (patience, access) =>
      createBucketBlobs({
        bucket: createBucket({ ...place, endpoint: proxy.url, ...access }, patience),
        prefix,
        folder,
        partBytes: PART_BYTES,
      }),
    left: () =>
      Promise.all([keys(bucket.objects(begin(prefix))), keys(bucket.uploads(begin(prefix)))]),
  };
}

suite('a bucket that fails', { skip, timeout: 120_000 }, () => {
  test('a connection that breaks in mid-picture is made again, both ways', async (t) => {
    const { proxy, store } = await openFaulty(t);
    const blobs = store();
    let cuts = 0;
    for (const bytes of [content(3 * MEBIBYTE), content(14 * MEBIBYTE)]) {
      proxy.cutSent(2 * MEBIBYTE);
      const { finished } = blobs.keep(NAME, arriving({ bytes, chunkBytes: MEBIBYTE }));
      assert.deepEqual(await finished, { bytes: bytes.length, isKept: true });
      cuts += 1;
      assert.equal(proxy.passed().cuts, cuts);
      proxy.cutAnswered(2 * MEBIBYTE);
      const open = await blobs.open(NAME);
      assert.ok(open !== undefined && (await collect(open.payload.chunks())).equals(bytes));
      await open.close();
      cuts += 1;
      assert.equal(proxy.passed().cuts, cuts);
    }
    await blobs.close();
  });

  test('an answer that is lost is not taken for a refusal', async (t) => {
    const { proxy, store, left } = await openFaulty(t);
    const blobs = store();
    const bytes = content(11 * MEBIBYTE);
    // Of the beginning of the upload, of a part, of its end.
    for (const head of ['?uploads=', 'partNumber=2', 'POST ']) {
      proxy.loseAnswer(head);
      const { finished } = blobs.keep(NAME, arriving({ bytes, chunkBytes: MEBIBYTE }));
      assert.deepEqual(await finished, { bytes: bytes.length, isKept: true }, head);
    }
    const open = await blobs.open(NAME);
    assert.ok(open !== undefined && (await collect(open.payload.chunks())).equals(bytes));
    await open.close();
    const [objects, uploads] = await left();
    // Uploads whose beginning nobody heard of are swept like those of the dead.
    assert.deepEqual([objects.length, uploads.length], [1, 2]);
    assert.equal(await blobs.removeUnfinished(Date.now() + 60_000), 2);
    assert.deepEqual((await left())[1], []);
    await blobs.close();
  });

  test('the end of an upload: its answer is lost, and it is found to be done', async (t) => {
    const { proxy, store, left } = await openFaulty(t);
    const blobs = store();
    const bytes = content(11 * MEBIBYTE);
    const blob = blobs.keep(NAME, {
      ...bytesPayload(bytes),
      async *chunks() {
        yield bytes.subarray(0, 10 * MEBIBYTE + 1);
        while ((await left())[1].length === 0) {
          t.signal.throwIfAborted();
        }
        // From here on the only POST is the last request.
        proxy.loseAnswer('POST ');
        yield bytes.subarray(10 * MEBIBYTE + 1);
      },
    });
    assert.deepEqual(await blob.finished, { bytes: bytes.length, isKept: true });
    assert.deepEqual((await left())[1], []);
    const open = await blobs.open(NAME);
    assert.ok(open !== undefined && (await collect(open.payload.chunks())).equals(bytes));
    await open.close();
    await blobs.close();
  });

  for (const size of ['small', 'large'] as const) {
    test(`away for good: a ${size} picture is delivered, and not kept`, async (t) => {
      const { proxy, store, left } = await openFaulty(t);
      const blobs = store(HASTY);
      const bytes = content((size === 'small' ? 1 : 17) * MEBIBYTE);
      const before = (start: number): void => {
        if (start === 0 || start === 12 * MEBIBYTE) {
          proxy.away();
        }
      };
      const blob = blobs.keep(NAME, arriving({ bytes, chunkBytes: MEBIBYTE, before }));
      const slow = blob.payload.chunks()[Symbol.asyncIterator]();
      await slow.next();
      const reading = collect(blob.payload.chunks());
      const outcome = await blob.finished;
      assert.ok(!outcome.isKept && outcome.refusal.fault === 'away');
      assert.match(outcome.refusal.message, /cannot be reached/);
      assert.ok((await reading).equals(bytes));
      // It comes later, and the disk still has it.
      assert.ok((await collect(blob.payload.chunks())).equals(bytes));
      const rest = await collect({ [Symbol.asyncIterator]: () => slow });
      assert.equal(rest.length, bytes.length - MEBIBYTE);
      await assert.rejects(blobs.open(NAME), { fault: 'away' });
      await assert.rejects(blobs.remove(NAME), { fault: 'away' });
      await assert.rejects(Array.fromAsync(blobs.names()), { fault: 'away' });
      proxy.back();
      await blobs.remove(NAME);
      await blobs.removeUnfinished(Date.now() + 60_000);
      assert.deepEqual(await left(), [[], []]);
      assert.deepEqual(await blobs.keep(NAME, bytesPayload(bytes)).finished, {
        bytes: bytes.length,
        isKept: true,
      });
      await blobs.close();
    });
  }

  test('one that is silent is given up in time, and nobody reads more slowly for it', async (t) => {
    const { proxy, store } = await openFaulty(t);
    const blobs = store(HASTY);
    const bytes = content(12 * MEBIBYTE);
    proxy.stall();
    const blob = blobs.keep(NAME, arriving({ bytes, chunkBytes: MEBIBYTE }));
    assert.ok((await collect(blob.payload.chunks())).equals(bytes));
    const outcome = await blob.finished;
    assert.ok(!outcome.isKept && outcome.refusal.fault === 'away');
    await assert.rejects(blobs.open(NAME), { fault: 'away' });
    proxy.flow();
    await blobs.close();
  });

  test('a credential that is refused is told once, without the secret', async (t) => {
    const { proxy, store, prefix, left } = await openFaulty(t);
    const secretAccessKey = 'not-the-secret';
    const blobs = store(undefined, { secretAccessKey });
    const outcome = await blobs.keep(NAME, bytesPayload(content(5))).finished;
    assert.ok(!outcome.isKept && outcome.refusal.fault === 'storage');
    assert.match(outcome.refusal.message, /SignatureDoesNotMatch/);
    assert.ok(
      !JSON.stringify([outcome.refusal.message, outcome.refusal.cause]).includes('not-the'),
    );
    assert.deepEqual(await left(), [[], []]);
    await blobs.close();
    assert.ok(place !== undefined);
    for (const wrong of [{ secretAccessKey }, { accessKeyId: 'nobody' }, { bucket: 'not-there' }]) {
      const bucket = createBucket({ ...place, endpoint: proxy.url, ...wrong });
      await assert.rejects(checkBucket(bucket, prefix), { name: 'BucketError', isAway: false });
      await bucket.close();
    }
    const bucket = createBucket(place);
    await checkBucket(bucket, prefix);
    assert.deepEqual(await left(), [[], []]);
    await bucket.close();
  });

  test('a reader that is slower than the connection lasts gets all of it', async (t) => {
    const { proxy, store } = await openFaulty(t);
    const blobs = store();
    const bytes = content(6 * MEBIBYTE);
    await blobs.keep(NAME, bytesPayload(bytes)).finished;
    const open = await blobs.open(NAME);
    const read: Buffer[] = [];
    for await (const chunk of open?.payload.chunks() ?? []) {
      read.push(chunk);
      if (read.length % 20 === 0) {
        proxy.away();
        proxy.back();
      }
    }
    assert.ok(Buffer.concat(read).equals(bytes));
    await open?.close();
    await blobs.close();
  });

  test('a process that is killed leaves no object, and another aborts its upload', async (t) => {
    const { store, folder, prefix, left } = await openFaulty(t);
    const script = `
      const bytes = content(12_000_000);
      await blobs.keep('whole', arriving({ bytes, chunkBytes: 370_000 })).finished;
      const stuck = new Promise(() => setInterval(() => {}, 1e6));
      const before = (start) => (start > 11_000_000 ? stuck : undefined);
      blobs.keep('half', arriving({ bytes, chunkBytes: 370_000, before }));
      console.log('ready');
    `;
    const child = await startKeeper({ folder, prefix }, script);
    while ((await left())[1].length === 0) {
      t.signal.throwIfAborted();
    }
    child.kill('SIGKILL');
    await once(child, 'close');
    assert.deepEqual(await left(), [[blobKey(prefix, 'whole')], [blobKey(prefix, 'half')]]);
    assert.deepEqual(readdirSync(folder), [], 'what it had on the disk is gone with it');
    const blobs = store();
    assert.equal(await blobs.removeUnfinished(Date.now() - 60_000), 0, 'it may be alive');
    assert.equal(await blobs.removeUnfinished(Date.now() + 60_000), 1);
    assert.deepEqual(await left(), [[blobKey(prefix, 'whole')], []]);
    assert.equal(await blobs.open('half'), undefined);
    await blobs.close();
  });

  test('whenever a process is killed, what can be seen is whole', async (t) => {
    const { store, folder, prefix } = await openFaulty(t);
    const script = `
      for (let round = 0; ; round += 1) {
        await Promise.all([1, 2].map((index) => blobs.keep(
          'img_' + (round % 20) + '-' + index,
          arriving({ bytes: content(index * 4_000_000, index), chunkBytes: 70_000 }),
        ).finished));
        if (round === 1) console.log('ready');
      }
    `;
    const blobs = store();
    for (const killAfterMs of [0, 7, 23, 60]) {
      const child = await startKeeper({ folder, prefix }, script);
      await delay(killAfterMs);
      child.kill('SIGKILL');
      await once(child, 'close');
      const names = await Array.fromAsync(blobs.names());
      assert.ok(names.length >= 4);
      for (const name of names) {
        const index = Number(name.at(-1));
        const open = await blobs.open(name);
        assert.ok(open !== undefined);
        assert.ok((await collect(open.payload.chunks())).equals(content(index * 4_000_000, index)));
        await open.close();
      }
    }
    await blobs.close();
  });
});

/** A process that has `blobs` of its own there, does what the script says, and has said something. */
async function startKeeper(
  { folder, prefix }: { readonly folder: string; readonly prefix: string },
  script: string,
): Promise<ChildProcess> {
  const opening = `
    const { createBucketBlobs } = await import(${url('s3.ts')});
    const { createBucket } = await import(${url('../egress/bucket.ts')});
    const { arriving, content } = await import(${url('test-blobs.ts')});
    const bucket = createBucket(${JSON.stringify(place)});
    const folder = ${JSON.stringify(folder)};
    const prefix = ${JSON.stringify(prefix)};
    const blobs = createBucketBlobs({ bucket, prefix, folder, partBytes: ${PART_BYTES} });`;
  const args = ['--input-type=module', '--eval', opening + script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

function url(file: string): string {
  return JSON.stringify(new URL(file, import.meta.url));
}
