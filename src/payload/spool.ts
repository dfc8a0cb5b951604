import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesPayload, type Payload } from './payload.ts';

/** Keeps payloads whole until their verdict, conversion or turn has come. One for each request. */
export interface Spool {
  /** Reads the payload to its end. What it returns can be read again and again. */
  readonly keep: (payload: Payload) => Promise<Payload>;
  /** Removes what was kept. Twice is fine. */
  readonly dispose: () => Promise<void>;
}

export interface SpoolOptions {
  /** Where payloads go that do not fit into the memory; made when it is first needed. */
  readonly folder: string;
  /** What one request may keep in memory, all its payloads together. */
  readonly memoryBytes: number;
}

const READ_BYTES = 64 * 1024;

export function createSpool({ folder, memoryBytes }: SpoolOptions): Spool {
  let freeBytes = memoryBytes;
  let disposed = false;
  const files = new Set<string>();
  const spill = async (): Promise<{ file: FileHandle; path: string }> => {
    if (disposed) {
      throw new Error('the spool of this request is closed');
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${randomUUID()}.part`);
    files.add(path);
    return { file: await open(path, 'wx', 0o600), path };
  };
  return {
    keep: async (payload) => {
      const chunks: Buffer[] = [];
      let spilled: { file: FileHandle; path: string } | undefined;
      try {
        for await (const chunk of payload.chunks()) {
          if (spilled === undefined && chunk.length <= freeBytes) {
            freeBytes -= chunk.length;
            chunks.push(chunk);
            continue;
          }
          if (spilled === undefined) {
            spilled = await spill();
            await writeAll(spilled.file, Buffer.concat(chunks));
            freeBytes += chunks.splice(0).reduce((sum, { length }) => sum + length, 0);
          }
          await writeAll(spilled.file, chunk);
        }
      } finally {
        await spilled?.file.close();
      }
      return spilled === undefined
        ? bytesPayload(Buffer.concat(chunks), payload.form)
        : filePayload(spilled.path, payload.form);
    },
    dispose: async () => {
      disposed = true;
      await Promise.all([...files].map((path) => rm(path, { force: true })));
      files.clear();
    },
  };
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += (await file.write(bytes, written)).bytesWritten;
  }
}

function filePayload(path: string, form: Payload['form']): Payload {
  return {
    form,
    peek: async (bytes) => {
      const file = await open(path);
      try {
        return await readUpTo(file, Buffer.allocUnsafe(bytes));
      } finally {
        await file.close();
      }
    },
    async *chunks() {
      const file = await open(path);
      try {
        for (;;) {
          // A fresh buffer each time: the one before may still be on its way into a socket.
          const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
          const { bytesRead } = await file.read(buffer, 0, READ_BYTES);
          if (bytesRead === 0) {
            return;
          }
          yield buffer.subarray(0, bytesRead);
        }
      } finally {
        await file.close();
      }
    },
  };
}

async function readUpTo(file: FileHandle, buffer: Buffer): Promise<Buffer> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) {
      break;
    }
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
