import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bytesPayload, type Payload } from '../payload/payload.ts';
import { arriving, collect, content, door, KIBIBYTE, turn, until } from './test-blobs.ts';
import { storeFor, type TestStore } from './test-stores.ts';

const NAME = 'img_0VkX2m9Q-0';

const isLinux = existsSync('/proc/self/fd');

function assertClosed(store: TestStore): void {
  assert.equal(store.openFiles(), 0, 'a descriptor is left');
}

for (const durability of ['normal', 'full'] as const) {
  for (const form of ['binary', 'base64'] as const) {
    for (const bytes of [0, 1, 2, 300 * KIBIBYTE, 3000 * KIBIBYTE]) {
      test(`${bytes} bytes, ${form}, ${durability}: kept, read, found again`, async (t) => {
        const store = storeFor(t);
        const whole = content(bytes);
        const blobs = await store.open({ durability });
        const source = arriving({ bytes: whole, chunkBytes: 50_000, form });
        const { payload, finished } = blobs.keep(NAME, source);
        assert.equal(payload.form, form);
        assert.ok((await collect(payload.chunks())).equals(whole));
        assert.deepEqual(await finished, { bytes, isKept: true });
        assert.ok((await payload.peek(100)).equals(whole.subarray(0, 100)));
        assert.ok((await collect(payload.chunks())).equals(whole));
        await blobs.close();
        const again = await store.open({ durability });
        assert.deepEqual(await Array.fromAsync(again.names()), [NAME]);
        const open = await again.open(NAME);
        assert.ok(open !== undefined);
        assert.deepEqual([open.bytes, open.form, open.payload.form], [bytes, form, form]);
        assert.equal(open.payload.isLasting, true);
        for (const _ of [1, 2]) {
          assert.ok((await collect(open.payload.chunks())).equals(whole));
        }
        assert.equal((await open.payload.peek(10 ** 9)).length, bytes);
        await open.close();
        await open.close();
        assertClosed(store);
      });
    }
  }
}

test('names that are not ours are refused', async (t) => {
  const blobs = await storeFor(t).open();
  for (const name of ['', '../x', 'a/b', 'a b', 'a\0', 'a\n', 'ä', 'x'.repeat(201)]) {
    assert.throws(() => blobs.keep(name, bytesPayload(content(1))), { name: 'AssertionError' });
    await assert.rejects(blobs.open(name), { name: 'AssertionError' });
    await assert.rejects(blobs.remove(name), { name: 'AssertionError' });
  }
});

test('a slow reader delays nothing, and gets everything', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open();
  const bytes = content(12_000 * KIBIBYTE);
  const blob = blobs.keep(NAME, arriving({ bytes, chunkBytes: 64 * KIBIBYTE }));
  const reader = blob.payload.chunks()[Symbol.asyncIterator]();
  const first = await reader.next();
  assert.ok(first.done !== true);
  const never = blob.payload.chunks()[Symbol.asyncIterator]();
  const finished = await blob.finished;
  assert.ok(finished.isKept);
  assert.ok(!isLinux || store.openFiles() === 1, 'one file for all who read');
  const rest: Buffer[] = [first.value];
  for (let step = await reader.next(); step.done !== true; step = await reader.next()) {
    rest.push(step.value);
    await turn();
  }
  assert.ok(Buffer.concat(rest).equals(bytes));
  assert.ok(rest.length < 12_000 / 256 + 10, 'what is behind is read in large blocks');
  assertClosed(store);
  assert.equal(blobs.isInUse(NAME), false);
  const late = await never.next();
  assert.ok(late.done !== true && late.value.equals(bytes.subarray(0, late.value.length)));
  assert.equal(blobs.isInUse(NAME), true);
  await never.return?.();
  assertClosed(store);
  assert.equal(blobs.isInUse(NAME), false);
});

test('a reader near the head is given the very chunks of the source', async (t) => {
  const blobs = await storeFor(t).open();
  const bytes = content(4000 * KIBIBYTE);
  const source: Buffer[] = [];
  const payload: Payload = {
    ...bytesPayload(bytes),
    async *chunks() {
      for (let start = 0; start < bytes.length; start += 50_000) {
        await turn();
        const chunk = bytes.subarray(start, start + 50_000);
        source.push(chunk);
        yield chunk;
      }
    },
  };
  const blob = blobs.keep(NAME, payload);
  const read = await Array.fromAsync(blob.payload.chunks());
  assert.equal(read.length, source.length);
  assert.ok(read.every((chunk, index) => chunk === source[index]));
  await blob.finished;
});

