import { type Hex, mix } from './colour.ts';
import { evenly } from './canvas.ts';
import type { Random } from './random.ts';
import { box, circle, disc, group, outline, path, round } from './svg.ts';
import type { View } from './view.ts';
import { drawLightning } from './weather.ts';

/** The sky down to the horizon, with all that is in it. */
export function drawSky(view: View, horizon: number): string {
  const { canvas, light, scene, width } = view;
  const bottom = Math.min(view.height, horizon + 60);
  const parts = [
    box([0, 0, width, bottom], canvas.linear([0, 0, 0, 1], evenly(light.sky))),
    drawHeavens(view, horizon),
    drawClouds(view, horizon),
    scene.weather === 'storm' ? drawLightning(view, horizon) : '',
  ];
  return parts.join('');
}

/** Stars, aurora, sun or moon, and the rainbow, without the sky behind them. */
export function drawHeavens(view: View, horizon: number): string {
  const { light, scene } = view;
  const parts = [
    light.stars > 0 ? stars(view, horizon) : '',
    scene.heavens.includes('aurora') ? aurora(view, horizon) : '',
    body(view, horizon),
    scene.heavens.includes('rainbow') ? rainbow(view, horizon) : '',
  ];
  return parts.join('');
}

/** Where sun or moon stands: the same for the sky and for its light on water. */
export function bodyPlace(view: View, horizon: number): readonly [x: number, y: number] {
  const random = view.random.fork('body');
  const [low, high] = view.light.bodyHeight;
  // Between walls only the middle of the sky is open.
  const [place] = view.scene.places;
  const walled = place === 'canal' || place === 'street';
  const side = walled ? [0.45, 0.55] : random.chance(0.5) ? [0.16, 0.36] : [0.64, 0.84];
  const x = view.width * random.between(side[0] ?? 0.2, side[1] ?? 0.4);
  return [x, horizon - horizon * random.between(low, high)];
}

function body(view: View, horizon: number): string {
  const { canvas, light, scene, random } = view;
  const asked = scene.heavens.includes('moon') || scene.heavens.includes('sun');
  const kind = scene.heavens.includes('moon')
    ? 'moon'
    : scene.heavens.includes('sun') && light.body === 'none'
      ? 'sun'
      : light.body;
  if (kind === 'none') return '';
  const [x, y] = bodyPlace(view, horizon);
  const size = (kind === 'moon' ? 52 : scene.time === 'day' ? 58 : 74) * (asked ? 1.6 : 1);
  const spread = size * (scene.time === 'day' ? 5 : kind === 'moon' ? 6 : 9);
  const strength = scene.weather === 'fog' ? 0.5 : 0.9;
  const glow = canvas.radial([
    [0, light.glow, strength],
    [0.12, light.glow, strength * 0.62],
    [0.4, light.glow, strength * 0.2],
    [1, light.glow, 0],
  ]);
  const halo = circle(x, y, spread, glow, { class: 'glow' });
  if (kind === 'sun') return halo + circle(x, y, size, light.disc);
  return halo + moon(view, [x, y, size], random.fork('moon'));
}

function moon(view: View, place: readonly [number, number, number], random: Random): string {
  const [x, y, size] = place;
  const { disc } = view.light;
  if (random.chance(0.35) && !view.scene.heavens.includes('moon')) {
    // A crescent: the outer edge of one circle, the inner edge of a wider one.
    const inner = round(size * 1.25);
    return path(
      `M${round(x - size * 0.3)} ${round(y - size)}A${size} ${size} 0 1 1 ` +
        `${round(x - size * 0.3)} ${round(y + size)}A${inner} ${inner} 0 0 0 ` +
        `${round(x - size * 0.3)} ${round(y - size)}Z`,
      disc,
    );
  }
  const shade = mix(disc, view.light.sky[1] ?? disc, 0.28);
  const craters = [
    [-0.35, -0.3, 0.22],
    [0.2, -0.1, 0.3],
    [-0.2, 0.4, 0.17],
    [0.42, 0.42, 0.12],
    [0.35, -0.55, 0.1],
  ] as const;
  return (
    circle(x, y, size, disc) +
    craters
      .map(([left, top, radius]) =>
        circle(x + left * size, y + top * size, radius * size, shade, { opacity: 0.55 }),
      )
      .join('')
  );
}

function stars(view: View, horizon: number): string {
  const random = view.random.fork('stars');
  const amount = Math.round(
    Math.min(220, (view.width * horizon) / 7500) *
      view.light.stars *
      (view.scene.heavens.includes('stars') ? 1.7 : 1),
  );
  let small = '';
  let sparkles = '';
  for (let index = 0; index < amount; index += 1) {
    const x = random.between(0, view.width);
    const y = horizon * random.next() ** 1.4;
    const radius = random.between(0.9, 3);
    if (random.chance(0.06)) sparkles += sparkle(x, y, radius * 5);
    // All the small ones are one path: hundreds of elements would cost time.
    else small += disc(x, y, radius);
  }
  return (
    path(small || 'M0 0', '#ffffff', { opacity: 0.85 }) +
    path(sparkles || 'M0 0', '#fffbe0', { opacity: 0.95 })
  );
}

/** A four-pointed star. */
export function sparkle(x: number, y: number, size: number): string {
  const waist = size * 0.14;
  return outline([
    [x, y - size],
    [x + waist, y - waist],
    [x + size * 0.7, y],
    [x + waist, y + waist],
    [x, y + size],
    [x - waist, y + waist],
    [x - size * 0.7, y],
    [x - waist, y - waist],
  ]);
}

