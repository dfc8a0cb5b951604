import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Random } from '../random.ts';

/** A small picture with a hole. */
export interface Torn {
  readonly width: number;
  readonly height: number;
  /** Three numbers a pixel; in the hole a first guess, which is replaced. */
  readonly colour: Float32Array;
  /** 1 in the hole, else 0. */
  readonly hole: Uint8Array;
}

/** Patches reach this far from their middle. */
const REACH = 2;

/** The coarsest level is no longer than this. */
const COARSEST_EDGE = 32;

const ROUNDS = 3;

/**
 * What it costs to take a patch from another height, by a hundredth of the height, squared: skies
 * and grounds change from top to bottom, and go on from left to right.
 */
const CLIMB = 12;

/** About two milliseconds of work. */
const TARGETS_PER_TURN = 600;

/** For each pixel of the hole the pixel whose surroundings fit best there. */
interface Field {
  readonly torn: Torn;
  readonly targets: readonly number[];
  readonly sources: readonly number[];
  readonly isSource: Uint8Array;
  readonly match: Int32Array;
  readonly cost: Float32Array;
}

/**
 * Fills the hole with patches of the surroundings, from coarse to fine: Barnes and others,
 * PatchMatch (2009), with the votes of Wexler, Shechtman and Irani. Resolves to the pixel that
 * each pixel of the hole was taken from (others are -1), or to nothing when the surroundings hold
 * no whole patch. The colours in the hole are changed in place.
 */
export async function matchPatches(torn: Torn, random: Random): Promise<Int32Array | undefined> {
  const coarse = Math.max(torn.width, torn.height) > COARSEST_EDGE ? halve(torn) : undefined;
  const guess = coarse === undefined ? undefined : await matchPatches(coarse, random);
  const field = createField(torn);
  if (field.sources.length === 0) return undefined;
  if (coarse !== undefined && guess !== undefined) adopt(field, coarse, guess);
  for (const target of field.targets) {
    if (field.match[target] === -1) field.match[target] = anySource(field, random);
  }
  if (guess !== undefined) vote(field);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const target of field.targets) {
      field.cost[target] = costOf(torn, target, field.match[target] ?? 0, Infinity);
    }
    await search(field, random, 1);
    await search(field, random, -1);
    await nextTurn();
    vote(field);
    await nextTurn();
  }
  return field.match;
}

function halve({ width, height, colour, hole }: Torn): Torn {
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const halved = new Float32Array(half.width * half.height * 3);
  const counted = new Uint8Array(half.width * half.height);
  const torn = new Uint8Array(half.width * half.height);
  for (let pixel = 0; pixel < hole.length; pixel += 1) {
    const to = (Math.floor(pixel / width) >> 1) * half.width + ((pixel % width) >> 1);
    counted[to] = (counted[to] ?? 0) + 1;
    torn[to] = Math.max(torn[to] ?? 0, hole[pixel] ?? 0);
    for (let channel = 0; channel < 3; channel += 1) {
      halved[to * 3 + channel] =
        (halved[to * 3 + channel] ?? 0) + (colour[pixel * 3 + channel] ?? 0);
    }
  }
  for (let byte = 0; byte < halved.length; byte += 1) {
    halved[byte] = (halved[byte] ?? 0) / (counted[Math.floor(byte / 3)] ?? 1);
  }
  return { ...half, colour: halved, hole: torn };
}

function createField(torn: Torn): Field {
  const { width, height, hole } = torn;
  const targets: number[] = [];
  const sources: number[] = [];
  const isSource = new Uint8Array(hole.length);
  for (let pixel = 0; pixel < hole.length; pixel += 1) {
    if (hole[pixel] === 1) targets.push(pixel);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const inside = x >= REACH && y >= REACH && x < width - REACH && y < height - REACH;
    if (!inside || touchesHole(torn, pixel)) continue;
    isSource[pixel] = 1;
    sources.push(pixel);
  }
  const match = new Int32Array(hole.length).fill(-1);
  return { torn, targets, sources, isSource, match, cost: new Float32Array(hole.length) };
}

function touchesHole({ width, hole }: Torn, pixel: number): boolean {
  for (let down = -REACH; down <= REACH; down += 1) {
    for (let across = -REACH; across <= REACH; across += 1) {
      if (hole[pixel + down * width + across] === 1) return true;
    }
  }
  return false;
}

