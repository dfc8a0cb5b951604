import { z } from 'zod';
import type { PixelSize } from '../base/image.ts';

/** The sizes that a model takes when it takes more than a list. All bounds are inclusive. */
export interface SizeBounds {
  /** Both edges are multiples of this many pixels. */
  readonly multipleOf: number;
  readonly minEdge: number;
  readonly maxEdge: number;
  /** Width × height. */
  readonly minPixels: number;
  readonly maxPixels: number;
  /** Long edge over short edge. */
  readonly maxRatio: number;
}

/** More than any encoder takes: what "no bound" is written as. */
const NO_EDGE_BOUND = 65_536;

/** How a card file writes bounds; what it leaves out does not bind. */
export const boundsSchema = z.strictObject({
  multiple_of: z.int().min(1).default(1),
  min_edge: z.int().min(1).optional(),
  max_edge: z.int().min(1).default(NO_EDGE_BOUND),
  min_pixels: z.int().min(1).default(1),
  max_pixels: z
    .int()
    .min(1)
    .default(NO_EDGE_BOUND ** 2),
  max_ratio: z.number().min(1).default(NO_EDGE_BOUND),
});

export function toBounds(source: z.output<typeof boundsSchema>): SizeBounds {
  return {
    multipleOf: source.multiple_of,
    minEdge: source.min_edge ?? source.multiple_of,
    maxEdge: source.max_edge,
    minPixels: source.min_pixels,
    maxPixels: source.max_pixels,
    maxRatio: source.max_ratio,
  };
}

/** What is wrong with a size as it was sent, in words; undefined when it is within the bounds. */
export function whyOutside(size: PixelSize, bounds: SizeBounds): string | undefined {
  const { width, height } = size;
  const pixels = width * height;
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  if (long > bounds.maxEdge) {
    return `no edge may be longer than ${bounds.maxEdge} pixels`;
  }
  if (short < bounds.minEdge) {
    return `no edge may be shorter than ${bounds.minEdge} pixels`;
  }
  if (long > short * bounds.maxRatio) {
    return `the long edge may be at most ${bounds.maxRatio} times the short one`;
  }
  if (pixels > bounds.maxPixels) {
    return `width × height may be at most ${bounds.maxPixels} pixels, this is ${pixels}`;
  }
  if (pixels < bounds.minPixels) {
    return `width × height must be at least ${bounds.minPixels} pixels, this is ${pixels}`;
  }
  return undefined;
}

/**
 * A size within the bounds, put on the grid: each edge goes to the nearest multiple, ties up, but
 * never so that the picture leaves the bounds. Undefined when no neighbour on the grid is inside.
 */
export function snapSize(size: PixelSize, bounds: SizeBounds): PixelSize | undefined {
  const moved = (candidate: PixelSize): number =>
    Math.abs(candidate.width - size.width) + Math.abs(candidate.height - size.height);
  return neighbours(size, bounds, 0)
    .filter((candidate) => whyOutside(candidate, bounds) === undefined)
    .toSorted((a, b) => moved(a) - moved(b) || b.width * b.height - a.width * a.height)[0];
}

/**
 * The size within the bounds that is nearest to any asked-for size: nearest by the log of its
 * ratio, then by the log of its pixels. Always gives one.
 */
export function fitSize(asked: PixelSize, bounds: SizeBounds): PixelSize {
  const target = scaleInto(asked, bounds);
  const inside = [0, 1, 2]
    .map((reach) =>
      neighbours(target, bounds, reach).filter(
        (candidate) => whyOutside(candidate, bounds) === undefined,
      ),
    )
    .find((candidates) => candidates.length > 0);
  const nearest = inside?.toSorted(
    (a, b) => ratioDistance(a, asked) - ratioDistance(b, asked) || pixelsDistance(a, b, asked),
  )[0];
  if (nearest === undefined) {
    throw new Error(`the bounds ${JSON.stringify(bounds)} hold no size near ${target.width}`);
  }
  return nearest;
}

/** How far apart two shapes are: the absolute log of the quotient of their ratios. */
export function ratioDistance(first: PixelSize, second: PixelSize): number {
  return Math.abs(Math.log((first.width * second.height) / (first.height * second.width)));
}

/** Orders two sizes by how near their pixel counts are to the asked one's. */
export function pixelsDistance(first: PixelSize, second: PixelSize, asked: PixelSize): number {
  const distance = (size: PixelSize): number =>
    Math.abs(Math.log((size.width * size.height) / (asked.width * asked.height)));
  return distance(first) - distance(second);
}

/** The asked size with its ratio and area brought within the bounds, not yet on the grid. */
function scaleInto(asked: PixelSize, bounds: SizeBounds): PixelSize {
  const maxRatio = Math.min(bounds.maxRatio, bounds.maxEdge / bounds.minEdge);
  const ratio = Math.min(Math.max(asked.width / asked.height, 1 / maxRatio), maxRatio);
  const long = Math.sqrt(Math.max(ratio, 1 / ratio));
  const lowest = Math.max(bounds.minPixels, (bounds.minEdge * long) ** 2);
  const highest = Math.min(bounds.maxPixels, (bounds.maxEdge / long) ** 2);
  const pixels = Math.min(Math.max(asked.width * asked.height, lowest), highest);
  return { width: Math.sqrt(pixels * ratio), height: Math.sqrt(pixels / ratio) };
}

/** The grid points around a size, `reach` steps further out than the next ones. */
function neighbours(size: PixelSize, bounds: SizeBounds, reach: number): PixelSize[] {
  const { multipleOf } = bounds;
  const around = (edge: number): number[] => {
    // A hair of tolerance: a square root may miss a multiple by its last bit.
    const low = Math.floor(edge / multipleOf + 1e-9) - reach;
    const high = Math.ceil(edge / multipleOf - 1e-9) + reach;
    return Array.from({ length: high - low + 1 }, (_, step) => (low + step) * multipleOf);
  };
  const heights = around(size.height);
  return around(size.width).flatMap((width) => heights.map((height) => ({ width, height })));
}
