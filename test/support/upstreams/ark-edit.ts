import type { PixelSize } from '../../../src/base/image.ts';
import { probe } from '../../../src/payload/probe.ts';
import { dataUriBytes } from './received-edit.ts';

/** What one model takes as the pictures of an edit. */
export interface PictureRules {
  readonly picturesMax: number;
  readonly pictureFormats: readonly string[];
}

const PICTURE_BYTES_MAX = 10 * 2 ** 20;

/** Ark takes nothing narrower. */
const SIDE_MIN = 15;

/** What Ark says of `image`: a string, or a list of them; undefined when it takes them. */
export function wrongPicture(image: unknown, rules: PictureRules): string | undefined {
  const pictures = items(image);
  if (image !== undefined && pictures.length === 0) {
    return 'no image';
  }
  if (pictures.length > rules.picturesMax) {
    return `at most ${rules.picturesMax} images are supported`;
  }
  return pictures.map((picture) => wrongItem(picture, rules)).find((wrong) => wrong !== undefined);
}

/** The pictures that are right, in order; empty ones for addresses, which stay unread. */
export function picturesOf(image: unknown): readonly Buffer[] {
  return items(image).map((picture) => dataUriBytes(picture) ?? Buffer.alloc(0));
}

/** As many pixels as the square has, at the first picture's ratio. */
export function followed(square: PixelSize, [first]: readonly Buffer[]): PixelSize {
  const header = first === undefined ? undefined : probe(first);
  if (header === undefined) {
    return square;
  }
  const root = Math.sqrt(header.width / header.height);
  const snapped = (pixels: number): number => Math.round(pixels / 16) * 16;
  return { width: snapped(square.width * root), height: snapped(square.height / root) };
}

function items(image: unknown): readonly unknown[] {
  return Array.isArray(image) ? image : [image].filter((item) => item !== undefined);
}

function wrongItem(picture: unknown, { pictureFormats }: PictureRules): string | undefined {
  const url = String(picture);
  if (/^https?:/.test(url)) {
    return undefined;
  }
  // In base64 four bytes stand for three; the length comes first, since it bounds the work.
  if ((url.length / 4) * 3 > PICTURE_BYTES_MAX + 64) {
    return 'the size of the image exceeds 10 MB';
  }
  const bytes = dataUriBytes(url);
  const header = bytes === undefined ? undefined : probe(bytes);
  if (header === undefined || !url.startsWith(`data:image/${header.format};`)) {
    return 'the image is not valid';
  }
  if (!pictureFormats.includes(header.format)) {
    return `the image format ${header.format} is not supported`;
  }
  const { width, height } = header;
  const ratio = width / height;
  const isShaped = ratio >= 1 / 16 && ratio <= 16 && Math.min(width, height) >= SIDE_MIN;
  return isShaped ? undefined : 'the width and height of the image are not supported';
}
