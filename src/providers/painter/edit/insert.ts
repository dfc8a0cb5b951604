import { setImmediate as nextTurn } from 'node:timers/promises';
import { drawSubjects, drawSubjectsAlone } from '../arrange.ts';
import type { Mention, Scene } from '../scene.ts';
import { findSubject } from '../subjects/table.ts';
import type { Ground, View } from '../view.ts';
import { drawingOf, openView, rasterise } from './drawing.ts';
import { boxBlur } from './box-blur.ts';
import {
  type Matte,
  type Picture,
  type Size,
  alphaOf,
  eachRow,
  interleave,
  layOver,
} from './picture.ts';
import { contrastOf } from './salience.ts';
import type { Survey } from './survey.ts';
import type { Position } from './verbs.ts';
import type { Work } from './work.ts';

/** A rectangle in pixels. */
export interface Frame extends Size {
  readonly left: number;
  readonly top: number;
}

export interface Insertion {
  /** The things, in the light in which they are drawn. */
  readonly scene: Scene;
  readonly where: readonly Position[];
  /** Whether they hang in the sky, whatever they are. */
  readonly aloft: boolean;
  /** Where they have to stay, when there is a mask. */
  readonly frame?: Frame;
}

/** Things that join a picture are smaller than those a picture is made of. */
const SMALLER = 0.66;

/** Draws the painter's own things into the picture, where such things would be. */
export async function addThings(
  work: Work,
  picture: Picture,
  insertion: Insertion,
): Promise<Picture> {
  const { scene, aloft } = insertion;
  const mentions = scene.mentions.map((mention) => (aloft ? inFlight(mention) : mention));
  const random = work.random.fork('things');
  const frame = insertion.frame ?? frameOf(work.survey, picture, insertion, mentions);
  const within = frame === undefined ? picture : frame;
  await nextTurn();
  const view = openView(within, { scene: { ...scene, mentions }, random });
  const body =
    frame === undefined ? drawOnGround(view, work.survey, insertion) : drawSubjectsAlone(view);
  const drawn = await rasterise(work.open, drawingOf(view, body, within), within);
  const place = { left: frame?.left ?? 0, top: frame?.top ?? 0 };
  const { width, height } = within;
  const laid = await layOver(work.open, picture, {
    input: await interleave(work.open, drawn),
    raw: { width, height, channels: 4 },
    ...place,
  });
  return picture.alpha === undefined
    ? laid
    : { ...laid, alpha: await joined(picture, drawn, place) };
}

/** Where the drawing is solid, so is the picture. */
export async function joined(
  picture: Picture,
  drawn: Picture,
  { left, top }: { readonly left: number; readonly top: number },
): Promise<Buffer> {
  const alpha = Buffer.from(alphaOf(picture));
  const solid = alphaOf(drawn);
  await eachRow(drawn, (first, end, row) => {
    for (let pixel = first; pixel < end; pixel += 1) {
      const at = (row + top) * picture.width + left + pixel - first;
      const before = alpha[at] ?? 0;
      alpha[at] = before + ((255 - before) * (solid[pixel] ?? 0)) / 255;
    }
  });
  return alpha;
}

/** The smallest rectangle that holds all of the matte that is at least so strong. */
export async function frameAround(matte: Matte, least = 1): Promise<Frame> {
  const { width, height, data } = matte;
  let [left, top, right, bottom] = [width, height, -1, -1];
  await eachRow(matte, (first, end, row) => {
    for (let pixel = first; pixel < end; pixel += 1) {
      if ((data[pixel] ?? 0) < least) continue;
      left = Math.min(left, pixel - first);
      right = Math.max(right, pixel - first);
      top = Math.min(top, row);
      bottom = row;
    }
  });
  if (right < 0) return { left: 0, top: 0, width, height };
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** A bird that is put in the sky flies there. */
function inFlight(mention: Mention): Mention {
  return mention.subject === 'bird' ? { ...mention, subject: 'seagull' } : mention;
}

/** Things in the sky, or where the words say, get a rectangle of their own. */
function frameOf(
  survey: Survey,
  { width, height }: Size,
  { where, aloft }: Insertion,
  mentions: readonly Mention[],
): Frame | undefined {
  const flies = mentions.every(({ subject }) => findSubject(subject)?.habitat === 'air');
  const high = aloft || where.includes('top') || (flies && mentions.length > 0);
  const central = where.includes('centre') && !where.includes('bottom');
  if (!high && !central) return undefined;
  const count = mentions.reduce((sum, mention) => sum + mention.count, 0);
  const scale = Math.max(...mentions.map((mention) => mention.scale), 0.4);
  const sky = Math.max(0.3, Math.min(0.62, survey.horizon)) * height;
  const tall = Math.min(height * 0.6, (central ? height * 0.5 : sky * 0.78) * scale);
  const wide = Math.min(
    width * 0.8,
    tall * (0.9 + 0.6 * Math.min(3, count)),
    width * 0.34 * (1 + count * 0.35),
  );
  const [from, to] = acrossOf(survey, where, central ? [0.35, 0.65] : undefined, [0.06, 0.5]);
  const left = ((from + to) / 2) * width - wide / 2;
  return {
    left: Math.round(Math.max(0, Math.min(width - wide, left))),
    top: Math.round(central ? height / 2 - tall / 2 : Math.min(height * 0.06, height - tall)),
    width: Math.max(8, Math.floor(wide)),
    height: Math.max(8, Math.floor(tall)),
  };
}

function drawOnGround(view: View, survey: Survey, { where }: Insertion): string {
  const horizon = survey.horizon * view.height;
  const far = Math.max(horizon + (view.height - horizon) * 0.3, view.height * 0.7);
  const near = Math.max(view.height * 0.9, far + 1);
  const back = where.includes('background');
  const band = back ? ([far, horizon + (far - horizon) * 0.4] as const) : ([near, far] as const);
  const count = view.scene.mentions.reduce((sum, mention) => sum + mention.count, 0);
  const ground: Ground = {
    horizon,
    land: band,
    ...(survey.wet ? { water: band } : {}),
    across: acrossOf(survey, where, count > 2 ? [0.05, 0.95] : undefined, [0.6, 0.95]),
  };
  const scale = SMALLER * (back ? 0.6 : 1);
  const mentions = view.scene.mentions.map((mention) => ({
    ...mention,
    scale: mention.scale * scale,
  }));
  return drawSubjects({ ...view, scene: { ...view.scene, mentions } }, 'hills', ground);
}

/** The third of the width where the words say, else the one where the least stands already. */
function acrossOf(
  survey: Survey,
  where: readonly Position[],
  otherwise: readonly [number, number] | undefined,
  [top, bottom]: readonly [number, number],
): readonly [number, number] {
  if (where.includes('left')) return [0.05, 0.38];
  if (where.includes('right')) return [0.62, 0.95];
  if (where.includes('centre')) return [0.33, 0.67];
  if (otherwise !== undefined) return otherwise;
  const crowded = boxBlur(contrastOf(survey), survey, 2);
  const thirds = [
    [0.05, 0.38],
    [0.62, 0.95],
    [0.34, 0.66],
  ] as const;
  const weights = thirds.map(([from, to]) => {
    let sum = 0;
    let counted = 0;
    for (let row = Math.floor(top * survey.height); row < bottom * survey.height; row += 1) {
      for (let column = Math.floor(from * survey.width); column < to * survey.width; column += 1) {
        sum += crowded[row * survey.width + column] ?? 0;
        counted += 1;
      }
    }
    return sum / Math.max(1, counted);
  });
  return thirds[weights.indexOf(Math.min(...weights))] ?? thirds[0];
}
