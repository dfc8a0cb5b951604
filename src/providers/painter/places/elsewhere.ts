import { evenly } from '../canvas.ts';
import { type Hex, mix, shift, turnHue } from '../colour.ts';
import { sparkle } from '../sky.ts';
import { box, circle, ellipse, group, line, outline, path, round } from '../svg.ts';
import type { Backdrop, View } from '../view.ts';
import { ridge } from './relief.ts';

/** Outer space: nebulae, stars, planets, and a surface to stand on when something must. */
export function drawSpace(view: View, needsLand: boolean): Backdrop {
  const random = view.random.fork('space');
  const { canvas, width, height } = view;
  const hue = random.between(-40, 40);
  const deep = (['#050414', '#120a35', '#1a1550'] as const).map((colour) => turnHue(colour, hue));
  let clouds = '';
  for (let index = 0; index < 6; index += 1) {
    const colour = turnHue(
      random.pick(['#b0368f', '#3f5fd0', '#7a3fd0', '#d0603f', '#2f9fb0']),
      hue,
    );
    const glow = canvas.radial([
      [0, colour, 0.42],
      [0.5, colour, 0.16],
      [1, colour, 0],
    ]);
    const size = random.between(260, 560);
    clouds += ellipse(
      [random.next() * width, random.next() * height, size, size * random.between(0.4, 0.8)],
      glow,
      { class: 'glow' },
    );
  }
  const side = random.chance(0.5) ? 1 : -1;
  const ringed = planet(view, [width * (side === 1 ? 0.22 : 0.78), height * 0.24, 118], true);
  const small = planet(view, [width * (side === 1 ? 0.84 : 0.16), height * 0.4, 52], false);
  const floor = height * 0.76;
  const soil = view.scene.placeColour ?? random.pick(['#b5553a', '#8f8fa6', '#9a6a8f']);
  const surface = needsLand ? planetGround(view, floor, soil) : '';
  return {
    behind:
      box([0, 0, width, height], canvas.linear([0, 0, 0.3, 1], evenly(deep))) +
      clouds +
      spaceStars(view) +
      ringed +
      small +
      surface,
    before: '',
    ground: {
      horizon: needsLand ? floor : height * 0.9,
      land: [floor + (height - floor) * 0.6, floor + (height - floor) * 0.3],
      across: [0.2, 0.8],
    },
  };
}

function spaceStars(view: View): string {
  const random = view.random.fork('space stars');
  let dots = '';
  let sparkles = '';
  const amount = Math.min(320, (view.width * view.height) / 5000);
  for (let index = 0; index < amount; index += 1) {
    const [x, y] = [random.next() * view.width, random.next() * view.height];
    const radius = random.between(0.8, 2.8);
    if (random.chance(0.05)) sparkles += sparkle(x, y, radius * 6);
    else dots += `M${round(x - radius)} ${round(y)}h${round(radius * 2)}`;
  }
  return line(dots, '#ffffff', 2.6, { opacity: 0.85 }) + path(sparkles || 'M0 0', '#fff6d8');
}

function planet(view: View, place: readonly [number, number, number], ringed: boolean): string {
  const [x, y, radius] = place;
  const random = view.random.fork(`planet ${ringed}`);
  const [asked] = view.scene.palette;
  const colour = asked ?? random.pick(['#e0a35a', '#5aa0c8', '#c8685a', '#8fb86a', '#b58ad8']);
  const fill = view.canvas.linear(
    [0.1, 0.1, 0.9, 0.9],
    [
      [0, shift(colour, 0.35)],
      [0.5, colour],
      [1, shift(colour, -0.65)],
    ],
  );
  const clip = view.canvas.define(
    (id) =>
      `<clipPath id="${id}"><circle cx="${round(x)}" cy="${round(y)}" r="${radius}"/></clipPath>`,
  );
  let bands = '';
  for (const [offset, thick, amount] of [
    [-0.55, 0.14, 0.25],
    [-0.15, 0.2, -0.25],
    [0.3, 0.16, 0.2],
    [0.62, 0.12, -0.3],
  ] as const) {
    bands += ellipse(
      [x, y + offset * radius, radius * 1.1, radius * thick],
      shift(colour, amount),
      {
        opacity: 0.35,
      },
    );
  }
  const ring = (front: boolean): string => {
    const [wide, flat] = [radius * 1.85, radius * 0.42];
    const sweep = front ? 0 : 1;
    return line(
      `M${round(x - wide)} ${round(y)}A${round(wide)} ${round(flat)} 0 0 ${sweep} ` +
        `${round(x + wide)} ${round(y)}`,
      '#ecd9b0',
      radius * 0.13,
      { opacity: 0.85 },
    );
  };
  const tilt = { transform: `rotate(-16 ${round(x)} ${round(y)})` };
  return group(
    (ringed ? ring(false) : '') +
      circle(x, y, radius, fill) +
      group(bands, { 'clip-path': `url(#${clip})` }) +
      (ringed ? ring(true) : ''),
    tilt,
  );
}

