import { type Hex, mix, shift } from '../colour.ts';
import type { Random } from '../random.ts';
import { circle, group, line, path, round } from '../svg.ts';
import type { View } from '../view.ts';

/** A wood along the horizon: rows of trees, the nearer ones taller and darker. */
export function drawForestEdge(view: View, horizon: number, tall = 260): string {
  const random = view.random.fork('forest');
  const rows = [
    { distance: 0.62, size: 0.75, lift: 8 },
    { distance: 0.36, size: 0.9, lift: 22 },
    { distance: 0.14, size: 1.05, lift: 44 },
  ];
  const { season } = view.scene;
  // Conifers keep their green: they would hide the autumn.
  const conifers = season === 'winter' || (season !== 'autumn' && random.chance(0.5));
  return rows
    .map(({ distance, size, lift }) =>
      treeRow(view, random, { y: horizon + lift, tall: tall * size, distance, conifers }),
    )
    .join('');
}

interface RowForm {
  readonly y: number;
  readonly tall: number;
  readonly distance: number;
  readonly conifers: boolean;
}

function treeRow(view: View, random: Random, form: RowForm): string {
  const { y, tall, distance, conifers } = form;
  const stride = tall * (conifers ? 0.3 : 0.5);
  const amount = Math.min(60, Math.ceil(view.width / stride) + 2);
  const shapes = ['', '', ''];
  let trunks = '';
  let snow = '';
  for (let index = 0; index < amount; index += 1) {
    const x = (index - 0.5 + random.between(-0.35, 0.35)) * stride;
    const size = tall * random.between(0.7, 1.12);
    const kind = random.whole(0, 2);
    if (conifers) {
      shapes[kind] += conifer(x, y, size);
      snow += coniferSnow(x, y, size);
    } else {
      trunks += `M${round(x)} ${round(y)}v${round(-size * 0.5)}`;
      shapes[kind] += crown(random, x, y - size * 0.62, size * 0.3);
    }
  }
  const leaf = leafColours(view, conifers);
  const floor = `M-10 ${round(y - 2)}H${view.width + 10}V${round(y + 40)}H-10Z`;
  return (
    line(trunks || 'M0 0', view.tone('#5a4232', distance), tall * 0.045) +
    shapes
      .map((shape, kind) => path(shape || 'M0 0', view.tone(pick(leaf, kind), distance)))
      .join('') +
    (view.scene.season === 'winter' && conifers && tall > 100
      ? path(snow, view.tone('#ffffff', distance * 0.6), { opacity: 0.9 })
      : '') +
    path(floor, view.tone(shift(pick(leaf, 0), -0.12), distance))
  );
}

function pick(colours: readonly Hex[], index: number): Hex {
  return colours[index] ?? '#4f8a4a';
}

/** Three greens, or what the season makes of them. */
export function leafColours(view: Pick<View, 'scene'>, conifers: boolean): readonly Hex[] {
  if (conifers) return ['#2f6b4f', '#27593f', '#3b7a58'];
  switch (view.scene.season) {
    case 'spring':
      return ['#8cc45c', '#f3b6cc', '#a5d177'];
    case 'summer':
      return ['#4f9a48', '#3f8742', '#68ad4f'];
    case 'autumn':
      return ['#d9772b', '#c4452c', '#e3ad35'];
    case 'winter':
      return ['#8b7f7c', '#a39a98', '#776c6c'];
  }
}

function conifer(x: number, y: number, size: number): string {
  const half = size * 0.21;
  let shape = '';
  for (let tier = 0; tier < 3; tier += 1) {
    const top = y - size + tier * size * 0.24;
    const base = top + size * 0.42;
    const wide = half * (0.55 + tier * 0.23);
    shape +=
      `M${round(x)} ${round(top)}L${round(x + wide)} ${round(base)}` +
      `Q${round(x)} ${round(base - size * 0.05)} ${round(x - wide)} ${round(base)}Z`;
  }
  const trunk = size * 0.03;
  return (
    `${shape}M${round(x - trunk)} ${round(y - size * 0.14)}h${round(trunk * 2)}` +
    `V${round(y)}h${round(-trunk * 2)}Z`
  );
}