/** Takes over what the coarser level found. */
function adopt({ torn, targets, isSource, match }: Field, coarse: Torn, guess: Int32Array): void {
  for (const target of targets) {
    const [x, y] = [target % torn.width, Math.floor(target / torn.width)];
    const from = guess[(y >> 1) * coarse.width + (x >> 1)] ?? -1;
    if (from < 0) continue;
    const sourceX = (from % coarse.width) * 2 + (x & 1);
    const sourceY = Math.floor(from / coarse.width) * 2 + (y & 1);
    const source = sourceY * torn.width + sourceX;
    if (sourceX < torn.width && isSource[source] === 1) match[target] = source;
  }
}

function anySource({ sources }: Field, random: Random): number {
  return sources[Math.floor(random.next() * sources.length)] ?? 0;
}

/** Neighbours recommend their matches; then chance looks ever nearer around the best. */
async function search(field: Field, random: Random, step: 1 | -1): Promise<void> {
  const { torn, targets, match } = field;
  const { width } = torn;
  for (let turn = 0; turn < targets.length; turn += 1) {
    if (turn % TARGETS_PER_TURN === TARGETS_PER_TURN - 1) await nextTurn();
    const target = targets[step === 1 ? turn : targets.length - 1 - turn] ?? 0;
    const beside = match[target - step] ?? -1;
    if (beside >= 0) consider(field, target, beside + step);
    const above = match[target - step * width] ?? -1;
    if (above >= 0) consider(field, target, above + step * width);
    for (let radius = Math.max(width, torn.height) / 2; radius >= 1; radius /= 2) {
      const best = match[target] ?? 0;
      const x = (best % width) + Math.round((random.next() * 2 - 1) * radius);
      const y = Math.floor(best / width) + Math.round((random.next() * 2 - 1) * radius);
      if (x >= 0 && x < width && y >= 0 && y < torn.height) consider(field, target, y * width + x);
    }
  }
}

function consider(field: Field, target: number, source: number): void {
  if (field.isSource[source] !== 1) return;
  const most = field.cost[target] ?? Infinity;
  const cost = costOf(field.torn, target, source, most);
  if (cost >= most) return;
  field.cost[target] = cost;
  field.match[target] = source;
}

/** The squared difference of two patches; stops when it is more than `most`. */
function costOf(torn: Torn, target: number, source: number, most: number): number {
  const { width, height, colour } = torn;
  const [x, y] = [target % width, Math.floor(target / width)];
  const climb = ((Math.floor(source / width) - y) / height) * 100;
  const [top, bottom] = [Math.max(-REACH, -y), Math.min(REACH, height - 1 - y)];
  const [left, right] = [Math.max(-REACH, -x), Math.min(REACH, width - 1 - x)];
  let cost = CLIMB * climb * climb;
  for (let down = top; down <= bottom && cost <= most; down += 1) {
    let here = (target + down * width + left) * 3;
    let there = (source + down * width + left) * 3;
    for (let byte = (right - left + 1) * 3; byte > 0; byte -= 1) {
      const difference = (colour[here] ?? 0) - (colour[there] ?? 0);
      cost += difference * difference;
      here += 1;
      there += 1;
    }
  }
  return cost;
}

/** Each pixel of the hole becomes what the patches over it say, the better ones more. */
function vote({ torn, targets, match, cost }: Field): void {
  const { width, height, colour, hole } = torn;
  const voted = new Float32Array(targets.length * 3);
  for (const [turn, target] of targets.entries()) {
    const [x, y] = [target % width, Math.floor(target / width)];
    let weights = 0;
    for (let down = -REACH; down <= REACH; down += 1) {
      for (let across = -REACH; across <= REACH; across += 1) {
        const [column, row] = [x + across, y + down];
        if (column < 0 || column >= width || row < 0 || row >= height) continue;
        const middle = row * width + column;
        if (hole[middle] !== 1) continue;
        const source = (match[middle] ?? 0) - down * width - across;
        const weight = 1 / (60 + (cost[middle] ?? 0));
        weights += weight;
        for (let channel = 0; channel < 3; channel += 1) {
          voted[turn * 3 + channel] =
            (voted[turn * 3 + channel] ?? 0) + weight * (colour[source * 3 + channel] ?? 0);
        }
      }
    }
    for (let channel = 0; channel < 3; channel += 1) {
      voted[turn * 3 + channel] = (voted[turn * 3 + channel] ?? 0) / weights;
    }
  }
  for (const [turn, target] of targets.entries()) {
    for (let channel = 0; channel < 3; channel += 1) {
      colour[target * 3 + channel] = voted[turn * 3 + channel] ?? 0;
    }
  }
}
