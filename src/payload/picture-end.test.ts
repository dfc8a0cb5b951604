import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import type { ImageFormat } from '../base/image.ts';
import { watchPictureEnd } from './picture-end.ts';

const noise = Buffer.from(Array.from({ length: 60 * 40 * 3 }, (_, index) => (index * 7919) % 251));

function picture(make: (image: Sharp) => Sharp): Promise<Buffer> {
  return make(sharp(noise, { raw: { width: 60, height: 40, channels: 3 } })).toBuffer();
}

/** Every form that a file of these formats commonly has. */
const files: readonly (readonly [string, ImageFormat, Buffer])[] = [
  ['png', 'png', await picture((image) => image.png())],
  ['palette png', 'png', await picture((image) => image.png({ palette: true }))],
  ['jpeg', 'jpeg', await picture((image) => image.jpeg())],
  ['progressive jpeg', 'jpeg', await picture((image) => image.jpeg({ progressive: true }))],
  [
    'jpeg with EXIF and a profile',
    'jpeg',
    await picture((image) => image.withMetadata({ orientation: 6 }).jpeg()),
  ],
  ['webp', 'webp', await picture((image) => image.webp())],
  ['lossless webp', 'webp', await picture((image) => image.webp({ lossless: true }))],
];

function isWhole(format: ImageFormat, bytes: Buffer, chunkBytes: number): boolean {
  const end = watchPictureEnd(format);
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    end.push(bytes.subarray(start, start + chunkBytes));
  }
  return end.isWhole();
}

for (const [name, format, bytes] of files) {
  test(`a ${name} is whole with its last byte, however it is cut`, () => {
    for (const chunkBytes of [1, 2, 3, 7, 64, 65_536]) {
      assert.equal(isWhole(format, bytes, chunkBytes), true, `in pieces of ${chunkBytes}`);
    }
  });

  test(`a ${name} is not whole at any earlier byte`, () => {
    const end = watchPictureEnd(format);
    for (let length = 1; length < bytes.length; length += 1) {
      end.push(bytes.subarray(length - 1, length));
      assert.equal(end.isWhole(), false, `at ${length} of ${bytes.length}`);
    }
  });

  test(`what stands behind a ${name} changes nothing`, () => {
    assert.equal(isWhole(format, Buffer.concat([bytes, Buffer.alloc(500, 1)]), 64), true);
  });
}

test('fill bytes before a marker of a jpeg are skipped', () => {
  const [, , jpeg] = files[2] ?? assert.fail();
  const filled = Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xff]), jpeg.subarray(2)]);
  assert.equal(isWhole('jpeg', filled, 1), true);
});

test('a file that goes on as something else is never whole', () => {
  const [, , png] = files[0] ?? assert.fail();
  const [, , jpeg] = files[2] ?? assert.fail();
  assert.equal(isWhole('png', Buffer.concat([png.subarray(0, 33), jpeg]), 64), false);
  assert.equal(isWhole('jpeg', Buffer.concat([jpeg.subarray(0, 2), png, jpeg]), 64), false);
});
