import type { OverlayOptions, Sharp } from 'sharp';
import type { Composition } from './compose.ts';
import { type OpenPicture, drawDraft, drawInStyle } from './finish.ts';
import { labelChip } from './label.ts';

export interface RenderOptions {
  readonly format: 'png' | 'jpeg' | 'webp';
  /** 0 to 100, for jpeg and webp. */
  readonly compression: number;
  readonly label: string | undefined;
  readonly draft: number | undefined;
}

let loading: Promise<OpenPicture> | undefined;

/** Loaded on first use: sharp takes a tenth of a second, which start-up need not spend. */
export function loadSharp(): Promise<OpenPicture> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    // Pictures side by side use the cores; threads within one picture would only contend.
    sharp.concurrency(1);
    return sharp;
  });
  return loading;
}

/** Draws the composition and encodes it. All the work is done in sharp's threads. */
export async function render(composition: Composition, options: RenderOptions): Promise<Buffer> {
  const open = await loadSharp();
  const { width, height, transparent } = composition;
  const overlay =
    options.label === undefined ? undefined : labelOverlay(options.label, { width, height });
  const picture =
    options.draft === undefined
      ? await drawInStyle(open, composition, overlay)
      : withLabel(await drawDraft(open, composition, options.draft), overlay);
  const sized = picture.toColourspace('srgb');
  return encode(transparent ? sized : sized.removeAlpha(), options);
}

function withLabel(picture: Sharp, overlay: OverlayOptions | undefined): Sharp {
  return overlay === undefined ? picture : picture.composite([overlay]);
}

/** The chip that marks a test picture of this size. */
export function labelOverlay(
  label: string,
  size: { readonly width: number; readonly height: number },
): OverlayOptions {
  return { input: Buffer.from(wrap(labelChip(label, size), size.width, size.height)) };
}

function wrap(body: string, width: number, height: number): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${body}</svg>`;
}

/** The bytes of the file; jpeg shows white where the picture is transparent. */
export function encode(
  picture: Sharp,
  options: Pick<RenderOptions, 'format' | 'compression'>,
): Promise<Buffer> {
  const quality = Math.max(1, Math.min(100, Math.round(options.compression)));
  switch (options.format) {
    case 'png':
      // Level 3 takes a fifth less time than 6 on these pictures and is a tenth larger.
      return picture.png({ compressionLevel: 3 }).toBuffer();
    case 'jpeg':
      return picture.flatten({ background: '#ffffff' }).jpeg({ quality }).toBuffer();
    case 'webp':
      return picture.webp({ quality, effort: 2 }).toBuffer();
  }
}
