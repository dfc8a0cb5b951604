import { type Hex, mix, shift } from '../colour.ts';
import { names } from '../parse.ts';
import type { Random } from '../random.ts';
import type { Place } from '../scene.ts';
import { drawSky } from '../sky.ts';
import { drawWeather } from '../weather.ts';
import { stamp } from '../stamp.ts';
import { box, ellipse, group, path, round } from '../svg.ts';
import type { Backdrop, Ground, View } from '../view.ts';
import { drawPath, furnish } from './furnish.ts';
import { drawForestEdge, drawMeadowDetail } from './growth.ts';
import { drawHills, drawMountains, groundColour, ridge } from './relief.ts';
import { drawSkyline, drawVillage } from './town.ts';
import { drawSurf, drawWater } from './water.ts';

/** What an open landscape must hold for its subjects. */
export interface Needs {
  readonly land: boolean;
  readonly water: boolean;
}

/** Any view under the open sky to a horizon: sea, lake, river, hills, desert, city, village. */
export function drawOpen(view: View, place: Place, needs: Needs): Backdrop {
  const random = view.random.fork('open');
  const wet = ['sea', 'beach', 'lake', 'river'].includes(place) || needs.water || place === 'city';
  const dry = needs.land || !wet || place === 'beach' || place === 'river';
  const level = random.between(0.52, 0.6) + (place === 'village' ? -0.06 : 0);
  const horizon = round(view.height * (wet && place !== 'city' ? level - 0.02 : level));
  const distant = farAway(view, place, horizon);
  const id = view.canvas.define((name) => `<g id="${name}">${distant}</g>`);
  const sky = drawSky(view, horizon);
  const far = `<use href="#${id}"/>`;
  const below = view.height - horizon;
  const [left, right] = [0.12, 0.88];
  if (!wet) {
    const land: Ground['land'] = [horizon + below * 0.78, horizon + below * 0.3];
    return {
      behind: sky + far + drawGround(view, place, horizon),
      before: foreground(view, place) + drawWeather(view, horizon),
      ground: { horizon, land, across: [left, right] },
    };
  }
  const shore = dry ? horizon + below * (needs.water ? 0.62 : 0.52) : view.height;
  const water = drawWater(view, horizon, view.height, id);
  return {
    behind: sky + far + water + (dry ? drawShore(view, place, shore) : ''),
    before: drawWeather(view, horizon),
    ground: {
      horizon,
      water: [
        horizon + (shore - horizon) * (dry ? 0.72 : 0.6),
        horizon + (shore - horizon) * (dry ? 0.3 : 0.16),
      ],
      across: [left, right],
      ...(dry ? { land: [shore + (view.height - shore) * 0.62, shore + 40] as const } : {}),
    },
  };
}

/** All that stands on the horizon. */
function farAway(view: View, place: Place, horizon: number): string {
  const { scene } = view;
  let drawn = '';
  if (names(scene, 'mountains')) drawn += drawMountains(view, horizon);
  if (place === 'desert') return drawn + drawDunes(view, horizon);
  const bare = place === 'sea' || place === 'beach' || place === 'city';
  if (!bare && !names(scene, 'mountains')) drawn += drawHills(view, horizon);
  else if (names(scene, 'hills')) drawn += drawHills(view, horizon);
  if (names(scene, 'forest')) drawn += drawForestEdge(view, horizon);
  else if (place === 'lake' || place === 'river') drawn += drawForestEdge(view, horizon, 90);
  if (names(scene, 'city')) drawn += drawSkyline(view, horizon);
  return drawn;
}

function drawDunes(view: View, horizon: number): string {
  const random = view.random.fork('dunes');
  const sand = view.scene.placeColour ?? '#e0ad68';
  return [0.5, 0.3, 0.14]
    .map((distance, layer) => {
      const colour = view.tone(sand, distance);
      const fill = view.canvas.linear(
        [0, 0, 1, 0.4],
        [
          [0, shift(colour, 0.18)],
          [0.5, colour],
          [1, shift(colour, -0.22)],
        ],
      );
      const base = horizon + 20 + layer * 34;
      return path(ridge(view, random, { base, swell: 130 - layer * 20, floor: base + 160 }), fill);
    })
    .join('');
}

function drawGround(view: View, place: Place, horizon: number): string {
  const random = view.random.fork('ground');
  const colour = place === 'desert' ? (view.scene.placeColour ?? '#e3b473') : groundColour(view);
  const village = names(view.scene, 'village');
  const near = view.tone(shift(colour, -0.16));
  const far = view.tone(shift(colour, 0.08), 0.3);
  const fill = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, far],
      [0.45, view.tone(colour, 0.06)],
      [1, near],
    ],
  );
  const lie = { base: horizon + 26, swell: place === 'desert' ? 50 : 26, floor: view.height + 10 };
  let ground = path(ridge(view, random, lie), fill);
  if (place === 'desert') return ground + dunesNear(view, horizon, colour);
  if (village) ground += drawPath(view, horizon, random) + drawVillage(view, horizon);
  else if (place !== 'forest') ground += furnish(view, place, horizon);
  if (view.scene.season === 'winter') ground += drifts(view, horizon);
  const top = horizon + (village ? (view.height - horizon) * 0.62 : 50);
  const flowers = { garden: 2.4, field: 1.3 }[place as string] ?? 0.35;
  const bright = view.scene.season === 'spring' ? 1.5 : 1;
  return ground + drawMeadowDetail(view, top, flowers * bright);
}

