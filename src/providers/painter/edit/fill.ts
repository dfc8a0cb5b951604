import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OpenPicture } from '../finish.ts';
import type { Random } from '../random.ts';
import { type Frame, frameAround } from './insert.ts';
import { type Torn, matchPatches } from './patch-match.ts';
import {
  type Matte,
  type Picture,
  type Size,
  blend,
  coverage,
  eachRow,
  openColour,
  openMatte,
  toColour,
  toGrey,
  widen,
} from './picture.ts';
import { spreadIn } from './spread.ts';

/** The longer edge, in pixels, at which the filling is found. */
const FILL_EDGE = 176;

/** About how many unknown pixels there may be at that size: each takes its time. */
const MOST_UNKNOWN = 5500;

/** A pixel of the hole's matte above this is unknown. */
const KNOWN = 8;

const MOST_MISMATCH = 28;

/** Fills a hole with what surrounds it: found small, and then copied from the full picture. */
export async function fillHole(
  open: OpenPicture,
  picture: Picture,
  hole: Matte,
  random: Random,
): Promise<Picture> {
  const frame = await surroundings(hole);
  const torn = await tear(open, picture, hole, frame);
  spreadIn(torn);
  await nextTurn();
  const match = await matchPatches(torn, random);
  const soft = await enlarge(open, torn, frame);
  const shift = match && (await enlarge(open, { ...torn, colour: mismatch(torn, match) }, frame));
  const colour = Buffer.from(picture.colour);
  await eachRow(frame, (_first, _end, row) => {
    for (let column = 0; column < frame.width; column += 1) {
      const pixel = (frame.top + row) * picture.width + frame.left + column;
      if ((hole.data[pixel] ?? 0) === 0) continue;
      const small = (row * frame.width + column) * 3;
      const found = match && copyOf({ picture, hole, torn, match, frame }, column, row);
      for (let channel = 0; channel < 3; channel += 1) {
        const copied = (found?.[channel] ?? 0) + (shift?.[small + channel] ?? 128) - 128;
        const filled = found === undefined ? (soft[small + channel] ?? 0) : copied;
        colour[pixel * 3 + channel] = Math.max(0, Math.min(255, Math.round(filled)));
      }
    }
  });
  return blend(picture, { ...picture, colour }, hole);
}

/** The hole with as much around it again. */
async function surroundings(hole: Matte): Promise<Frame> {
  const inner = await frameAround(hole);
  const margin = Math.round(Math.max(inner.width, inner.height) * 0.7) + 24;
  const left = Math.max(0, inner.left - margin);
  const top = Math.max(0, inner.top - margin);
  return {
    left,
    top,
    width: Math.min(hole.width, inner.left + inner.width + margin) - left,
    height: Math.min(hole.height, inner.top + inner.height + margin) - top,
  };
}

async function tear(open: OpenPicture, picture: Picture, hole: Matte, frame: Frame): Promise<Torn> {
  const unknown = coverage(hole) * hole.width * hole.height;
  const scale = Math.min(
    1,
    FILL_EDGE / Math.max(frame.width, frame.height),
    Math.sqrt(MOST_UNKNOWN / Math.max(1, unknown)),
  );
  const width = Math.max(1, Math.round(frame.width * scale));
  const height = Math.max(1, Math.round(frame.height * scale));
  const fit = { fit: 'fill', kernel: 'linear' } as const;
  const colour = await toColour(
    openColour(open, picture).extract(frame).resize(width, height, fit),
  );
  // Widened, so that the rim of what goes does not bleed into the hole.
  const small = await toGrey(openMatte(open, hole).extract(frame).resize(width, height, fit));
  const wide = await widen(open(small, { raw: { width, height, channels: 1 } }), 1);
  return {
    width,
    height,
    colour: Float32Array.from(colour),
    hole: Uint8Array.from(wide, (share) => (share > KNOWN ? 1 : 0)),
  };
}

function enlarge(open: OpenPicture, torn: Torn, { width, height }: Size): Promise<Buffer> {
  const bytes = Buffer.from(Uint8ClampedArray.from(torn.colour).buffer);
  const raw = { width: torn.width, height: torn.height, channels: 3 } as const;
  return toColour(open(bytes, { raw }).resize(width, height, { fit: 'fill', kernel: 'cubic' }));
}

/**
 * How much lighter or darker the surroundings are than the patches that meet them, spread over the
 * hole: with it no rim shows. 128 is no difference.
 */
function mismatch(torn: Torn, match: Int32Array): Float32Array {
  const { width, colour, hole } = torn;
  const shift = new Float32Array(colour.length).fill(128);
  const unknown = new Uint8Array(hole.length).fill(1);
  for (let pixel = 0; pixel < hole.length; pixel += 1) {
    if (hole[pixel] === 1) continue;
    for (const step of [-1, 1, -width, width]) {
      const source = match[pixel + step] ?? -1;
      if (source < 0) continue;
      unknown[pixel] = 0;
      for (let channel = 0; channel < 3; channel += 1) {
        const here = colour[pixel * 3 + channel] ?? 0;
        const there = colour[(source - step) * 3 + channel] ?? 0;
        // More is no difference of light, but an edge of something.
        const difference = Math.abs(here - there) > MOST_MISMATCH ? 0 : here - there;
        shift[pixel * 3 + channel] = 128 + difference;
      }
    }
  }
  spreadIn({ ...torn, colour: shift, hole: unknown });
  return shift;
}

interface Copying {
  readonly picture: Picture;
  readonly hole: Matte;
  readonly torn: Torn;
  readonly match: Int32Array;
  readonly frame: Frame;
}

/** What the four nearest matches say of one pixel, in full sharpness. */
function copyOf(
  { picture, hole, torn, match, frame }: Copying,
  column: number,
  row: number,
): readonly [number, number, number] | undefined {
  const across = torn.width / frame.width;
  const down = torn.height / frame.height;
  const [x, y] = [(column + 0.5) * across - 0.5, (row + 0.5) * down - 0.5];
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const sum: [number, number, number] = [0, 0, 0];
  let weights = 0;
  for (let corner = 0; corner < 4; corner += 1) {
    const cellX = left + (corner & 1);
    const cellY = top + (corner >> 1);
    if (cellX < 0 || cellX >= torn.width || cellY < 0 || cellY >= torn.height) continue;
    const source = match[cellY * torn.width + cellX] ?? -1;
    if (source < 0) continue;
    const stepX = Math.round(((source % torn.width) - cellX) / across);
    const stepY = Math.round((Math.floor(source / torn.width) - cellY) / down);
    const [fromX, fromY] = [frame.left + column + stepX, frame.top + row + stepY];
    const outside = fromX < 0 || fromX >= picture.width || fromY < 0 || fromY >= picture.height;
    const pixel = fromY * picture.width + fromX;
    if (outside || (hole.data[pixel] ?? 0) > KNOWN) continue;
    const weight = (1 - Math.abs(x - cellX)) * (1 - Math.abs(y - cellY)) + 1e-6;
    weights += weight;
    for (const channel of [0, 1, 2] as const) {
      sum[channel] += weight * (picture.colour[pixel * 3 + channel] ?? 0);
    }
  }
  if (weights === 0) return undefined;
  return [sum[0] / weights, sum[1] / weights, sum[2] / weights];
}
