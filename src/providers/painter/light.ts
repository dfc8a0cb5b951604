import { type Hex, luminance, mix, turnHue } from './colour.ts';
import type { Random } from './random.ts';
import type { Place, Scene, Time, Weather } from './scene.ts';

/** The colours of an hour and a weather: all that a scene needs to look as at that time. */
export interface Light {
  /** From the top of the sky down to the horizon. */
  readonly sky: readonly Hex[];
  /** What distance fades into. */
  readonly haze: Hex;
  /** The light that colours everything. */
  readonly ambient: Hex;
  readonly glow: Hex;
  readonly disc: Hex;
  readonly body: 'sun' | 'moon' | 'none';
  /** The height of sun or moon above the horizon, as a share of the sky. */
  readonly bodyHeight: readonly [low: number, high: number];
  /** 0 to 1. */
  readonly stars: number;
  readonly cloud: Hex;
  readonly cloudShade: Hex;
  /** Clouds: 0 none, 1 overcast. */
  readonly cloudiness: number;
  readonly waterFar: Hex;
  readonly waterNear: Hex;
  /** Whether windows and lamps burn. */
  readonly lampsBurn: boolean;
}

type Palette = readonly [sky: readonly Hex[], cloud: Hex, cloudShade: Hex, waterNear: Hex];

const SKIES: Readonly<Record<Time, readonly [Palette, ...Palette[]]>> = {
  dawn: [
    [['#5f7fb8', '#a9a6d0', '#f3bfc0', '#ffe3b8'], '#ffe6dc', '#c99fb8', '#4f6f9e'],
    [['#6a8fc0', '#b8c7de', '#f9d5c4', '#fff0cf'], '#fff1e6', '#d8aebb', '#5b86a5'],
    [['#5d6bab', '#b191c6', '#f5a8b4', '#ffd9b0'], '#ffdcd8', '#b98bb5', '#55639b'],
  ],
  day: [
    [['#2f7fd0', '#6bb1ea', '#b4dcf6', '#e6f5fb'], '#ffffff', '#c9dcec', '#1f6ea8'],
    [['#1f93c8', '#5dbfe0', '#abe2ee', '#e3f7f2'], '#ffffff', '#cbe3e8', '#157c96'],
    [['#3a6fd6', '#7aa4f0', '#bcd4fb', '#eef4ff'], '#ffffff', '#ccd6ee', '#2a62ad'],
  ],
  sunset: [
    [['#33306b', '#7f3f7d', '#e2626b', '#ff9a56', '#ffd27a'], '#ffb27a', '#8c466f', '#4a2f63'],
    [['#2b4a7f', '#7a6a9c', '#e58f86', '#ffb066', '#ffe08f'], '#ffc796', '#94658d', '#3d4a78'],
    [['#4a2460', '#a8326b', '#f0574f', '#ff8a3c', '#ffc95c'], '#ff9e6e', '#8d2f62', '#5a2458'],
  ],
  dusk: [
    [['#141d4a', '#37357a', '#8a4f92', '#d9808c', '#f2ae8e'], '#8f6a9f', '#4b3f78', '#232a5c'],
    [['#10264e', '#27497a', '#5d78a0', '#b895a6', '#eab79a'], '#7f84a8', '#42527f', '#1e3560'],
  ],
  night: [
    [['#050a1f', '#0d1a40', '#1c3264', '#35508a'], '#3d5182', '#1c2b55', '#0a1634'],
    [['#07061c', '#1a1444', '#33246a', '#5a4390'], '#4c3f80', '#241d52', '#120f36'],
    [['#03121c', '#082b3d', '#10475a', '#2a6c78'], '#34626f', '#143a49', '#05202c'],
  ],
};

const BASES: Readonly<
  Record<Time, Pick<Light, 'ambient' | 'glow' | 'disc' | 'body' | 'bodyHeight' | 'stars'>>
