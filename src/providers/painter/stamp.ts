import { type Hex, shift } from './colour.ts';
import type { Random } from './random.ts';
import type { Brush, Subject } from './subjects/subject.ts';
import { findSubject } from './subjects/table.ts';
import { round } from './svg.ts';
import type { View } from './view.ts';

export interface StampPlace {
  readonly x: number;
  /** Where its foot (or waterline, or middle of its underside) is. */
  readonly y: number;
  /** Its longer side, in the picture's units. */
  readonly size: number;
  /** 0 near to 1 lost in the haze. */
  readonly distance?: number;
  readonly colour?: Hex;
  readonly flipped?: boolean;
}

/** Draws one subject into the picture. Unknown names draw nothing. */
export function stamp(view: View, name: string, place: StampPlace, random: Random): string {
  const subject = findSubject(name);
  return subject === undefined ? '' : stampSubject(view, subject, place, random);
}

export function stampSubject(
  view: View,
  subject: Subject,
  place: StampPlace,
  random: Random,
): string {
  const scale = place.size / Math.max(subject.width, subject.height);
  const across = place.flipped === true ? -scale : scale;
  const factor = `${Math.round(across * 1000) / 1000} ${Math.round(scale * 1000) / 1000}`;
  const body = subject.draw(createBrush(view, place, random));
  const where = `translate(${round(place.x)} ${round(place.y)}) scale(${factor})`;
  return `<g transform="${where}">${body}</g>`;
}

function createBrush(view: View, place: StampPlace, random: Random): Brush {
  const { canvas, light, scene } = view;
  const distance = place.distance ?? 0;
  return {
    random,
    own: (...choices) => place.colour ?? random.pick(choices),
    tone: (colour, amount = 0) => view.tone(shift(colour, amount), distance),
    shine: (colour) => colour,
    lampsBurn: light.lampsBurn,
    snow: scene.season === 'winter',
    season: scene.season,
    fade: (direction, ...colours) =>
      canvas.linear(
        direction === 'across' ? [0, 0, 1, 0] : [0, 0, 0, 1],
        colours.map((colour, index) => [index / Math.max(1, colours.length - 1), colour]),
      ),
    halo: (colour, strength = 0.8) =>
      canvas.radial([
        [0, colour, strength],
        [0.3, colour, strength * 0.45],
        [1, colour, 0],
      ]),
  };
}
