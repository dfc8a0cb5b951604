import assert from 'node:assert/strict';
import sharp from 'sharp';

/** What a decoder makes of a picture, whatever its answer says of it. */
export interface Decoded {
  /** `WIDTHxHEIGHT`, as answers write it. */
  readonly size: string;
  readonly width: number;
  readonly height: number;
  /** `png`, `jpeg` or `webp`. */
  readonly format: string;
  readonly hasAlpha: boolean;
}

/** Reads a picture in base64 with sharp, which shares no code with what measured it for us. */
export async function decodePicture(base64: string): Promise<Decoded> {
  assert.match(base64, /^[A-Za-z0-9+/]+={0,2}$/, 'the picture is not plain base64');
  return decodeBytes(Buffer.from(base64, 'base64'));
}

export async function decodeBytes(bytes: Buffer): Promise<Decoded> {
  const { width, height, format, hasAlpha } = await sharp(bytes).metadata();
  return { size: `${width}x${height}`, width, height, format, hasAlpha };
}
