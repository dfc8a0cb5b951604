/** A seeded stream of numbers: the same parts give the same stream, in any process. */
export interface Random {
  /** 0 ≤ number < 1. */
  readonly next: () => number;
  readonly between: (low: number, high: number) => number;
  /** A whole number, both ends included. */
  readonly whole: (low: number, high: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <const T>(choices: readonly [T, ...T[]]) => T;
  /** An independent stream, so that a new detail in one place moves nothing elsewhere. */
  readonly fork: (name: string) => Random;
}

/** Starts a stream from words and numbers (any safe integers). */
export function createRandom(...parts: readonly (string | number)[]): Random {
  return fromState(hash(parts.join('\u0000')));
}

/** FNV-1a over UTF-16 units, twice with different bases, then mixed: 64 bits in two halves. */
export function hash(text: string): readonly [number, number] {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b) + (low >>> 15);
  }
  return [finish(low), finish(high)];
}

function finish(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** sfc32 (PractRand's small fast counting generator), seeded with both halves. */
function fromState(state: readonly [number, number]): Random {
  const [low, high] = state;
  let a = low;
  let b = high;
  let c = low ^ 0x6d2b79f5;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 4294967296;
  };
  for (let round = 0; round < 12; round += 1) next();
  const between = (from: number, to: number): number => from + (to - from) * next();
  return {
    next,
    between,
    whole: (from, to) => Math.floor(between(from, to + 1)),
    chance: (probability) => next() < probability,
    pick: (choices) => choices[Math.floor(next() * choices.length)] ?? choices[0],
    fork: (name) => createRandom(low, high, name),
  };
}
