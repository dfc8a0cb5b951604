import assert from 'node:assert/strict';
import sharp from 'sharp';
import { createRandom } from '../random.ts';

/** The size of the pictures of the tests. */
export const WIDE = 320;
export const TALL = 240;

/** What a test wants to know of a picture: four bytes a pixel. */
export interface Seen {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
}

/** A landscape like a photograph: soft, noisy, with a house, a tree and a red ball. */
export async function landscape(): Promise<Buffer> {
  const drawing =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDE}" height="${TALL}">` +
    `<linearGradient id="s" x2="0" y2="1"><stop stop-color="#5b93cf"/>` +
    `<stop offset="1" stop-color="#d9e6ee"/></linearGradient>` +
    `<rect width="320" height="130" fill="url(#s)"/>` +
    `<path d="M0 120L60 80L120 112L190 76L320 116V150H0Z" fill="#5f7288"/>` +
    `<rect y="128" width="320" height="112" fill="#5c7a3a"/>` +
    `<rect x="210" y="110" width="62" height="50" fill="#c9bda6"/>` +
    `<path d="M202 112L241 84L280 112Z" fill="#8a4a38"/>` +
    `<rect x="48" y="120" width="8" height="52" fill="#4a3626"/>` +
    `<circle cx="52" cy="108" r="30" fill="#3d5a2a"/>` +
    `<circle cx="130" cy="205" r="18" fill="#c3322e"/></svg>`;
  const random = createRandom('film');
  const grain = Buffer.from(Array.from({ length: WIDE * TALL }, () => random.whole(110, 146)));
  const raw = { width: WIDE, height: TALL, channels: 1 } as const;
  return sharp(Buffer.from(drawing))
    .blur(0.8)
    .composite([{ input: grain, raw, blend: 'soft-light' }])
    .png()
    .toBuffer();
}

export function plain(colour: string, width = WIDE, height = TALL): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: colour } })
    .png()
    .toBuffer();
}

/** A mask that lets through one rectangle. */
export function maskWith(hole: {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}): Promise<Buffer> {
  const { left, top, width, height } = hole;
  const input = {
    create: { width, height, channels: 4 as const, background: { r: 0, g: 0, b: 0, alpha: 1 } },
  };
  return sharp({ create: { width: WIDE, height: TALL, channels: 4, background: '#000' } })
    .composite([{ input, left, top, blend: 'dest-out' }])
    .png()
    .toBuffer();
}

export async function see(bytes: Buffer): Promise<Seen> {
  const { hasAlpha } = await sharp(bytes).metadata();
  const { data, info } = await sharp(bytes)
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, hasAlpha };
}

/** The mean colour of a part, given in shares of the width and the height. */
export function meanColour(
  { data, width, height }: Seen,
  [left, top, right, bottom]: readonly [number, number, number, number] = [0, 0, 1, 1],
): readonly [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0];
  let counted = 0;
  for (let row = Math.floor(top * height); row < Math.ceil(bottom * height); row += 1) {
    for (let column = Math.floor(left * width); column < Math.ceil(right * width); column += 1) {
      for (const channel of [0, 1, 2] as const) {
        sum[channel] += data[(row * width + column) * 4 + channel] ?? 0;
      }
      counted += 1;
    }
  }
  return [sum[0] / counted, sum[1] / counted, sum[2] / counted];
}

/** The light of each pixel, 0 to 255. */
export function lightsOf({ data }: Seen): readonly number[] {
  const lights: number[] = [];
  for (let byte = 0; byte < data.length; byte += 4) {
    const [red = 0, green = 0, blue = 0] = data.subarray(byte, byte + 3);
    lights.push(0.299 * red + 0.587 * green + 0.114 * blue);
  }
  return lights;
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function spreadOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}

/** The mean distance between the strongest and the weakest channel. */
export function colourfulness({ data }: Seen): number {
  const spreads: number[] = [];
  for (let byte = 0; byte < data.length; byte += 4) {
    const [red = 0, green = 0, blue = 0] = data.subarray(byte, byte + 3);
    spreads.push(Math.max(red, green, blue) - Math.min(red, green, blue));
  }
  return meanOf(spreads);
}

/** How strongly the light changes at each pixel. */
export function edgesOf(seen: Seen): readonly number[] {
  const lights = lightsOf(seen);
  return lights.map((here, pixel) => {
    const across = (lights[pixel + 1] ?? here) - here;
    const down = (lights[pixel + seen.width] ?? here) - here;
    return Math.min(40, Math.abs(across) + Math.abs(down));
  });
}

/** 1 when the light and shade of both run alike, 0 when they have nothing in common. */
export function likeness(first: Seen, second: Seen): number {
  return correlation(lightsOf(first), lightsOf(second));
}

/** 1 when both run alike, 0 when they have nothing in common. */
export function correlation(one: readonly number[], other: readonly number[]): number {
  const [meanOne, meanOther] = [meanOf(one), meanOf(other)];
  const products = one.map((light, pixel) => (light - meanOne) * ((other[pixel] ?? 0) - meanOther));
  return meanOf(products) / (spreadOf(one) * spreadOf(other));
}

/** How many pixels differ at all, of those that count. */
export function changedPixels(
  first: Seen,
  second: Seen,
  counts: (column: number, row: number) => boolean = () => true,
): number {
  assert.deepEqual([first.width, first.height], [second.width, second.height]);
  let changed = 0;
  for (let pixel = 0; pixel < first.width * first.height; pixel += 1) {
    if (!counts(pixel % first.width, Math.floor(pixel / first.width))) continue;
    const at = pixel * 4;
    if (first.data.compare(second.data, at, at + 4, at, at + 4) !== 0) changed += 1;
  }
  return changed;
}
