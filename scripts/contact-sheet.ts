import { mkdir, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { paint } from '../src/providers/painter/paint.ts';

/**
 * Paints the README's contact sheet: twelve prompts by the built-in painter, four to a row, into
 * `docs/images/contact-sheet.png`. Prints the prompts as a Markdown list, in the same order.
 */
const PICTURES: readonly (readonly [prompt: string, seed: number])[] = [
  ['a serene canal in Venice at sunset', 7],
  ['a red boat on a calm blue sea', 3],
  ['a lighthouse on a starry night', 2],
  ['a ginger cat in a living room', 12],
  ['a snowy mountain village at dusk', 4],
  ['a friendly robot in the city', 9],
  ['hot-air balloons over misty hills at dawn', 6],
  ['a city skyline at night', 21],
  ['watercolour of tulips in a spring garden', 5],
  ['pixel art of a castle at night', 2],
  ['a fox in an autumn forest', 11],
  ['line drawing of a bicycle in a Paris street', 10],
];

const TILE = 320;
const GAP = 8;
const COLUMNS = 4;

async function main(): Promise<void> {
  const rows = Math.ceil(PICTURES.length / COLUMNS);
  const tiles = [];
  for (const [index, [prompt, seed]] of PICTURES.entries()) {
    const { bytes } = await paint({ prompt, seed, width: 1024, height: 1024, format: 'png' });
    tiles.push({
      input: await sharp(bytes).resize(TILE, TILE).png().toBuffer(),
      left: GAP + (index % COLUMNS) * (TILE + GAP),
      top: GAP + Math.floor(index / COLUMNS) * (TILE + GAP),
    });
  }
  const sheet = await sharp({
    create: {
      width: GAP + COLUMNS * (TILE + GAP),
      height: GAP + rows * (TILE + GAP),
      channels: 3,
      background: '#ffffff',
    },
  })
    .composite(tiles)
    .png({ palette: true, quality: 92, effort: 9, compressionLevel: 9 })
    .toBuffer();
  const folder = new URL('../docs/images/', import.meta.url);
  await mkdir(folder, { recursive: true });
  await writeFile(new URL('contact-sheet.png', folder), sheet);
  for (const [index, [prompt, seed]] of PICTURES.entries()) {
    console.log(`${index + 1}. ${prompt} (seed ${seed})`);
  }
}

await main();
