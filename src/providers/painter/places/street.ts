import { type Hex, shift } from '../colour.ts';
import { drawSky } from '../sky.ts';
import { drawWeather } from '../weather.ts';
import { stamp } from '../stamp.ts';
import { box, line, outline, path, round } from '../svg.ts';
import type { Backdrop, View } from '../view.ts';
import { drawDomes, planCorridor } from './canal.ts';
import { type Corridor, drawHouse, planHouses, wallPoint } from './perspective.ts';

/** A street between houses, seen along its middle, with lamps on the pavements. */
export function drawStreet(view: View): Backdrop {
  const random = view.random.fork('street');
  const corridor = { ...planCorridor(view, random), eye: 190 };
  const horizon = corridor.vanishingY;
  const houses = planHouses(view, corridor, random);
  const behind =
    drawSky(view, horizon) +
    drawDomes(view, corridor, random) +
    roadway(view, corridor) +
    houses.map((house) => drawHouse(view, corridor, house)).join('') +
    lamps(view, corridor);
  const below = view.height - horizon;
  return {
    behind,
    before: drawWeather(view, horizon),
    ground: {
      horizon,
      land: [horizon + below * 0.8, horizon + below * 0.42],
      across: [0.32, 0.68],
    },
  };
}

function roadway(view: View, corridor: Corridor): string {
  const { vanishingX, vanishingY, half, eye } = corridor;
  const snow = view.scene.season === 'winter';
  const wet = view.scene.weather === 'rain' || view.scene.weather === 'storm';
  const stone: Hex = snow ? '#dfe7f2' : wet ? '#6b7286' : '#a3968c';
  const near = view.tone(shift(stone, -0.2));
  const surface = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, view.tone(stone, 0.45)],
      [0.4, view.tone(stone)],
      [1, near],
    ],
  );
  const at = (across: number, depth: number): readonly [number, number] => [
    vanishingX + (across * half) / depth,
    vanishingY + eye / depth,
  ];
  let joints = '';
  for (let row = 0; row < 16; row += 1) {
    const [left, y] = at(-1, 0.42 * 1.18 ** row);
    const [right] = at(1, 0.42 * 1.18 ** row);
    joints += `M${round(left)} ${round(y)}H${round(right)}`;
  }
  for (let column = -4; column <= 4; column += 1) {
    const [x, y] = at(column * 0.17, 0.3);
    joints += `M${round(vanishingX)} ${round(vanishingY)}L${round(x)} ${round(y)}`;
  }
  const walk = (side: number): string =>
    path(
      outline([at(side * 1.02, 9), at(side * 0.74, 9), at(side * 0.74, 0.3), at(side * 1.02, 0.3)]),
      view.tone(shift(stone, 0.22), 0.06),
    );
  return (
    box([-10, vanishingY - 2, view.width + 20, view.height - vanishingY + 12], surface) +
    line(joints, view.tone(shift(stone, -0.3)), 2.5, { opacity: 0.3 }) +
    walk(-1) +
    walk(1)
  );
}

function lamps(view: View, corridor: Corridor): string {
  const random = view.random.fork('lamps');
  let drawn = '';
  for (const depth of [4.2, 2.6, 1.65]) {
    for (const side of [-1, 1] as const) {
      const [wallX, y] = wallPoint(corridor, side, depth, 0);
      const x = wallX - (side * corridor.half * 0.2) / depth;
      const place = { x, y: y + 6, size: 470 / depth, distance: (depth - 1) * 0.06 };
      drawn += stamp(view, 'street lamp', place, random);
    }
  }
  return drawn;
}
