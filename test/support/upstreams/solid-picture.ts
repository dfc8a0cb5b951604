import sharp from 'sharp';
import type { ImageFormat, PixelSize } from '../../../src/base/image.ts';

export interface SolidPicture extends PixelSize {
  readonly format: ImageFormat;
  /** Another colour for each; 0 by default. */
  readonly variant?: number;
  readonly isTransparent?: boolean;
}

const made = new Map<string, Promise<Buffer>>();

/** A valid picture of one colour, in any size and format; made once and then kept. */
export function solidPicture(wanted: SolidPicture): Promise<Buffer> {
  const { width, height, format, variant = 0, isTransparent = false } = wanted;
  const name = [width, height, format, variant, isTransparent].join();
  const known = made.get(name);
  if (known !== undefined) {
    return known;
  }
  const background = {
    r: (40 + variant * 67) % 256,
    g: (120 + variant * 31) % 256,
    b: (180 + variant * 97) % 256,
    alpha: isTransparent ? 0 : 1,
  };
  const channels = isTransparent && format !== 'jpeg' ? 4 : 3;
  const bytes = sharp({ create: { width, height, channels, background } })
    .toFormat(format)
    .toBuffer();
  made.set(name, bytes);
  return bytes;
}
