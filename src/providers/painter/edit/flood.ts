import type { Matte, Size } from './picture.ts';

interface Coloured extends Size {
  /** Three bytes a pixel. */
  readonly colour: Buffer;
}

/**
 * All pixels that hang together with the first and are allowed, which are marked as seen (255) on
 * the way. Those that are seen already are not visited.
 */
export function reach(
  { width, height }: Size,
  start: number,
  allows: (pixel: number) => boolean,
  seen: Buffer,
): readonly number[] {
  const members: number[] = [];
  const waiting: number[] = [];
  const visit = (pixel: number): void => {
    if (seen[pixel] === 255 || !allows(pixel)) return;
    seen[pixel] = 255;
    members.push(pixel);
    waiting.push(pixel);
  };
  visit(start);
  for (let pixel = waiting.pop(); pixel !== undefined; pixel = waiting.pop()) {
    const column = pixel % width;
    if (column > 0) visit(pixel - 1);
    if (column < width - 1) visit(pixel + 1);
    if (pixel >= width) visit(pixel - width);
    if (pixel < width * (height - 1)) visit(pixel + width);
  }
  return members;
}

/** What can be reached from the rim in steps of colour of at most this, in each channel. */
export function floodFromRim(picture: Coloured, step: number): Matte {
  const { width, height, colour } = picture;
  const allows = (from: number, to: number): boolean => stepBetween(colour, from, to) <= step;
  return { width, height, data: flood(picture, rimOf(picture), allows) };
}

/** Spreads from the first pixels to neighbours as long as the step there is allowed: 255 there. */
export function flood(
  { width, height }: Size,
  starts: readonly number[],
  allows: (from: number, to: number) => boolean,
): Buffer {
  const found = Buffer.alloc(width * height);
  const waiting = [...starts];
  for (const pixel of waiting) found[pixel] = 255;
  const visit = (from: number, to: number): void => {
    if (found[to] === 255 || !allows(from, to)) return;
    found[to] = 255;
    waiting.push(to);
  };
  for (let pixel = waiting.pop(); pixel !== undefined; pixel = waiting.pop()) {
    const column = pixel % width;
    if (column > 0) visit(pixel, pixel - 1);
    if (column < width - 1) visit(pixel, pixel + 1);
    if (pixel >= width) visit(pixel, pixel - width);
    if (pixel < width * (height - 1)) visit(pixel, pixel + width);
  }
  return found;
}

/** The pixels along the four edges. */
export function rimOf({ width, height }: Size): readonly number[] {
  const rim: number[] = [];
  for (let column = 0; column < width; column += 1) {
    rim.push(column, (height - 1) * width + column);
  }
  for (let row = 1; row < height - 1; row += 1) rim.push(row * width, (row + 1) * width - 1);
  return rim;
}

/** The largest difference in one channel, of 255. */
export function stepBetween(colour: Buffer, first: number, second: number): number {
  const [from, to] = [first * 3, second * 3];
  return Math.max(
    Math.abs((colour[from] ?? 0) - (colour[to] ?? 0)),
    Math.abs((colour[from + 1] ?? 0) - (colour[to + 1] ?? 0)),
    Math.abs((colour[from + 2] ?? 0) - (colour[to + 2] ?? 0)),
  );
}
