import type { OpenPicture } from '../finish.ts';
import type { Random } from '../random.ts';
import { isCut, keyedOut, plainBorder } from './cut-out.ts';
import { type Frame, frameAround, joined } from './insert.ts';
import { followEdges } from './matte.ts';
import {
  type Matte,
  type Picture,
  type Size,
  alphaOf,
  blend,
  coverage,
  interleave,
  layOver,
  openColour,
  openMatte,
  toColour,
  toGrey,
} from './picture.ts';
import { surveyPicture } from './survey.ts';

/** What a picture brings into a scene of several. */
type Guest =
  | { readonly kind: 'thing'; readonly picture: Picture; readonly border: Picture['colour'] }
  | { readonly kind: 'view'; readonly picture: Picture };

/** Most things side by side; more make a second row. */
const MOST_ACROSS = 5;

/**
 * Brings several pictures into one scene. Those of one thing on a plain or transparent ground are
 * cut to that thing; the first of the others is the scene that they stand in. Two scenes melt into
 * each other; further ones are shown in it with soft edges.
 */
export async function gather(
  open: OpenPicture,
  base: Picture,
  pictures: readonly Picture[],
  random: Random,
): Promise<Picture> {
  const guests: Guest[] = [];
  for (const picture of pictures) guests.push(await receive(open, picture));
  const views = guests.filter(({ kind }) => kind === 'view');
  const [first, second] = views;
  if (guests.length === 2 && first !== undefined && second !== undefined) {
    return meltTogether(open, base, second.picture);
  }
  const [leading] = guests;
  const ground =
    leading?.kind === 'view'
      ? base
      : first === undefined
        ? plainGround(base, leading)
        : { ...sizeOf(base), colour: await covering(open, first.picture, base) };
  const standing = guests.filter((guest) => guest !== first);
  return standTogether(open, ground, standing, { random, alone: first === undefined });
}

async function receive(open: OpenPicture, picture: Picture): Promise<Guest> {
  if (isCut(picture)) {
    return {
      kind: 'thing',
      picture: await trim(open, picture),
      border: Buffer.from('efe9de', 'hex'),
    };
  }
  const survey = await surveyPicture(open, picture);
  const border = plainBorder(survey);
  if (border === undefined) return { kind: 'view', picture };
  const thing = keyedOut(survey, border);
  const share = coverage(thing);
  if (share < 0.01 || share > 0.92) return { kind: 'view', picture };
  const alpha = (await followEdges(survey, thing, picture)).data;
  return {
    kind: 'thing',
    picture: await trim(open, { ...picture, alpha }),
    border: Buffer.from(border),
  };
}

async function trim(open: OpenPicture, picture: Picture): Promise<Picture> {
  const frame = await frameAround({ ...picture, data: alphaOf(picture) }, 40);
  const { width, height } = frame;
  const colour = await toColour(openColour(open, picture).extract(frame));
  const alpha = await toGrey(
    openMatte(open, { ...picture, data: alphaOf(picture) }).extract(frame),
  );
  return { width, height, colour, alpha };
}

function plainGround(base: Picture, leading: Guest | undefined): Picture {
  const border = leading?.kind === 'thing' ? leading.border : Buffer.from('efe9de', 'hex');
  return { ...sizeOf(base), colour: Buffer.alloc(base.width * base.height * 3, border) };
}

/** Half of each, with a seam too soft to be seen as one. */
async function meltTogether(open: OpenPicture, base: Picture, other: Picture): Promise<Picture> {
  const { width, height } = base;
  const row = Buffer.alloc(width);
  for (let column = 0; column < width; column += 1) {
    const share = Math.max(0, Math.min(1, ((column + 0.5) / width - 0.5) / 0.26 + 0.5));
    row[column] = Math.round(255 * share * share * (3 - 2 * share));
  }
  const matte: Matte = { width, height, data: Buffer.alloc(width * height, row) };
  return blend(base, { ...base, colour: await covering(open, other, base) }, matte);
}

function covering(open: OpenPicture, picture: Picture, size: Size): Promise<Buffer> {
  return toColour(openColour(open, picture).resize(size.width, size.height, { fit: 'cover' }));
}

