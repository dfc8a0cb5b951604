import sharp from 'sharp';
import type { PixelSize } from '../../../src/base/image.ts';
import { dataUriBytes } from './received-edit.ts';

/** A picture out of a request's JSON, as a decoder sees it. */
export interface ReadPicture extends PixelSize {
  readonly bytes: Buffer;
  /** `png`, `jpeg`, `webp` …: by the bytes, whatever a `data:` URI says. */
  readonly format: string;
  readonly channels: number;
}

/** The picture in bare base64 or a `data:` URI; undefined when a decoder finds none. */
export async function readPicture(text: unknown): Promise<ReadPicture | undefined> {
  const bytes = dataUriBytes(text) ?? base64Bytes(text);
  if (bytes === undefined) {
    return undefined;
  }
  try {
    // Decoded whole: a picture with a good head and no rest is none.
    await sharp(bytes, { failOn: 'truncated' }).raw().toBuffer();
    const { format, width, height, channels } = await sharp(bytes).metadata();
    return { bytes, format, width, height, channels };
  } catch {
    return undefined;
  }
}

function base64Bytes(text: unknown): Buffer | undefined {
  const isBase64 =
    typeof text === 'string' && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64') : undefined;
}
