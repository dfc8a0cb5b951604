import { type Hex, mix, shift } from '../colour.ts';
import type { Random } from '../random.ts';
import { stamp } from '../stamp.ts';
import { box, line, outline, path, round } from '../svg.ts';
import type { View } from '../view.ts';

/** A skyline: three rows of towers, the nearest darkest, their windows lit after dark. */
export function drawSkyline(view: View, horizon: number): string {
  const random = view.random.fork('skyline');
  const reach = Math.min(horizon * 0.72, 640 + (view.height / view.width) * 120);
  const dark = view.light.lampsBurn;
  const rows = [
    { tall: 0.8, stride: 88, distance: 0.6, colour: '#6b7fa8' },
    { tall: 1, stride: 118, distance: 0.34, colour: '#54648c' },
    { tall: 0.62, stride: 132, distance: 0.08, colour: dark ? '#2b3354' : '#46567a' },
  ] as const;
  return rows
    .map((row) => buildingRow(view, random, { ...row, horizon, tall: reach * row.tall }))
    .join('');
}

interface BuildingRow {
  readonly horizon: number;
  readonly tall: number;
  readonly stride: number;
  readonly distance: number;
  readonly colour: Hex;
}

function buildingRow(view: View, random: Random, row: BuildingRow): string {
  let shapes = '';
  let x = random.between(-row.stride, 0);
  // The tallest stand near one point, which gives the row a summit.
  const summit = view.width * random.between(0.3, 0.7);
  while (x < view.width) {
    const wide = row.stride * random.between(0.6, 1.05);
    const middle = Math.abs(x + wide / 2 - summit) / Math.max(700, view.width * 0.6);
    const tall = row.tall * Math.max(0.3, 1 - middle * 0.75) * random.between(0.5, 1);
    shapes += building(view, random, { ...row, tall, x, wide });
    x += wide + random.between(0, 0.18) * row.stride;
  }
  return shapes;
}

function building(
  view: View,
  random: Random,
  form: BuildingRow & { readonly x: number; readonly wide: number },
): string {
  const { x, wide, tall, horizon, distance } = form;
  const top = horizon - tall;
  const tint = random.pick(['#7a5a6a', '#4a6a8a', '#8a7a6a', '#5a5a8a']);
  const colour = view.tone(mix(form.colour, tint, 0.35), distance);
  const side = shift(colour, -0.16);
  const crown = random.whole(0, 4);
  const middle = x + wide / 2;
  let roof = '';
  if (crown === 0) {
    roof = path(
      outline([
        [x + wide * 0.2, top],
        [middle, top - wide * 0.75],
        [x + wide * 0.8, top],
      ]),
      colour,
    );
    roof += line(`M${round(middle)} ${round(top - wide * 0.7)}v${round(-wide * 0.45)}`, side, 4);
  } else if (crown === 1) {
    roof = box([x + wide * 0.2, top - wide * 0.3, wide * 0.6, wide * 0.31], colour);
  } else if (crown === 2) {
    roof = path(
      outline([
        [x, top + 1],
        [x, top - wide * 0.3],
        [x + wide, top + 1],
      ]),
      colour,
    );
  } else if (crown === 3) {
    roof = line(`M${round(middle)} ${round(top)}v${round(-wide * 0.5)}`, side, 4);
  }
  return (
    roof +
    box(
      [x, top, wide, tall + 8],
      view.canvas.linear(
        [0, 0, 0, 1],
        [
          [0, colour],
          [1, mix(colour, view.light.haze, 0.28)],
        ],
      ),
    ) +
    box([x + wide * 0.72, top, wide * 0.28, tall + 8], side, { opacity: 0.55 }) +
    cityWindows(view, random, { ...form, top })
  );
}

function cityWindows(
  view: View,
  random: Random,
  form: {
    readonly x: number;
    readonly wide: number;
    readonly top: number;
    readonly horizon: number;
    readonly distance: number;
  },
): string {
  const { x, wide, top, horizon, distance } = form;
  const columns = Math.max(3, Math.round(wide / 21));
  const cell = (wide * 0.88) / columns;
  const rows = Math.min(24, Math.floor((horizon - top - 14) / (cell * 1.35)));
  const burns = view.light.lampsBurn;
  let lit = '';
  let dim = '';
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const left = x + wide * 0.06 + cell * (column + 0.22);
      const y = top + 12 + row * cell * 1.35;
      const shape =
        `M${round(left)} ${round(y)}h${round(cell * 0.56)}v${round(cell * 0.74)}` +
        `h${round(-cell * 0.56)}Z`;
      if (burns ? random.chance(0.45) : random.chance(0.3)) lit += shape;
      else if (random.chance(burns ? 0.15 : 0.75)) dim += shape;
    }
  }
  const warm = random.pick(['#ffd98a', '#ffe6ae', '#ffc76b', '#d8ecff']);
  const bright = burns
    ? mix(warm, view.light.haze, distance * 0.75)
    : view.tone('#dceaf6', distance);
  const pane = view.tone('#2f3c5c', distance);
  return (
    path(dim || 'M0 0', pane, { opacity: 0.4 }) +
    path(lit || 'M0 0', bright, { opacity: burns ? 1 : 0.6 })
  );
}

/** A village: houses up a slope round a church, with conifers between. */
export function drawVillage(view: View, horizon: number): string {
  const random = view.random.fork('village');
  // The slope is as deep as the ground that the frame leaves.
  const deep = Math.min(1.5, (view.height - horizon) / 480);
  const rows = [
    { y: horizon + 26, size: 128, distance: 0.3 },
    { y: horizon + 30 + 68 * deep, size: 172, distance: 0.16 },
    { y: horizon + 30 + 200 * deep, size: 238, distance: 0.02 },
  ];
  const churchX = view.width * random.between(0.38, 0.62);
  let village = '';
  for (const [index, { y, size, distance }] of rows.entries()) {
    if (index === 1) {
      const place = { x: churchX, y: y - 8, size: 330, distance: 0.2 };
      village += stamp(view, 'church', place, random);
    }
    const stride = size * 1.12;
    const amount = Math.min(12, Math.ceil(view.width / stride) + 1);
    const start = (view.width - amount * stride) / 2 + random.between(0, 0.5) * stride;
    for (let house = 0; house < amount; house += 1) {
      const x = start + stride * house + random.between(-0.15, 0.15) * stride;
      const place = { x, y: y + random.between(-10, 10), size, distance };
      const open = index === 2 && Math.abs(x - view.width / 2) < 150;
      if (open || random.chance(0.16)) continue;
      if (random.chance(0.24)) {
        village += stamp(view, 'pine', { ...place, size: size * 1.25 }, random);
      } else {
        village += stamp(view, 'house', { ...place, flipped: random.chance(0.5) }, random);
      }
    }
  }
  return village;
}
