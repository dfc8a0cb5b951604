import { flood, floodFromRim, rimOf } from './flood.ts';
import { boxBlur } from './box-blur.ts';
import { followEdges } from './matte.ts';
import { type Matte, type Picture, coverage, eachRow } from './picture.ts';
import { findThing } from './salience.ts';
import type { Survey } from './survey.ts';
import type { Work } from './work.ts';

/** How far, of 255 in each channel, a background may stray from the colour of the border. */
const BACKGROUND_REACH = 30;

/** Steps of colour over which the background flows, from careful to bold. */
const STEPS = [8, 12, 18] as const;

/** Makes everything but the thing in the middle transparent. */
export async function cutOut(work: Work, picture: Picture): Promise<Picture> {
  if (isCut(picture)) return picture;
  const matte = await followEdges(work.survey, await subjectOf(work.survey), picture);
  const { alpha } = picture;
  if (alpha !== undefined) {
    await eachRow(picture, (first, end) => {
      for (let pixel = first; pixel < end; pixel += 1) {
        matte.data[pixel] = ((matte.data[pixel] ?? 0) * (alpha[pixel] ?? 0)) / 255;
      }
    });
  }
  return { ...picture, alpha: matte.data };
}

/** Whether a good part of a picture is transparent already. */
export function isCut({ alpha }: Picture): boolean {
  if (alpha === undefined) return false;
  return coverage({ data: alpha }) < 0.97;
}

/** What is not background, as well as colours tell. */
async function subjectOf(survey: Survey): Promise<Matte> {
  const border = plainBorder(survey);
  if (border !== undefined) return keyedOut(survey, border);
  for (const step of STEPS) {
    const background = floodFromRim(survey, step);
    const share = coverage(background);
    if (share > 0.3 && share < 0.985) return solid(survey, inverted(background));
  }
  // Where no step of colour tells the border from the rest, what stands out is kept.
  return softly(survey, await findThing(survey, []));
}

/** The border's colour, when nearly all of the border has it. */
export function plainBorder(survey: Survey): readonly [number, number, number] | undefined {
  const rim = rimOf(survey);
  const colour = [0, 1, 2].map((channel) => {
    const values = rim.map((pixel) => survey.colour[pixel * 3 + channel] ?? 0);
    return values.toSorted((first, second) => first - second)[values.length >> 1] ?? 0;
  });
  const near = rim.filter((pixel) =>
    colour.every(
      (value, channel) =>
        Math.abs((survey.colour[pixel * 3 + channel] ?? 0) - value) < BACKGROUND_REACH * 0.6,
    ),
  );
  const [red = 0, green = 0, blue = 0] = colour;
  return near.length > rim.length * 0.9 ? [red, green, blue] : undefined;
}

/** Everything but what has the colour of a plain border and hangs together with it. */
export function keyedOut(survey: Survey, border: readonly [number, number, number]): Matte {
  const { width, height, colour } = survey;
  const [red, green, blue] = border;
  const isBorder = (_: number, pixel: number): boolean =>
    Math.max(
      Math.abs((colour[pixel * 3] ?? 0) - red),
      Math.abs((colour[pixel * 3 + 1] ?? 0) - green),
      Math.abs((colour[pixel * 3 + 2] ?? 0) - blue),
    ) <= BACKGROUND_REACH;
  return inverted({ width, height, data: flood(survey, rimOf(survey), isBorder) });
}

function inverted(matte: Matte): Matte {
  return { ...matte, data: matte.data.map((share) => 255 - share) as Buffer };
}

/** Leaves out lines, which are edges in the background, and what is in the sky. */
function solid(survey: Survey, matte: Matte): Matte {
  const around = boxBlur(Float32Array.from(matte.data), survey, 2);
  const keep = (inSky: boolean): Buffer =>
    Buffer.from(
      matte.data.map((share, pixel) =>
        (around[pixel] ?? 0) > 115 && !(inSky && survey.sky?.data[pixel] === 255) ? share : 0,
      ),
    );
  const grounded = { ...matte, data: keep(true) };
  return coverage(grounded) > 0.01 ? grounded : { ...matte, data: keep(false) };
}

function softly(survey: Survey, matte: Matte): Matte {
  const soft = boxBlur(Float32Array.from(matte.data), survey, 2);
  return {
    ...matte,
    data: Buffer.from(soft.map((share) => Math.min(255, Math.round(share * 1.4)))),
  };
}
