import { setImmediate as nextTurn } from 'node:timers/promises';
import { flood, reach, stepBetween } from './flood.ts';
import { boxBlur } from './box-blur.ts';
import { type Matte, coverage } from './picture.ts';

interface Look {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, a little blurred. */
  readonly colour: Buffer;
  readonly light: Float32Array;
}

/** How far a sky's colour may change from one pixel to the next. */
const LARGEST_STEP = 4;

/** The sky does not reach lower than this share of the height. */
const LOWEST_HORIZON = 0.8;

/**
 * Finds what can be reached from the top edge without crossing an edge, and what it encloses, such
 * as clouds. Nothing when that is too little, or green like leaves.
 */
export async function findSky(look: Look): Promise<{ matte: Matte; horizon: number } | undefined> {
  const { width, height } = look;
  const sky = floodFromTop(look);
  await nextTurn();
  dropDuller(look, sky);
  await nextTurn();
  const reached = sky.reduce((sum, share) => sum + (share > 0 ? 1 : 0), 0);
  const top = sky.subarray(0, width).reduce((sum, share) => sum + (share > 0 ? 1 : 0), 0);
  if (reached < width * height * 0.05 || top < width * 0.3) return undefined;
  fillClouds(look, sky);
  const horizon = horizonOf(look, sky);
  takeLights(look, sky, horizon * height);
  closeGaps(look, sky);
  return { matte: { width, height, data: sky }, horizon };
}

function floodFromTop(look: Look): Buffer {
  const { width, height, colour } = look;
  const starts: number[] = [];
  for (let pixel = 0; pixel < width; pixel += 1) if (isSkyish(look, pixel)) starts.push(pixel);
  const floodTo = (lowest: number): Buffer =>
    flood(
      look,
      starts,
      (from, to) =>
        to < lowest * width && stepBetween(colour, from, to) <= LARGEST_STEP && isSkyish(look, to),
    );
  const lowest = Math.floor(height * LOWEST_HORIZON);
  const sky = floodTo(lowest);
  const last = sky.subarray((lowest - 1) * width, lowest * width);
  if (coverage({ data: last }) < 0.15) return sky;
  // It ran out over the ground, as haze makes it do: the upper half is likelier to be sky.
  return floodTo(Math.floor(height * 0.5));
}

/** Far hills fade into the sky, but are duller than it is elsewhere at their height. */
function dropDuller({ width, height, colour }: Look, sky: Buffer): void {
  let usual = 0;
  for (let row = 0; row < height; row += 1) {
    const strengths: number[] = [];
    for (let pixel = row * width; pixel < (row + 1) * width; pixel += 1) {
      if (sky[pixel] === 255) strengths.push(strengthOf(colour, pixel));
    }
    strengths.sort((first, second) => first - second);
    // Hills may fill most of a row, but the sky above them has not changed so soon.
    usual = Math.max(strengths[strengths.length >> 1] ?? 0, usual - 0.5);
    for (let pixel = row * width; pixel < (row + 1) * width; pixel += 1) {
      if (strengthOf(colour, pixel) < usual - 14) sky[pixel] = 0;
    }
  }
}

/** The strongest of the three channels, which a glow in the sky hardly changes. */
function strengthOf(colour: Buffer, pixel: number): number {
  const [red, green] = [colour[pixel * 3] ?? 0, colour[pixel * 3 + 1] ?? 0];
  return Math.max(red, green, colour[pixel * 3 + 2] ?? 0);
}

/** No sky is green, and none is rough. */
function isSkyish({ width, colour, light }: Look, pixel: number): boolean {
  const green = colour[pixel * 3 + 1] ?? 0;
  if (green > Math.max(colour[pixel * 3] ?? 0, colour[pixel * 3 + 2] ?? 0) + 5) return false;
  const here = light[pixel] ?? 0;
  const across = Math.abs((light[pixel + 1] ?? here) - here);
  const down = Math.abs((light[pixel + width] ?? here) - here);
  return across + down < 26;
}

/** What the sky encloses and is as light as it belongs to it; darker things fly before it. */
function fillClouds(look: Look, sky: Buffer): void {
  const { width, height, light } = look;
  const grounded = Buffer.from(sky);
  for (let pixel = width * (height - 1); pixel < width * height; pixel += 1) {
    reach(look, pixel, () => true, grounded);
  }
  let sum = 0;
  let counted = 0;
  for (let pixel = 0; pixel < sky.length; pixel += 1) {
    if (sky[pixel] === 0) continue;
    sum += light[pixel] ?? 0;
    counted += 1;
  }
  const darkest = sum / counted - 25;
  for (let pixel = 0; pixel < sky.length; pixel += 1) {
    if (grounded[pixel] !== 255 && (light[pixel] ?? 0) >= darkest) sky[pixel] = 255;
  }
}

/** A sun before which something stands, and clouds that the frame cuts, are of the sky too. */
function takeLights(look: Look, sky: Buffer, horizonRow: number): void {
  const { width, colour, light } = look;
  const isLight = (pixel: number): boolean => (light[pixel] ?? 0) > 190;
  const isWarm = (pixel: number): boolean =>
    isLight(pixel) && (colour[pixel * 3] ?? 0) > (colour[pixel * 3 + 2] ?? 0) + 20;
  for (const allows of [isWarm, isLight]) {
    const seen = Buffer.from(sky);
    for (let pixel = 0; pixel < width * Math.floor(horizonRow); pixel += 1) {
      if (seen[pixel] === 255 || !allows(pixel)) continue;
      const members = reach(look, pixel, allows, seen);
      const lowest = members.reduce((most, next) => Math.max(most, next), 0);
      const cut = members.some((member) => member < width || (member + 1) % width < 2);
      // A low sun may stand on the horizon.
      const limit = horizonRow * width * (allows === isWarm ? 1.1 : 0.95);
      if (lowest > limit || !(cut || allows === isWarm)) continue;
      for (const member of members) sky[member] = 255;
    }
  }
}

/** The bright rims of suns and clouds are neither flat enough nor wide enough to be found. */
function closeGaps(look: Look, sky: Buffer): void {
  const around = boxBlur(Float32Array.from(sky), look, 2);
  for (let pixel = 0; pixel < sky.length; pixel += 1) {
    if ((around[pixel] ?? 0) > 130 && (look.light[pixel] ?? 0) > 165) sky[pixel] = 255;
  }
}

/** The mean height at which the columns leave the sky. */
function horizonOf({ width, height }: Look, sky: Buffer): number {
  let sum = 0;
  let columns = 0;
  for (let column = 0; column < width; column += 1) {
    for (let row = height - 1; row >= 0; row -= 1) {
      if (sky[row * width + column] !== 255) continue;
      sum += row + 1;
      columns += 1;
      break;
    }
  }
  return Math.max(0.12, sum / Math.max(1, columns) / height);
}
