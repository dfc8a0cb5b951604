import { evenly } from '../canvas.ts';
import { type Light, createLight } from '../light.ts';
import type { Scene, Time, Weather } from '../scene.ts';
import { drawClouds, drawHeavens } from '../sky.ts';
import { box } from '../svg.ts';
import type { View } from '../view.ts';
import { drawLightning, drawWeather } from '../weather.ts';
import { behindMatte, drawingOf, layer, openView } from './drawing.ts';
import { boxBlur } from './box-blur.ts';
import { followEdges } from './matte.ts';
import { type Picture, blend, develop, layOver } from './picture.ts';
import { tinted } from './tones.ts';
import type { Work } from './work.ts';

/** The light that an edit asks for. */
export interface Conditions {
  readonly scene: Scene;
  readonly changesTime: boolean;
  readonly changesWeather: boolean;
}

/** How an hour looks on the ground: its mean light, and how far that may move a picture. */
const HOURS: Readonly<Record<Time, HourForm>> = {
  dawn: { target: 128, least: 0.8, most: 1.25, tint: 0.75, saturation: 0.85 },
  day: { target: 132, least: 0.95, most: 2.4, tint: 0, saturation: 1.12 },
  sunset: { target: 100, least: 0.6, most: 1.05, tint: 1, saturation: 1 },
  dusk: { target: 74, least: 0.4, most: 0.85, tint: 1, saturation: 0.75 },
  night: { target: 44, least: 0.22, most: 0.6, tint: 1, saturation: 0.5 },
};

interface HourForm {
  readonly target: number;
  readonly least: number;
  readonly most: number;
  readonly tint: number;
  readonly saturation: number;
}

const WEATHERS: Readonly<Record<Weather, { light: number; saturation: number; sky: number }>> = {
  clear: { light: 1, saturation: 1.12, sky: 0.7 },
  cloudy: { light: 0.9, saturation: 0.72, sky: 0.8 },
  rain: { light: 0.74, saturation: 0.55, sky: 0.85 },
  storm: { light: 0.5, saturation: 0.5, sky: 0.92 },
  snow: { light: 1, saturation: 0.8, sky: 0.62 },
  fog: { light: 1, saturation: 0.55, sky: 0.6 },
};

/** Shows the picture in the light of another hour or weather, with its sky. */
export async function relight(
  work: Work,
  picture: Picture,
  conditions: Conditions,
): Promise<Picture> {
  const { scene, changesTime, changesWeather } = conditions;
  const random = work.random.fork('relight');
  const light = createLight(scene, random.fork('light'));
  const view = openView(picture, { scene, random, light });
  const sky = await work.sky();
  let lit = await lightGround(work, picture, light, conditions);
  if (sky === undefined) {
    lit = await layOver(work.open, lit, layer(view, upperGlow(view, changesTime), picture));
  } else {
    const share = changesWeather ? WEATHERS[scene.weather].sky : scene.time === 'day' ? 0.6 : 0.82;
    const heaven = drawingOf(view, skyOver(view, work, share, changesWeather), picture);
    lit = await layOver(work.open, lit, await behindMatte(work.open, heaven, sky));
  }
  if (changesTime && (scene.time === 'night' || scene.time === 'dusk')) {
    lit = await keepLamps(work, picture, lit);
  }
  if (scene.weather !== 'fog' || !changesWeather) return lit;
  return layOver(work.open, lit, layer(view, haze(view, work.survey.horizon), picture));
}

/** Sun, moon, stars, rainbow or aurora that the words name, behind what stands before the sky. */
export async function addHeavens(work: Work, picture: Picture, scene: Scene): Promise<Picture> {
  const random = work.random.fork('relight');
  const view = openView(picture, { scene, random });
  const body = scene.heavens.some((heaven) => heaven === 'sun' || heaven === 'moon');
  const light: Light = { ...view.light, body: body ? view.light.body : 'none' };
  const drawing = drawHeavens({ ...view, light }, work.survey.horizon * view.height);
  const sky = await work.sky();
  const drawn = drawingOf(view, drawing, picture);
  return layOver(
    work.open,
    picture,
    sky === undefined ? { input: drawn } : await behindMatte(work.open, drawn, sky),
  );
}

/** Rain, flakes or mist before everything. */
export function addWeather(work: Work, picture: Picture, scene: Scene): Promise<Picture> {
  const view = openView(picture, { scene, random: work.random.fork('weather') });
  const drawn = drawWeather(view, work.survey.horizon * view.height);
  return drawn === ''
    ? Promise.resolve(picture)
    : layOver(work.open, picture, layer(view, drawn, picture));
}

