import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { type EditRequest, UnreadablePicture, edit } from './edit.ts';
import {
  TALL,
  WIDE,
  changedPixels,
  colourfulness,
  correlation,
  edgesOf,
  landscape,
  likeness,
  lightsOf,
  maskWith,
  meanColour,
  meanOf,
  plain,
  see,
  type Seen,
  spreadOf,
} from './edit/test-pictures.ts';
import { paint } from './paint.ts';

let bytes: Buffer;
let base: Seen;

before(async () => {
  bytes = await landscape();
  base = await see(bytes);
});

async function edited(prompt: string, more: Partial<EditRequest> = {}): Promise<Seen> {
  return see(await editedBytes(prompt, more));
}

async function editedBytes(prompt: string, more: Partial<EditRequest> = {}): Promise<Buffer> {
  const references = [() => Promise.resolve(bytes)];
  const size = { seed: 5, width: WIDE, height: TALL, format: 'png' } as const;
  return (await edit({ prompt, ...size, references, ...more })).bytes;
}

const warmth = (seen: Seen): number => {
  const [red, , blue] = meanColour(seen);
  return red - blue;
};
const light = (seen: Seen): number => meanOf(lightsOf(seen));
const contrast = (seen: Seen): number => spreadOf(lightsOf(seen));

const GRADES: readonly (readonly [string, (after: Seen) => boolean])[] = [
  ['make it night', (after) => light(after) < light(base) * 0.5],
  ['at sunset', (after) => warmth(after) > warmth(base) + 30],
  ['at dawn', (after) => warmth(after) > warmth(base) + 10],
  ['at dusk', (after) => light(after) < light(base) * 0.8],
  ['make it winter', (after) => colourfulness(after) < colourfulness(base) * 0.6],
  ['cover it with snow', (after) => light(after) > light(base) + 10],
  ['make it autumn', (after) => warmth(after) > warmth(base) + 20],
  ['spring', (after) => light(after) > light(base)],
  ['fog', (after) => contrast(after) < contrast(base) * 0.7],
  ['rain', (after) => light(after) < light(base) && colourfulness(after) < colourfulness(base)],
  ['a storm', (after) => light(after) < light(base) * 0.75],
  ['cloudy', (after) => colourfulness(after) < colourfulness(base)],
  ['make it darker', (after) => light(after) < light(base) * 0.75],
  ['brighter', (after) => light(after) > light(base) + 15],
  ['warmer', (after) => warmth(after) > warmth(base) + 15],
  ['make it cooler', (after) => warmth(after) < warmth(base) - 10],
  ['more colourful', (after) => colourfulness(after) > colourfulness(base) * 1.2],
  ['make it sepia', (after) => warmth(after) > 15],
  ['tint it red', (after) => warmth(after) > warmth(base) + 40],
];

for (const [prompt, holds] of GRADES) {
  test(`"${prompt}" shows, and the picture stays recognisable`, async () => {
    const after = await edited(prompt);
    assert.ok(holds(after), `light ${light(after)}, warmth ${warmth(after)}`);
    // The sky becomes another one, so only the ground has to look alike.
    const ground = (seen: Seen): readonly number[] => edgesOf(seen).slice((WIDE * TALL) / 2);
    const alike = correlation(ground(base), ground(after));
    assert.ok(alike > 0.3, `alike ${alike}`);
  });
}

test('day brightens a dark picture', async () => {
  const dark = await editedBytes('make it night');
  const after = await edited('make it day', { references: [() => Promise.resolve(dark)] });
  assert.ok(light(after) > light(await see(dark)) * 1.6);
});

test('inverted, light is dark', async () => {
  assert.ok(likeness(base, await edited('invert the colours')) < -0.9);
});

test('several changes combine: winter at night', async () => {
  const after = await edited('make it winter at night');
  assert.ok(light(after) < light(base) * 0.7);
  assert.ok(colourfulness(after) < colourfulness(base));
});

test('black and white has no colour', async () => {
  assert.ok(colourfulness(await edited('make it black and white')) < 1);
});

