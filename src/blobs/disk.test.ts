import assert from 'node:assert/strict';
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesPayload } from '../payload/payload.ts';
import { blobPaths } from './blob-paths.ts';
import type { Blobs } from './blobs.ts';
import { createDiskBlobs, type DiskBlobsOptions } from './disk.ts';
import { arriving, content, door, filesIn, folderFor, until } from './test-blobs.ts';

const NAME = 'img_0VkX2m9Q-0';

function store(folder: string, options: Partial<DiskBlobsOptions> = {}): Promise<Blobs> {
  return createDiskBlobs({ folder, durability: 'normal', ...options });
}

test('files are for nobody else, and lie in few folders', async (t) => {
  const folder = folderFor(t);
  const blobs = await store(folder);
  const gate = door();
  const bytes = content(10);
  const blob = blobs.keep(NAME, arriving({ bytes, chunkBytes: 10, before: () => gate.passed }));
  await until(t.signal, () => filesIn(folder).length > 0);
  assert.deepEqual(filesIn(folder), [`${NAME}.part`]);
  assert.deepEqual(await Array.fromAsync(blobs.names()), []);
  assert.equal(await blobs.open(NAME), undefined, 'only what is whole can be opened');
  gate.open();
  await blob.finished;
  const [sub = ''] = readdirSync(folder);
  assert.match(sub, /^[\da-f]{2}$/);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, sub)).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, sub, `${NAME}.bin`)).mode & 0o777, 0o600);
});

test('part files go at the start, unless somebody else may be writing them', async (t) => {
  const folder = folderFor(t);
  const blobs = await store(folder);
  await blobs.keep(NAME, bytesPayload(content(5))).finished;
  await blobs.close();
  const [sub = ''] = readdirSync(folder);
  writeFileSync(join(folder, sub, 'img_x.part'), 'abc');
  writeFileSync(join(folder, 'notes.part'), 'not ours');
  await (await store(folder, { isShared: true })).close();
  assert.equal(filesIn(folder).length, 3);
  await (await store(folder)).close();
  assert.deepEqual(filesIn(folder).sort(), [`${NAME}.bin`, 'notes.part']);
});

test('what is swept of a shared folder is old', async (t) => {
  const folder = folderFor(t);
  const blobs = await store(folder, { isShared: true });
  for (const name of ['old', 'new']) {
    await blobs.keep(name, bytesPayload(content(5))).finished;
    writeFileSync(blobPaths(folder, name).part, 'abc');
  }
  const hour = new Date(Date.now() - 3_600_000);
  const { part, whole } = blobPaths(folder, 'old');
  utimesSync(part, hour, hour);
  utimesSync(whole.binary, hour, hour);
  const before = Date.now() - 1_800_000;
  assert.deepEqual(await Array.fromAsync(blobs.names(before)), ['old']);
  assert.deepEqual((await Array.fromAsync(blobs.names())).toSorted(), ['new', 'old']);
  assert.equal(await blobs.removeUnfinished(before), 1);
  assert.deepEqual(filesIn(folder).toSorted(), ['new.bin', 'new.part', 'old.bin']);
  await blobs.close();
});
