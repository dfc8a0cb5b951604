import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Payload } from '../payload/payload.ts';

export const KIBIBYTE = 1024;

/** A folder that goes when the test is over, and must have been let go by then. */
export function folderFor(context: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'easel-blobs-'));
  context.after(() => {
    rmSync(home, { recursive: true, force: true });
    assert.equal(openFiles(home), 0, 'a descriptor is left');
  });
  return join(home, 'blobs');
}

/** Paths of all files in the folder, from the folder on. */
export function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** The open files of this process in the folder, removed or not; 0 where nobody can tell. */
export function openFiles(folder: string): number {
  if (!existsSync('/proc/self/fd')) {
    return 0;
  }
  const links = readdirSync('/proc/self/fd').map((name) => {
    try {
      return readlinkSync(join('/proc/self/fd', name));
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith(folder)).length;
}

/** Numbers from 0 to 1 that a seed fixes (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes that a seed fixes, and that repeat nowhere. */
export function content(bytes: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = seed * 2_654_435_761;
  for (let index = 0; index < words.length; index += 1) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + index;
    words[index] = state;
  }
  return Buffer.from(words.buffer, 0, bytes);
}

interface Arriving {
  readonly bytes: Buffer;
  readonly chunkBytes: number;
  readonly form?: Payload['form'];
  /** Runs before the chunk that begins there. */
  readonly before?: (start: number) => Promise<void> | void;
}

/** A payload that arrives in chunks. */
export function arriving({
  bytes,
  chunkBytes,
  form = 'binary',
  before = () => undefined,
}: Arriving): Payload {
  return {
    form,
    peek: async (count) => bytes.subarray(0, count),
    async *chunks() {
      for (let start = 0; start < bytes.length; start += chunkBytes) {
        await before(start);
        yield bytes.subarray(start, start + chunkBytes);
      }
    },
  };
}

export async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

/** What was read before the error, and the error. */
export async function collectUntilError(
  chunks: AsyncIterable<Buffer>,
): Promise<{ readonly bytes: Buffer; readonly error: unknown }> {
  const read: Buffer[] = [];
  try {
    for await (const chunk of chunks) {
      read.push(chunk);
    }
    return { bytes: Buffer.concat(read), error: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(read), error };
  }
}

/** Lets what is ready run, and the disk answer now and then. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Waits until it is so, or until the test is over. */
export async function until(signal: AbortSignal, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    signal.throwIfAborted();
    await turn();
  }
}

/** A door that is shut until it is opened. */
export function door(): { readonly passed: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}
