import { setImmediate as nextTurn } from 'node:timers/promises';
import { boxBlur } from './box-blur.ts';
import type { Matte, Size } from './picture.ts';
import { flood, floodFromRim, reach } from './flood.ts';
import type { Survey } from './survey.ts';
import type { Position } from './verbs.ts';

/** Steps of colour over which the surroundings flow, from careful to bold. */
const ISLAND_STEPS = [8, 13, 20] as const;

/**
 * Finds the thing that stands out most: what differs most from the wide surroundings, where the
 * words say it is, and around it all that belongs to it. The painter recognises no objects; this
 * is the best guess that can be had without.
 */
export async function findThing(survey: Survey, where: readonly Position[]): Promise<Matte> {
  const { width, height } = survey;
  const high = where.includes('top');
  const weighed = contrastOf(survey).map((value, pixel) => {
    const x = ((pixel % width) + 0.5) / width;
    const y = (Math.floor(pixel / width) + 0.5) / height;
    const heaven = !high && survey.sky?.data[pixel] === 255 ? 0.12 : 1;
    return value * bias(where, x, y) * heaven;
  });
  await nextTurn();
  const island = await bestIsland(survey, weighed);
  return island === undefined ? blobAtPeak(survey, weighed) : softly(survey, island);
}

/** The island that stands out most, of those that the surroundings do not flow into. */
async function bestIsland(survey: Survey, weighed: Float32Array): Promise<Buffer | undefined> {
  const all = weighed.length;
  let best: readonly number[] | undefined;
  let bestScore = 0;
  for (const step of ISLAND_STEPS) {
    await nextTurn();
    const flooded = floodFromRim(survey, step).data;
    const seen = Buffer.from(flooded);
    for (let pixel = 0; pixel < all; pixel += 1) {
      if (seen[pixel] === 255) continue;
      const members = reach(survey, pixel, () => true, seen);
      if (members.length < all * 0.002 || members.length > all * 0.3) continue;
      const sum = members.reduce((total, member) => total + (weighed[member] ?? 0), 0);
      const score = sum / members.length ** 0.6;
      if (score <= bestScore) continue;
      [best, bestScore] = [members, score];
    }
  }
  if (best === undefined) return undefined;
  return withNeighbours(survey, weighed, best);
}

/** Two-coloured things: what adjoins the island and stands out nearly as much is a part of it. */
function withNeighbours(survey: Survey, weighed: Float32Array, members: readonly number[]): Buffer {
  const mean = members.reduce((sum, next) => sum + (weighed[next] ?? 0), 0) / members.length;
  const island = Buffer.alloc(weighed.length);
  for (const member of members) island[member] = 255;
  const grown = flood(survey, members, (_, to) => (weighed[to] ?? 0) > mean * 0.68);
  return countOf(grown) > weighed.length * 0.22 ? island : grown;
}

function blobAtPeak(survey: Survey, weighed: Float32Array): Matte {
  const { width, height } = survey;
  const gathered = boxBlur(weighed, survey, Math.max(1, Math.round(Math.min(width, height) / 40)));
  let peak = 0;
  for (const [pixel, value] of gathered.entries()) if (value > (gathered[peak] ?? 0)) peak = pixel;
  const strength = gathered[peak] ?? 0;
  let blob = grow(gathered, survey, peak, strength * 0.42);
  for (const stricter of [0.5, 0.6, 0.72]) {
    if (countOf(blob) < width * height * 0.22) break;
    blob = grow(gathered, survey, peak, strength * stricter);
  }
  return softly(survey, blob);
}

function softly(survey: Survey, blob: Buffer): Matte {
  const soft = boxBlur(Float32Array.from(blob), survey, 1);
  const data = Buffer.from(soft.map((share) => Math.min(255, Math.round(share * 1.6))));
  return { width: survey.width, height: survey.height, data };
}

/** How much each pixel differs from the wide surroundings, all channels together. */
export function contrastOf(survey: Survey): Float32Array {
  const { width, height, colour } = survey;
  const contrast = new Float32Array(width * height);
  const wide = Math.round(Math.max(width, height) / 5);
  for (let channel = 0; channel < 3; channel += 1) {
    const values = contrast.map((_, pixel) => colour[pixel * 3 + channel] ?? 0);
    const near = boxBlur(values, survey, 1);
    const far = boxBlur(boxBlur(values, survey, wide), survey, wide);
    for (let pixel = 0; pixel < near.length; pixel += 1) {
      const difference = Math.abs((near[pixel] ?? 0) - (far[pixel] ?? 0));
      contrast[pixel] = (contrast[pixel] ?? 0) + difference;
    }
  }
  return contrast;
}

/** What is near the rim is seldom what is meant, unless the words say so. */
function bias(where: readonly Position[], x: number, y: number): number {
  let weight = Math.min(1, 0.25 + 4.5 * Math.min(x, 1 - x, y, 1 - y));
  for (const position of where) weight *= positionWeight(position, x, y);
  return weight;
}

function positionWeight(position: Position, x: number, y: number): number {
  switch (position) {
    case 'left':
      return x < 0.5 ? 1 : 0.08;
    case 'right':
      return x > 0.5 ? 1 : 0.08;
    case 'top':
      return y < 0.5 ? 1 : 0.08;
    case 'bottom':
    case 'foreground':
      return y > 0.5 ? 1 : 0.12;
    case 'background':
      return y < 0.6 ? 1 : 0.3;
    case 'centre':
      return Math.abs(x - 0.5) < 0.25 && Math.abs(y - 0.5) < 0.3 ? 1 : 0.1;
  }
}

function grow(field: Float32Array, size: Size, start: number, threshold: number): Buffer {
  const blob = Buffer.alloc(field.length);
  reach(size, start, (pixel) => (field[pixel] ?? 0) >= threshold, blob);
  return blob;
}

function countOf(blob: Buffer): number {
  return blob.reduce((sum, share) => sum + (share > 0 ? 1 : 0), 0);
}
