import { shift } from '../colour.ts';
import { bodyPlace } from '../sky.ts';
import { box, group, line, path, round } from '../svg.ts';
import type { View } from '../view.ts';

/**
 * Open water from the horizon down to `floor`, with the mirror image of what stands beyond it
 * (an SVG id of things above the horizon) and the path of light under sun or moon.
 */
export function drawWater(view: View, horizon: number, floor: number, mirrored?: string): string {
  const { canvas, light, scene, width } = view;
  const near = scene.placeColour ?? light.waterNear;
  const surface = canvas.linear(
    [0, 0, 0, 1],
    [
      [0, light.waterFar],
      [0.35, shift(near, 0.12)],
      [1, near],
    ],
  );
  const clip = canvas.define(
    (id) =>
      `<clipPath id="${id}"><rect x="-20" y="${round(horizon)}" width="${width + 40}"` +
      ` height="${round(floor - horizon)}"/></clipPath>`,
  );
  const mirror =
    mirrored === undefined
      ? ''
      : `<use href="#${mirrored}" transform="translate(0 ${round(horizon * 1.7)})` +
        ` scale(1 -0.7)" opacity=".38"/>`;
  return (
    box([-20, horizon, width + 40, floor - horizon + 2], surface) +
    group(mirror + glitter(view, horizon, floor), { 'clip-path': `url(#${clip})` }) +
    ripples(view, horizon, floor)
  );
}

/** Dashes of light under sun or moon, wider the nearer they are. */
function glitter(view: View, horizon: number, floor: number): string {
  if (view.light.body === 'none') return '';
  const random = view.random.fork('glitter');
  const [x] = bodyPlace(view, horizon);
  let dashes = '';
  const rows = Math.min(46, Math.round((floor - horizon) / 11));
  for (let row = 0; row < rows; row += 1) {
    const depth = (row + random.next()) / rows;
    const y = horizon + 3 + (floor - horizon) * depth ** 1.35;
    const spread = 26 + depth * 120;
    const pieces = random.whole(1, 3);
    for (let piece = 0; piece < pieces; piece += 1) {
      const long = (18 + depth * 90) * random.between(0.4, 1);
      const left = x + random.between(-1, 1) * spread - long / 2;
      dashes += lens(left, y, long, 1.6 + depth * 7);
    }
  }
  const strong = view.scene.time === 'day' ? 0.55 : 0.8;
  return path(dashes || 'M0 0', view.light.glow, { opacity: strong });
}

function ripples(view: View, horizon: number, floor: number): string {
  const random = view.random.fork('ripples');
  const near = view.scene.placeColour ?? view.light.waterNear;
  let bright = '';
  let dark = '';
  const amount = Math.min(130, Math.round((view.width * (floor - horizon)) / 5200));
  for (let index = 0; index < amount; index += 1) {
    const depth = random.next();
    const y = horizon + 8 + (floor - horizon) * depth ** 1.5;
    const long = (26 + depth * 150) * random.between(0.5, 1.1);
    const mark = lens(random.between(-0.05, 1) * view.width, y, long, 1.2 + depth * 5);
    if (index % 2 === 0) bright += mark;
    else dark += mark;
  }
  return (
    path(bright || 'M0 0', shift(view.light.waterFar, 0.25), { opacity: 0.32 }) +
    path(dark || 'M0 0', shift(near, -0.3), { opacity: 0.3 })
  );
}

/** A flat lens: how a ripple looks from the side. */
export function lens(left: number, y: number, long: number, thick: number): string {
  return (
    `M${round(left)} ${round(y)}q${round(long / 2)} ${round(-thick)} ${round(long)} 0` +
    `q${round(-long / 2)} ${round(thick)} ${round(-long)} 0Z`
  );
}

/** The white edge where waves run out on a shore, along a y level. */
export function drawSurf(view: View, y: number): string {
  const random = view.random.fork('surf');
  let foam = `M-20 ${round(y)}`;
  for (let x = -20; x < view.width + 60; x += 90) {
    foam += `q45 ${round(random.between(6, 24))} 90 ${round(random.between(-5, 5))}`;
  }
  return line(foam, view.tone('#ffffff'), 9, { opacity: 0.75 });
}
