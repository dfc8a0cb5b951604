import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OverlayOptions, Sharp } from 'sharp';
import type { OpenPicture } from '../finish.ts';

/** A picture in memory, row by row: three bytes a pixel, and its alpha apart from them. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly colour: Buffer;
  /** One byte a pixel; absent when all is opaque. */
  readonly alpha?: Buffer;
}

/** Where something happens: one byte a pixel, 0 not at all, 255 wholly. */
export interface Matte {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** About a millisecond of work: other requests get their turn in between. */
const PIXELS_PER_TURN = 40_000;

/** Runs the work for each row, in slices that never hold the event loop for long. */
export async function eachRow(
  { width, height }: Size,
  work: (firstPixel: number, endPixel: number, row: number) => void,
): Promise<void> {
  const rowsPerTurn = Math.max(1, Math.floor(PIXELS_PER_TURN / width));
  for (let start = 0; start < height; start += rowsPerTurn) {
    const end = Math.min(height, start + rowsPerTurn);
    for (let row = start; row < end; row += 1) work(row * width, (row + 1) * width, row);
    await nextTurn();
  }
}

/** The colours as an image of sharp. */
export function openColour(open: OpenPicture, picture: Picture): Sharp {
  const { width, height, colour } = picture;
  return open(colour, { raw: { width, height, channels: 3 } });
}

/** A matte as an image of sharp. */
export function openMatte(open: OpenPicture, { width, height, data }: Matte): Sharp {
  return open(data, { raw: { width, height, channels: 1 } });
}

/** Changes the colours by operations of sharp that keep the size. */
export async function develop(
  open: OpenPicture,
  picture: Picture,
  change: (image: Sharp) => Sharp,
): Promise<Picture> {
  return { ...picture, colour: await toColour(change(openColour(open, picture))) };
}

/** Three bytes a pixel, whatever the image had. */
export function toColour(image: Sharp): Promise<Buffer> {
  return image.removeAlpha().toColourspace('srgb').raw().toBuffer();
}

/** One channel of an image: 3 is the alpha. */
export function toChannel(image: Sharp, channel: 0 | 1 | 2 | 3): Promise<Buffer> {
  return image.extractChannel(channel).raw().toBuffer();
}

/** Four bytes a pixel, alpha last. */
export function interleave(open: OpenPicture, picture: Picture): Promise<Buffer> {
  const { width, height } = picture;
  return openColour(open, picture)
    .joinChannel(alphaOf(picture), { raw: { width, height, channels: 1 } })
    .raw()
    .toBuffer();
}

/** One byte a pixel. */
export function toGrey(image: Sharp): Promise<Buffer> {
  return image.toColourspace('b-w').extractChannel(0).raw().toBuffer();
}

/** What is white grows by so many pixels: sharp takes black for the foreground, which it erodes. */
export function widen(image: Sharp, reach: number): Promise<Buffer> {
  return toGrey(image.erode(reach));
}

/** Lays drawings over the colours, whatever the alpha of the picture. */
export function layOver(
  open: OpenPicture,
  picture: Picture,
  ...layers: readonly OverlayOptions[]
): Promise<Picture> {
  if (layers.length === 0) return Promise.resolve(picture);
  return develop(open, picture, (image) => image.composite([...layers]));
}

/** From `before` (matte 0) to `after` (matte 255): where the matte is 0 no byte changes. */
export async function blend(before: Picture, after: Picture, matte: Matte): Promise<Picture> {
  const colour = Buffer.from(before.colour);
  const changesAlpha = before.alpha !== after.alpha;
  const alpha = changesAlpha ? Buffer.from(alphaOf(before)) : undefined;
  const other = alphaOf(after);
  await eachRow(before, (first, end) => {
    for (let pixel = first; pixel < end; pixel += 1) {
      const share = matte.data[pixel] ?? 0;
      if (share === 0) continue;
      for (let byte = pixel * 3; byte < pixel * 3 + 3; byte += 1) {
        const from = colour[byte] ?? 0;
        colour[byte] = from + Math.round((((after.colour[byte] ?? 0) - from) * share) / 255);
      }
      if (alpha === undefined) continue;
      const from = alpha[pixel] ?? 0;
      alpha[pixel] = from + Math.round((((other[pixel] ?? 0) - from) * share) / 255);
    }
  });
  return { ...before, colour, ...(alpha === undefined ? {} : { alpha }) };
}

/** The alpha of a picture, also of one that is opaque. */
export function alphaOf(picture: Picture): Buffer {
  return picture.alpha ?? Buffer.alloc(picture.width * picture.height, 255);
}

/** The mean share of the matte, 0 to 1, of a sample of its pixels. */
export function coverage({ data }: { readonly data: Buffer }): number {
  const step = Math.max(1, Math.floor(data.length / 65_536));
  let sum = 0;
  let counted = 0;
  for (let pixel = 0; pixel < data.length; pixel += step) {
    sum += data[pixel] ?? 0;
    counted += 1;
  }
  return sum / (255 * Math.max(1, counted));
}

/** The matte with each share (0 to 1) changed; `row` is 0 at the top and 1 at the bottom. */
export function reshape(matte: Matte, change: (share: number, row: number) => number): Matte {
  const data = Buffer.alloc(matte.data.length);
  for (let row = 0; row < matte.height; row += 1) {
    const first = row * matte.width;
    for (let pixel = first; pixel < first + matte.width; pixel += 1) {
      const share = change((matte.data[pixel] ?? 0) / 255, row / matte.height);
      data[pixel] = Math.max(0, Math.min(255, Math.round(share * 255)));
    }
  }
  return { ...matte, data };
}
