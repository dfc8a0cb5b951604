import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { edit } from '../edit.ts';
import { paint } from '../paint.ts';
import {
  TALL,
  WIDE,
  changedPixels,
  landscape,
  maskWith,
  meanColour,
  plain,
  see,
  type Seen,
} from './test-pictures.ts';

const HOLE = { left: 90, top: 60, width: 120, height: 100 };

let bytes: Buffer;
let base: Seen;

before(async () => {
  bytes = await landscape();
  base = await see(bytes);
});

async function edited(prompt: string, references: readonly Buffer[], mask?: Buffer): Promise<Seen> {
  const painting = await edit({
    prompt,
    seed: 3,
    width: WIDE,
    height: TALL,
    format: 'png',
    references: references.map((reference) => () => Promise.resolve(reference)),
    ...(mask === undefined ? {} : { mask: () => Promise.resolve(mask) }),
  });
  return see(painting.bytes);
}

function inHole(column: number, row: number): boolean {
  const [across, down] = [column - HOLE.left, row - HOLE.top];
  return across >= 0 && across < HOLE.width && down >= 0 && down < HOLE.height;
}

for (const prompt of [
  'make it night',
  'winter',
  'a hot air balloon',
  'a lake at sunset',
  'add a castle',
  'remove the house',
  'replace it with a red boat',
  'watercolour',
  'make it red',
  'flibbertigibbet',
  'remove the background',
]) {
  test(`"${prompt}" changes what the mask lets through, and no byte outside`, async () => {
    const after = await edited(prompt, [bytes], await maskWith(HOLE));
    assert.equal(
      changedPixels(base, after, (column, row) => !inHole(column, row)),
      0,
    );
    assert.ok(changedPixels(base, after, inHole) > HOLE.width * HOLE.height * 0.1);
  });
}

test('an opaque mask is none', async () => {
  const opaque = await sharp(await plain('#000'))
    .ensureAlpha()
    .png()
    .toBuffer();
  const after = await edited('make it night', [bytes], opaque);
  assert.ok(changedPixels(base, after) > WIDE * TALL * 0.9);
});

test('a removed thing becomes what surrounds it', async () => {
  const drawing =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDE}" height="${TALL}">` +
    `<rect width="100%" height="100%" fill="#3a9a4a"/>` +
    `<circle cx="150" cy="110" r="40" fill="#d02020"/></svg>`;
  const ball = await sharp(Buffer.from(drawing)).png().toBuffer();
  for (const mask of [await maskWith(HOLE), undefined]) {
    const after = await edited('remove the ball', [ball], mask);
    const [red, green, blue] = meanColour(after, [0.35, 0.3, 0.6, 0.6]);
    assert.ok(
      Math.abs(red - 0x3a) < 10 && Math.abs(green - 0x9a) < 10 && Math.abs(blue - 0x4a) < 10,
    );
  }
});

test('the words say which of two things goes', async () => {
  const drawing =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDE}" height="${TALL}">` +
    `<rect width="100%" height="100%" fill="#3a9a4a"/>` +
    `<circle cx="80" cy="120" r="30" fill="#d02020"/>` +
    `<circle cx="240" cy="120" r="30" fill="#d02020"/></svg>`;
  const balls = await sharp(Buffer.from(drawing)).png().toBuffer();
  for (const [side, left, right] of [
    ['left', 58, 208],
    ['right', 208, 58],
  ] as const) {
    const after = await edited(`remove the ball on the ${side}`, [balls]);
    const middle = (column: number): number => after.data[(120 * WIDE + column + 22) * 4] ?? 0;
    assert.ok(middle(left) < 90 && middle(right) > 180, side);
  }
});

test('a scene is painted into the mask', async () => {
  const grey = await plain('#808080');
  const after = await edited('a lake at sunset', [grey], await maskWith(HOLE));
  const [red, , blue] = meanColour(after, [0.35, 0.3, 0.6, 0.45]);
  assert.ok(red > blue + 20);
});

test('two views melt into each other: each has its side', async () => {
  const [red, blue] = [await landscapeIn('#e03020'), await landscapeIn('#2040e0')];
  const after = await edited('combine these into one scene', [red, blue]);
  const [left, right] = [meanColour(after, [0, 0, 0.3, 0.2]), meanColour(after, [0.7, 0, 1, 0.2])];
  assert.ok(left[0] > left[2] + 60 && right[2] > right[0] + 60);
});

/** The landscape in another light, so that the two can be told apart. */
async function landscapeIn(colour: string): Promise<Buffer> {
  return sharp(bytes)
    .composite([{ input: await plain(colour), blend: 'soft-light' }])
    .composite([
      {
        input: await sharp(await plain(colour))
          .ensureAlpha(0.6)
          .png()
          .toBuffer(),
        blend: 'over',
      },
    ])
    .png()
    .toBuffer();
}

test('a thing on alpha or on a plain ground stands in the scene of the other', async () => {
  const request = { prompt: 'an orange pumpkin', seed: 1, width: 200, height: 200 } as const;
  const cut = await paint({ ...request, format: 'png', background: 'transparent' });
  const onWhite = await sharp(cut.bytes).flatten({ background: '#fff' }).jpeg().toBuffer();
  for (const thing of [cut.bytes, onWhite]) {
    for (const references of [
      [bytes, thing],
      [thing, bytes],
    ]) {
      const after = await edited('put them together', references);
      const kept = WIDE * TALL - changedPixels(base, after);
      assert.ok(kept > WIDE * TALL * 0.5, 'the landscape is there');
      let orange = 0;
      for (let byte = 0; byte < after.data.length; byte += 4) {
        const [red = 0, green = 0, blue = 0] = after.data.subarray(byte, byte + 3);
        if (red > 200 && green > 80 && green < 170 && blue < 90) orange += 1;
      }
      assert.ok(orange > 300, 'the pumpkin is there');
    }
  }
});

test('each of many references is in the scene', async () => {
  const colours = ['#e03020', '#20b040', '#2040e0', '#e0c020', '#c030c0', '#20c0c0'] as const;
  const balls = await Promise.all(
    colours.map((colour) =>
      sharp(
        Buffer.from(
          `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">` +
            `<rect width="90" height="90" fill="#fff"/>` +
            `<circle cx="45" cy="45" r="30" fill="${colour}"/></svg>`,
        ),
      )
        .png()
        .toBuffer(),
    ),
  );
  const after = await edited('arrange them', balls);
  for (const colour of colours) {
    const wanted = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    let found = 0;
    for (let byte = 0; byte < after.data.length; byte += 4) {
      const near = wanted.every(
        (value, channel) => Math.abs(value - (after.data[byte + channel] ?? 0)) < 16,
      );
      if (near) found += 1;
    }
    assert.ok(found > 100, colour);
  }
});
