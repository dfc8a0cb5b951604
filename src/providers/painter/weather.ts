import { box, disc, ellipse, line, path, round } from './svg.ts';
import type { View } from './view.ts';

/** Rain, snow or mist, over everything. */
export function drawWeather(view: View, horizon: number): string {
  switch (view.scene.weather) {
    case 'rain':
    case 'storm':
      return rain(view);
    case 'snow':
      return snow(view);
    case 'fog':
      return mist(view, horizon);
    case 'clear':
    case 'cloudy':
      return '';
  }
}

function rain(view: View): string {
  const random = view.random.fork('rain');
  let streaks = '';
  const amount = Math.min(420, (view.width * view.height) / 5500);
  for (let index = 0; index < amount; index += 1) {
    const x = random.between(-0.02, 1.02) * view.width;
    const y = random.between(-0.02, 1) * view.height;
    const long = random.between(24, 62);
    streaks += `M${round(x)} ${round(y)}l${round(-long * 0.22)} ${round(long)}`;
  }
  return line(streaks, '#e4ecf6', 2.6, { opacity: 0.55 });
}

function snow(view: View): string {
  const random = view.random.fork('snow');
  let flakes = '';
  const amount = Math.min(300, (view.width * view.height) / 7500);
  for (let index = 0; index < amount; index += 1) {
    const radius = random.between(1.8, 6.5);
    const x = random.between(0, view.width);
    const y = random.between(0, view.height);
    flakes += disc(x, y, radius);
  }
  return path(flakes, '#ffffff', { opacity: 0.85 });
}

function mist(view: View, horizon: number): string {
  const random = view.random.fork('mist');
  const { haze } = view.light;
  const band = view.canvas.linear(
    [0, 0, 0, 1],
    [
      [0, haze, 0],
      [0.5, haze, 0.5],
      [1, haze, 0],
    ],
  );
  let banks = '';
  for (let index = 0; index < 4; index += 1) {
    const y = horizon + (view.height - horizon) * (index / 4) * 0.8 - 120;
    const tall = random.between(180, 300);
    banks += box([-50, y, view.width + 100, tall], band, { class: 'glow', opacity: 0.8 });
  }
  return banks;
}

/** A flash of lightning, behind the clouds' lower edge. */
export function drawLightning(view: View, horizon: number): string {
  const random = view.random.fork('lightning');
  let x = view.width * random.between(0.2, 0.8);
  const start = horizon * 0.12;
  let bolt = `M${round(x)} ${round(start)}`;
  const glow = view.canvas.radial([
    [0, '#e8ecff', 0.6],
    [1, '#e8ecff', 0],
  ]);
  const flash = ellipse([x, start + 60, 420, 260], glow, { class: 'glow' });
  for (let step = 1; step <= 7; step += 1) {
    x += random.between(-60, 60);
    bolt += `L${round(x)} ${round(start + ((horizon - start) * step) / 7)}`;
  }
  return flash + line(bolt, '#f4f0ff', 9) + line(bolt, '#ffffff', 4);
}
