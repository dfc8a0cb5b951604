import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { probePayload } from './probe.ts';
import { splice, spliceEvents } from './splice.ts';

/**
 * 64 MB pass through splice, the decoder and the encoder into nothing. In a process of its own,
 * which can collect its garbage when it is measured.
 */
const PAYLOAD_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const GROWTH_BYTES_MAX = 24 * 1024 * 1024;
const CHILD = '--measure';

interface Measured {
  readonly passedBytes: number;
  readonly growthBytes: number;
  readonly rssBytes: number;
}

async function* source(prefix: string, suffix: string): AsyncGenerator<Buffer> {
  yield Buffer.from(prefix);
  for (let sent = 0; sent < PAYLOAD_BYTES; sent += CHUNK_BYTES) {
    yield Buffer.alloc(CHUNK_BYTES, 'iVBORw0KGgoAAAANSUhEUgAABAAAAAQA');
  }
  yield Buffer.from(suffix);
}

function heldBytes(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

async function measure(parts: ReturnType<typeof spliceEvents>): Promise<Measured> {
  const { gc } = globalThis;
  assert.ok(gc !== undefined, 'run with --expose-gc');
  gc();
  const before = heldBytes();
  let growthBytes = 0;
  let passedBytes = 0;
  let chunks = 0;
  for await (const part of parts) {
    if (part.type !== 'payload') {
      continue;
    }
    await probePayload(part.payload);
    for await (const chunk of encodeBase64(decodeBase64(part.payload.chunks()))) {
      passedBytes += chunk.length;
      chunks += 1;
      if (chunks % 16 === 0) {
        gc();
        growthBytes = Math.max(growthBytes, heldBytes() - before);
      }
    }
  }
  return { passedBytes, growthBytes, rssBytes: process.memoryUsage().rss };
}

async function measureBoth(): Promise<Measured[]> {
  const options = { keys: ['b64_json'] };
  const json = splice(source('{"data":[{"b64_json":"', '"}]}'), options);
  const events = source('event: x\ndata: {"b64_json":"', '"}\n\ndata: [DONE]\n\n');
  return [await measure(json), await measure(spliceEvents(events, options))];
}

if (process.argv.includes(CHILD)) {
  process.stdout.write(JSON.stringify(await measureBoth()));
} else {
  test('64 MB pass through in less than 24 MB', (context) => {
    const file = fileURLToPath(import.meta.url);
    const child = spawnSync(process.execPath, ['--expose-gc', file, CHILD], {
      encoding: 'utf8',
      // Else the child takes itself for a part of this test run.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    assert.equal(child.status, 0, child.stderr);
    for (const measured of JSON.parse(child.stdout) as Measured[]) {
      context.diagnostic(JSON.stringify(measured));
      assert.equal(measured.passedBytes, PAYLOAD_BYTES);
      assert.ok(measured.growthBytes < GROWTH_BYTES_MAX, `${measured.growthBytes} bytes more`);
    }
  });
}
