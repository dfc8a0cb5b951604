import type { Hex } from '../colour.ts';
import type { Random } from '../random.ts';
import type { Place } from '../scene.ts';
import type { Ink } from '../svg.ts';

/** What a subject draws with: colours as the hour shows them, chance, and gradients. */
export interface Brush {
  readonly random: Random;
  /** The colour that the prompt asks for, else one of the subject's own. */
  readonly own: (...choices: readonly [Hex, ...Hex[]]) => Hex;
  /** The colour as the light of the scene shows it; lighter or darker by `amount` (-1 to 1). */
  readonly tone: (colour: Hex, amount?: number) => Hex;
  /** A colour that shines by itself, whatever the hour: lit windows, lamps, flames. */
  readonly shine: (colour: Hex) => Hex;
  /** Whether it is so dark that lamps burn. */
  readonly lampsBurn: boolean;
  readonly snow: boolean;
  readonly season: 'spring' | 'summer' | 'autumn' | 'winter';
  /** A fill that runs through the colours (already toned), from left to right or downwards. */
  readonly fade: (direction: 'across' | 'down', ...colours: readonly Hex[]) => Ink;
  /** A round glow: full in the middle, nothing at its rim. */
  readonly halo: (colour: Hex, strength?: number) => Ink;
}

/**
 * A thing that the painter can draw. It draws in its own units: 0,0 is the middle of its foot, up
 * is negative, and the whole stays within `width` and `height`, of which the larger is 100.
 */
export interface Subject {
  readonly name: string;
  /** The words for it, separated by commas, in the singular. */
  readonly words: string;
  readonly width: number;
  readonly height: number;
  /** Where it is put in a scene. */
  readonly habitat: 'land' | 'water' | 'air' | 'swimming' | 'table';
  /** The scene that it gets when the prompt names none. */
  readonly home: Place;
  /** The share of the picture's short edge that its longer side takes when it is alone. */
  readonly share?: number;
  readonly draw: (brush: Brush) => string;
}
