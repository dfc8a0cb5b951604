import type { Canvas } from './canvas.ts';
import { type Hex, mix, underLight } from './colour.ts';
import type { Light } from './light.ts';
import type { Random } from './random.ts';
import type { Scene } from './scene.ts';

/** The frame of a picture: its short edge is 1000 units, 0,0 is its upper left corner. */
export interface View {
  readonly width: number;
  readonly height: number;
  readonly scene: Scene;
  readonly light: Light;
  readonly random: Random;
  readonly canvas: Canvas;
  /** Whether the picture is drawn in lines: glows and mists are left out. */
  readonly lines: boolean;
  /** A colour as seen in this light; `distance` from 0 (near) to 1 (lost in the haze). */
  readonly tone: (colour: Hex, distance?: number) => Hex;
}

export type ViewParts = Omit<View, 'tone' | 'lines'>;

export function createView(parts: ViewParts): View {
  const { ambient, haze } = parts.light;
  const foggy = parts.scene.weather === 'fog' ? 1.25 : 1;
  return {
    ...parts,
    lines: parts.scene.style === 'line',
    tone: (colour, distance = 0) =>
      mix(underLight(colour, ambient), haze, Math.min(0.96, distance * foggy)),
  };
}

/** What a place leaves for subjects to stand in: lines across the picture, in its units. */
export interface Ground {
  /** Where distance ends. */
  readonly horizon: number;
  /** Feet of things near and far on dry ground, if there is any. */
  readonly land?: readonly [near: number, far: number];
  /** Waterlines near and far, if there is water. */
  readonly water?: readonly [near: number, far: number];
  /** Across: the part of the width where things stand freely. */
  readonly across: readonly [left: number, right: number];
}

/** A place as drawn: `behind` the subjects, `before` them, and where they stand. */
export interface Backdrop {
  readonly behind: string;
  readonly before: string;
  readonly ground: Ground;
}