test('a silent reader holds no more than the window', { skip: !isLinux }, async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const blobs = await storeFor(t).open();
  const chunkBytes = 64 * KIBIBYTE;
  const given: WeakRef<Buffer>[] = [];
  const [paused, resumed] = [door(), door()];
  const payload: Payload = {
    ...bytesPayload(Buffer.alloc(0)),
    async *chunks() {
      for (let count = 0; count < 400; count += 1) {
        if (count === 300) {
          paused.open();
          await resumed.passed;
        }
        const chunk = Buffer.allocUnsafeSlow(chunkBytes).fill(count);
        given.push(new WeakRef(chunk));
        yield chunk;
      }
    },
  };
  const blob = blobs.keep(NAME, payload);
  const reader = blob.payload.chunks()[Symbol.asyncIterator]();
  await reader.next();
  await paused.passed;
  const isFreed = (chunks: number) => (): boolean => {
    collectGarbage();
    return given.filter((chunk) => chunk.deref() !== undefined).length <= chunks;
  };
  // What is still being written is held, so this waits for the disk.
  await until(t.signal, isFreed((1024 * KIBIBYTE) / chunkBytes + 2));
  resumed.open();
  await blob.finished;
  await until(t.signal, isFreed(2));
  await reader.return?.();
});

test('a source of tiny chunks arrives whole', async (t) => {
  const blobs = await storeFor(t).open();
  const bytes = content(30_000);
  const blob = blobs.keep(NAME, arriving({ bytes, chunkBytes: 1 }));
  assert.ok((await collect(blob.payload.chunks())).equals(bytes));
  assert.ok((await blob.finished).isKept);
  assert.ok((await collect(blob.payload.chunks())).equals(bytes));
});

test('a look at the beginning waits for it, and takes nothing away', async (t) => {
  const blobs = await storeFor(t).open();
  const bytes = content(1000);
  const gates = [door(), door(), door(), door()];
  const before = (start: number): Promise<void> | undefined => gates[start / 250]?.passed;
  const { payload, finished } = blobs.keep(NAME, arriving({ bytes, chunkBytes: 250, before }));
  const reader = payload.chunks()[Symbol.asyncIterator]();
  let isThere = false;
  const peeked = payload.peek(300).then((beginning) => {
    isThere = true;
    return beginning;
  });
  gates[0]?.open();
  await reader.next();
  await turn();
  assert.equal(isThere, false);
  gates[1]?.open();
  assert.ok((await peeked).equals(bytes.subarray(0, 300)));
  assert.equal((await payload.peek(0)).length, 0);
  gates.forEach((gate) => gate.open());
  assert.equal((await payload.peek(5000)).length, 1000);
  assert.ok((await finished).isKept);
  await reader.return?.();
  assert.ok((await collect(payload.chunks())).equals(bytes));
});

test('ranges of what is stored, and none outside of it', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open();
  const bytes = content(700 * KIBIBYTE);
  await blobs.keep(NAME, bytesPayload(bytes)).finished;
  const open = await blobs.open(NAME);
  assert.ok(open !== undefined);
  for (const [start, end] of [
    [0, 0],
    [0, 1],
    [699 * KIBIBYTE, 700 * KIBIBYTE],
    [1000, 600_000],
    [700 * KIBIBYTE, 700 * KIBIBYTE],
  ] as const) {
    assert.ok((await collect(open.read({ start, end }))).equals(bytes.subarray(start, end)));
  }
  for (const [start, end] of [
    [-1, 1],
    [2, 1],
    [0, 700 * KIBIBYTE + 1],
    [0, 1.5],
  ] as const) {
    assert.throws(() => open.read({ start, end }), { name: 'AssertionError' });
  }
  for await (const _ of open.read({ start: 0, end: 600_000 })) {
    break;
  }
  await open.close();
  assertClosed(store);
});
