import { type Hex, mix, shift } from '../colour.ts';
import type { Random } from '../random.ts';
import { type Ink, outline, path, round } from '../svg.ts';
import type { View } from '../view.ts';

/** A canal or street seen along its middle: walls left and right run to one vanishing point. */
export interface Corridor {
  readonly vanishingX: number;
  readonly vanishingY: number;
  /** Half the corridor's width at depth 1. */
  readonly half: number;
  /** The eye's height above the ground, in units at depth 1. */
  readonly eye: number;
  readonly wallHeight: number;
}

type Point = readonly [x: number, y: number];

/** A point of the left (-1) or right (1) wall: depth from 1 (near), height above the ground. */
export function wallPoint(corridor: Corridor, side: -1 | 1, depth: number, height: number): Point {
  return [
    corridor.vanishingX + (side * corridor.half) / depth,
    corridor.vanishingY + (corridor.eye - height) / depth,
  ];
}

export interface House {
  readonly side: -1 | 1;
  readonly near: number;
  readonly far: number;
  readonly height: number;
  readonly colour: Hex;
  readonly shutters: Hex;
  readonly random: Random;
}

const PLASTER: readonly [Hex, ...Hex[]] = [
  '#d9825b',
  '#e8b06a',
  '#c9614a',
  '#f0cf9a',
  '#dd9a8a',
  '#b9573f',
  '#e9c27c',
  '#f2ddbd',
  '#cf7f6f',
];

const SHUTTERS: readonly [Hex, ...Hex[]] = ['#3f6b4f', '#3f5f7a', '#6b4a38', '#2f6a6a', '#7a3f38'];

/** The rows of houses on both sides, the farthest first. */
export function planHouses(view: View, corridor: Corridor, random: Random): readonly House[] {
  const houses: House[] = [];
  const palette = view.scene.palette;
  for (const side of [-1, 1] as const) {
    let near = 0.9;
    let before: Hex | undefined;
    while (near < 9) {
      const far = near + random.between(0.42, 0.66) * near ** 0.75;
      let colour = random.pick(PLASTER);
      if (colour === before) colour = random.pick(PLASTER);
      before = colour;
      const [asked] = palette;
      houses.push({
        side,
        near,
        far,
        height: corridor.wallHeight * random.between(0.72, 1.08),
        colour: asked !== undefined && random.chance(0.4) ? asked : colour,
        shutters: random.pick(SHUTTERS),
        random: random.fork(`house ${side} ${houses.length}`),
      });
      near = far;
    }
  }
  return houses.toSorted((first, second) => second.near - first.near);
}

/** One facade with windows, door and eaves. */
export function drawHouse(view: View, corridor: Corridor, house: House): string {
  const { side, near, far, height } = house;
  const distance = Math.min(0.8, (near - 0.9) * 0.085);
  const shaded = side === 1 ? -0.14 : 0.02;
  const colour = view.tone(shift(house.colour, shaded), distance);
  const at = (depth: number, level: number): Point => wallPoint(corridor, side, depth, level);
  const quad = (low: number, high: number, from = near, to = far): string =>
    outline([at(from, low), at(to, low), at(to, high), at(from, high)]);
  const wall: Ink = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, shift(colour, 0.1)],
      [0.6, colour],
      [1, shift(colour, -0.3)],
    ],
  );
  const roof = view.tone('#a5533a', distance);
  const stone = view.tone('#e9dcc8', distance);
  const overhang = 0.03 * near;
  const snow = view.scene.season === 'winter';
  return (
    path(quad(-4, height), wall) +
    path(quad(-4, height * 0.035), shift(colour, -0.45)) +
    path(quad(height * 0.235, height * 0.25), stone, { opacity: 0.6 }) +
    openings(view, corridor, house, distance) +
    path(quad(height, height * 1.025, near - overhang), shift(colour, -0.4)) +
    path(quad(height * 1.02, height * 1.085, near - overhang), roof) +
    (snow
      ? path(quad(height * 1.045, height * 1.1, near - overhang), view.tone('#ffffff', distance))
      : '')
  );
}

