import type { OverlayOptions, Sharp } from 'sharp';
import type { Composition } from './compose.ts';
import { createRandom } from './random.ts';
import { wobble } from './wobble.ts';

/** The sharp module's function, handed in because it is loaded only on first use. */
export type OpenPicture = typeof import('sharp').default;

/** Pixel art has about this many blocks along its short edge. */
const PIXEL_ART_BLOCKS = 128;

/** Soft styles gain nothing from more pixels than this, and the wobble's work stays bounded. */
const LONGEST_SOFT_EDGE = 1600;

const GRAIN_EDGE = 256;

/** Draws the composition in its style, in its full size, with the overlay (a label) on top. */
export async function drawInStyle(
  open: OpenPicture,
  composition: Composition,
  overlay: OverlayOptions | undefined,
): Promise<Sharp> {
  const { width, height, style, transparent } = composition;
  const label = overlay === undefined ? [] : [overlay];
  switch (style) {
    case 'painting':
    case 'poster':
    case 'line':
      return withOverlays(open(Buffer.from(composition.svg(width, height))), label);
    case 'black-and-white': {
      const drawn = open(Buffer.from(composition.svg(width, height)));
      return withOverlays(drawn.grayscale().linear(1.12, -12), label);
    }
    case 'pixel':
      return withOverlays(await drawPixelArt(open, composition), label);
    case 'watercolour': {
      const drawn = await drawSoft(open, composition, { reach: 6.5, period: 26 });
      return withOverlays(drawn, transparent ? label : [paperGrain(composition), ...label]);
    }
    case 'oil': {
      const drawn = await drawSoft(open, composition, { reach: 5, period: 15 });
      const rich = drawn.modulate({ saturation: 1.12 });
      if (transparent) return withOverlays(rich, label);
      return withOverlays(rich, [await brushRelief(open, composition), ...label]);
    }
  }
}

/** A rough partial picture: the same one seen through fewer and fewer pixels, then softened. */
export async function drawDraft(
  open: OpenPicture,
  composition: Composition,
  draft: number,
): Promise<Sharp> {
  const { width, height } = composition;
  const blocks = 12 + Math.round(draft * draft * 150);
  const scale = Math.min(1, blocks / Math.min(width, height));
  const [small, low] = [atLeastOne(width * scale), atLeastOne(height * scale)];
  const rough = await open(Buffer.from(composition.svg(small, low)))
    .png()
    .toBuffer();
  return open(rough).resize(width, height, { fit: 'fill', kernel: 'cubic' });
}

/** What a texture needs to know of the picture that it covers. */
export interface Sheet {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
}

function withOverlays(picture: Sharp, overlays: readonly OverlayOptions[]): Sharp {
  return overlays.length === 0 ? picture : picture.composite([...overlays]);
}

function drawPixelArt(open: OpenPicture, composition: Composition): Promise<Sharp> {
  const form = { ...composition, blocks: PIXEL_ART_BLOCKS, colours: 40 };
  return toPixelArt(open, form, (columns, rows) =>
    open(Buffer.from(composition.svg(columns, rows))),
  );
}

interface PixelForm {
  readonly width: number;
  readonly height: number;
  /** About how many blocks there are along the short edge. */
  readonly blocks: number;
  readonly colours: number;
}

/** Pixel art of this size, from a picture that is asked for in columns and rows of blocks. */
export async function toPixelArt(
  open: OpenPicture,
  form: PixelForm,
  draw: (columns: number, rows: number) => Sharp,
): Promise<Sharp> {
  const { width, height, blocks, colours } = form;
  const block = Math.max(1, Math.round(Math.min(width, height) / blocks));
  const [columns, rows] = [Math.ceil(width / block), Math.ceil(height / block)];
  const small = await draw(columns, rows)
    .png({ palette: true, colours, dither: 0, effort: 3 })
    .toBuffer();
  return open(small)
    .resize(columns * block, rows * block, { fit: 'fill', kernel: 'nearest' })
    .extract({ left: 0, top: 0, width, height });
}

/** Drawn with trembling edges, no larger than a soft style needs, and then enlarged. */
async function drawSoft(open: OpenPicture, composition: Composition, form: SoftForm) {
  const { width, height, seed } = composition;
  const scale = Math.min(1, LONGEST_SOFT_EDGE / Math.max(width, height));
  const [small, low] = [atLeastOne(width * scale), atLeastOne(height * scale)];
  const data = await open(Buffer.from(composition.svg(small, low)))
    .ensureAlpha()
    .raw()
    .toBuffer();
  const unit = Math.min(small, low) / 1000;
  const reach = form.reach * unit;
  const period = Math.max(2, form.period * unit);
  const trembling = await wobble({ data, width: small, height: low }, { seed, reach, period });
  const picture = open(trembling, { raw: { width: small, height: low, channels: 4 } });
  return scale === 1 ? picture : picture.resize(width, height, { fit: 'fill', kernel: 'cubic' });
}

/** In thousandths of the short edge. */
interface SoftForm {
  readonly reach: number;
  readonly period: number;
}

/** The tooth of the paper: fine noise around middle grey, tiled over the picture. */
export function paperGrain({ seed, width, height }: Sheet): OverlayOptions {
  // An overlay must not be larger than the picture.
  const [across, down] = [Math.min(GRAIN_EDGE, width), Math.min(GRAIN_EDGE, height)];
  return {
    input: noise(seed, 30).subarray(0, across * down),
    raw: { width: across, height: down, channels: 1 },
    tile: true,
    blend: 'soft-light',
  };
}

/** Streaks of a loaded brush: noise drawn out along one direction. */
export async function brushRelief(open: OpenPicture, sheet: Sheet): Promise<OverlayOptions> {
  const across = Math.min(640, sheet.width);
  const down = Math.min(400, sheet.height);
  const grain = open(noise(sheet.seed, 66), {
    raw: { width: GRAIN_EDGE, height: GRAIN_EDGE, channels: 1 },
  });
  const { data, info } = await grain
    .resize(GRAIN_EDGE * 10, GRAIN_EDGE * 3, { fit: 'fill', kernel: 'cubic' })
    .rotate(-28, { background: '#808080' })
    // The middle, which the empty corners of the turned sheet do not reach.
    .extract({ left: 990, top: 740, width: across, height: down })
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { input: data, raw: { width, height, channels }, tile: true, blend: 'soft-light' };
}

function noise(seed: number, spread: number): Buffer {
  const random = createRandom('grain', seed);
  const grain = Buffer.alloc(GRAIN_EDGE * GRAIN_EDGE);
  for (let index = 0; index < grain.length; index += 1) {
    grain[index] = 128 + (random.next() - 0.5) * 1.6 * spread;
  }
  return grain;
}

function atLeastOne(length: number): number {
  return Math.max(1, Math.round(length));
}
