import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { isImageFormat, type ImageFormat, type PixelSize } from '../../src/base/image.ts';
import { bytesPayload } from '../../src/payload/payload.ts';
import { probe } from '../../src/payload/probe.ts';
import type { ReferencePicture } from '../../src/payload/reference.ts';

/** A picture as an adapter is handed it. Throws when the bytes are none that callers may send. */
export function referenceOf(bytes: Buffer): ReferencePicture {
  const header = probe(bytes);
  if (header === undefined || !isImageFormat(header.format)) {
    throw new Error('these bytes are no png, jpeg or webp');
  }
  return {
    format: header.format,
    width: header.width,
    height: header.height,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    payload: bytesPayload(bytes),
  };
}

/** A picture of noise, so that it has many bytes and no two are equal. */
export async function noisePicture({
  width,
  height,
  format = 'png',
  seed = 1,
}: Partial<PixelSize> & PixelSize & { format?: ImageFormat; seed?: number }): Promise<Buffer> {
  const raw = Buffer.alloc(width * height * 3);
  let state = seed * 2_654_435_761;
  for (let index = 0; index < raw.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    raw[index] = state >>> 24;
  }
  return sharp(raw, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}

/** An OpenAI mask: opaque, but for a transparent rectangle in its middle. */
export async function middleMask(
  { width, height }: PixelSize,
  format: 'png' | 'webp' = 'png',
): Promise<Buffer> {
  const raw = Buffer.alloc(width * height * 4, 255);
  for (let y = height >> 2; y < height - (height >> 2); y += 1) {
    for (let x = width >> 2; x < width - (width >> 2); x += 1) {
      raw[(y * width + x) * 4 + 3] = 0;
    }
  }
  const image = sharp(raw, { raw: { width, height, channels: 4 } });
  return format === 'png' ? image.png().toBuffer() : image.webp({ lossless: true }).toBuffer();
}
