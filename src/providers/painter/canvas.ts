import type { Hex } from './colour.ts';
import { type Ink, round } from './svg.ts';

/** One colour of a gradient: where (0 to 1), which, and how solid. */
export type Stop = readonly [offset: number, colour: Hex, opacity?: number];

/** Collects the definitions of a picture; each is given out as a fill. */
export interface Canvas {
  /** Along a line within the filled shape's own box: 0,0 is its upper left, 1,1 its lower right. */
  readonly linear: (
    direction: readonly [x1: number, y1: number, x2: number, y2: number],
    stops: readonly Stop[],
  ) => Ink;
  /** From the middle of the filled shape to its rim. */
  readonly radial: (stops: readonly Stop[]) => Ink;
  /** Registers any other definition, which uses the given id, and returns the id. */
  readonly define: (definition: (id: string) => string) => string;
  readonly definitions: () => string;
}

/** `flat` turns every gradient into bands, as a poster printer would. */
export function createCanvas(flat: boolean): Canvas {
  const definitions: string[] = [];
  // Subjects repeat the same few gradients; one definition serves them all.
  const known = new Map<string, string>();
  const define = (definition: (id: string) => string): string => {
    const key = definition('');
    const before = known.get(key);
    if (before !== undefined) return before;
    const id = `d${definitions.length}`;
    known.set(key, id);
    definitions.push(definition(id));
    return id;
  };
  return {
    linear: ([x1, y1, x2, y2], stops) => {
      const shape = `x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"`;
      const inside = stopElements(flat ? bands(stops) : stops);
      const id = define(
        (name) => `<linearGradient id="${name}" ${shape}>${inside}</linearGradient>`,
      );
      return `url(#${id})`;
    },
    radial: (stops) => {
      const inside = stopElements(flat ? bands(stops) : stops);
      const id = define((name) => `<radialGradient id="${name}">${inside}</radialGradient>`);
      return `url(#${id})`;
    },
    define,
    definitions: () => definitions.join(''),
  };
}

function stopElements(stops: readonly Stop[]): string {
  return stops
    .map(([offset, colour, opacity]) => {
      const solid =
        opacity === undefined ? '' : ` stop-opacity="${Math.round(opacity * 100) / 100}"`;
      return `<stop offset="${Math.round(offset * 1000) / 1000}" stop-color="${colour}"${solid}/>`;
    })
    .join('');
}

/** Holds each colour until the middle of its way to the next, then changes at once. */
function bands(stops: readonly Stop[]): readonly Stop[] {
  const banded: Stop[] = [];
  for (const [index, [offset, colour, opacity]] of stops.entries()) {
    const before = stops[index - 1];
    const after = stops[index + 1];
    const start = before === undefined ? 0 : (before[0] + offset) / 2;
    const end = after === undefined ? 1 : (offset + after[0]) / 2;
    banded.push([start, colour, opacity ?? 1], [end, colour, opacity ?? 1]);
  }
  return banded;
}

/** Colours at even distances. */
export function evenly(colours: readonly Hex[]): readonly Stop[] {
  const last = Math.max(1, colours.length - 1);
  return colours.map((colour, index) => [round((index / last) * 10) / 10, colour]);
}
