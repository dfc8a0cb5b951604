import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { bytesPayload } from '../payload/payload.ts';
import { BlobError } from './blob-error.ts';
import { blobPaths } from './blob-paths.ts';
import { createDiskBlobs } from './disk.ts';
import {
  arriving,
  collect,
  collectUntilError,
  content,
  filesIn,
  folderFor,
  KIBIBYTE,
  openFiles,
  turn,
} from './test-blobs.ts';

const NAME = 'img_0VkX2m9Q-0';

const isLinux = existsSync('/proc/self/fd');

/** Stands at the beginning of what a child process runs. */
const PRELUDE = `
  const { createDiskBlobs } = await import(${url('disk.ts')});
  const { arriving, collect, content, filesIn, openFiles } = await import(${url('test-blobs.ts')});
`;

function url(file: string): string {
  return JSON.stringify(new URL(file, import.meta.url));
}

/** Makes sure that the picture can have no file, and says how to let it. */
function block(folder: string, name: string): () => void {
  const sub = blobPaths(folder, name).folder;
  mkdirSync(dirname(sub), { recursive: true });
  writeFileSync(sub, 'a file where the folder should be');
  return () => rmSync(sub);
}

test('a picture that can have no file is delivered from memory', async (t) => {
  const folder = folderFor(t);
  const blobs = await createDiskBlobs({ folder, durability: 'full' });
  const unblock = block(folder, NAME);
  const bytes = content(3000 * KIBIBYTE);
  const blob = blobs.keep(NAME, arriving({ bytes, chunkBytes: 50_000, before: turn }));
  const readers = [0, 1].map(() => collect(blob.payload.chunks()));
  const slow = blob.payload.chunks()[Symbol.asyncIterator]();
  const first = await slow.next();
  const outcome = await blob.finished;
  assert.ok(!outcome.isKept && outcome.bytes === bytes.length);
  assert.match(outcome.refusal.message, /^the picture could not be written: ENOTDIR/);
  readers.push(collect(blob.payload.chunks()));
  assert.ok((await Promise.all(readers)).every((read) => read.equals(bytes)));
  assert.equal(await blobs.open(NAME).catch(() => undefined), undefined);
  unblock();
  await blobs.remove(NAME);
  await assert.rejects(collect(blob.payload.chunks()), { fault: 'removed' });
  const rest = await collect({ [Symbol.asyncIterator]: () => slow });
  assert.equal(rest.length + (first.value?.length ?? 0), bytes.length);
  assert.equal(blobs.isInUse(NAME), false);
});

test('memory for what the disk refuses is bounded, and comes back', async (t) => {
  const folder = folderFor(t);
  const memoryBytes = 600 * KIBIBYTE;
  const blobs = await createDiskBlobs({
    folder,
    durability: 'normal',
    memoryBytes,
    totalMemoryBytes: 1000 * KIBIBYTE,
  });
  const names = ['a', 'b', 'c'];
  names.forEach((name) => block(folder, name));
  const keep = (name: string, kibibytes: number, chunkBytes = 10_000) =>
    blobs.keep(name, arriving({ bytes: content(kibibytes * KIBIBYTE), chunkBytes, before: turn }));
  const tooLarge = keep('a', 700);
  const read = collectUntilError(tooLarge.payload.chunks());
  await assert.rejects(tooLarge.finished, { fault: 'full' });
  const { bytes, error } = await read;
  assert.ok(error instanceof BlobError && error.fault === 'full');
  assert.match(String(error.cause), /ENOTDIR/);
  assert.ok(bytes.equals(content(700 * KIBIBYTE).subarray(0, bytes.length)));
  assert.equal((await keep('a', 500).finished).isKept, false);
  await assert.rejects(keep('b', 550).finished, { fault: 'full' });
  assert.equal((await keep('a', 550).finished).isKept, false, 'the earlier one is replaced');
  assert.equal((await keep('b', 400).finished).isKept, false);
  await assert.rejects(keep('c', 10, 1).finished, { fault: 'full' }, 'chunks cost memory, too');
  await blobs.close();
});

test('a picture that could not be written finds its disk well again', async (t) => {
  const folder = folderFor(t);
  const blobs = await createDiskBlobs({ folder, durability: 'normal' });
  const unblock = block(folder, NAME);
  const bytes = content(1000);
  assert.equal((await blobs.keep(NAME, bytesPayload(bytes)).finished).isKept, false);
  unblock();
  assert.equal((await blobs.keep(NAME, bytesPayload(bytes)).finished).isKept, true);
  const open = await blobs.open(NAME);
  assert.equal(open?.bytes, 1000);
  await open?.close();
});

test('a folder that cannot be used is a clear error at the start', async (t) => {
  const folder = folderFor(t);
  writeFileSync(folder, 'a file where the folder should be');
  await assert.rejects(createDiskBlobs({ folder, durability: 'normal' }), (error: unknown) => {
    assert.ok(error instanceof BlobError && error.fault === 'storage');
    assert.match(error.message, /^the picture could not be written: EEXIST/);
    return true;
  });
});

