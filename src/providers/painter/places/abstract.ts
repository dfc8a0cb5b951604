import { evenly } from '../canvas.ts';
import { type Hex, fromHsl, shift } from '../colour.ts';
import type { Random } from '../random.ts';
import { box, circle, line, path, round } from '../svg.ts';
import type { Backdrop, View } from '../view.ts';
import { ridge } from './relief.ts';

/** A composition of plain shapes in one harmony; words and seed choose which. */
export function drawAbstract(view: View): Backdrop {
  const random = view.random.fork('abstract');
  const colours = harmony(view, random);
  const kind = random.pick([discs, waves, tiles, arcs]);
  return {
    behind: kind(view, random, colours),
    before: '',
    ground: {
      horizon: view.height * 0.7,
      land: [view.height * 0.82, view.height * 0.72],
      water: [view.height * 0.82, view.height * 0.72],
      across: [0.2, 0.8],
    },
  };
}

type Harmony = readonly [Hex, Hex, Hex, Hex, Hex];

function harmony(view: View, random: Random): Harmony {
  const hue = random.between(0, 360);
  const turn = random.pick([30, 120, 150, 180]);
  const dark = view.light.lampsBurn;
  const [first, second, third] = view.scene.palette;
  return [
    dark ? fromHsl(hue, 0.4, 0.14) : fromHsl(hue, 0.35, 0.92),
    first ?? fromHsl(hue, 0.62, 0.5),
    second ?? fromHsl(hue + turn, 0.7, 0.58),
    third ?? fromHsl(hue + turn * 2, 0.66, 0.62),
    fromHsl(hue + 200, 0.35, dark ? 0.75 : 0.24),
  ];
}

function discs(view: View, random: Random, colours: Harmony): string {
  const [ground, ...inks] = colours;
  let drawn = box([0, 0, view.width, view.height], ground);
  const amount = Math.min(40, Math.round((view.width * view.height) / 70_000) + 6);
  for (let index = 0; index < amount; index += 1) {
    const [x, y] = [random.next() * view.width, random.next() * view.height];
    const radius = random.between(30, 210) * (index < 3 ? 1.4 : 0.8);
    const ink = inks[index % inks.length] ?? ground;
    if (random.chance(0.3))
      drawn += circle(x, y, radius, 'none', { stroke: ink, 'stroke-width': 12 });
    else drawn += circle(x, y, radius, ink, { opacity: 0.82 });
    if (random.chance(0.25)) {
      drawn += line(
        `M${round(x)} ${round(y)}l${random.whole(-400, 400)} ${random.whole(-400, 400)}`,
        inks[3] ?? ink,
        5,
      );
    }
  }
  return drawn;
}

function waves(view: View, random: Random, colours: Harmony): string {
  const [ground, first, second, third, last] = colours;
  const { canvas, width, height } = view;
  const sky = canvas.linear([0, 0, 0, 1], evenly([shift(second, 0.5), ground]));
  const x = width * random.between(0.3, 0.7);
  let drawn = box([0, 0, width, height], sky) + circle(x, height * 0.3, 150, shift(third, 0.15));
  const layers = 7;
  for (let layer = 0; layer < layers; layer += 1) {
    const share = layer / (layers - 1);
    const colour = share < 0.5 ? shift(second, 0.3 - share) : shift(first, 0.4 - share * 0.9);
    const base = height * (0.42 + share * 0.5);
    const fill = canvas.linear(
      [0, 0, 1, 0.3],
      evenly([colour, shift(colour, -0.15), shift(last, 0.2)]),
    );
    drawn += path(ridge(view, random, { base, swell: 170, floor: height + 10 }), fill);
  }
  return drawn;
}

function tiles(view: View, random: Random, colours: Harmony): string {
  const [ground, ...inks] = colours;
  const cell = random.pick([125, 166.7, 200]);
  let drawn = box([0, 0, view.width, view.height], ground);
  const columns = Math.ceil(view.width / cell);
  const rows = Math.ceil(view.height / cell);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const [x, y] = [column * cell, row * cell];
      const ink = random.pick([
        inks[0] ?? ground,
        inks[1] ?? ground,
        inks[2] ?? ground,
        inks[3] ?? ground,
      ]);
      const back = random.pick([ground, inks[1] ?? ground, shift(ground, -0.12)]);
      drawn +=
        box([x, y, cell + 0.5, cell + 0.5], back) + tile([x, y, cell], random.whole(0, 5), ink);
    }
  }
  return drawn;
}

function tile(place: readonly [number, number, number], kind: number, ink: Hex): string {
  const [x, y, cell] = place.map(round) as [number, number, number];
  switch (kind) {
    case 0:
      return path(`M${x} ${y}h${cell}a${cell} ${cell} 0 0 1 ${-cell} ${cell}Z`, ink);
    case 1:
      return path(`M${x} ${y}v${cell}h${cell}a${cell} ${cell} 0 0 1 ${-cell} ${-cell}Z`, ink);
    case 2:
      return circle(x + cell / 2, y + cell / 2, cell * 0.36, ink);
    case 3:
      return path(`M${x} ${y}h${cell}l${-cell} ${cell}Z`, ink);
    case 4:
      return path(`M${x} ${y + cell / 2}a${cell / 2} ${cell / 2} 0 0 1 ${cell} 0Z`, ink);
    default:
      return '';
  }
}

function arcs(view: View, random: Random, colours: Harmony): string {
  const [ground, ...inks] = colours;
  const { width, height } = view;
  let drawn = box([0, 0, width, height], ground);
  const centres = Math.min(7, 3 + Math.round((width * height) / 2_500_000));
  for (let index = 0; index < centres; index += 1) {
    const [x, y] = [random.next() * width, random.next() * height];
    const reach = random.between(220, 420);
    for (let ring = 5; ring >= 1; ring -= 1) {
      const ink = inks[(ring + index) % inks.length] ?? ground;
      drawn += circle(x, y, (reach * ring) / 5, ring % 2 === 0 ? ground : ink);
    }
  }
  return drawn;
}
