import { type Hex, mix, shift } from '../colour.ts';
import type { Random } from '../random.ts';
import { outline, path, round } from '../svg.ts';
import type { View } from '../view.ts';

/** The colour of growing ground in the season. */
export function groundColour(view: View): Hex {
  if (view.scene.placeColour !== undefined) return view.scene.placeColour;
  switch (view.scene.season) {
    case 'spring':
      return '#84bf5c';
    case 'summer':
      return '#6ba650';
    case 'autumn':
      return '#b9924a';
    case 'winter':
      return '#f1f5fb';
  }
}

/** The shape of a smooth ridge, closed down to `floor`. */
export function ridge(
  view: View,
  random: Random,
  form: { readonly base: number; readonly swell: number; readonly floor: number },
): string {
  const { width } = view;
  const first = random.between(0, 6.3);
  const second = random.between(0, 6.3);
  const pace = random.between(1.4, 2.4) / Math.min(width, 1400);
  const level = (x: number): number =>
    form.base -
    form.swell *
      (0.5 + 0.5 * Math.sin(x * pace * 3.1 + first) * 0.8 + 0.2 * Math.sin(x * pace * 8 + second));
  const steps = Math.max(8, Math.round(width / 70));
  let shape = `M-20 ${round(form.floor)}L-20 ${round(level(-20))}`;
  for (let step = 0; step <= steps; step += 1) {
    const x = (width * step) / steps;
    shape += `L${round(x)} ${round(level(x))}`;
  }
  return `${shape}L${width + 20} ${round(level(width + 20))}L${width + 20} ${round(form.floor)}Z`;
}

/** Rolling hills, paler the farther they lie. */
export function drawHills(view: View, horizon: number): string {
  const random = view.random.fork('hills');
  const ground = groundColour(view);
  const layers = 3;
  let hills = '';
  for (let layer = 0; layer < layers; layer += 1) {
    const distance = 0.72 - layer * 0.2;
    const colour = view.tone(mix(ground, '#4a7f8a', 0.45 - layer * 0.12), distance);
    const base = horizon + 10 + layer * 8;
    const swell = 130 - layer * 32;
    const fill = view.canvas.linear(
      [0, 0, 0, 1],
      [
        [0, shift(colour, 0.1)],
        [1, mix(colour, view.light.haze, 0.4)],
      ],
    );
    hills += path(ridge(view, random, { base, swell, floor: horizon + 90 }), fill);
  }
  return hills;
}

/** Two ranges of peaks, snow on the higher one. */
export function drawMountains(view: View, horizon: number): string {
  const random = view.random.fork('mountains');
  const reach = Math.min(horizon * 0.62, 560);
  const rock = view.scene.placeColour ?? '#5f6b8a';
  return (
    range(view, random, { horizon, tall: reach, distance: 0.55, rock: mix(rock, '#7b8fc0', 0.4) }) +
    range(view, random, { horizon, tall: reach * 0.62, distance: 0.28, rock })
  );
}

interface RangeForm {
  readonly horizon: number;
  readonly tall: number;
  readonly distance: number;
  readonly rock: Hex;
}

function range(view: View, random: Random, form: RangeForm): string {
  const stride = form.tall * 0.95;
  const amount = Math.ceil(view.width / stride) + 1;
  const peaks: { readonly x: number; readonly tall: number }[] = [];
  const start = random.between(-0.6, 0) * stride;
  for (let index = 0; index < amount; index += 1) {
    peaks.push({
      x: start + stride * (index + random.between(-0.22, 0.22)),
      tall: form.tall * random.between(0.62, 1),
    });
  }
  // Lower peaks stand in front of higher ones.
  peaks.sort((first, second) => second.tall - first.tall);
  return peaks.map(({ x, tall }) => peak(view, random, { ...form, x, tall })).join('');
}

function peak(view: View, random: Random, form: RangeForm & { readonly x: number }): string {
  const { horizon, tall, distance, rock, x } = form;
  const top = horizon - tall;
  const floor = horizon + 40;
  const spread = tall * random.between(0.72, 0.9);
  const lean = random.between(-0.1, 0.1) * tall;
  const left = slope(random, [x, top], [x - spread, floor]);
  const right = slope(random, [x, top], [x + spread, floor]);
  const spine = slope(random, [x, top], [x + lean, floor], 0.09);
  const lit = view.tone(shift(rock, 0.22), distance);
  const shaded = view.tone(shift(rock, -0.22), distance);
  const fade = (colour: Hex) =>
    view.canvas.linear(
      [0, 0, 0, 1],
      [
        [0, colour],
        [1, mix(colour, view.light.haze, 0.45)],
      ],
    );
  const snowLine = view.scene.season === 'winter' ? 0.62 : 0.3;
  const cap = (side: readonly Point[]): string => {
    const cut = side.filter(([, y]) => y < top + tall * snowLine);
    const inner = spine.filter(([, y]) => y < top + tall * snowLine * 0.8);
    const last = cut.at(-1) ?? [x, top];
    const end = inner.at(-1) ?? [x, top];
    const middle: Point = [(last[0] + end[0]) / 2, Math.min(last[1], end[1]) - tall * 0.05];
    const drip: Point = [(last[0] * 2 + end[0]) / 3, Math.max(last[1], end[1]) + tall * 0.03];
    return outline([...cut, drip, middle, ...inner.toReversed()]);
  };
  const snow: Hex = '#ffffff';
  return (
    path(outline([...left, ...spine.toReversed()]), fade(lit)) +
    path(outline([...spine, ...right.toReversed()]), fade(shaded)) +
    path(cap(left), view.tone(snow, distance * 0.7)) +
    path(cap(right), view.tone(mix(snow, '#8fa3d0', 0.5), distance * 0.7))
  );
}

type Point = readonly [x: number, y: number];

function slope(random: Random, from: Point, to: Point, rough = 0.05): readonly Point[] {
  const points: Point[] = [from];
  const steps = 9;
  const long = Math.hypot(to[0] - from[0], to[1] - from[1]);
  for (let step = 1; step < steps; step += 1) {
    const share = step / steps;
    points.push([
      from[0] + (to[0] - from[0]) * share + random.between(-rough, rough) * long * 0.6,
      from[1] + (to[1] - from[1]) * share + random.between(-0.3, 0.3) * rough * long,
    ]);
  }
  points.push(to);
  return points;
}