test('a name that cannot be given refuses the picture, and spares its readers', async (t) => {
  const folder = folderFor(t);
  const blobs = await createDiskBlobs({ folder, durability: 'full' });
  const { part, whole } = blobPaths(folder, NAME);
  mkdirSync(`${whole.binary}/in-the-way`, { recursive: true });
  const bytes = content(2000 * KIBIBYTE);
  const blob = blobs.keep(NAME, arriving({ bytes, chunkBytes: 30_000 }));
  const outcome = await blob.finished;
  assert.ok(!outcome.isKept && /EISDIR|ENOTEMPTY/.test(outcome.refusal.message));
  assert.equal(existsSync(part), false);
  assert.ok((await collect(blob.payload.chunks())).equals(bytes));
  assert.equal(openFiles(folder), isLinux ? 1 : 0);
  await blobs.close();
  assert.equal(openFiles(folder), 0);
});

test('a full disk delivers the picture and gives its space back', { skip: !isLinux }, (t) => {
  const folder = folderFor(t);
  const script = `${PRELUDE}
    const folder = ${JSON.stringify(folder)};
    const blobs = await createDiskBlobs({ folder, durability: 'full' });
    const bytes = content(6_000_000);
    const blob = blobs.keep('a', arriving({ bytes, chunkBytes: 37_000 }));
    const slow = blob.payload.chunks()[Symbol.asyncIterator]();
    await slow.next();
    const reads = [collect(blob.payload.chunks())];
    const { isKept, refusal } = await blob.finished;
    reads.push(collect(blob.payload.chunks()), collect({ [Symbol.asyncIterator]: () => slow }));
    const [early, late, rest] = await Promise.all(reads);
    const isWhole = early.equals(bytes) && late.equals(bytes);
    const isRest = rest.equals(bytes.subarray(37_000));
    const files = filesIn(folder).length;
    const open = [openFiles(folder)];
    await blobs.remove('a');
    open.push(openFiles(folder));
    console.log(JSON.stringify([isKept, refusal.cause.code, isWhole, isRest, files, open]));
  `;
  // No file of this process may be larger than 1,000 blocks: a write beyond that fails.
  const command = 'ulimit -f 1000; exec "$0" --input-type=module --eval "$1"';
  const child = spawnSync('sh', ['-c', command, process.execPath, script], { encoding: 'utf8' });
  assert.equal(child.stdout.trim(), '[false,"EFBIG",true,true,0,[1,0]]', child.stderr);
});

test('a process that is killed leaves part files, which the next removes', async (t) => {
  const folder = folderFor(t);
  const script = `${PRELUDE}
    const folder = ${JSON.stringify(folder)};
    const blobs = await createDiskBlobs({ folder, durability: 'full' });
    await blobs.keep('whole', arriving({ bytes: content(900_000), chunkBytes: 37_000 })).finished;
    const stuck = new Promise(() => setInterval(() => {}, 1e6));
    const never = (start) => (start > 800_000 ? stuck : undefined);
    const bytes = content(2_000_000);
    const blob = blobs.keep('half', arriving({ bytes, chunkBytes: 37_000, before: never }));
    await blob.payload.peek(700_000);
    while (filesIn(folder).length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    console.log('ready');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.deepEqual(filesIn(folder).sort(), ['half.part', 'whole.bin']);
  const blobs = await createDiskBlobs({ folder, durability: 'full' });
  assert.deepEqual(filesIn(folder), ['whole.bin']);
  const open = await blobs.open('whole');
  assert.ok((await collect(open?.payload.chunks() ?? none())).equals(content(900_000)));
  await open?.close();
});

async function* none(): AsyncGenerator<Buffer> {
  // Nothing is there.
}

test('whenever a process is killed, what has a name is whole', async (t) => {
  const folder = folderFor(t);
  const script = `${PRELUDE}
    const folder = ${JSON.stringify(folder)};
    const blobs = await createDiskBlobs({ folder, durability: 'normal' });
    for (let round = 0; ; round += 1) {
      await Promise.all([0, 1, 2].map((index) => blobs.keep(
        'img_' + (round % 40) + '-' + index,
        arriving({ bytes: content(1_000_000, index + 1), chunkBytes: 70_000 }),
      ).finished));
      if (round === 1) console.log('ready');
    }
  `;
  for (const killAfterMs of [0, 7, 23, 60]) {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await delay(killAfterMs);
    child.kill('SIGKILL');
    await once(child, 'close');
    const blobs = await createDiskBlobs({ folder, durability: 'normal' });
    const names = await Array.fromAsync(blobs.names());
    assert.ok(names.length >= 6);
    for (const name of names) {
      const open = await blobs.open(name);
      const read = await collect(open?.payload.chunks() ?? none());
      assert.ok(read.equals(content(1_000_000, Number(name.at(-1)) + 1)), name);
      await open?.close();
    }
    assert.ok(filesIn(folder).every((file) => file.endsWith('.bin')));
  }
});
