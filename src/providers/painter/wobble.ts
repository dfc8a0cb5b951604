import { setImmediate as nextTurn } from 'node:timers/promises';
import { createRandom } from './random.ts';

/** Four bytes a pixel, row by row. */
export interface Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

export interface WobbleForm {
  readonly seed: number;
  /** How far an edge strays at most, in pixels. */
  readonly reach: number;
  /** The distance over which it strays there and back, in pixels. */
  readonly period: number;
}

/** About a millisecond of work: other requests get their turn in between. */
const PIXELS_PER_TURN = 50_000;

/**
 * Makes edges tremble as if drawn by hand: each pixel is taken from a place a little aside, after
 * a smooth random field. librsvg's own displacement filter takes 1.5 s for a megapixel; this takes
 * a hundredth of that, in slices that never hold the event loop for long.
 */
export async function wobble(pixels: Pixels, form: WobbleForm): Promise<Buffer> {
  const { data, width, height } = pixels;
  const source = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const target = new Uint32Array(width * height);
  const field = createField(form, Math.max(width, height));
  const rowsPerTurn = Math.max(1, Math.floor(PIXELS_PER_TURN / width));
  for (let start = 0; start < height; start += rowsPerTurn) {
    const end = Math.min(height, start + rowsPerTurn);
    for (let y = start; y < end; y += 1) displaceRow(source, target, { y, width, height }, field);
    await nextTurn();
  }
  return Buffer.from(target.buffer);
}

interface Field {
  readonly cells: number;
  readonly period: number;
  readonly across: Float32Array;
  readonly down: Float32Array;
}

function createField(form: WobbleForm, longest: number): Field {
  const random = createRandom('wobble', form.seed);
  const cells = Math.ceil(longest / form.period) + 2;
  const fill = (): Float32Array =>
    Float32Array.from({ length: cells * cells }, () => (random.next() * 2 - 1) * form.reach);
  return { cells, period: form.period, across: fill(), down: fill() };
}

function displaceRow(
  source: Uint32Array,
  target: Uint32Array,
  row: { readonly y: number; readonly width: number; readonly height: number },
  field: Field,
): void {
  const { y, width, height } = row;
  const { cells, period, across, down } = field;
  const cellY = Math.floor(y / period);
  const shareY = ease(y / period - cellY);
  for (let x = 0; x < width; x += 1) {
    const place = x / period;
    const cellX = Math.floor(place);
    const shareX = ease(place - cellX);
    const corner = cellY * cells + cellX;
    const shiftX = blend(across, corner, cells, shareX, shareY);
    const shiftY = blend(down, corner, cells, shareX, shareY);
    const fromX = Math.min(width - 1, Math.max(0, Math.round(x + shiftX)));
    const fromY = Math.min(height - 1, Math.max(0, Math.round(y + shiftY)));
    target[y * width + x] = source[fromY * width + fromX] ?? 0;
  }
}

function blend(
  grid: Float32Array,
  corner: number,
  cells: number,
  shareX: number,
  shareY: number,
): number {
  const upperLeft = grid[corner] ?? 0;
  const lowerLeft = grid[corner + cells] ?? 0;
  const upper = upperLeft + ((grid[corner + 1] ?? 0) - upperLeft) * shareX;
  const lower = lowerLeft + ((grid[corner + cells + 1] ?? 0) - lowerLeft) * shareX;
  return upper + (lower - upper) * shareY;
}

function ease(share: number): number {
  return share * share * (3 - 2 * share);
}