/** Windows and a door. All of one colour are one path, to keep the picture small. */
function openings(view: View, corridor: Corridor, house: House, distance: number): string {
  const { side, near, far, height, random } = house;
  const floors = Math.max(3, Math.round(height / 190));
  const columns = random.whole(2, 3);
  const shapes = { frames: '', dark: '', lit: '', shutters: '', boxes: '' };
  const arch = (depth: readonly [number, number], low: number, high: number): string => {
    const [from, to] = depth;
    const points: Point[] = [
      wallPoint(corridor, side, from, low),
      wallPoint(corridor, side, to, low),
    ];
    const spring = low + (high - low) * 0.72;
    for (let step = 0; step <= 4; step += 1) {
      const turn = (step / 4) * Math.PI;
      const along = (to + from) / 2 + (Math.cos(turn) * (to - from)) / 2;
      points.push(wallPoint(corridor, side, along, spring + Math.sin(turn) * (high - spring)));
    }
    return outline(points);
  };
  // Columns are even in the wall's own length, so depth is the right measure.
  const cell = (far - near) / columns;
  const storey = height / floors;
  const doorColumn = random.whole(0, columns - 1);
  for (let floor = 0; floor < floors; floor += 1) {
    for (let column = 0; column < columns; column += 1) {
      const middle = near + cell * (column + 0.5);
      const half = cell * 0.2;
      const door = floor === 0 && column === doorColumn;
      const low = storey * (floor + (door ? 0.02 : 0.24));
      const high = storey * (floor + 0.84);
      shapes.frames += arch([middle - half * 1.3, middle + half * 1.3], low - 5, high + 7);
      const pane = arch([middle - half, middle + half], low, high);
      const burns = view.light.lampsBurn ? random.chance(0.62) : false;
      if (burns) shapes.lit += pane;
      else shapes.dark += pane;
      if (floor > 0 && floor < floors - 1 && !door) {
        for (const hand of [-1, 1]) {
          const inner = middle + hand * half * 1.35;
          const outer = middle + hand * half * 2.1;
          shapes.shutters += outline([
            wallPoint(corridor, side, inner, low),
            wallPoint(corridor, side, outer, low),
            wallPoint(corridor, side, outer, high),
            wallPoint(corridor, side, inner, high),
          ]);
        }
      }
      if (floor === 1 && random.chance(0.5)) {
        shapes.boxes += outline([
          wallPoint(corridor, side, middle - half * 1.7, low - 26),
          wallPoint(corridor, side, middle + half * 1.7, low - 26),
          wallPoint(corridor, side, middle + half * 1.7, low + 8),
          wallPoint(corridor, side, middle - half * 1.7, low + 8),
        ]);
      }
    }
  }
  const glass = mix(view.tone('#35405a', distance), view.light.sky[1] ?? '#35405a', 0.22);
  return (
    path(shapes.shutters || 'M0 0', view.tone(house.shutters, distance)) +
    path(shapes.frames, view.tone('#f0e4d0', distance)) +
    path(shapes.dark || 'M0 0', glass) +
    path(shapes.lit || 'M0 0', mix('#ffd877', view.light.haze, distance * 0.6)) +
    path(shapes.boxes || 'M0 0', view.tone('#4f8a45', distance))
  );
}

/** The house upside down in the water, without its details but for lit windows. */
export function reflectHouse(view: View, corridor: Corridor, house: House): string {
  const { side, near, far, height, colour } = house;
  const at = (depth: number, level: number): Point => wallPoint(corridor, side, depth, -level);
  const distance = Math.min(0.8, (near - 0.9) * 0.085);
  const tone = mix(view.tone(shift(colour, -0.2), distance), view.light.waterNear, 0.32);
  const shape = outline([at(near, 0), at(far, 0), at(far, height * 0.86), at(near, height * 0.86)]);
  const fill = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, tone, 0.9],
      [1, tone, 0.25],
    ],
  );
  let panes = '';
  if (view.light.lampsBurn) {
    const middle = (near + far) / 2;
    const half = (far - near) * 0.12;
    for (const floor of [0.16, 0.4, 0.64]) {
      panes += outline([
        at(middle - half, height * floor),
        at(middle + half, height * floor),
        at(middle + half, height * (floor + 0.13)),
        at(middle - half, height * (floor + 0.13)),
      ]);
    }
  }
  return path(shape, fill) + path(panes || 'M0 0', '#ffcf6b', { opacity: round(0.4) });
}
