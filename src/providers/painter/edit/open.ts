import type { Sharp } from 'sharp';
import type { OpenPicture } from '../finish.ts';
import { type Matte, type Picture, type Size, eachRow, toChannel, toGrey } from './picture.ts';

/** 64 megapixels, and some for those that count them differently. */
const MOST_PIXELS = 68_000_000;

/** Ratios that differ by less are the same picture: its middle is kept. */
const SAME_RATIO = 0.02;

/** From here on, covering the size would enlarge much that is cut away again. */
const FAR_RATIO = 2;

/** The longer edge of the copy in which the cut is found. */
const SMALL_EDGE = 256;

const FORMATS: readonly (string | undefined)[] = ['png', 'jpeg', 'webp'];

export interface Fit extends Size {
  /** `middle` keeps the middle, `attention` what catches the eye, `inside` all of it, smaller. */
  readonly crop: 'middle' | 'attention' | 'inside';
  readonly kernel?: 'linear' | 'lanczos3';
}

/**
 * Decodes a png, jpeg or webp, upright as its EXIF says, at the size in which it is needed: sharp
 * shrinks it while it loads. Throws when the bytes are no such picture.
 */
export async function openReference(open: OpenPicture, bytes: Buffer, fit: Fit): Promise<Picture> {
  const image = openBytes(open, bytes);
  const found = await image.metadata();
  if (!FORMATS.includes(found.format)) throw new Error('not a png, jpeg or webp');
  const placed = await cropped(image.autoOrient(), found.autoOrient, fit);
  const { data, info } = await placed
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return split(open, data, info);
}

/** The picture, upright and of the given size, brought to the size that is asked for. */
async function cropped(image: Sharp, { width, height }: Size, fit: Fit): Promise<Sharp> {
  if (fit.crop === 'inside') {
    return image.resize(fit.width, fit.height, { fit: 'inside', withoutEnlargement: true });
  }
  const stretch = width / height / (fit.width / fit.height);
  const same = Math.abs(stretch - 1) < SAME_RATIO;
  const position = fit.crop === 'attention' && !same ? 'attention' : 'centre';
  if (Math.max(stretch, 1 / stretch) < FAR_RATIO) {
    return image.resize(fit.width, fit.height, {
      fit: 'cover',
      position,
      kernel: fit.kernel ?? 'lanczos3',
    });
  }
  // What a far ratio cuts away would be enlarged first: here a small copy finds the cut.
  const scale = Math.min(1, SMALL_EDGE / Math.max(fit.width, fit.height));
  const small = { width: atLeastOne(fit.width * scale), height: atLeastOne(fit.height * scale) };
  const covering = Math.max(small.width / width, small.height / height);
  const tall = Math.min(height, atLeastOne(small.height / covering));
  const wide = Math.min(width, atLeastOne(small.width / covering));
  const { info } = await image
    .clone()
    .resize(small.width, small.height, { fit: 'cover', position })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const offset = (cut: number | undefined, room: number): number =>
    position === 'centre'
      ? Math.round(room / 2)
      : Math.min(room, Math.round(Math.abs(cut ?? 0) / covering));
  return image
    .extract({
      left: offset(info.cropOffsetLeft, width - wide),
      top: offset(info.cropOffsetTop, height - tall),
      width: wide,
      height: tall,
    })
    .resize(fit.width, fit.height, { fit: 'fill', kernel: fit.kernel ?? 'lanczos3' });
}

function atLeastOne(length: number): number {
  return Math.max(1, Math.round(length));
}

/**
 * Reads the mask as what it lets through: 255 where it is transparent. Nothing when it is opaque
 * all over. It fades within its edge, so that what lies outside stays as it is to the byte.
 */
export async function openMask(
  open: OpenPicture,
  bytes: Buffer,
  { width, height }: Size,
): Promise<Matte | undefined> {
  const image = openBytes(open, bytes);
  const found = await image.metadata();
  if (!FORMATS.includes(found.format)) throw new Error('not a png or webp');
  // A linear kernel, because a sharper one would ring beyond the edge of the mask.
  const fit = { width, height, crop: 'middle', kernel: 'linear' } as const;
  const placed = await cropped(image, found, fit);
  const through = await toChannel(placed.toColourspace('srgb').ensureAlpha().negate(), 3);
  if (through.equals(Buffer.alloc(through.length))) return undefined;
  const softened = await toGrey(open(through, { raw: { width, height, channels: 1 } }).blur(1));
  const data = Buffer.alloc(through.length);
  await eachRow({ width, height }, (first, end) => {
    for (let pixel = first; pixel < end; pixel += 1) {
      data[pixel] = Math.min(through[pixel] ?? 0, softened[pixel] ?? 0);
    }
  });
  return { width, height, data };
}

function openBytes(open: OpenPicture, bytes: Buffer) {
  return open(bytes, { limitInputPixels: MOST_PIXELS, sequentialRead: true, failOn: 'error' });
}

/** Parts four bytes a pixel into colours and alpha. */
export async function split(
  open: OpenPicture,
  rgba: Buffer,
  { width, height }: Size,
): Promise<Picture> {
  const raw = { width, height, channels: 4 } as const;
  const colour = await open(rgba, { raw }).removeAlpha().raw().toBuffer();
  const alpha = await toChannel(open(rgba, { raw }), 3);
  return alpha.equals(Buffer.alloc(alpha.length, 255))
    ? { width, height, colour }
    : { width, height, colour, alpha };
}
