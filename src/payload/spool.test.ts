import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Payload } from './payload.ts';
import { createSpool } from './spool.ts';
import { SpoolError, type SpoolFault } from './spool-error.ts';

const KILOBYTE = 1024;

function folderFor(context: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'easel-spool-'));
  context.after(() => rmSync(home, { recursive: true, force: true }));
  return join(home, 'spool');
}

/** The open files of this process that lie in the folder, removed or not. */
function openFiles(folder: string): number {
  const links = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(join('/proc/self/fd', name));
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith(folder)).length;
}

function content(bytes: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 31 + seed) % 251));
}

/** A payload that arrives in chunks; `before` runs before each. */
function arriving(
  bytes: Buffer,
  chunkBytes: number,
  before: (start: number) => Promise<void> | void = () => undefined,
): Payload {
  return {
    form: 'binary',
    peek: async (count) => bytes.subarray(0, count),
    async *chunks() {
      for (let start = 0; start < bytes.length; start += chunkBytes) {
        await before(start);
        yield bytes.subarray(start, start + chunkBytes);
      }
    },
  };
}

async function collect(payload: Payload): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(payload.chunks()));
}

function fault(expected: SpoolFault): (error: unknown) => boolean {
  return (error) => error instanceof SpoolError && error.fault === expected;
}

const isLinux = existsSync('/proc/self/fd');

test('a small payload stays in memory, a large one goes to disk, both are read twice', async (t) => {
  const folder = folderFor(t);
  const spool = createSpool({ folder, memoryBytes: 100 * KILOBYTE });
  const small = content(60 * KILOBYTE, 1);
  const large = content(900 * KILOBYTE, 2);
  const keptSmall = await spool.keep(arriving(small, 7000));
  assert.equal(existsSync(folder), false, 'nothing was written yet');
  const keptLarge = await spool.keep(arriving(large, 7000));
  assert.ok(!isLinux || openFiles(folder) === 1);
  for (const _ of [1, 2]) {
    assert.ok((await collect(keptSmall)).equals(small));
    assert.ok((await collect(keptLarge)).equals(large));
  }
  assert.ok((await keptLarge.peek(300)).equals(large.subarray(0, 300)));
  assert.equal((await keptLarge.peek(10 ** 9)).length, large.length);
  assert.deepEqual(readdirSync(folder), [], 'a killed process would leave nothing');
  await spool.dispose();
  await spool.dispose();
  assert.ok(!isLinux || openFiles(folder) === 0);
  await assert.rejects(collect(keptLarge), fault('closed'));
  await assert.rejects(keptLarge.peek(1), fault('closed'));
  await assert.rejects(spool.keep(arriving(small, 100)), fault('closed'));
});

test('the memory of a payload that went to disk is free for the next', async (t) => {
  const folder = folderFor(t);
  const spool = createSpool({ folder, memoryBytes: 50 * KILOBYTE });
  await spool.keep(arriving(content(80 * KILOBYTE, 1), 10 * KILOBYTE));
  await spool.keep(arriving(content(50 * KILOBYTE, 2), 10 * KILOBYTE));
  assert.ok(!isLinux || openFiles(folder) === 1, 'the second is in memory');
  await spool.dispose();
});

test('payloads kept and read at once do not mix', async (t) => {
  const folder = folderFor(t);
  const spool = createSpool({ folder, memoryBytes: 300 * KILOBYTE });
  const wait = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const bytes = Array.from({ length: 8 }, (_, index) =>
    content((50 + index * 90) * KILOBYTE, index),
  );
  const kept = await Promise.all(bytes.map((one) => spool.keep(arriving(one, 9000, wait))));
  const read = await Promise.all([...kept, ...kept].map(collect));
  read.forEach((one, index) => assert.ok(one.equals(bytes[index % 8] ?? Buffer.alloc(0))));
  await spool.dispose();
});