function drifts(view: View, horizon: number): string {
  const random = view.random.fork('drifts');
  let shapes = '';
  for (let index = 0; index < 9; index += 1) {
    const depth = random.next();
    const y = horizon + 70 + (view.height - horizon) * depth;
    const wide = random.between(180, 420) * (0.5 + depth);
    shapes += ellipse([random.between(0, view.width), y, wide, wide * 0.09], view.tone('#cfdcf0'), {
      opacity: 0.55,
      class: 'glow',
    });
  }
  return shapes;
}

function dunesNear(view: View, horizon: number, sand: Hex): string {
  const random = view.random.fork('near dunes');
  const below = view.height - horizon;
  return [0.3, 0.68]
    .map((share, layer) => {
      const base = horizon + below * share;
      const colour = view.tone(shift(sand, layer === 0 ? -0.06 : -0.16));
      const fill = view.canvas.linear(
        [0, 0, 1, 0.5],
        [
          [0, shift(colour, 0.12)],
          [1, shift(colour, -0.12)],
        ],
      );
      return path(ridge(view, random, { base, swell: 90, floor: view.height + 10 }), fill);
    })
    .join('');
}

/** The dry foreground of a watery place: sand, or grass by lakes and rivers. */
function drawShore(view: View, place: Place, shore: number): string {
  const random = view.random.fork('shore');
  const paved = place === 'city';
  const sandy = place === 'sea' || place === 'beach';
  const colour: Hex = paved
    ? '#8c8f9c'
    : sandy && view.scene.season !== 'winter'
      ? '#ecd3a0'
      : groundColour(view);
  const tone = view.tone(colour);
  const fill = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, shift(tone, 0.12)],
      [1, shift(tone, -0.18)],
    ],
  );
  if (paved) {
    return (
      box([-10, shore, view.width + 20, view.height - shore + 10], fill) +
      box([-10, shore, view.width + 20, 16], shift(tone, 0.2)) +
      box([-10, shore + 16, view.width + 20, 10], shift(tone, -0.35))
    );
  }
  const shape = path(
    ridge(view, random, { base: shore + 16, swell: 34, floor: view.height + 10 }),
    fill,
  );
  if (!sandy) return shape + drawMeadowDetail(view, shore + 26, 0.5);
  const palms = view.random.fork('palms');
  const side = palms.chance(0.5) ? 0.06 : 0.94;
  const size = Math.min(760, view.height * 0.52);
  const place2 = { x: view.width * side, y: shore + 120, size, flipped: side > 0.5 };
  const winter = view.scene.season === 'winter';
  const palm = winter || place === 'sea' ? '' : stamp(view, 'palm', place2, palms);
  return drawSurf(view, shore + 6) + shape + palm;
}

/** Something close at the edges, which gives the picture depth. */
function foreground(view: View, place: Place): string {
  const random = view.random.fork('foreground');
  const side = random.chance(0.5) ? 1 : -1;
  if (place === 'forest') return framingTrees(view);
  if (place === 'village') return cornerTrees(view, random);
  if (place === 'desert') {
    const x = view.width * (side === 1 ? 0.9 : 0.1);
    return stamp(view, 'cactus', { x, y: view.height * 0.93, size: 260 }, random);
  }
  if (place === 'garden' || place === 'field' || place === 'hills') {
    const shade = mix(groundColour(view), '#1f3a2a', 0.45);
    const grass = ridge(view, random, {
      base: view.height - 12,
      swell: 34,
      floor: view.height + 20,
    });
    return path(grass, view.tone(shade), { opacity: 0.55, class: 'glow' });
  }
  return '';
}

function framingTrees(view: View): string {
  const random = view.random.fork('frame');
  const { season } = view.scene;
  const conifers = season === 'winter' || (season !== 'autumn' && random.chance(0.45));
  const name = conifers ? 'pine' : 'tree';
  const size = Math.min(view.height * 0.86, 1100);
  const places = [
    { x: -0.015, y: 0.97, scale: 1.05 },
    { x: 1.02, y: 1, scale: 1.12 },
    { x: 0.17, y: 0.83, scale: 0.66 },
    { x: 0.85, y: 0.82, scale: 0.62 },
  ];
  const drawn = places
    .toReversed()
    .map(({ x, y, scale }) =>
      stamp(
        view,
        name,
        { x: view.width * x, y: view.height * y, size: size * scale, distance: (1 - y) * 0.5 },
        random,
      ),
    )
    .join('');
  return group(drawn, {});
}

/** Trees at the lower corners, before the village. */
function cornerTrees(view: View, random: Random): string {
  const name = view.scene.season === 'winter' || random.chance(0.4) ? 'pine' : 'tree';
  const size = Math.min(620, view.height * 0.5);
  return [
    { x: 0.01, scale: random.between(0.8, 1) },
    { x: 0.99, scale: random.between(0.6, 0.9) },
    { x: random.pick([0.13, 0.87]), scale: 0.55 },
  ]
    .map(({ x, scale }) => {
      const place = {
        x: view.width * x,
        y: view.height * (0.94 + scale * 0.05),
        size: size * scale,
      };
      return stamp(view, name, place, random);
    })
    .join('');
}