function planetGround(view: View, floor: number, soil: Hex): string {
  const random = view.random.fork('soil');
  const fill = view.canvas.linear([0, 0, 0, 1], evenly([shift(soil, 0.15), shift(soil, -0.45)]));
  const shape = ridge(view, random, { base: floor, swell: 46, floor: view.height + 10 });
  let craters = '';
  for (let index = 0; index < 9; index += 1) {
    const depth = random.next();
    const y = floor + 50 + (view.height - floor) * depth * 0.9;
    const x = random.next() * view.width;
    const wide = random.between(20, 60) * (0.5 + depth);
    craters += ellipse([x, y, wide, wide * 0.3], shift(soil, -0.35));
    craters += ellipse([x, y + wide * 0.06, wide * 0.9, wide * 0.22], shift(soil, -0.15));
  }
  return path(shape, fill) + craters;
}

/** Under water: rays from above, sand, weed, corals and bubbles. */
export function drawUnderwater(view: View): Backdrop {
  const random = view.random.fork('underwater');
  const { width, height, canvas } = view;
  const dark = view.light.lampsBurn;
  const water: readonly Hex[] = dark
    ? ['#123f66', '#0d2d54', '#081c3c']
    : ['#7fe0e0', '#2fa6c0', '#136a98', '#0c4472'];
  const floor = height * 0.84;
  let rays = '';
  for (let index = 0; index < 5; index += 1) {
    const x = width * random.between(0.05, 0.95);
    const lean = random.between(-160, 160);
    const wide = random.between(40, 110);
    rays += outline([
      [x, -10],
      [x + wide, -10],
      [x + wide * 2.2 + lean, height * 0.8],
      [x - wide + lean, height * 0.8],
    ]);
  }
  const beam = canvas.linear(
    [0, 0, 0, 1],
    [
      [0, '#ffffff', 0.34],
      [1, '#ffffff', 0],
    ],
  );
  const sand = mix('#e8cf9a', water.at(-2) ?? '#136a98', dark ? 0.7 : 0.35);
  return {
    behind:
      box([0, 0, width, height], canvas.linear([0, 0, 0, 1], evenly(water))) +
      path(rays, beam, { class: 'glow' }) +
      path(
        ridge(view, random, { base: floor, swell: 60, floor: height + 10 }),
        canvas.linear([0, 0, 0, 1], evenly([sand, shift(sand, -0.3)])),
      ) +
      corals(view, floor) +
      bubbles(view),
    before: '',
    ground: {
      horizon: floor,
      land: [floor + (height - floor) * 0.6, floor + 30],
      water: [height * 0.62, height * 0.3],
      across: [0.14, 0.86],
    },
  };
}

function corals(view: View, floor: number): string {
  const random = view.random.fork('corals');
  const amount = Math.min(22, Math.round(view.width / 75));
  let drawn = '';
  for (let index = 0; index < amount; index += 1) {
    const x = (view.width * (index + random.next())) / amount;
    const y = floor + random.between(10, (view.height - floor) * 0.9);
    const colour = random.pick(['#f2637a', '#ff9d5c', '#b06ad0', '#f4d05c', '#e8579a'] as const);
    const tall = random.between(90, 210);
    if (random.chance(0.45)) {
      const weed = random.pick(['#2f8a5a', '#3fa86a', '#1f6f5a'] as const);
      let blades = '';
      for (let blade = -2; blade <= 2; blade += 1) {
        const sway = random.between(-40, 40);
        blades +=
          `M${round(x + blade * 15)} ${round(y)}q${round(sway)} ${round(-tall * 0.5)} ` +
          `${round(blade * 7)} ${round(-tall * random.between(0.8, 1.4))}`;
      }
      drawn += line(blades, weed, 11);
    } else {
      let branches = `M${round(x)} ${round(y)}v${round(-tall * 0.5)}`;
      for (const [turn, long] of [
        [-0.6, 0.5],
        [0.55, 0.55],
        [-0.2, 0.6],
        [0.2, 0.45],
      ] as const) {
        branches +=
          `M${round(x)} ${round(y - tall * 0.3)}q${round(turn * tall * 0.5)} 0 ` +
          `${round(turn * tall)} ${round(-tall * long)}`;
      }
      drawn += line(branches, colour, 17);
    }
  }
  return drawn;
}

function bubbles(view: View): string {
  const random = view.random.fork('bubbles');
  let drawn = '';
  for (let index = 0; index < 26; index += 1) {
    const radius = random.between(4, 17);
    drawn += circle(
      random.next() * view.width,
      random.next() * view.height * 0.85,
      radius,
      '#ffffff',
      {
        'fill-opacity': 0.16,
        stroke: '#ffffff',
        'stroke-opacity': 0.6,
        'stroke-width': 2,
      },
    );
  }
  return drawn;
}