> = {
  dawn: {
    ambient: '#ffe6e0',
    glow: '#fff2c4',
    disc: '#fffbe6',
    body: 'sun',
    bodyHeight: [0.1, 0.26],
    stars: 0,
  },
  day: {
    ambient: '#ffffff',
    glow: '#fffdf0',
    disc: '#fff6c8',
    body: 'sun',
    bodyHeight: [0.62, 0.82],
    stars: 0,
  },
  sunset: {
    ambient: '#f2bfa6',
    glow: '#ffe49a',
    disc: '#fff0b0',
    body: 'sun',
    bodyHeight: [0.06, 0.2],
    stars: 0,
  },
  dusk: {
    ambient: '#a48fb8',
    glow: '#ffc49a',
    disc: '#fff4dc',
    body: 'none',
    bodyHeight: [0.5, 0.8],
    stars: 0.35,
  },
  night: {
    ambient: '#7f8fca',
    glow: '#c9d8ff',
    disc: '#fdf8e4',
    body: 'moon',
    bodyHeight: [0.55, 0.8],
    stars: 1,
  },
};

/** Where the hour of the sky does not colour things, this does. */
const ROOM_AFTER_DARK: Hex = '#d9b891';
const STARLIGHT: Hex = '#efedf8';

/** The light on things in a place that has its own: rooms after dark, space. */
export function lightIn(place: Place, light: Light): Light {
  if (place === 'space') return { ...light, ambient: STARLIGHT };
  const indoors = place === 'room' || place === 'table';
  return indoors && light.lampsBurn ? { ...light, ambient: ROOM_AFTER_DARK } : light;
}

/** Chooses among the palettes of the hour, then lets weather and colour words change it. */
export function createLight(scene: Scene, random: Random): Light {
  const [sky, cloud, cloudShade, waterNear] = random.pick(SKIES[scene.time]);
  const turn = random.between(-8, 8);
  const turned = sky.map((colour) => turnHue(colour, turn));
  const horizon = turned.at(-1) ?? '#ffffff';
  const base = BASES[scene.time];
  const light: Light = {
    ...base,
    sky: turned,
    haze: mix(horizon, turned.at(-2) ?? horizon, 0.35),
    cloud,
    cloudShade,
    cloudiness: random.between(0.2, 0.5),
    waterFar: mix(horizon, waterNear, 0.3),
    waterNear,
    lampsBurn: scene.time === 'night' || scene.time === 'dusk',
  };
  return inSkyColour(inWeather(light, scene.weather), scene.skyColour);
}

function inWeather(light: Light, weather: Weather): Light {
  switch (weather) {
    case 'clear':
      return light;
    case 'cloudy':
      return { ...grey(light, 0.3), cloudiness: 0.85 };
    case 'rain':
      return { ...grey(light, 0.6), cloudiness: 1, body: 'none', stars: 0 };
    case 'storm':
      return {
        ...grey(darker(light, 0.45), 0.45),
        cloudiness: 1,
        body: 'none',
        stars: 0,
        lampsBurn: true,
      };
    case 'snow':
      return { ...grey(light, 0.15), cloudiness: 0.6 };
    case 'fog':
      return {
        ...grey(light, 0.5),
        cloudiness: 0.25,
        haze: mix(light.haze, luminance(light.haze) > 0.4 ? '#f2f2f0' : '#8b97ad', 0.5),
      };
  }
}

function grey(light: Light, amount: number): Light {
  const dull = (colour: Hex): Hex => turnHue(colour, 0, 1 - amount);
  return {
    ...light,
    sky: light.sky.map(dull),
    haze: dull(light.haze),
    ambient: mix(dull(light.ambient), '#9aa4b4', amount * 0.4),
    cloud: dull(light.cloud),
    cloudShade: dull(light.cloudShade),
    waterFar: dull(light.waterFar),
    waterNear: dull(light.waterNear),
  };
}

function darker(light: Light, amount: number): Light {
  const dim = (colour: Hex): Hex => mix(colour, '#1a2030', amount);
  return {
    ...light,
    sky: light.sky.map(dim),
    haze: dim(light.haze),
    ambient: dim(light.ambient),
    cloud: dim(light.cloud),
    cloudShade: dim(light.cloudShade),
    waterFar: dim(light.waterFar),
    waterNear: dim(light.waterNear),
  };
}

function inSkyColour(light: Light, colour: Hex | undefined): Light {
  if (colour === undefined) return light;
  const tint = (other: Hex): Hex => mix(other, colour, 0.55);
  return {
    ...light,
    sky: light.sky.map(tint),
    haze: tint(light.haze),
    waterFar: tint(light.waterFar),
    cloud: mix(light.cloud, colour, 0.2),
    cloudShade: mix(light.cloudShade, colour, 0.3),
  };
}
