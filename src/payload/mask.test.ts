import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import sharp from 'sharp';
import { binaryChunks } from './base64.ts';
import { hasAlpha, pngMask, whiteMask } from './mask.ts';
import { bytesPayload } from './payload.ts';
import { probe } from './probe.ts';
import type { ReferencePicture, WholeFile } from './reference.ts';

const [WIDTH, HEIGHT] = [7, 5];
/** Alpha that takes every value of interest, over colours that must not matter. */
const alpha = Buffer.from(Array.from({ length: WIDTH * HEIGHT }, (_, index) => (index * 29) % 256));
const rgba = Buffer.from(
  Array.from({ length: WIDTH * HEIGHT * 4 }, (_, index) =>
    index % 4 === 3 ? (alpha[index >> 2] ?? 0) : (index * 53) % 256,
  ),
);
const colour = sharp(rgba, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } });

function reference(bytes: Buffer): ReferencePicture {
  const header = probe(bytes);
  assert.ok(header?.format === 'png' || header?.format === 'webp');
  return {
    width: header.width,
    height: header.height,
    format: header.format,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    payload: bytesPayload(bytes),
  };
}

const masks: readonly (readonly [string, Buffer])[] = [
  ['png', await colour.clone().png().toBuffer()],
  ['webp', await colour.clone().webp({ lossless: true, exact: true }).toBuffer()],
  ['grey png with alpha', await colour.clone().toColourspace('b-w').png().toBuffer()],
  ['png of 16 bits', await colour.clone().toColourspace('rgb16').png().toBuffer()],
];

async function decode({ payload, bytes }: WholeFile) {
  const file = Buffer.concat(await Array.fromAsync(binaryChunks(payload)));
  assert.equal(file.length, bytes);
  const { format, channels, width, height } = await sharp(file).metadata();
  assert.deepEqual([format, width, height], ['png', WIDTH, HEIGHT]);
  return { file, channels };
}

for (const [name, bytes] of masks) {
  test(`a ${name} becomes one channel, white where it was transparent`, async () => {
    const { file, channels } = await decode(await whiteMask(reference(bytes)));
    assert.equal(channels, 1);
    const pixels = await sharp(file).toColourspace('b-w').raw().toBuffer();
    assert.deepEqual(
      [...pixels],
      [...alpha].map((value) => 255 - value),
    );
  });

  test(`a ${name} becomes a small png with the same transparency`, async () => {
    const { file } = await decode(await pngMask(reference(bytes)));
    const pixels = await sharp(file).ensureAlpha().raw().toBuffer();
    assert.deepEqual(
      [...pixels],
      [...alpha].flatMap((value) => [0, 0, 0, value]),
    );
  });

  test(`a ${name} is known to have transparency`, async () => {
    assert.equal(await hasAlpha(reference(bytes)), true);
  });
}

test('a picture without an alpha channel has no transparency', async () => {
  assert.equal(
    await hasAlpha(reference(await colour.clone().removeAlpha().png().toBuffer())),
    false,
  );
});
