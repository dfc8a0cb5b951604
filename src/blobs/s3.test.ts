import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { suite, test, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createBucket } from '../egress/bucket.ts';
import { bytesPayload } from '../payload/payload.ts';
import { begin, blobKey, keyedName } from './bucket-keys.ts';
import type { Blobs } from './blobs.ts';
import { createBucketBlobs } from './s3.ts';
import { arriving, collect, content, door, folderFor, until } from './test-blobs.ts';
import { startProxy } from './test-proxy.ts';
import { testBucket, testPrefix } from './test-s3.ts';

const place = testBucket();
const skip = place === undefined ? 'this is about a bucket' : false;

const NAME = 'img_0VkX2m9Q.0';
const MEBIBYTE = 1024 * 1024;
const PART_BYTES = 5 * MEBIBYTE;
/** Memory is looked at so often. */
const MARK = 8 * MEBIBYTE;

/** A bucket with nothing of this test in it, as another process sees it, and stores in it. */
function openBucket(context: TestContext) {
  assert.ok(place !== undefined);
  const prefix = testPrefix();
  const folder = folderFor(context);
  const bucket = createBucket(place);
  context.after(() => bucket.close());
  return {
    prefix,
    folder,
    bucket,
    key: blobKey(prefix, NAME),
    store: (url: string = place.endpoint): Blobs =>
      createBucketBlobs({
        bucket: createBucket({ ...place, endpoint: url }),
        prefix,
        folder,
        partBytes: PART_BYTES,
      }),
    uploads: () => Array.fromAsync(bucket.uploads(begin(prefix))),
    objects: () => Array.fromAsync(bucket.objects(begin(prefix))),
  };
}

