import { type Hex, mix, shift } from '../colour.ts';
import { evenly } from '../canvas.ts';
import { drawSky } from '../sky.ts';
import { box, circle, ellipse, group, line, outline, path, round } from '../svg.ts';
import type { Backdrop, View } from '../view.ts';
import { drawHills } from './relief.ts';

const WALLS: readonly [Hex, ...Hex[]] = [
  '#7fa39a',
  '#d9b08c',
  '#8f9cc0',
  '#c98f86',
  '#a9b88a',
  '#d8c9a8',
];

/** A room with a window that shows the hour outside, a rug and a picture. */
export function drawRoom(view: View): Backdrop {
  const random = view.random.fork('room');
  const floor = round(view.height * 0.66);
  const wall = view.scene.placeColour ?? random.pick(WALLS);
  const side = random.chance(0.5) ? 1 : -1;
  const windowX = view.width * (side === 1 ? 0.3 : 0.7);
  const size = Math.min(430, view.height * 0.36, view.width * 0.4);
  const behind =
    drawWall(view, wall, floor) +
    drawPictures(view, [view.width * (side === 1 ? 0.76 : 0.24), floor * 0.42], size) +
    drawWindow(view, [windowX, floor * 0.46, size * 0.86, size * 1.12]) +
    drawFloor(view, floor) +
    lightPool(view, [windowX, floor, size], side) +
    drawRug(view, floor);
  return {
    behind,
    before: '',
    ground: {
      horizon: floor,
      land: [floor + (view.height - floor) * 0.72, floor + (view.height - floor) * 0.4],
      across: [0.2, 0.8],
    },
  };
}

/** A table by a wall, close enough for small things, with a window's light on it. */
export function drawTable(view: View): Backdrop {
  const random = view.random.fork('table');
  const edge = round(view.height * random.between(0.6, 0.64));
  const wall = view.scene.placeColour ?? random.pick(WALLS);
  const side = random.chance(0.5) ? 1 : -1;
  const size = Math.min(480, view.height * 0.44, view.width * 0.46);
  const wood = random.pick(['#a8693a', '#8d5a3a', '#c08a52', '#75482f']);
  const window =
    random.chance(0.6) || view.scene.timeNamed
      ? drawWindow(view, [
          view.width * (side === 1 ? 0.2 : 0.8),
          edge * 0.42,
          size * 0.8,
          size * 1.15,
        ])
      : drawPictures(view, [view.width * (side === 1 ? 0.2 : 0.8), edge * 0.42], size);
  return {
    behind: drawWall(view, wall, edge) + window + drawTop(view, edge, wood),
    before: '',
    ground: {
      horizon: edge,
      land: [edge + (view.height - edge) * 0.42, edge + (view.height - edge) * 0.22],
      across: [0.16, 0.84],
    },
  };
}

function drawWall(view: View, wall: Hex, floor: number): string {
  const { canvas, width } = view;
  const tone = view.tone(wall);
  const paper = canvas.linear(
    [0, 0, 1, 1],
    [
      [0, shift(tone, 0.2)],
      [0.55, tone],
      [1, shift(tone, -0.22)],
    ],
  );
  let stripes = '';
  for (let x = 30; x < width; x += 96) stripes += `M${x} 0V${floor}`;
  return (
    box([0, 0, width, floor + 10], paper) + line(stripes, shift(tone, 0.2), 26, { opacity: 0.16 })
  );
}

function drawWindow(view: View, place: readonly [number, number, number, number]): string {
  const [x, y, wide, tall] = place;
  const [left, top] = [x - wide / 2, y - tall / 2];
  const clip = view.canvas.define(
    (id) =>
      `<clipPath id="${id}"><rect x="${round(left)}" y="${round(top)}"` +
      ` width="${round(wide)}" height="${round(tall)}"/></clipPath>`,
  );
  // Outside, the same sky as in the open, only smaller.
  const outside: View = { ...view, width: 1000, height: 1000 };
  const scale = Math.max(wide, tall) / 1000;
  const scenery = group(
    drawSky(outside, 720) +
      drawHills(outside, 720) +
      box([0, 740, 1000, 400], view.tone('#6f9a5c', 0.2)),
    {
      transform: `translate(${round(x - scale * 500)} ${round(top)}) scale(${scale.toFixed(3)})`,
    },
  );
  const frame = view.tone('#f4ecdc');
  const bars =
    `M${round(x)} ${round(top)}v${round(tall)}M${round(left)} ${round(y - tall * 0.08)}` +
    `h${round(wide)}`;
  const curtain = view.tone(view.scene.palette[0] ?? '#efe0c8');
  const drape = (hand: number): string =>
    path(
      `M${round(x + hand * wide * 0.32)} ${round(top - 34)}H${round(x + hand * wide * 0.72)}` +
        `V${round(top + tall + 60)}H${round(x + hand * wide * 0.52)}` +
        `Q${round(x + hand * wide * 0.6)} ${round(top + tall * 0.5)} ` +
        `${round(x + hand * wide * 0.32)} ${round(top - 34)}Z`,
      view.canvas.linear([0, 0, 1, 0], evenly([curtain, shift(curtain, -0.18), curtain])),
    );
  return (
    box([left - 18, top - 18, wide + 36, tall + 36], shift(frame, -0.12)) +
    group(scenery, { 'clip-path': `url(#${clip})` }) +
    line(bars, frame, 11) +
    box([left - 7, top - 7, wide + 14, tall + 14], 'none', {
      stroke: frame,
      'stroke-width': 15,
    }) +
    box([left - 34, top + tall + 14, wide + 68, 22, 5], shift(frame, 0.1)) +
    drape(-1) +
    drape(1) +
    line(`M${round(x - wide * 0.8)} ${round(top - 36)}H${round(x + wide * 0.8)}`, '#6b4a34', 9)
  );
}

