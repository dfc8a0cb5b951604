import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OpenPicture } from '../finish.ts';
import { type Matte, type Picture, openColour, toColour } from './picture.ts';
import { findSky } from './sky-matte.ts';

/** The longer edge of the small picture that is looked at. */
const SURVEY_EDGE = 256;

/** What a look at the picture tells, at a small size. */
export interface Survey {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel. */
  readonly colour: Buffer;
  /** 0 black to 255 white, as the eye weighs it. */
  readonly light: Float32Array;
  /** Where the sky is, when the upper part looks like one. */
  readonly sky: Matte | undefined;
  /** Where the sky ends, as a share of the height; a guess when there is none. */
  readonly horizon: number;
  /** The mean light of the picture, and of what is not sky, 0 to 255. */
  readonly brightness: number;
  readonly groundBrightness: number;
  /** Mean red less mean blue. */
  readonly warmth: number;
  /** Whether the lower part has the colours of water rather than of land. */
  readonly wet: boolean;
}

export async function surveyPicture(open: OpenPicture, picture: Picture): Promise<Survey> {
  const scale = Math.min(1, SURVEY_EDGE / Math.max(picture.width, picture.height));
  const width = Math.max(8, Math.round(picture.width * scale));
  const height = Math.max(8, Math.round(picture.height * scale));
  const small = openColour(open, picture).resize(width, height, { fit: 'fill', kernel: 'linear' });
  const colour = await toColour(small);
  const light = lightOf(colour);
  const smooth = await toColour(open(colour, { raw: { width, height, channels: 3 } }).blur(1));
  const sky = await findSky({ width, height, colour: smooth, light });
  await nextTurn();
  return {
    width,
    height,
    colour,
    light,
    sky: sky?.matte,
    horizon: sky?.horizon ?? 0.45,
    brightness: meanOf(light, () => true),
    groundBrightness: meanOf(light, (pixel) => sky?.matte.data[pixel] !== 255),
    warmth: meanChannel(colour, 0) - meanChannel(colour, 2),
    wet: looksWet(colour, { width, height }),
  };
}

/** The light of each pixel of three bytes. */
export function lightOf(colour: Buffer): Float32Array {
  const light = new Float32Array(colour.length / 3);
  for (let pixel = 0; pixel < light.length; pixel += 1) {
    const byte = pixel * 3;
    light[pixel] =
      0.299 * (colour[byte] ?? 0) +
      0.587 * (colour[byte + 1] ?? 0) +
      0.114 * (colour[byte + 2] ?? 0);
  }
  return light;
}

function meanOf(light: Float32Array, counts: (pixel: number) => boolean): number {
  let sum = 0;
  let counted = 0;
  for (let pixel = 0; pixel < light.length; pixel += 1) {
    if (!counts(pixel)) continue;
    sum += light[pixel] ?? 0;
    counted += 1;
  }
  return counted === 0 ? 128 : sum / counted;
}

function meanChannel(colour: Buffer, channel: number): number {
  let sum = 0;
  for (let byte = channel; byte < colour.length; byte += 3) sum += colour[byte] ?? 0;
  return (sum * 3) / colour.length;
}

function looksWet(
  colour: Buffer,
  { width, height }: { readonly width: number; readonly height: number },
): boolean {
  let blue = 0;
  let counted = 0;
  for (let row = Math.floor(height * 0.68); row < height * 0.95; row += 1) {
    for (let pixel = row * width; pixel < (row + 1) * width; pixel += 1) {
      const blueness = colour[pixel * 3 + 2] ?? 0;
      const [red, green] = [colour[pixel * 3] ?? 0, colour[pixel * 3 + 1] ?? 0];
      if (blueness >= red + 4 && blueness >= green - 14) blue += 1;
      counted += 1;
    }
  }
  return blue > counted * 0.6;
}