suite('pictures in a bucket', { skip, timeout: 120_000 }, () => {
  test('a large one goes in parts while it arrives, and is seen when it is whole', async (t) => {
    const { store, bucket, key, uploads, objects } = openBucket(t);
    const blobs = store();
    const bytes = content(17 * MEBIBYTE);
    const gate = door();
    const blob = blobs.keep(
      NAME,
      arriving({
        bytes,
        chunkBytes: MEBIBYTE,
        form: 'base64',
        before: (start) => (start === 16 * MEBIBYTE ? gate.passed : undefined),
      }),
    );
    const [upload] = await untilSome(t, uploads);
    assert.equal(upload?.key, key);
    assert.deepEqual(await objects(), []);
    assert.equal(await blobs.open(NAME), undefined, 'only what is whole can be opened');
    gate.open();
    assert.deepEqual(await blob.finished, { bytes: bytes.length, isKept: true });
    assert.deepEqual([await uploads(), (await objects()).length], [[], 1]);
    const look = await bucket.look(key);
    assert.match(look?.tag ?? '', /-4"$/, 'four parts');
    const open = await blobs.open(NAME);
    assert.ok(open !== undefined && open.form === 'base64');
    assert.ok((await collect(open.payload.chunks())).equals(bytes));
    await open.close();
    await blobs.close();
  });

  test('one that fits into a part goes in one piece', async (t) => {
    const { store, bucket, key } = openBucket(t);
    const blobs = store();
    for (const [bytes, tag] of [
      [0, /^"[\da-f]{32}"$/],
      [PART_BYTES, /^"[\da-f]{32}"$/],
      [PART_BYTES + 1, /-2"$/],
    ] as const) {
      const whole = content(bytes);
      await blobs.keep(NAME, bytesPayload(whole)).finished;
      const look = await bucket.look(key);
      assert.match(look?.tag ?? '', tag);
      assert.equal(look?.bytes, bytes);
      const open = await blobs.open(NAME);
      assert.ok(open !== undefined && (await collect(open.payload.chunks())).equals(whole));
      await open.close();
    }
    await blobs.close();
  });

  test('a source that dies, or a store that closes, leaves no parts', async (t) => {
    const { store, uploads, objects, folder } = openBucket(t);
    const bytes = content(12 * MEBIBYTE);
    for (const ends of ['source', 'store'] as const) {
      const blobs = store();
      const blob = blobs.keep(NAME, {
        ...bytesPayload(bytes),
        async *chunks() {
          yield* arriving({ bytes, chunkBytes: MEBIBYTE }).chunks();
          await untilSome(t, uploads);
          if (ends === 'store') {
            await blobs.close();
          }
          throw new Error('the source died');
        },
      });
      await assert.rejects(blob.finished, ends === 'store' ? { fault: 'closed' } : /died/);
      assert.deepEqual([await uploads(), await objects()], [[], []]);
      assert.deepEqual(readdirSync(folder), []);
      await blobs.close();
    }
  });

  test('what others keep in the bucket is left alone', async (t) => {
    const { store, bucket, prefix, objects } = openBucket(t);
    const blobs = store();
    await blobs.keep(NAME, bytesPayload(content(5))).finished;
    const [first] = await objects();
    const ours = first?.key ?? '';
    assert.equal(keyedName(prefix, ours), NAME);
    assert.equal(keyedName('', blobKey('', NAME)), NAME);
    const theirs = [`${prefix}/holiday.picture`, `${prefix}/00/${NAME}.picture`, `${prefix}/a/b/c`];
    const body = { bytes: 0, chunks: async function* none() {} };
    for (const key of theirs) {
      await bucket.put(key, { body, notes: {} });
    }
    const upload = await bucket.startUpload(`${prefix}/film`, {});
    assert.deepEqual(await Array.fromAsync(blobs.names()), [NAME]);
    assert.equal(await blobs.removeUnfinished(Infinity), 0);
    await bucket.abortUpload(upload);
    // At the place of a picture, and none.
    await bucket.put(blobKey(prefix, 'notes'), { body, notes: {} });
    await assert.rejects(blobs.open('notes'), { fault: 'storage' });
    await blobs.close();
  });

  test('many are listed page by page', async (t) => {
    const { store } = openBucket(t);
    const blobs = store();
    const names = Array.from({ length: 1030 }, (_, index) => `img_${index}.0`);
    for (let at = 0; at < names.length; at += 30) {
      const some = names.slice(at, at + 30);
      await Promise.all(some.map((name) => blobs.keep(name, bytesPayload(content(3))).finished));
    }
    const listed = await Array.fromAsync(blobs.names());
    assert.deepEqual(listed.toSorted(), names.toSorted());
    await blobs.close();
  });

  test('two processes: one keeps, the other reads, and sweeps only what is old', async (t) => {
    const { store, objects } = openBucket(t);
    const [first, second] = [store(), store()];
    const bytes = content(6 * MEBIBYTE);
    await first.keep(NAME, bytesPayload(bytes)).finished;
    const open = await second.open(NAME);
    assert.ok(open !== undefined);
    const part = await collect(open.read({ start: 3, end: 4 * MEBIBYTE }));
    assert.ok(part.equals(bytes.subarray(3, 4 * MEBIBYTE)));
    await open.close();
    const [object] = await objects();
    const writtenAt = object?.writtenAt ?? 0;
    assert.deepEqual(await Array.fromAsync(second.names(writtenAt)), []);
    assert.deepEqual(await Array.fromAsync(second.names(writtenAt + 1)), [NAME]);
    await second.remove(NAME);
    assert.equal(await first.open(NAME), undefined);
    await Promise.all([first.close(), second.close()]);
  });

  test('one that was replaced is never mixed with the new one', async (t) => {
    const { store } = openBucket(t);
    const blobs = store();
    const [old, young] = [content(6 * MEBIBYTE, 1), content(6 * MEBIBYTE, 2)];
    await blobs.keep(NAME, bytesPayload(old)).finished;
    const open = await blobs.open(NAME);
    assert.ok(open !== undefined);
    await blobs.keep(NAME, bytesPayload(young)).finished;
    await assert.rejects(collect(open.read({ start: 0, end: 10 })), { fault: 'removed' });
    // What was read at its opening is of the old one.
    const { bytes: end } = open;
    assert.ok((await collect(open.read({ start: end - 1, end }))).equals(old.subarray(-1)));
    await open.close();
    await blobs.close();
  });

  test('64 MiB: what is in memory does not grow with what the bucket has not taken', async (t) => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    assert.ok(place !== undefined);
    const proxy = await startProxy(t, place.endpoint);
    const { store } = openBucket(t);
    const blobs = store(proxy.url);
    const chunks = 1024;
    const held = (): number => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = held();
    // The window of a reader near the head, what waits for the disk, and two parts on their way.
    const isFlat = (): boolean => held() - before < 6 * MEBIBYTE;
    const [paused, resumed] = [door(), door()];
    const blob = blobs.keep(NAME, {
      ...bytesPayload(Buffer.alloc(0)),
      async *chunks() {
        for (let count = 0; count < chunks; count += 1) {
          if (count === chunks / 4) {
            proxy.stall();
          }
          if (count === chunks - 1) {
            paused.open();
            await resumed.passed;
          }
          yield Buffer.allocUnsafeSlow(MEBIBYTE / 16).fill(count);
        }
      },
    });
    await paused.passed;
    await until(t.signal, isFlat);
    assert.ok(proxy.passed().sent < 64 * MEBIBYTE, 'the bucket has taken all of it already');
    proxy.flow();
    resumed.open();
    assert.deepEqual(await blob.finished, { bytes: 64 * MEBIBYTE, isKept: true });
    let position = 0;
    const open = await blobs.open(NAME);
    for await (const chunk of open?.payload.chunks() ?? []) {
      const passesMark = Math.floor((position + chunk.length) / MARK) > Math.floor(position / MARK);
      position += chunk.length;
      if (passesMark) {
        await until(t.signal, isFlat);
      }
    }
    assert.equal(position, 64 * MEBIBYTE);
    await open?.close();
    await blobs.close();
  });
});

async function untilSome<Value>(
  context: TestContext,
  list: () => Promise<Value[]>,
): Promise<Value[]> {
  for (;;) {
    context.signal.throwIfAborted();
    const found = await list();
    if (found.length > 0) {
      return found;
    }
  }
}
