import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { base64Chunks, binaryChunks, decodeBase64, encodeBase64 } from './base64.ts';
import { bytesPayload, type Payload } from './payload.ts';
import { probe, probePayload } from './probe.ts';
import { transcode } from './transcode.ts';

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

/** Cuts at pseudo-random places, the same in every run. */
async function* cut(bytes: Buffer, seed: number): AsyncGenerator<Buffer> {
  let state = seed;
  for (let start = 0; start < bytes.length;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const end = Math.min(bytes.length, start + (state % 37));
    yield bytes.subarray(start, end);
    start = end;
  }
}

function sample(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 131 + (index >> 3)) % 256));
}

test('base64 goes there and back whatever the chunks', async () => {
  for (let length = 0; length < 300; length += 1) {
    const bytes = sample(length);
    const text = await collect(encodeBase64(cut(bytes, length + 1)));
    assert.equal(text.toString(), bytes.toString('base64'));
    assert.deepEqual(await collect(decodeBase64(cut(text, length + 7))), bytes);
  }
});

test('a large payload is encoded in pieces that join without padding between them', async () => {
  const bytes = sample(200_001);
  const pieces = await Array.fromAsync(base64Chunks(bytesPayload(bytes)));
  assert.ok(pieces.length > 3);
  assert.equal(Buffer.concat(pieces).toString(), bytes.toString('base64'));
});

test('what is not base64 is refused', async () => {
  for (const text of ['a"b=', 'ab\nc', '====', 'ab=c', 'ä===']) {
    await assert.rejects(collect(decodeBase64(cut(Buffer.from(text), 3))), /not base64/, text);
  }
});

test('a payload can be read twice, in both forms', async () => {
  const payload = bytesPayload(sample(1000));
  const asText: Payload = {
    form: 'base64',
    peek: async (count) => (await collect(base64Chunks(payload))).subarray(0, count),
    chunks: () => base64Chunks(payload),
  };
  for (const _ of [1, 2]) {
    assert.deepEqual(await collect(binaryChunks(payload)), sample(1000));
    assert.deepEqual(await collect(binaryChunks(asText)), sample(1000));
    assert.equal((await collect(base64Chunks(asText))).toString(), sample(1000).toString('base64'));
  }
});

const size = { width: 37, height: 21 };
const blank = { create: { ...size, channels: 4, background: '#8040c080' } } as const;

test('every encoding tells its own type and size', async () => {
  const pictures = {
    png: await sharp(blank).png().toBuffer(),
    jpeg: await sharp(blank).jpeg().toBuffer(),
    'jpeg, progressive': await sharp(blank).jpeg({ progressive: true }).toBuffer(),
    'webp, lossy': await sharp(blank).removeAlpha().webp().toBuffer(),
    'webp, lossless': await sharp(blank).webp({ lossless: true }).toBuffer(),
    'webp, extended': await sharp(blank).webp({ quality: 50 }).toBuffer(),
  };
  for (const [name, bytes] of Object.entries(pictures)) {
    const format = name.split(',')[0];
    assert.deepEqual(probe(bytes), { format, ...size }, name);
    assert.deepEqual(await probePayload(bytesPayload(bytes)), { format, ...size }, name);
    const text = bytesPayload(Buffer.from(bytes.toString('base64')), 'base64');
    assert.deepEqual(await probePayload(text), { format, ...size }, `${name}, in base64`);
  }
});

test('a JPEG tells its size behind long EXIF and colour profiles', async () => {
  const plain = await sharp(blank).jpeg().toBuffer();
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0xff, 0xff]), Buffer.alloc(65_533)]);
  const segments = Array.from({ length: 5 }, () => segment);
  const long = Buffer.concat([plain.subarray(0, 2), ...segments, plain.subarray(2)]);
  assert.deepEqual(probe(long), { format: 'jpeg', ...size });
});

test('what is no picture is nothing', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('<html>…</html>'), Buffer.alloc(5000)]) {
    assert.equal(probe(bytes), undefined);
    assert.equal(await probePayload(bytesPayload(bytes)), undefined);
  }
});

test('a picture changes its encoding and keeps its size', async () => {
  const png = bytesPayload(await sharp(blank).png().toBuffer());
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const other = await transcode(png, { format, compression: 0 });
    assert.deepEqual(await probePayload(other), { format, ...size });
  }
});

test('a decompression bomb is not decoded', async () => {
  const bomb = bytesPayload(
    await sharp({ create: { width: 9000, height: 8000, channels: 3, background: '#000' } })
      .png()
      .toBuffer(),
  );
  await assert.rejects(transcode(bomb, { format: 'jpeg' }), /pixel limit/);
});
