import { type Hex, mix, shift } from './colour.ts';
import type { Random } from './random.ts';
import type { Mention, Place } from './scene.ts';
import { bodyPlace } from './sky.ts';
import { type StampPlace, stampSubject } from './stamp.ts';
import type { Subject } from './subjects/subject.ts';
import { findSubject } from './subjects/table.ts';
import { ellipse, group, line, round } from './svg.ts';
import type { Ground, View } from './view.ts';

/** More things than this would be dots. */
const MOST_THINGS = 14;

interface Thing {
  readonly subject: Subject;
  readonly colour: Hex | undefined;
  /** The share of the short edge for its longer side. */
  readonly share: number;
}

interface Placed extends StampPlace {
  readonly subject: Subject;
  readonly surface: 'land' | 'water' | 'air';
  readonly random: Random;
}

/** Draws the things of the scene where they belong, far ones first. */
export function drawSubjects(view: View, place: Place, ground: Ground): string {
  const things = listThings(view.scene.mentions);
  if (things.length === 0) return '';
  const placed = placeThings(view, place, ground, things);
  return placed
    .toSorted((first, second) => first.y - second.y)
    .map((thing) => drawPlaced(view, ground, thing))
    .join('');
}

/** The things alone, as large as the frame allows: for pictures without a background. */
export function drawSubjectsAlone(view: View): string {
  const things = listThings(view.scene.mentions);
  const random = view.random.fork('alone');
  const slot = (view.width * 0.9) / Math.max(1, things.length);
  return things
    .map(({ subject, colour, share }, index) => {
      const largest = Math.max(subject.width, subject.height);
      const widthLimit = (slot / subject.width) * largest;
      const heightLimit = ((view.height * 0.86) / subject.height) * largest;
      const size = Math.min(widthLimit, heightLimit, 1000 * Math.max(0.86, share));
      const tall = (size / largest) * subject.height;
      const place: StampPlace = {
        x: view.width * 0.05 + slot * (index + 0.5),
        y: view.height / 2 + tall / 2,
        size,
        ...(colour === undefined ? {} : { colour }),
      };
      return stampSubject(view, subject, place, random.fork(`${subject.name} ${index}`));
    })
    .join('');
}

function listThings(mentions: readonly Mention[]): readonly Thing[] {
  const crowd = mentions.reduce((sum, { count }) => sum + count, 0);
  const smaller = 1 / Math.max(1, crowd) ** 0.36;
  const things: Thing[] = [];
  for (const [rank, { subject: name, count, scale, colour }] of mentions.entries()) {
    const subject = findSubject(name);
    if (subject === undefined) continue;
    const share = (subject.share ?? 0.42) * scale * smaller * (rank === 0 ? 1 : 0.9);
    for (let index = 0; index < count && things.length < MOST_THINGS; index += 1) {
      things.push({ subject, colour, share });
    }
  }
  return things;
}

function placeThings(
  view: View,
  place: Place,
  ground: Ground,
  things: readonly Thing[],
): readonly Placed[] {
  const random = view.random.fork('places');
  const [left, right] = ground.across;
  const span = (right - left) * view.width;
  const slot = span / things.length;
  const mirrored = random.chance(0.5);
  return things.map((thing, index) => {
    const { subject } = thing;
    const position = mirrored ? things.length - 1 - index : index;
    const alone = things.length === 1;
    const jitter = alone ? random.between(-0.13, 0.13) : random.between(-0.14, 0.14);
    const x = left * view.width + slot * (position + 0.5 + jitter);
    const surface = surfaceFor(subject, place, ground);
    const back = alone ? random.between(0, 0.3) : ((index * 0.62) % 1) * 0.8;
    const largest = Math.max(subject.width, subject.height);
    const across = (slot * (things.length > 4 ? 1.9 : 1.35) * largest) / subject.width;
    const limit = alone ? (view.width * 0.86 * largest) / subject.width : across;
    const tallest = (view.height * 0.72 * largest) / subject.height;
    const size = Math.min(1000 * thing.share * (1 - back * 0.3) * stature(view), limit, tallest);
    return {
      subject,
      surface,
      x,
      y: footing(view, ground, { surface, back, tall: (size * subject.height) / largest }, random),
      size,
      distance: back * 0.12,
      flipped: random.chance(0.5),
      random: random.fork(`${subject.name} ${index}`),
      ...(thing.colour === undefined ? {} : { colour: thing.colour }),
    };
  });
}