function drawPictures(view: View, middle: readonly [number, number], size: number): string {
  const [x, y] = middle;
  const random = view.random.fork('pictures');
  const [wide, tall] = [size * 0.46, size * 0.6];
  const paint = random.pick(['#d9694f', '#3f7f8f', '#d9a441', '#6b5a9a']);
  const left = x - wide / 2;
  const top = y - tall / 2;
  return (
    box([left - 12, top - 12, wide + 24, tall + 24], view.tone('#5f4330')) +
    box([left, top, wide, tall], view.tone('#f2e8d6')) +
    circle(x, y - tall * 0.1, wide * 0.24, view.tone(paint)) +
    path(
      outline([
        [left, top + tall],
        [left, top + tall * 0.72],
        [x - wide * 0.1, top + tall * 0.52],
        [x + wide * 0.2, top + tall * 0.74],
        [left + wide, top + tall * 0.6],
        [left + wide, top + tall],
      ]),
      view.tone(shift(paint, -0.35)),
    )
  );
}

function drawFloor(view: View, floor: number): string {
  const wood = view.tone('#a9744a');
  const fill = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, shift(wood, -0.2)],
      [1, shift(wood, 0.06)],
    ],
  );
  let boards = '';
  const middle = view.width / 2;
  for (let index = -9; index <= 9; index += 1) {
    const x = middle + index * (view.width / 9);
    boards += `M${round(middle + (x - middle) * 0.6)} ${floor}L${round(x)} ${view.height}`;
  }
  return (
    box([0, floor, view.width, view.height - floor + 5], fill) +
    line(boards, shift(wood, -0.4), 3, { opacity: 0.45 }) +
    box([0, floor - 26, view.width, 26], view.tone('#efe4d0')) +
    box([0, floor - 4, view.width, 5], view.tone('#b9a688'))
  );
}

function lightPool(view: View, window: readonly [number, number, number], side: number): string {
  if (view.scene.time === 'night') return '';
  const [x, floor, size] = window;
  const lean = side * size * 0.5;
  const shape = outline([
    [x - size * 0.34, floor + 20],
    [x + size * 0.34, floor + 20],
    [x + size * 0.5 + lean, floor + size * 0.75],
    [x - size * 0.3 + lean, floor + size * 0.75],
  ]);
  return path(shape, view.light.glow, { opacity: 0.28, class: 'glow' });
}

function drawRug(view: View, floor: number): string {
  const random = view.random.fork('rug');
  const y = floor + (view.height - floor) * 0.58;
  const wide = Math.min(430, view.width * 0.42);
  const tall = (view.height - floor) * 0.3;
  const colour = view.tone(view.scene.palette[0] ?? random.pick(['#a8434a', '#3f6f86', '#7a5a94']));
  const x = view.width / 2;
  return (
    ellipse([x, y, wide, tall], shift(colour, -0.15)) +
    ellipse([x, y, wide * 0.93, tall * 0.92], colour) +
    ellipse([x, y, wide * 0.8, tall * 0.78], 'none', {
      stroke: view.tone('#f0dfb8'),
      'stroke-width': 8,
    }) +
    ellipse([x, y, wide * 0.5, tall * 0.46], shift(colour, 0.18))
  );
}

function drawTop(view: View, edge: number, wood: Hex): string {
  const tone = view.tone(wood);
  const random = view.random.fork('grain');
  const fill = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, shift(tone, 0.16)],
      [0.75, tone],
      [1, shift(tone, -0.3)],
    ],
  );
  let grain = '';
  for (let index = 0; index < 26; index += 1) {
    const y = edge + 16 + (view.height - edge) * random.next();
    const x = random.between(-0.1, 0.9) * view.width;
    const long = random.between(160, 520);
    const bend = round(random.between(-8, 8));
    grain += `M${round(x)} ${round(y)}q${round(long / 2)} ${bend} ${round(long)} 0`;
  }
  const sheen = view.canvas.radial([
    [0, mix(view.light.glow, '#ffffff', 0.3), 0.35],
    [1, view.light.glow, 0],
  ]);
  return (
    box([0, edge, view.width, view.height - edge + 5], fill) +
    line(grain, shift(tone, -0.3), 3, { opacity: 0.3 }) +
    box([0, edge, view.width, 7], shift(tone, 0.32)) +
    ellipse([view.width * 0.5, edge + 150, view.width * 0.5, 150], sheen, { class: 'glow' })
  );
}
