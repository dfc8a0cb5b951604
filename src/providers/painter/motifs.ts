import type { Hex } from './colour.ts';
import { hash } from './random.ts';
import type { Place } from './scene.ts';
import { circle, ellipse, line, path, round } from './svg.ts';
import type { Ground, View } from './view.ts';

/** Places without an open sky, or with one that is full already. */
const CLOSED: readonly Place[] = ['room', 'table', 'space', 'underwater', 'abstract'];

/** Where petals may fly. */
const LEAFY: readonly Place[] = ['garden', 'field', 'hills', 'forest', 'village', 'river'];

/**
 * What the words without a meaning add: they choose a small decoration, so that no word is
 * without effect. Scenes that are wholly understood get at most a flock of birds.
 */
export function drawMotifs(view: View, place: Place, ground: Ground): string {
  const words = view.scene.unknownWords.join(' ');
  if (CLOSED.includes(place)) return '';
  const dark = view.light.lampsBurn;
  const choice = words === '' ? 0 : hash(words)[0] % 4;
  if (dark) return choice === 3 ? fireflies(view, ground) : '';
  switch (choice) {
    case 0:
      return view.random.fork('birds').chance(0.6) ? flock(view, ground) : '';
    case 1:
      return flock(view, ground);
    case 2:
      return LEAFY.includes(place) ? petals(view) : motes(view, ground);
    default:
      return motes(view, ground);
  }
}

function flock(view: View, ground: Ground): string {
  const random = view.random.fork('flock');
  const x = view.width * random.between(0.2, 0.75);
  const y = ground.horizon * random.between(0.28, 0.6);
  let wings = '';
  for (let bird = 0; bird < random.whole(4, 9); bird += 1) {
    const left = x + random.between(-130, 130);
    const top = y + random.between(-70, 70);
    const span = random.between(9, 19);
    wings +=
      `M${round(left - span)} ${round(top - span * 0.3)}q${round(span * 0.6)} ` +
      `${round(-span * 0.5)} ${round(span)} ${round(span * 0.4)}q${round(span * 0.4)} ` +
      `${round(-span * 0.9)} ${round(span)} ${round(-span * 0.4)}`;
  }
  return line(wings, view.tone('#2f3350', 0.1), 3.4);
}

function petals(view: View): string {
  const random = view.random.fork('petals');
  const colour: Hex = random.pick(['#f7b6cb', '#ffffff', '#f4cf7a', '#e9a0d0']);
  let drawn = '';
  for (let index = 0; index < 26; index += 1) {
    const place = [random.next() * view.width, random.next() * view.height] as const;
    const size = random.between(4, 10);
    drawn += ellipse([place[0], place[1], size, size * 0.55], view.tone(colour), {
      transform: `rotate(${random.whole(0, 180)} ${round(place[0])} ${round(place[1])})`,
      opacity: 0.85,
    });
  }
  return drawn;
}

function motes(view: View, ground: Ground): string {
  const random = view.random.fork('motes');
  let drawn = '';
  for (let index = 0; index < 22; index += 1) {
    const x = random.next() * view.width;
    const y = random.between(0.3, 1) * ground.horizon;
    drawn += circle(x, y, random.between(2, 7), view.light.glow, { opacity: 0.5, class: 'glow' });
  }
  return drawn;
}

function fireflies(view: View, ground: Ground): string {
  const random = view.random.fork('fireflies');
  const glow = view.canvas.radial([
    [0, '#fff3a0', 1],
    [0.3, '#ffe36b', 0.5],
    [1, '#ffe36b', 0],
  ]);
  let drawn = path('M0 0', '#fff3a0');
  for (let index = 0; index < 20; index += 1) {
    const y = ground.horizon + random.between(-0.2, 0.9) * (view.height - ground.horizon);
    drawn += circle(random.next() * view.width, y, random.between(8, 18), glow, { class: 'glow' });
  }
  return drawn;
}