test('pixel art has flat blocks', async () => {
  const after = await edited('turn it into pixel art');
  // The short edge has about 96 blocks: here each is of three pixels by three.
  for (let row = 0; row < TALL; row += 3) {
    for (let column = 0; column + 1 < WIDE; column += 3) {
      const at = (row * WIDE + column) * 4;
      assert.equal(after.data.compare(after.data, at + 4, at + 8, at, at + 4), 0);
    }
  }
});

test('a pencil sketch is mostly paper, nearly without colour', async () => {
  const after = await edited('as a pencil sketch');
  assert.ok(light(after) > 170);
  assert.ok(colourfulness(after) < 25);
});

test('a watercolour has white paper around it and the picture within', async () => {
  const after = await edited('as a watercolour');
  assert.ok(Math.min(...meanColour(after, [0, 0, 1, 0.01])) > 235);
  assert.ok(likeness(base, after) > 0.5);
});

for (const style of ['oil painting', 'poster']) {
  test(`${style} keeps the picture and changes all of it`, async () => {
    const after = await edited(style);
    assert.ok(likeness(base, after) > 0.8);
    assert.ok(changedPixels(base, after) > WIDE * TALL * 0.7);
  });
}

test('the sky alone becomes pink', async () => {
  const after = await edited('make the sky pink');
  const [red, green, blue] = meanColour(after, [0, 0, 1, 0.25]);
  assert.ok(red > green + 40 && red > blue);
  const [before_, now] = [base, after].map((seen) => meanColour(seen, [0.1, 0.75, 0.3, 0.95]));
  assert.ok(Math.abs((before_?.[0] ?? 0) - (now?.[0] ?? 255)) < 12);
});

test('a red boat is added to the lower half, and little else changes', async () => {
  const grey = await plain('#8090a0');
  const after = await edited('add a red boat', { references: [() => Promise.resolve(grey)] });
  const before_ = await see(grey);
  assert.ok(changedPixels(before_, after, (_, row) => row > TALL / 2) > 500);
  assert.equal(
    changedPixels(before_, after, (_, row) => row < TALL * 0.3),
    0,
  );
  let red = 0;
  for (let byte = 0; byte < after.data.length; byte += 4) {
    const [first = 0, second = 0, third = 0] = after.data.subarray(byte, byte + 3);
    if (first > second + 70 && first > third + 70) red += 1;
  }
  assert.ok(red > 100);
});

test('birds are added to the sky, on the side that the words name', async () => {
  const grey = await plain('#8090a0');
  const references = [() => Promise.resolve(grey)];
  const after = await edited('put a bird in the sky on the left', { references });
  const before_ = await see(grey);
  assert.ok(changedPixels(before_, after, (column, row) => row < TALL / 2 && column < 160) > 100);
  assert.equal(
    changedPixels(before_, after, (column, row) => row > TALL * 0.7 || column > 200),
    0,
  );
});

test('words without a meaning change the picture gently, each in its way', async () => {
  const [first, second] = [await edited('flibbertigibbet'), await edited('quuxification')];
  assert.ok(likeness(base, first) > 0.8);
  assert.ok(changedPixels(base, first) > WIDE * TALL * 0.5);
  assert.ok(changedPixels(first, second) > WIDE * TALL * 0.5);
  assert.ok(changedPixels(base, await edited('')) > WIDE * TALL * 0.5);
});

test('the same request gives the same bytes, another seed others', async () => {
  for (const prompt of [
    'make it winter at night, add a castle',
    'oil painting',
    'remove the ball',
  ]) {
    const [first, second] = [await editedBytes(prompt), await editedBytes(prompt)];
    assert.ok(first.equals(second), prompt);
    assert.ok(!first.equals(await editedBytes(prompt, { seed: 6 })), prompt);
  }
});

for (const format of ['png', 'jpeg', 'webp'] as const) {
  test(`${format} decodes to exactly the asked size, whatever the ratio`, async () => {
    for (const [width, height] of [
      [WIDE, TALL],
      [64, 64],
      [401, 97],
      [97, 401],
    ] as const) {
      const found = await sharp(
        await editedBytes('a cat at night, watercolour', { width, height, format }),
      ).metadata();
      assert.deepEqual([found.width, found.height, found.format], [width, height, format]);
    }
  });
}

