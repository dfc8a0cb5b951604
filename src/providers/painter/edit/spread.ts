import type { Torn } from './patch-match.ts';

/** One level of the pyramid: colours weighed by how much is known of them. */
interface Level {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and weight for each pixel. */
  readonly sums: Float32Array;
}

/** Spreads the surroundings softly into the hole, in place. */
export function spreadIn(torn: Torn): void {
  const spread = pullPush(firstLevel(torn));
  for (let pixel = 0; pixel < torn.hole.length; pixel += 1) {
    if (torn.hole[pixel] !== 1) continue;
    for (let channel = 0; channel < 3; channel += 1) {
      torn.colour[pixel * 3 + channel] = spread.sums[pixel * 4 + channel] ?? 0;
    }
  }
}

function firstLevel({ width, height, colour, hole }: Torn): Level {
  const sums = new Float32Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const weight = hole[pixel] === 1 ? 0 : 1;
    for (let channel = 0; channel < 3; channel += 1) {
      sums[pixel * 4 + channel] = (colour[pixel * 3 + channel] ?? 0) * weight;
    }
    sums[pixel * 4 + 3] = weight;
  }
  return { width, height, sums };
}

/** Halves until all is known, then fills each level from the coarser one. */
function pullPush(level: Level): Level {
  const { width, height, sums } = level;
  const coarser = width > 1 || height > 1 ? pullPush(halve(level)) : undefined;
  const filled = new Float32Array(sums.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = (y * width + x) * 4;
      const weight = Math.min(1, sums[at + 3] ?? 0);
      for (let channel = 0; channel < 3; channel += 1) {
        const known = weight > 0 ? (sums[at + channel] ?? 0) / (sums[at + 3] ?? 1) : 0;
        const guess = weight < 1 && coarser !== undefined ? sample(coarser, x, y, channel) : known;
        filled[at + channel] = known * weight + guess * (1 - weight);
      }
      filled[at + 3] = 1;
    }
  }
  return { width, height, sums: filled };
}

function halve({ width, height, sums }: Level): Level {
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const halved = new Float32Array(half.width * half.height * 4);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = (y * width + x) * 4;
      const to = ((y >> 1) * half.width + (x >> 1)) * 4;
      for (let part = 0; part < 4; part += 1) {
        halved[to + part] = (halved[to + part] ?? 0) + (sums[from + part] ?? 0);
      }
    }
  }
  return { ...half, sums: halved };
}

function sample({ width, height, sums }: Level, x: number, y: number, channel: number): number {
  const across = Math.max(0, Math.min(width - 1, x / 2 - 0.25));
  const down = Math.max(0, Math.min(height - 1, y / 2 - 0.25));
  const [left, top] = [Math.floor(across), Math.floor(down)];
  const [right, bottom] = [Math.min(width - 1, left + 1), Math.min(height - 1, top + 1)];
  const at = (column: number, row: number): number =>
    sums[(row * width + column) * 4 + channel] ?? 0;
  const upper = at(left, top) + (at(right, top) - at(left, top)) * (across - left);
  const lower = at(left, bottom) + (at(right, bottom) - at(left, bottom)) * (across - left);
  return upper + (lower - upper) * (down - top);
}
