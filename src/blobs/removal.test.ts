import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { bytesPayload } from '../payload/payload.ts';
import { BlobError, type BlobFault } from './blob-error.ts';
import { arriving, collect, content, door, KIBIBYTE, turn } from './test-blobs.ts';
import { storeFor, type TestStore } from './test-stores.ts';

const NAME = 'img_0VkX2m9Q-0';

const isLinux = existsSync('/proc/self/fd');

function fault(expected: BlobFault): (error: unknown) => boolean {
  return (error) => error instanceof BlobError && error.fault === expected;
}

function assertClosed(store: TestStore): void {
  assert.equal(store.openFiles(), 0, 'a descriptor is left');
}

test('what is removed while it is read is read to the end', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open();
  const bytes = content(2000 * KIBIBYTE);
  const blob = blobs.keep(NAME, arriving({ bytes, chunkBytes: 256 * KIBIBYTE }));
  const early = blob.payload.chunks()[Symbol.asyncIterator]();
  await early.next();
  await blob.finished;
  const open = await blobs.open(NAME);
  assert.ok(open !== undefined);
  const late = open.payload.chunks()[Symbol.asyncIterator]();
  const lateBytes = lengthOf(await late.next());
  await blobs.remove(NAME);
  await blobs.remove(NAME);
  assert.equal(await store.count(), 0);
  assert.equal(await blobs.open(NAME), undefined);
  await assert.rejects(collect(blob.payload.chunks()), fault('removed'));
  assert.equal(blobs.isInUse(NAME), true);
  if (store.kind === 'disk') {
    assert.ok((await collect(open.payload.chunks())).equals(bytes));
  } else {
    // Nobody but S3 has the bytes: who has to ask anew is told.
    await assert.rejects(collect(open.payload.chunks()), fault('removed'));
  }
  await open.close();
  await assert.rejects(collect(open.payload.chunks()), fault('closed'));
  await assert.rejects(open.payload.peek(1), fault('closed'));
  const [earlyRest, lateRest] = await Promise.all([early, late].map((rest) => restOf(rest)));
  assert.ok(earlyRest?.equals(bytes.subarray(256 * KIBIBYTE)));
  assert.ok(lateRest?.equals(bytes.subarray(lateBytes)));
  assertClosed(store);
  assert.equal(blobs.isInUse(NAME), false);
});

function lengthOf({ value }: IteratorResult<Buffer, unknown>): number {
  assert.ok(Buffer.isBuffer(value));
  return value.length;
}

async function restOf(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  return collect({ [Symbol.asyncIterator]: () => iterator });
}

test('what is removed while it arrives is delivered and not kept', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open();
  const bytes = content(3000 * KIBIBYTE);
  for (const removeAt of [0, 1, 30, 59]) {
    const removed: Promise<void>[] = [];
    const before = async (start: number): Promise<void> => {
      await turn();
      if (start === removeAt * 50 * KIBIBYTE) {
        removed.push(blobs.remove(NAME));
      }
    };
    const blob = blobs.keep(NAME, arriving({ bytes, chunkBytes: 50 * KIBIBYTE, before }));
    const slow = blob.payload.chunks()[Symbol.asyncIterator]();
    await slow.next();
    assert.ok((await collect(blob.payload.chunks())).equals(bytes));
    const outcome = await blob.finished;
    assert.ok(!outcome.isKept && fault('removed')(outcome.refusal));
    await Promise.all(removed);
    assert.equal(await store.count(), 0);
    assert.ok(bytes.subarray(50 * KIBIBYTE).equals(await restOf(slow)));
    await assert.rejects(collect(blob.payload.chunks()), fault('removed'));
    assertClosed(store);
    assert.equal(blobs.isInUse(NAME), false);
  }
});

test('what is removed as it begins to arrive has no name and is not in the way', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open();
  const gate = door();
  const [first, second] = [content(1000, 1), content(1000, 2)];
  const before = (): Promise<void> => gate.passed;
  const dropped = blobs.keep(NAME, arriving({ bytes: first, chunkBytes: 1000, before }));
  await blobs.remove(NAME);
  assert.equal(store.openFiles(), isLinux ? 1 : 0);
  assert.equal(await store.count(), 0);
  const { finished } = blobs.keep(NAME, bytesPayload(second));
  assert.ok((await finished).isKept);
  gate.open();
  assert.equal((await dropped.finished).isKept, false);
  const open = await blobs.open(NAME);
  assert.ok(open !== undefined && (await collect(open.payload.chunks())).equals(second));
  await open.close();
});

test('a picture replaces the one that has its name', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open();
  for (const form of ['binary', 'base64', 'base64', 'binary'] as const) {
    const bytes = content(4000, form.length);
    const { finished } = blobs.keep(NAME, bytesPayload(bytes, form));
    assert.throws(() => blobs.keep(NAME, bytesPayload(bytes)), { name: 'AssertionError' });
    await finished;
    const open = await blobs.open(NAME);
    assert.equal(open?.form, form);
    await open?.close();
    assert.equal(await store.count(), 1);
  }
  assertClosed(store);
});

test('a store that closes ends what arrives and spares what is read', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open();
  const bytes = content(1000 * KIBIBYTE);
  await blobs.keep('old', bytesPayload(bytes)).finished;
  const open = await blobs.open('old');
  const reader = open?.payload.chunks()[Symbol.asyncIterator]();
  assert.ok(open !== undefined && reader !== undefined);
  const readBytes = lengthOf(await reader.next());
  const stuck = blobs.keep(NAME, {
    ...bytesPayload(bytes),
    async *chunks() {
      yield bytes;
      await new Promise(() => undefined);
    },
  });
  const reading = collect(stuck.payload.chunks());
  const isBroken = assert.rejects(reading, fault('closed'));
  await stuck.payload.peek(1);
  await blobs.close();
  await blobs.close();
  await isBroken;
  await assert.rejects(stuck.finished, fault('closed'));
  assert.throws(() => blobs.keep(NAME, bytesPayload(bytes)), fault('closed'));
  await assert.rejects(blobs.open('old'), fault('closed'));
  assert.equal(await store.count(), 1);
  assert.ok((await restOf(reader)).equals(bytes.subarray(readBytes)));
  await open.close();
  assertClosed(store);
});

test('a picture whose source has ended is kept though the store closes', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open({ durability: 'full' });
  const blob = blobs.keep(NAME, bytesPayload(content(2000 * KIBIBYTE)));
  await collect(blob.payload.chunks());
  await blobs.close();
  assert.ok((await blob.finished).isKept);
  assert.equal(await store.count(), 1);
});

test('what is removed at any moment of its becoming whole is gone', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open({ durability: 'full' });
  const bytes = content(300 * KIBIBYTE);
  for (let turns = 0; turns < 60; turns += 1) {
    const blob = blobs.keep(NAME, bytesPayload(bytes));
    for (let done = 0; done < turns; done += 1) {
      await turn();
    }
    await blobs.remove(NAME);
    assert.equal(await store.count(), 0);
    assert.equal((await blob.finished).bytes, bytes.length);
    assert.equal(await store.count(), 0);
  }
});