export function drawClouds(view: View, horizon: number): string {
  const { light, scene } = view;
  const random = view.random.fork('clouds');
  const low = scene.time === 'sunset' || scene.time === 'dawn' || scene.time === 'dusk';
  const area = (view.width * horizon) / 1_000_000;
  const amount = Math.min(26, Math.round((2 + light.cloudiness * 9) * Math.max(0.55, area)));
  const rows: { readonly y: number; readonly shape: string }[] = [];
  for (let index = 0; index < amount; index += 1) {
    const y = horizon * random.between(0.06, 0.8);
    const nearness = 1 - y / horizon;
    const breadth = random.between(140, 330) * (0.55 + nearness * 0.8);
    const x = random.between(-0.05, 1.05) * view.width;
    const streak = low ? random.chance(0.7) : random.chance(0.2);
    const shape = streak
      ? streakCloud(view, [x, y, breadth * 1.5], random)
      : heapCloud(view, [x, y, breadth], random);
    rows.push({ y, shape });
  }
  rows.sort((first, second) => second.y - first.y);
  return group(rows.map(({ shape }) => shape).join(''), {
    opacity: scene.time === 'night' ? 0.55 : 0.9,
  });
}

/** A cumulus: bumps along an arch over a flat base. */
function heapCloud(view: View, place: readonly [number, number, number], random: Random): string {
  const [x, y, breadth] = place;
  const { canvas, light, scene } = view;
  const bumps = random.whole(4, 6);
  const tall = breadth * random.between(0.26, 0.38);
  let shape = `M${round(x - breadth / 2)} ${round(y)}`;
  let lastX = x - breadth / 2;
  let lastY = y;
  for (let index = 1; index <= bumps; index += 1) {
    const share = index / bumps;
    const nextX = x - breadth / 2 + breadth * share;
    const wobble = index === bumps ? 0 : random.between(0.75, 1.15);
    const nextY = y - tall * Math.sin(Math.PI * share) * wobble;
    const radius = Math.hypot(nextX - lastX, nextY - lastY) * random.between(0.52, 0.66);
    shape += `A${round(radius)} ${round(radius)} 0 0 1 ${round(nextX)} ${round(nextY)}`;
    lastX = nextX;
    lastY = nextY;
  }
  const litBelow = scene.time === 'sunset' || scene.time === 'dawn';
  const [top, bottom] = litBelow
    ? [light.cloudShade, light.cloud]
    : [light.cloud, light.cloudShade];
  const solid = light.cloudiness > 0.8 ? 0.85 : 0.35;
  const fill = canvas.linear(
    [0, 0, 0, 1],
    [
      [0, mix(top, bottom, litBelow ? 0.3 : 0), 0.95],
      [0.6, mix(top, bottom, 0.45), 0.9],
      [1, bottom, solid],
    ],
  );
  return path(`${shape}Z`, fill);
}

/** A long thin cloud, drawn out by the wind. */
function streakCloud(view: View, place: readonly [number, number, number], random: Random) {
  const [x, y, breadth] = place;
  const { cloud, cloudShade } = view.light;
  const colour = mix(cloud, cloudShade, random.between(0, 0.9));
  let streaks = '';
  for (let index = 0; index < 3; index += 1) {
    const left = x - breadth / 2 + random.between(0, 0.3) * breadth;
    const long = breadth * random.between(0.5, 1);
    const thick = random.between(7, 17);
    const top = y + index * random.between(9, 18);
    streaks +=
      `M${round(left)} ${round(top)}q${round(long * 0.4)} ${round(-thick)} ` +
      `${round(long)} 0q${round(-long * 0.5)} ${round(thick)} ${round(-long)} 0Z`;
  }
  return path(streaks, colour, { opacity: 0.75 });
}

function aurora(view: View, horizon: number): string {
  const random = view.random.fork('aurora');
  const colours: readonly [Hex, ...Hex[]] = ['#4dffb0', '#54e0ff', '#b06cff', '#7dffd0'];
  let curtains = '';
  for (let index = 0; index < 3; index += 1) {
    const colour = random.pick(colours);
    const fill = view.canvas.linear(
      [0, 0, 0, 1],
      [
        [0, colour, 0],
        [0.65, colour, 0.42],
        [1, colour, 0],
      ],
    );
    const base = horizon * random.between(0.35, 0.7);
    const tall = horizon * random.between(0.3, 0.5);
    const edge = (offset: number): string => {
      let wave = '';
      for (let step = 0; step <= 8; step += 1) {
        const x = (view.width * (offset > 0 ? 8 - step : step)) / 8;
        const y = base - offset + Math.sin(x / 170 + index * 2) * 60;
        wave += `${wave === '' && offset === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`;
      }
      return wave;
    };
    curtains += path(`${edge(0)}${edge(tall)}Z`, fill, { class: 'glow' });
  }
  return curtains;
}

function rainbow(view: View, horizon: number): string {
  const colours: readonly Hex[] = [
    '#e8483f',
    '#f6933a',
    '#f8dc4a',
    '#5cbf5a',
    '#3f8fe0',
    '#7a55c8',
  ];
  const radius = Math.min(view.width * 0.55, horizon * 0.85);
  return colours
    .map((colour, index) => {
      const size = radius - index * 17;
      return circle(view.width / 2, horizon, size, 'none', {
        stroke: colour,
        'stroke-width': 17.5,
        opacity: 0.6,
      });
    })
    .join('');
}
