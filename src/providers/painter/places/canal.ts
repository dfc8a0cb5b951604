import { mix, shift } from '../colour.ts';
import type { Random } from '../random.ts';
import { bodyPlace, drawSky } from '../sky.ts';
import { drawWeather } from '../weather.ts';
import { box, circle, ellipse, group, line, outline, path, round } from '../svg.ts';
import type { Backdrop, View } from '../view.ts';
import { stamp } from '../stamp.ts';
import { type Corridor, drawHouse, planHouses, reflectHouse, wallPoint } from './perspective.ts';
import { lens } from './water.ts';

/** A canal between tall houses, with a bridge, as in Venice. */
export function drawCanal(view: View): Backdrop {
  const random = view.random.fork('canal');
  const corridor = planCorridor(view, random);
  const houses = planHouses(view, corridor, random);
  const horizon = corridor.vanishingY;
  const bridgeDepth = random.between(2.7, 3.4);
  const far = houses.filter(({ near }) => near > bridgeDepth);
  const near = houses.filter(({ near: depth }) => depth <= bridgeDepth);
  const behind =
    drawSky(view, horizon) +
    drawDomes(view, corridor, random) +
    canalWater(
      view,
      corridor,
      houses.map((house) => reflectHouse(view, corridor, house)).join(''),
    ) +
    far.map((house) => drawHouse(view, corridor, house)).join('') +
    drawBridge(view, corridor, bridgeDepth) +
    near.map((house) => drawHouse(view, corridor, house)).join('') +
    drawPoles(view, corridor, random);
  const bottom = view.height;
  return {
    behind,
    before: drawWeather(view, horizon),
    ground: {
      horizon,
      water: [horizon + (bottom - horizon) * 0.74, horizon + (bottom - horizon) * 0.42],
      across: [0.36, 0.64],
    },
  };
}

/** The lines of sight of a canal or a street in this frame. */
export function planCorridor(view: View, random: Random): Corridor {
  const { width, height } = view;
  const tall = Math.min(2.1, Math.max(1, (height / width) * 0.62));
  return {
    vanishingX: width * random.between(0.44, 0.56),
    vanishingY: height * (random.between(0.52, 0.58) + (tall - 1) * 0.06),
    half: width * 0.62,
    eye: 215 * (1 + (tall - 1) * 0.6),
    wallHeight: 820 * tall + Math.max(0, width - 1000) * 0.12,
  };
}

/** Domes and a bell tower where the canal ends. */
export function drawDomes(view: View, corridor: Corridor, random: Random): string {
  const { vanishingX: x, vanishingY: y } = corridor;
  const stone = view.tone('#8a6f8a', 0.5);
  const lit = shift(stone, 0.12);
  const shade = shift(stone, -0.12);
  const size = Math.min(1.5, Math.max(1, view.width / 1300));
  const side = random.chance(0.5) ? 1 : -1;
  const dome = (left: number, radius: number): string => {
    const base = y - radius * 0.75;
    return (
      box([left - radius, base - 2, radius * 2, radius * 0.8], stone) +
      path(
        `M${round(left - radius)} ${round(base)}C${round(left - radius)} ` +
          `${round(base - radius * 1.5)} ${round(left + radius)} ${round(base - radius * 1.5)} ` +
          `${round(left + radius)} ${round(base)}Z`,
        lit,
      ) +
      box([left - radius * 0.16, base - radius * 1.5, radius * 0.32, radius * 0.45], shade) +
      line(`M${round(left)} ${round(base - radius * 1.5)}v${round(-radius * 0.35)}`, shade, 3)
    );
  };
  const towerX = x - side * 74 * size;
  const tower =
    box([towerX - 12 * size, y - 200 * size, 24 * size, 205 * size], shade) +
    box([towerX - 15 * size, y - 206 * size, 30 * size, 10 * size], lit) +
    box([towerX - 10 * size, y - 228 * size, 20 * size, 24 * size], stone) +
    path(
      outline([
        [towerX - 12 * size, y - 228 * size],
        [towerX + 12 * size, y - 228 * size],
        [towerX, y - 275 * size],
      ]),
      lit,
    );
  return tower + dome(x + side * 26 * size, 46 * size) + dome(x + side * 96 * size, 30 * size);
}

function canalWater(view: View, corridor: Corridor, reflections: string): string {
  const { canvas, light, width, height } = view;
  const horizon = corridor.vanishingY;
  const upper = light.sky.at(-1) ?? light.waterFar;
  const surface = canvas.linear(
    [0, 0, 0, 1],
    [
      [0, mix(upper, light.waterNear, 0.15)],
      [0.4, mix(light.sky.at(-2) ?? upper, light.waterNear, 0.35)],
      [1, light.waterNear],
    ],
  );
  const random = view.random.fork('canal water');
  let bright = '';
  let dark = '';
  for (let index = 0; index < 120; index += 1) {
    const depth = random.next() ** 1.3;
    const y = horizon + 12 + (height - horizon) * depth;
    const spread = Math.min(width, 120 + depth * width * 1.1);
    const long = (20 + depth * 190) * random.between(0.5, 1.1);
    const left = corridor.vanishingX + random.between(-0.5, 0.5) * spread - long / 2;
    const mark = lens(left, y, long, 1.5 + depth * 7);
    if (index % 2 === 0) bright += mark;
    else dark += mark;
  }
  return (
    box([-20, horizon - 2, width + 40, height - horizon + 4], surface) +
    reflections +
    sunPath(view, corridor) +
    path(bright, shift(upper, 0.2), { opacity: 0.42 }) +
    path(dark, shift(light.waterNear, -0.3), { opacity: 0.32 })
  );
}

