import { setImmediate as nextTurn } from 'node:timers/promises';
import { boxBlur } from './box-blur.ts';
import { type Matte, type Picture, type Size, eachRow } from './picture.ts';
import type { Survey } from './survey.ts';

/** The radius, in pixels of the survey, in which a matte follows the light of the picture. */
const REACH = 3;

/** Changes of light below this (of 255) are no edge. */
const FAINTEST_EDGE = 7;

/**
 * Brings a matte of the survey to the size of the picture, so that its edge follows the edges of
 * the picture: the guided filter of He, Sun and Tang, worked out small and applied large.
 */
export async function followEdges(survey: Survey, matte: Matte, picture: Picture): Promise<Matte> {
  const { slope, offset } = await fitToLight(survey, matte);
  const { width, height } = picture;
  const data = Buffer.alloc(width * height);
  const { colour } = picture;
  const [across, down] = [survey.width / width, survey.height / height];
  const slopes = new Float32Array(survey.width);
  const offsets = new Float32Array(survey.width);
  await eachRow(picture, (first, end, row) => {
    const y = Math.max(0, Math.min(survey.height - 1, (row + 0.5) * down - 0.5));
    mixRows(slope, slopes, y, survey);
    mixRows(offset, offsets, y, survey);
    for (let pixel = first; pixel < end; pixel += 1) {
      const x = Math.max(0, Math.min(survey.width - 1, (pixel - first + 0.5) * across - 0.5));
      const left = Math.floor(x);
      const right = Math.min(survey.width - 1, left + 1);
      const share = x - left;
      const light =
        0.299 * (colour[pixel * 3] ?? 0) +
        0.587 * (colour[pixel * 3 + 1] ?? 0) +
        0.114 * (colour[pixel * 3 + 2] ?? 0);
      const steepness = (slopes[left] ?? 0) * (1 - share) + (slopes[right] ?? 0) * share;
      const level = (offsets[left] ?? 0) * (1 - share) + (offsets[right] ?? 0) * share;
      // A little steeper than measured, so that inside is inside.
      const clear = (steepness * light + level - 127.5) * 1.25 + 127.5;
      data[pixel] = Math.max(0, Math.min(255, Math.round(clear)));
    }
  });
  return { width, height, data };
}

/** The row of a field at a place between its rows. */
function mixRows(field: Float32Array, row: Float32Array, y: number, size: Size): void {
  const above = Math.floor(y) * size.width;
  const below = Math.min(size.height - 1, Math.floor(y) + 1) * size.width;
  const share = y - Math.floor(y);
  for (let column = 0; column < row.length; column += 1) {
    const upper = field[above + column] ?? 0;
    row[column] = upper + ((field[below + column] ?? 0) - upper) * share;
  }
}

/** In each neighbourhood the line that best tells the matte from the light. */
async function fitToLight(survey: Survey, matte: Matte) {
  const { light } = survey;
  const shares = Float32Array.from(matte.data);
  const meanLight = boxBlur(light, survey, REACH);
  const meanShare = boxBlur(shares, survey, REACH);
  const product = boxBlur(
    light.map((value, pixel) => value * (shares[pixel] ?? 0)),
    survey,
    REACH,
  );
  await nextTurn();
  const square = boxBlur(
    light.map((value) => value * value),
    survey,
    REACH,
  );
  await nextTurn();
  const slope = meanLight.map((mean, pixel) => {
    const spread = (square[pixel] ?? 0) - mean * mean;
    const together = (product[pixel] ?? 0) - mean * (meanShare[pixel] ?? 0);
    return together / (spread + FAINTEST_EDGE ** 2);
  });
  const offset = meanShare.map(
    (mean, pixel) => mean - (slope[pixel] ?? 0) * (meanLight[pixel] ?? 0),
  );
  return { slope: boxBlur(slope, survey, REACH), offset: boxBlur(offset, survey, REACH) };
}