function coniferSnow(x: number, y: number, size: number): string {
  const half = size * 0.21;
  let shape = '';
  for (let tier = 0; tier < 3; tier += 1) {
    const top = y - size + tier * size * 0.24;
    const wide = half * (0.55 + tier * 0.23) * 0.5;
    const base = top + size * 0.2;
    shape +=
      `M${round(x)} ${round(top)}L${round(x + wide)} ${round(base)}` +
      `L${round(x + wide * 0.3)} ${round(base - size * 0.05)}L${round(x - wide * 0.2)} ` +
      `${round(base)}L${round(x - wide * 0.6)} ${round(base - size * 0.04)}Z`;
  }
  return shape;
}

/** A round crown: five overlapping discs as one path. */
export function crown(random: Random, x: number, y: number, radius: number): string {
  let shape = '';
  for (let index = 0; index < 5; index += 1) {
    const angle = (index / 5) * Math.PI * 2 + random.between(-0.3, 0.3);
    const size = radius * random.between(0.58, 0.8);
    const left = x + Math.cos(angle) * radius * 0.55 - size;
    const top = y + Math.sin(angle) * radius * 0.5;
    const r = round(size);
    shape +=
      `M${round(left)} ${round(top)}a${r} ${r} 0 1 0 ${round(size * 2)} 0` +
      `a${r} ${r} 0 1 0 ${round(-size * 2)} 0Z`;
  }
  return shape;
}

/** Tufts and flowers scattered over ground that comes nearer from `top` to the lower edge. */
export function drawMeadowDetail(view: View, top: number, flowers: number): string {
  const random = view.random.fork('meadow');
  const winter = view.scene.season === 'winter';
  const blade = view.tone(winter ? '#c7d3e6' : '#4a7f3a');
  const amount = Math.min(110, Math.round((view.width * (view.height - top)) / 6500));
  let tufts = '';
  for (let index = 0; index < amount; index += 1) {
    const depth = random.next() ** 0.7;
    const x = random.between(0, view.width);
    const y = top + (view.height - top) * depth;
    const size = 6 + depth * 20;
    tufts +=
      `M${round(x)} ${round(y)}q${round(-size * 0.2)} ${round(-size * 0.6)} ` +
      `${round(-size * 0.5)} ${round(-size)}M${round(x)} ${round(y)}` +
      `q${round(size * 0.1)} ${round(-size * 0.7)} ${round(size * 0.35)} ${round(-size * 1.1)}`;
  }
  return line(tufts || 'M0 0', blade, 3, { opacity: 0.6 }) + blossoms(view, random, top, flowers);
}

function blossoms(view: View, random: Random, top: number, density: number): string {
  if (view.scene.season === 'winter') return '';
  const petals: readonly [Hex, ...Hex[]] =
    view.scene.season === 'autumn'
      ? ['#d9772b', '#c4452c', '#e3ad35']
      : ['#ffffff', '#f6c928', '#f08fb4', '#d6342c', '#a77bdc'];
  let flowers = '';
  const amount = Math.min(90, Math.round(((view.width * (view.height - top)) / 9000) * density));
  for (let index = 0; index < amount; index += 1) {
    const depth = random.next() ** 0.6;
    const x = random.between(0, view.width);
    const y = top + (view.height - top) * depth;
    const size = 2.5 + depth * 9;
    const colour = view.tone(random.pick(petals), 0.15 * (1 - depth));
    flowers += circle(x, y, size, colour);
    if (size > 7) flowers += circle(x, y, size * 0.4, view.tone(mix(colour, '#7a4a1a', 0.6)));
  }
  return group(flowers, {});
}