/** Long frames leave room along them: things may be larger there than the short edge suggests. */
function stature(view: View): number {
  if (view.width > view.height * 1.3) return 1.12;
  return view.height > view.width * 1.7 ? 1.3 : 1;
}

function surfaceFor(subject: Subject, place: Place, ground: Ground): Placed['surface'] {
  if (place === 'underwater') return subject.habitat === 'swimming' ? 'air' : 'land';
  if (place === 'space' && subject.habitat === 'swimming') return 'air';
  if (subject.habitat === 'air') return 'air';
  const afloat = subject.habitat === 'water' || subject.habitat === 'swimming';
  if (afloat && ground.water !== undefined) return 'water';
  return ground.land === undefined ? 'water' : 'land';
}

function footing(
  view: View,
  ground: Ground,
  stance: { readonly surface: Placed['surface']; readonly back: number; readonly tall: number },
  random: Random,
): number {
  const { surface, back, tall } = stance;
  if (surface === 'air') {
    const level = random.between(0.46, 0.58) - (back - 0.3) * 0.3;
    const middle = Math.min(ground.horizon * level, view.height * 0.5);
    return Math.max(tall + 30, middle + tall / 2);
  }
  const band = surface === 'land' ? ground.land : ground.water;
  const [near, far] = band ?? [view.height * 0.85, view.height * 0.7];
  // Feet stay low enough for the head to be in the picture.
  return Math.min(view.height * 0.96, Math.max(near + (far - near) * back, tall + 24));
}

function drawPlaced(view: View, ground: Ground, thing: Placed): string {
  const { subject, surface, x, y, size } = thing;
  const stamped = stampSubject(view, subject, thing, thing.random);
  // A line drawing gives the things of the prompt the stronger line.
  const drawn = view.lines ? group(stamped, { class: 'subject' }) : stamped;
  const wide = (size * subject.width) / Math.max(subject.width, subject.height);
  if (surface === 'water') return mirror(view, thing, drawn, wide) + drawn + wake(view, x, y, wide);
  if (surface === 'air' || view.lines) return drawn;
  const [bodyX] = bodyPlace(view, ground.horizon);
  const lean = Math.max(-0.35, Math.min(0.35, (x - bodyX) / view.width)) * wide;
  const shadow = mix('#101426', view.light.sky[0] ?? '#101426', 0.25);
  const soft = view.canvas.radial([
    [0, shadow, 0.5],
    [0.65, shadow, 0.26],
    [1, shadow, 0],
  ]);
  const fall = ellipse([x + lean * 0.5, y - 2, wide * 0.62, Math.max(9, wide * 0.1)], soft);
  return group(fall, { class: 'glow' }) + drawn;
}

function mirror(view: View, thing: Placed, drawn: string, wide: number): string {
  if (view.lines) return '';
  const { y } = thing;
  const squash = 0.62;
  return group(drawn, {
    transform: `translate(0 ${round(y * (1 + squash) - wide * 0.03)}) scale(1 -${squash})`,
    opacity: view.scene.time === 'night' ? 0.3 : 0.36,
  });
}

/** Ripples where a thing meets the water; they also break its mirror image. */
function wake(view: View, x: number, y: number, wide: number): string {
  const random = view.random.fork(`wake ${Math.round(x)}`);
  const light = shift(view.light.waterFar, 0.3);
  let ripples = '';
  for (let row = 0; row < 7; row += 1) {
    const long = wide * random.between(0.35, 1) * (1 - row * 0.06);
    const left = x - long / 2 + random.between(-0.18, 0.18) * wide;
    const top = y + wide * 0.012 + row * wide * 0.052;
    const sag = round(wide * 0.02);
    ripples += `M${round(left)} ${round(top)}q${round(long / 2)} ${sag} ${round(long)} 0`;
  }
  return line(ripples, light, Math.max(2.5, wide * 0.011), { opacity: 0.5 });
}