test('one request keeps no more than its bound, and a refused payload gives its room back', async (t) => {
  const folder = folderFor(t);
  const spool = createSpool({ folder, memoryBytes: 1000, totalBytesMax: 10_000 });
  await spool.keep(arriving(content(4000, 1), 500));
  await assert.rejects(spool.keep(arriving(content(6001, 1), 500)), fault('full'));
  assert.ok(!isLinux || openFiles(folder) === 1);
  await spool.keep(arriving(content(6000, 1), 500));
  await assert.rejects(spool.keep(arriving(content(1, 1), 1)), /totalBytesMax of 10000/);
  await spool.dispose();
  assert.ok(!isLinux || openFiles(folder) === 0);
});

test('a source that dies leaves no file and passes its own error on', async (t) => {
  const folder = folderFor(t);
  const spool = createSpool({ folder, memoryBytes: 100 });
  const dying = arriving(content(5000, 1), 500, (start) => {
    if (start > 3000) {
      throw new Error('the upstream is gone');
    }
  });
  await assert.rejects(spool.keep(dying), /the upstream is gone/);
  assert.ok(!isLinux || openFiles(folder) === 0);
});

test('a spool disposed of while it is written to leaves no file', async (t) => {
  const folder = folderFor(t);
  for (const disposeAt of [0, 500, 1500, 4500]) {
    const spool = createSpool({ folder, memoryBytes: 1000 });
    const disposing: Promise<void>[] = [];
    const payload = arriving(content(5000, 1), 500, (start) => {
      if (start === disposeAt) {
        disposing.push(spool.dispose());
      }
    });
    await assert.rejects(spool.keep(payload), fault('closed'));
    await Promise.all(disposing);
    assert.ok(!isLinux || openFiles(folder) === 0);
    assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
  }
});

test('who is reading when the spool is disposed of reads to the end', async (t) => {
  const folder = folderFor(t);
  const spool = createSpool({ folder, memoryBytes: 0 });
  const bytes = content(700 * KILOBYTE, 5);
  const kept = await spool.keep(arriving(bytes, 64 * KILOBYTE));
  const read: Buffer[] = [];
  for await (const chunk of kept.chunks()) {
    read.push(chunk);
    await spool.dispose();
  }
  assert.ok(Buffer.concat(read).equals(bytes));
  assert.ok(!isLinux || openFiles(folder) === 0);
});

test('a folder that cannot be written to is a clear error', async (t) => {
  const folder = folderFor(t);
  writeFileSync(folder, 'a file where the folder should be');
  const spool = createSpool({ folder, memoryBytes: 0 });
  await assert.rejects(spool.keep(arriving(content(10, 1), 10)), (error: unknown) => {
    assert.ok(error instanceof SpoolError && error.fault === 'disk');
    assert.match(error.message, /^the spool could not be written: (EEXIST|ENOTDIR)/);
    return true;
  });
});

test('a full disk is a clear error, and gives back what was written', { skip: !isLinux }, (t) => {
  const folder = folderFor(t);
  const script = `
    import { readdirSync, readlinkSync } from 'node:fs';
    const { createSpool } = await import(${JSON.stringify(new URL('spool.ts', import.meta.url))});
    const spool = createSpool({ folder: ${JSON.stringify(folder)}, memoryBytes: 0 });
    const payload = {
      form: 'binary',
      async *chunks() {
        for (let count = 0; count < 100; count += 1) yield Buffer.alloc(65536);
      },
    };
    const error = await spool.keep(payload).catch((error) => error);
    const open = readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync('/proc/self/fd/' + fd).startsWith(${JSON.stringify(folder)});
      } catch {}
    });
    console.log(JSON.stringify([error.name, error.fault, error.cause.code, open.length]));
  `;
  // No file of this process may be larger than 1,000 blocks: a write beyond that fails.
  const command = 'ulimit -f 1000; exec "$0" --input-type=module --eval "$1"';
  const child = spawnSync('sh', ['-c', command, process.execPath, script], { encoding: 'utf8' });
  assert.equal(child.stdout.trim(), '["SpoolError","disk","EFBIG",0]', child.stderr);
  assert.deepEqual(readdirSync(folder), []);
});