function lightGround(
  work: Work,
  picture: Picture,
  light: Light,
  { scene, changesTime, changesWeather }: Conditions,
): Promise<Picture> {
  const hour = HOURS[scene.time];
  const weather = WEATHERS[scene.weather];
  // Indoors nobody sits in the dark.
  const target = hour.target * (work.survey.sky === undefined ? 1.25 : 1);
  const asked = target / Math.max(12, work.survey.groundBrightness);
  const gain =
    (changesTime ? Math.max(hour.least, Math.min(hour.most, asked)) : 1) *
    (changesWeather ? weather.light : 1);
  const saturation =
    (changesTime ? hour.saturation : 1) * (changesWeather ? weather.saturation : 1);
  const blue = Math.max(0, Math.min(1, -work.survey.warmth / 40));
  const breaksDay = changesTime && scene.time === 'day';
  // The day takes the blue of the night out of the picture again.
  const tint = breaksDay ? blue : changesTime ? hour.tint : changesWeather ? 0.35 : 0;
  const ambient = breaksDay ? '#ffe0a8' : light.ambient;
  // Gamma-like lift: what is dark in a dark picture comes up first, when day breaks.
  const lift = gain > 1.3 ? 14 : scene.time === 'night' && changesTime ? 4 : 0;
  return develop(work.open, picture, (image) =>
    image
      .recomb(tinted({ saturation, gain, colour: ambient, share: tint }))
      .linear([1, 1, 1], [lift * 0.6, lift * 0.8, lift * 1.4]),
  );
}

/** The colours of the new sky over the old one, whose clouds still show through. */
function skyOver(view: View, work: Work, share: number, changesWeather: boolean): string {
  const { light, scene } = view;
  const horizon = work.survey.horizon * view.height;
  const stops = evenly(light.sky).map(([offset, colour]) => [offset, colour, share] as const);
  const low = evenly([light.sky.at(-1) ?? '#ffffff', light.sky.at(-1) ?? '#ffffff']);
  const fill = view.canvas.linear([0, 0, 0, 1], stops);
  const below = view.canvas.linear(
    [0, 0, 0, 1],
    low.map(([offset, colour]) => [offset, colour, share] as const),
  );
  const named = scene.heavens.length > 0;
  const overcast = scene.weather !== 'clear' && scene.weather !== 'fog' && changesWeather;
  return (
    box([0, 0, view.width, horizon], fill) +
    box([0, horizon, view.width, view.height - horizon], below) +
    (named || !changesWeather || scene.time === 'night' ? drawHeavens(view, horizon) : '') +
    (overcast ? drawClouds(view, horizon) : '') +
    (scene.weather === 'storm' && changesWeather ? drawLightning(view, horizon) : '')
  );
}

/** Without a sky in the picture, the hour still shows from above. */
function upperGlow(view: View, changesTime: boolean): string {
  if (!changesTime || view.scene.time === 'day') return '';
  const dark = view.light.lampsBurn;
  const [top = '#ffffff'] = view.light.sky;
  const colour = dark ? top : (view.light.sky.at(-2) ?? top);
  const fill = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, colour, dark ? 0.5 : 0.42],
      [0.55, colour, 0.14],
      [1, colour, 0],
    ],
  );
  return box([0, 0, view.width, view.height], fill);
}

/** Thick where the distance is, thin at one's feet. */
function haze(view: View, horizon: number): string {
  const colour = view.light.haze;
  const fill = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, colour, 0.55],
      [horizon * 0.8, colour, 0.76],
      [horizon, colour, 0.78],
      [Math.min(1, horizon + (1 - horizon) * 0.4), colour, 0.52],
      [1, colour, 0.36],
    ],
  );
  return box([0, 0, view.width, view.height], fill);
}

/** Small warm lights of the picture go on burning, and glow. */
async function keepLamps(work: Work, before: Picture, lit: Picture): Promise<Picture> {
  const { survey } = work;
  const around = boxBlur(survey.light, survey, 9);
  const lamps = Buffer.alloc(survey.light.length);
  for (let pixel = 0; pixel < lamps.length; pixel += 1) {
    const light = survey.light[pixel] ?? 0;
    const red = survey.colour[pixel * 3] ?? 0;
    const blue = survey.colour[pixel * 3 + 2] ?? 0;
    const warm = Math.min(1, Math.max(0, (red - blue - 45) / 40));
    const bright = Math.min(1, Math.max(0, (red - 185) / 35));
    const small = Math.min(1, Math.max(0, (light - (around[pixel] ?? 0) - 22) / 25));
    const grounded = survey.sky?.data[pixel] === 255 ? 0 : 1;
    lamps[pixel] = Math.round(255 * warm * bright * small * grounded);
  }
  if (lamps.every((share) => share < 60)) return lit;
  const matte = await followEdges(survey, { ...survey, data: lamps }, before);
  return blend(lit, before, matte);
}