async function standTogether(
  open: OpenPicture,
  ground: Picture,
  guests: readonly Guest[],
  { random, alone }: { readonly random: Random; readonly alone: boolean },
): Promise<Picture> {
  const across = Math.min(MOST_ACROSS, guests.length);
  const rows = Math.ceil(guests.length / across);
  const mirrored = random.fork('guests').chance(0.5);
  let scene = ground;
  for (const [index, guest] of guests.entries()) {
    const row = Math.floor(index / across);
    const inRow = Math.min(across, guests.length - row * across);
    const bottom = ground.height * (0.94 - ((rows - 1 - row) * 0.82) / rows);
    const slot = slotOf(ground, { inRow, column: index % across, mirrored: mirrored && !alone });
    const room = { width: slot.wide, height: (ground.height * (alone ? 0.8 : 0.56)) / rows };
    const scale = Math.min(room.width / guest.picture.width, room.height / guest.picture.height);
    const width = Math.max(2, Math.round(guest.picture.width * scale));
    const height = Math.max(2, Math.round(guest.picture.height * scale));
    scene = await stand(open, scene, guest, {
      left: Math.round(Math.max(0, Math.min(ground.width - width, slot.middle - width / 2))),
      top: Math.round(Math.max(0, bottom - height)),
      width,
      height,
    });
  }
  return scene;
}

/** A single guest stands aside, so that what is in the middle of the scene stays seen. */
function slotOf(
  { width }: Size,
  { inRow, column, mirrored }: { inRow: number; column: number; mirrored: boolean },
): { readonly middle: number; readonly wide: number } {
  if (inRow === 1) return { middle: width * (mirrored ? 0.27 : 0.73), wide: width * 0.46 };
  const slot = (width * 0.94) / inRow;
  return { middle: width * 0.03 + slot * (column + 0.5), wide: slot * 0.92 };
}

async function stand(
  open: OpenPicture,
  scene: Picture,
  { kind, picture }: Guest,
  frame: Frame,
): Promise<Picture> {
  const { width, height, left, top } = frame;
  const size = { fit: 'fill' } as const;
  const colour = await toColour(openColour(open, picture).resize(width, height, size));
  const solid = openMatte(open, { ...picture, data: alphaOf(picture) });
  const alpha =
    kind === 'thing'
      ? await toGrey(solid.resize(width, height, size))
      : await softFrame(open, { width, height });
  const drawn = { width, height, colour, alpha };
  const rgba = await interleave(open, drawn);
  const raw = { width, height, channels: 4 } as const;
  const shadow = kind === 'thing' ? [shadowUnder(scene, frame)] : [];
  const laid = await layOver(open, scene, ...shadow, { input: rgba, raw, left, top });
  return scene.alpha === undefined
    ? laid
    : { ...laid, alpha: await joined(scene, drawn, { left, top }) };
}

/** White in the middle, fading to nothing at the rim. */
async function softFrame(open: OpenPicture, { width, height }: Size): Promise<Buffer> {
  const fade = Math.max(1, Math.round(Math.min(width, height) * 0.06));
  const inner = { width: Math.max(1, width - 2 * fade), height: Math.max(1, height - 2 * fade) };
  const drawing =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<rect width="${width}" height="${height}"/><rect x="${fade}" y="${fade}" rx="${fade}"` +
    ` width="${inner.width}" height="${inner.height}" fill="#fff"/></svg>`;
  return toGrey(
    open(Buffer.from(drawing))
      .removeAlpha()
      .blur(Math.max(0.5, fade / 2.4)),
  );
}

function shadowUnder(scene: Size, { left, top, width, height }: Frame) {
  const drawing =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${scene.width}" height="${scene.height}">` +
    `<radialGradient id="s"><stop offset="0" stop-color="#10121c" stop-opacity=".5"/>` +
    `<stop offset="1" stop-color="#10121c" stop-opacity="0"/></radialGradient>` +
    `<ellipse cx="${left + width / 2}" cy="${top + height}" rx="${width * 0.56}"` +
    ` ry="${Math.max(2, width * 0.07)}" fill="url(#s)"/></svg>`;
  return { input: Buffer.from(drawing) };
}

function sizeOf({ width, height }: Size): Size {
  return { width, height };
}