test('a far ratio is cut from the picture as the mask is', async () => {
  const size = { width: 640, height: 64 };
  const hole = { left: 0, top: TALL / 2, width: WIDE, height: TALL / 2 };
  const mask = await maskWith(hole);
  const whole = await edited('make it darker', size);
  const after = await edited('make it darker', { ...size, mask: () => Promise.resolve(mask) });
  assert.deepEqual([whole.width, whole.height, after.width], [640, 64, 640]);
  const [upper, lower] = [meanColour(after, [0, 0, 1, 0.4]), meanColour(after, [0, 0.6, 1, 1])];
  assert.ok(upper[1] > lower[1] + 30);
});

test('a label changes one corner, and a draft is rougher than the whole', async () => {
  const whole = await edited('make it night');
  const marked = await edited('make it night', { label: 'model-1' });
  assert.equal(
    changedPixels(whole, marked, (column, row) => row < TALL / 2 || column > WIDE / 2),
    0,
  );
  assert.ok(changedPixels(whole, marked) > 50);
  const sharpness: number[] = [];
  for (const draft of [0.25, 0.6]) {
    sharpness.push((await sharp(await editedBytes('make it night', { draft })).stats()).sharpness);
  }
  const full = await sharp(await editedBytes('make it night')).stats();
  assert.ok((sharpness[0] ?? 9) < (sharpness[1] ?? 0) && (sharpness[1] ?? 9) < full.sharpness);
});

test('a picture is turned upright as its EXIF says', async () => {
  const turned = await sharp(bytes).rotate(-90).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const references = [() => Promise.resolve(turned)];
  assert.ok(likeness(base, await edited('add a small moon', { references })) > 0.9);
});

test('alpha is kept in png and is white in jpeg', async () => {
  const request = { prompt: 'a dog', seed: 1, width: WIDE, height: TALL, format: 'png' } as const;
  const { bytes: cut } = await paint({ ...request, background: 'transparent' });
  const references = [() => Promise.resolve(cut)];
  assert.equal((await edited('make it blue', { references })).data[3], 0);
  const flat = await edited('make it blue', { references, format: 'jpeg' });
  assert.ok(Math.min(...flat.data.subarray(0, 3)) > 245);
});

for (const [name, more] of [
  ['remove the background', {}],
  ['make it brighter', { background: 'transparent' }],
] as const) {
  test(`"${name}" leaves what stands out on alpha`, async () => {
    const after = await edited(name, more);
    assert.equal(after.hasAlpha, true);
    assert.equal(after.data[3], 0);
    assert.equal(after.data[(205 * WIDE + 130) * 4 + 3], 255);
  });
}

test('bytes that are no picture are refused, with the index of the reference', async () => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  for (const bad of [Buffer.from('hello'), svg, bytes.subarray(0, 900), Buffer.alloc(0)]) {
    const first = edited('night', { references: [() => Promise.resolve(bad)] });
    await assert.rejects(first, (error) => error instanceof UnreadablePicture && error.index === 0);
    const references = [() => Promise.resolve(bytes), () => Promise.resolve(bad)];
    const second = edited('night', { references });
    await assert.rejects(
      second,
      (error) => error instanceof UnreadablePicture && error.index === 1,
    );
    const masked = edited('night', { mask: () => Promise.resolve(bad) });
    await assert.rejects(
      masked,
      (error) => error instanceof UnreadablePicture && error.index === undefined,
    );
  }
});

test('what reading a reference rejects with is passed on', async () => {
  const reason = new Error('the store is down');
  await assert.rejects(edited('night', { references: [() => Promise.reject(reason)] }), reason);
});

test('aborted before it begins, it rejects with the reason and reads nothing', async () => {
  const reason = new Error('gone');
  const references = [() => assert.fail('read')];
  await assert.rejects(edited('x', { references, signal: AbortSignal.abort(reason) }), reason);
});
