import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { bytesPayload, type Payload } from './payload.ts';
import { probe, probePayload, type ProbedFormat } from './probe.ts';
import { transcode } from './transcode.ts';

const size = { width: 67, height: 41 };
const blank = sharp({ create: { ...size, channels: 3, background: '#8040c0' } });
const clear = sharp({ create: { ...size, channels: 4, background: '#8040c080' } });

interface Sample {
  readonly name: string;
  readonly format: ProbedFormat;
  readonly bytes: Buffer;
}

const samples: readonly Sample[] = [
  { name: 'png', format: 'png', bytes: await clear.clone().png().toBuffer() },
  {
    name: 'png, palette',
    format: 'png',
    bytes: await blank.clone().png({ palette: true }).toBuffer(),
  },
  { name: 'jpeg', format: 'jpeg', bytes: await blank.clone().jpeg().toBuffer() },
  {
    name: 'progressive',
    format: 'jpeg',
    bytes: await blank.clone().jpeg({ progressive: true }).toBuffer(),
  },
  {
    name: 'jpeg with EXIF and profile',
    format: 'jpeg',
    bytes: await blank
      .clone()
      .withIccProfile('p3')
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer(),
  },
  { name: 'lossy webp', format: 'webp', bytes: await blank.clone().webp().toBuffer() },
  {
    name: 'lossless webp',
    format: 'webp',
    bytes: await blank.clone().webp({ lossless: true }).toBuffer(),
  },
  {
    name: 'webp with alpha',
    format: 'webp',
    bytes: await clear.clone().webp({ quality: 50 }).toBuffer(),
  },
  { name: 'gif', format: 'gif', bytes: await blank.clone().gif().toBuffer() },
  { name: 'avif', format: 'avif', bytes: await blank.clone().avif({ effort: 0 }).toBuffer() },
  {
    name: 'avif with alpha',
    format: 'avif',
    bytes: await clear.clone().avif({ effort: 0 }).toBuffer(),
  },
];

for (const { name, format, bytes } of samples) {
  test(`${name}: type and size, in both forms`, async () => {
    assert.deepEqual(probe(bytes), { format, ...size });
    assert.deepEqual(await probePayload(bytesPayload(bytes)), { format, ...size });
    const text = bytesPayload(Buffer.from(bytes.toString('base64')), 'base64');
    assert.deepEqual(await probePayload(text), { format, ...size });
  });
}

test('what is recognised and not delivered can be converted', async () => {
  for (const { format, bytes } of samples.slice(-3)) {
    assert.ok(format === 'gif' || format === 'avif');
    for (const wanted of ['png', 'jpeg', 'webp'] as const) {
      const other = await transcode(bytesPayload(bytes), { format: wanted });
      assert.deepEqual(await probePayload(other), { format: wanted, ...size });
    }
  }
});

test('a beginning of any length gives the header or nothing, never an error or another size', () => {
  for (const { name, format, bytes } of samples) {
    for (let length = 0; length <= bytes.length; length += 1) {
      const header = probe(bytes.subarray(0, length));
      assert.ok(header === undefined || header.width === size.width, `${name}, ${length} bytes`);
      assert.ok(header === undefined || header.format === format, `${name}, ${length} bytes`);
    }
  }
});

/** mulberry32 */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('100,000 headers that lie: a header of whole positive numbers, or nothing', () => {
  const extremes = [0, 1, 0x7f, 0x80, 0xff];
  const next = random(7);
  for (let count = 0; count < 100_000; count += 1) {
    const sample = samples[count % samples.length];
    assert.ok(sample !== undefined);
    const bytes = Buffer.from(sample.bytes.subarray(0, Math.floor(next() * 800)));
    for (let changes = 1 + Math.floor(next() * 6); changes > 0 && bytes.length > 0; changes -= 1) {
      const value = next() < 0.5 ? extremes[Math.floor(next() * 5)] : Math.floor(next() * 256);
      bytes[Math.floor(next() * bytes.length)] = value ?? 0;
    }
    const header = probe(bytes);
    assert.ok(
      header === undefined ||
        (Number.isSafeInteger(header.width) &&
          Number.isSafeInteger(header.height) &&
          header.width > 0 &&
          header.height > 0),
      bytes.toString('hex'),
    );
  }
});

/** Counts how far it was looked into. */
function watched(bytes: Buffer): { payload: Payload; mostBytes: () => number } {
  let most = 0;
  const inner = bytesPayload(bytes);
  const peek = (count: number): Promise<Buffer> => {
    most = Math.max(most, count);
    return inner.peek(count);
  };
  return { payload: { ...inner, peek }, mostBytes: () => most };
}

test('a few bytes show that something is no picture', async () => {
  for (const start of [
    '<!doctype html>',
    '{"error":{"message":',
    'GIF90a______',
    '\0\0\0\0\0\0\0\0\0',
  ]) {
    const { payload, mostBytes } = watched(Buffer.alloc(4_000_000, start));
    assert.equal(await probePayload(payload), undefined, start);
    assert.ok(mostBytes() < 1000, start);
  }
});

test('a JPEG is looked into for a mebibyte, no further', async () => {
  const jpeg = samples.find(({ name }) => name === 'jpeg')?.bytes ?? Buffer.alloc(0);
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0xff, 0xff]), Buffer.alloc(65_533)]);
  const withSegments = (count: number): Buffer =>
    Buffer.concat([jpeg.subarray(0, 2), ...Array(count).fill(segment), jpeg.subarray(2)]);
  assert.equal((await probePayload(bytesPayload(withSegments(15))))?.width, size.width);
  const { payload, mostBytes } = watched(withSegments(40));
  assert.equal(await probePayload(payload), undefined);
  assert.equal(mostBytes(), 1024 * 1024);
});

function box(type: string, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}

function ispe(width: number, height: number): Buffer {
  const content = Buffer.alloc(12);
  content.writeUInt32BE(width, 4);
  content.writeUInt32BE(height, 8);
  return box('ispe', content);
}

test('an AVIF of tiles has the size of the whole, and HEIC is not AVIF', () => {
  const brands = (text: string): Buffer => box('ftyp', Buffer.from(text));
  const properties = box('ipco', ispe(512, 512), box('pixi', Buffer.alloc(8)), ispe(3000, 2000));
  const meta = box('meta', Buffer.alloc(4), box('hdlr', Buffer.alloc(24)), box('iprp', properties));
  const free = box('free', Buffer.alloc(500));
  const avif = Buffer.concat([brands('mif1\0\0\0\0miafavif'), free, meta]);
  assert.deepEqual(probe(avif), { format: 'avif', width: 3000, height: 2000 });
  assert.equal(probe(avif.subarray(0, -21)), undefined);
  assert.equal(probe(Buffer.concat([brands('heic\0\0\0\0mif1heic'), meta])), undefined);
});
