import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Payload } from '../payload/payload.ts';
import type { ArrivingBlob } from './blobs.ts';
import { arriving, collect, collectUntilError, content, randomFrom, turn } from './test-blobs.ts';
import { storeFor, type TestStore } from './test-stores.ts';

type Random = () => number;

const BYTES_MAX = 6_000_000;

const CONTENT = content(BYTES_MAX, 7);

/** Small values are as likely as large ones. */
function spread(random: Random, max: number): number {
  return Math.floor(Math.exp(random() * Math.log(max + 1)) - 1 + 1e-9);
}

async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    await turn();
  }
}

interface Source {
  readonly payload: Payload;
  readonly bytes: Buffer;
  /** Set where the source dies, and after how many bytes. */
  readonly diesAt: number | undefined;
}

function randomSource(random: Random): Source {
  const bytes = CONTENT.subarray(0, spread(random, BYTES_MAX));
  const chunkBytesMax = Math.max(1, spread(random, 400_000), Math.ceil(bytes.length / 3000));
  const diesAt = random() < 0.3 ? Math.floor(random() * bytes.length) : undefined;
  const laziness = random() < 0.5 ? 0 : random();
  return {
    bytes: bytes.subarray(0, diesAt),
    diesAt,
    payload: {
      form: random() < 0.5 ? 'binary' : 'base64',
      peek: () => Promise.reject(new Error('nobody looks at the source')),
      async *chunks() {
        const end = diesAt ?? bytes.length;
        for (let start = 0; start < end;) {
          if (random() < laziness) {
            await turns(spread(random, 5));
          }
          const next = Math.min(end, start + 1 + Math.floor(random() * chunkBytesMax));
          yield bytes.subarray(start, next);
          start = next;
        }
        if (diesAt !== undefined) {
          throw new Error('the source died');
        }
      },
    },
  };
}

/** Reads at a random pace from a random moment on, perhaps not to the end. */
async function read(random: Random, blob: ArrivingBlob, source: Source): Promise<void> {
  await turns(spread(random, 100));
  if (random() < 0.2) {
    await blob.finished.catch(() => undefined);
  }
  if (random() < 0.3) {
    const count = spread(random, BYTES_MAX);
    await blob.payload.peek(count).then(
      (beginning) => assert.ok(beginning.equals(source.bytes.subarray(0, count))),
      (error: unknown) => assertDied(error, source),
    );
  }
  const laziness = random() < 0.3 ? 0 : random();
  const leavesAfter = random() < 0.2 ? spread(random, source.bytes.length) : Infinity;
  let position = 0;
  try {
    for await (const chunk of blob.payload.chunks()) {
      assert.ok(chunk.equals(source.bytes.subarray(position, position + chunk.length)));
      position += chunk.length;
      if (position > leavesAfter) {
        return;
      }
      if (random() < laziness) {
        await turns(spread(random, 30));
      }
    }
  } catch (error) {
    assertDied(error, source);
    // Whoever came after the end gets nothing, all others get all that there was.
    assert.ok(position === source.bytes.length || position === 0);
    return;
  }
  assert.equal(source.diesAt, undefined, 'what is cut off must not look whole');
  assert.equal(position, source.bytes.length);
}

function assertDied(error: unknown, source: Source): void {
  assert.match(String(error), /the source died/);
  assert.notEqual(source.diesAt, undefined);
}

async function keepAndRead(seed: number, store: TestStore): Promise<void> {
  const random = randomFrom(seed);
  const blobs = await store.open({
    durability: random() < 0.2 ? 'full' : 'normal',
    windowBytes: spread(random, 1024 * 1024),
  });
  const sources = Array.from({ length: 1 + spread(random, 3) }, () => randomSource(random));
  await Promise.all(
    sources.map(async (source, index) => {
      const name = `img_${seed}-${index}`;
      const blob = blobs.keep(name, source.payload);
      const readers = Array.from({ length: spread(random, 8) }, () => read(random, blob, source));
      const outcome = await blob.finished.catch((error: unknown) => assertDied(error, source));
      await Promise.all(readers);
      const open = await blobs.open(name);
      if (source.diesAt !== undefined) {
        assert.equal(open, undefined);
        return;
      }
      assert.deepEqual(outcome, { bytes: source.bytes.length, isKept: true });
      assert.ok(open !== undefined);
      assert.ok((await collect(open.payload.chunks())).equals(source.bytes));
      await open.close();
      await blobs.remove(name);
    }),
  );
  assert.ok(sources.every((_, index) => !blobs.isInUse(`img_${seed}-${index}`)));
  assert.equal(store.openFiles(), 0, 'a descriptor is left');
  assert.equal(await store.count(), 0);
  await blobs.close();
}

test('any chunks, any readers: each gets exactly the bytes', async (t) => {
  const store = storeFor(t);
  for (let seed = 1; seed <= 120; seed += 1) {
    try {
      await keepAndRead(seed, store);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

test('a source that dies anywhere leaves nothing, and readers know', async (t) => {
  const store = storeFor(t);
  const blobs = await store.open({ windowBytes: 10_000 });
  const random = randomFrom(99);
  const offsets = Array.from({ length: 60 }, () => spread(random, 1_000_000));
  for (const offset of [0, ...offsets]) {
    const bytes = CONTENT.subarray(0, offset);
    const alive = arriving({ bytes, chunkBytes: Math.max(30_000, spread(random, 400_000)) });
    const blob = blobs.keep('img_dies', {
      ...alive,
      async *chunks() {
        yield* alive.chunks();
        throw new Error('the source died');
      },
    });
    const readers = [0, 1, 2].map(() => collectUntilError(blob.payload.chunks()));
    const late = blob.payload.chunks()[Symbol.asyncIterator]();
    await assert.rejects(blob.finished, /the source died/);
    assert.equal(await store.count(), 0);
    for (const { bytes: read, error } of await Promise.all(readers)) {
      assert.match(String(error), /the source died/);
      assert.ok(read.equals(bytes));
    }
    await assert.rejects(late.next(), /the source died/);
    await assert.rejects(blob.payload.peek(1), /the source died/);
    assert.equal(store.openFiles(), 0, 'a descriptor is left');
    assert.equal(blobs.isInUse('img_dies'), false);
  }
});