/** The light of the sky between the houses, broken by waves. */
function sunPath(view: View, corridor: Corridor): string {
  const random = view.random.fork('sun path');
  const horizon = corridor.vanishingY;
  const [x] = bodyPlace(view, horizon);
  let dashes = '';
  for (let row = 0; row < 44; row += 1) {
    const depth = (row + random.next()) / 44;
    const y = horizon + 6 + (view.height - horizon) * depth ** 1.2;
    const long = (30 + depth * 130) * random.between(0.5, 1);
    dashes += lens(
      x + random.between(-0.9, 0.9) * (14 + depth * 80) - long / 2,
      y,
      long,
      2 + depth * 7,
    );
  }
  return path(dashes, view.light.glow, { opacity: view.scene.time === 'day' ? 0.4 : 0.7 });
}

/** An arched stone bridge from wall to wall. */
function drawBridge(view: View, corridor: Corridor, depth: number): string {
  const distance = (depth - 0.9) * 0.07;
  const stone = view.tone('#d8c7ad', distance);
  const [left, water] = wallPoint(corridor, -1, depth, 0);
  const [right] = wallPoint(corridor, 1, depth, 0);
  const middle = (left + right) / 2;
  const half = (right - left) / 2;
  const rise = Math.min(half * 0.62, 150 + half * 0.12);
  const deck = water - rise * 0.5;
  const crest = water - rise * 1.25;
  const span = half * 0.74;
  const arch = water - rise * 0.82;
  const curve = (y: number, top: number): string =>
    `M${round(left)} ${round(y)}Q${round(middle)} ${round(top * 2 - y)} ` +
    `${round(right)} ${round(y)}`;
  const opening =
    `L${round(middle + span)} ${round(water)}` +
    `C${round(middle + span)} ${round(arch - rise * 0.12)} ${round(middle - span)} ` +
    `${round(arch - rise * 0.12)} ${round(middle - span)} ` +
    `${round(water)}L${round(left)} ${round(water)}Z`;
  const rail = deck - rise * 0.16;
  const railCrest = crest - rise * 0.16;
  let posts = '';
  for (let index = 1; index < 16; index += 1) {
    const share = index / 16;
    const x = left + (right - left) * share;
    const bow = 4 * share * (1 - share);
    const y = deck + (crest - deck) * bow;
    posts += `M${round(x)} ${round(y)}V${round(y - rise * 0.15)}`;
  }
  const mirrored = group(
    path(`${curve(deck, crest)}L${round(right)} ${round(water)}${opening}`, shift(stone, -0.25)),
    { transform: `translate(0 ${round(water * 1.8)}) scale(1 -0.8)`, opacity: 0.35 },
  );
  return (
    mirrored +
    path(`${curve(deck, crest)}L${round(right)} ${round(water)}${opening}`, stone) +
    line(
      `M${round(middle + span)} ${round(water)}C${round(middle + span)} ` +
        `${round(arch - rise * 0.12)} ${round(middle - span)} ${round(arch - rise * 0.12)} ` +
        `${round(middle - span)} ${round(water)}`,
      shift(stone, -0.32),
      rise * 0.07,
    ) +
    line(curve(deck, crest), shift(stone, -0.2), rise * 0.05) +
    line(posts, shift(stone, -0.12), rise * 0.035) +
    line(curve(rail, railCrest), shift(stone, 0.15), rise * 0.07) +
    (view.light.lampsBurn ? bridgeLamp(view, middle, railCrest - rise * 0.05, rise) : '')
  );
}

function bridgeLamp(view: View, x: number, y: number, rise: number): string {
  const glow = view.canvas.radial([
    [0, '#ffd98a', 0.9],
    [1, '#ffd98a', 0],
  ]);
  return (
    circle(x, y - rise * 0.25, rise * 0.5, glow, { class: 'glow' }) +
    line(`M${round(x)} ${round(y)}v${round(-rise * 0.25)}`, view.tone('#2a2530'), 4) +
    circle(x, y - rise * 0.28, rise * 0.07, '#fff0c0')
  );
}

/** Striped mooring poles by the walls, and a second gondola tied up. */
function drawPoles(view: View, corridor: Corridor, random: Random): string {
  let poles = '';
  const stripes = random.pick(['#2f5f9a', '#b03a34', '#2f7a5a']);
  for (const [side, depth] of [
    [-1, 1.75],
    [-1, 2.1],
    [1, 1.6],
    [1, 2.3],
  ] as const) {
    const [wallX, y] = wallPoint(corridor, side, depth, 0);
    const x = wallX - side * (62 / depth);
    const tall = 240 / depth;
    const thick = 15 / depth;
    const foot = y + 26 / depth;
    poles += ellipse([x, foot, thick * 1.4, thick * 0.4], shift(view.light.waterNear, -0.3));
    poles += box([x - thick / 2, foot - tall, thick, tall], view.tone('#f3ede0'));
    for (let band = 0; band < 5; band += 1) {
      const top = foot - tall + (band * tall) / 5;
      poles += path(
        outline([
          [x - thick / 2, top + tall / 10],
          [x + thick / 2, top],
          [x + thick / 2, top + tall / 10],
          [x - thick / 2, top + tall / 5],
        ]),
        view.tone(stripes),
      );
    }
    poles += circle(x, foot - tall, thick * 0.75, view.tone('#e0b040'));
  }
  const side = random.chance(0.5) ? 1 : -1;
  const [wallX, y] = wallPoint(corridor, side, 3.1, 0);
  return (
    stamp(
      view,
      'gondola',
      { x: wallX - side * 70, y: y + 14, size: 120, distance: 0.12, flipped: side === 1 },
      random.fork('moored'),
    ) + poles
  );
}
