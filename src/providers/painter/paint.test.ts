import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { type PaintRequest, paint } from './paint.ts';

const SMALL = { prompt: 'a red boat', seed: 7, width: 128, height: 96, format: 'png' } as const;

async function digest(request: PaintRequest): Promise<string> {
  const { bytes } = await paint(request);
  return createHash('sha256').update(bytes).digest('hex');
}

for (const style of ['', 'watercolour of ', 'oil painting of ', 'pixel art of ', 'sketch of ']) {
  test(`the same request gives the same bytes: "${style}"`, async () => {
    const request = { ...SMALL, prompt: `${style}a serene canal in Venice at sunset` };
    assert.equal(await digest(request), await digest(request));
  });
}

test('the same request gives the same bytes in another process', async () => {
  const request = { ...SMALL, prompt: 'watercolour of a castle at night', label: 'model-1' };
  const address = new URL('paint.ts', import.meta.url).href;
  const program =
    `const { paint } = await import(${JSON.stringify(address)});` +
    `const { createHash } = await import('node:crypto');` +
    `const { bytes } = await paint(${JSON.stringify(request)});` +
    `process.stdout.write(createHash('sha256').update(bytes).digest('hex'));`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  assert.equal(stdout, await digest(request));
});

test('another seed gives another picture', async () => {
  assert.notEqual(await digest(SMALL), await digest({ ...SMALL, seed: 8 }));
  const largest = { ...SMALL, seed: Number.MAX_SAFE_INTEGER };
  assert.notEqual(await digest(largest), await digest({ ...largest, seed: largest.seed - 1 }));
});

test('words without a meaning change the picture', async () => {
  const known = await digest({ ...SMALL, prompt: 'a boat' });
  const first = await digest({ ...SMALL, prompt: 'a boat flibbertigibbet' });
  const second = await digest({ ...SMALL, prompt: 'a boat quuxification' });
  assert.equal(new Set([known, first, second]).size, 3);
});

const SIZES = [
  [64, 64],
  [512, 2048],
  [2048, 256],
  [1376, 768],
  [6240, 2656],
  [513, 4097],
] as const;

for (const [width, height] of SIZES) {
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    test(`${format} of ${width}x${height} decodes to exactly that size`, async () => {
      const prompt = 'a lighthouse at night';
      const painting = await paint({ prompt, seed: 1, width, height, format });
      const found = await sharp(painting.bytes).metadata();
      assert.deepEqual([found.width, found.height, found.format], [width, height, format]);
      assert.deepEqual([painting.width, painting.height], [width, height]);
      assert.equal(found.hasAlpha, false);
    });
  }
}

for (const style of ['pixel art', 'watercolour', 'oil painting', 'black and white', 'poster']) {
  test(`${style} has exactly the asked size, also when it is odd or large`, async () => {
    for (const [width, height] of [
      [301, 97],
      [97, 301],
      [2100, 900],
    ] as const) {
      const { bytes } = await paint({ ...SMALL, prompt: `${style} of a cat`, width, height });
      const found = await sharp(bytes).metadata();
      assert.deepEqual([found.width, found.height], [width, height]);
    }
  });
}

test('compression trades size for quality', async () => {
  for (const format of ['jpeg', 'webp'] as const) {
    const poor = await paint({ ...SMALL, format, compression: 0 });
    const fine = await paint({ ...SMALL, format, compression: 100 });
    assert.ok(poor.bytes.length < fine.bytes.length);
  }
});

for (const prompt of ['a red apple', 'nothing that it knows', 'watercolour of a cat']) {
  test(`a transparent background is clear at the corners: ${prompt}`, async () => {
    for (const format of ['png', 'webp'] as const) {
      const request = { ...SMALL, prompt, format, background: 'transparent' } as const;
      const { bytes } = await paint(request);
      const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
      assert.equal(info.channels, 4);
      const alphas = data.filter((_, index) => index % 4 === 3);
      assert.equal(alphas[0], 0);
      assert.equal(Math.max(...alphas), 255);
    }
  });
}

test('a draft has the full size, differs, and is rougher the lower it is', async () => {
  const request = { ...SMALL, prompt: 'a city at night', width: 512, height: 512 };
  const sizes: number[] = [];
  for (const draft of [0.25, 0.5, 0.75, undefined]) {
    const { bytes } = await paint(draft === undefined ? request : { ...request, draft });
    const found = await sharp(bytes).metadata();
    assert.deepEqual([found.width, found.height], [512, 512]);
    const { entropy, sharpness } = await sharp(bytes).stats();
    assert.ok(entropy > 0);
    sizes.push(sharpness);
  }
  assert.deepEqual(
    sizes,
    sizes.toSorted((first, second) => first - second),
  );
});

test('a label changes one corner and nothing far from it', async () => {
  const plain = await sharp((await paint({ ...SMALL, width: 400, height: 400 })).bytes)
    .raw()
    .toBuffer();
  const request = { ...SMALL, width: 400, height: 400, label: 'gpt-image-1.5' };
  const marked = await sharp((await paint(request)).bytes)
    .raw()
    .toBuffer();
  const half = plain.length / 2;
  assert.ok(plain.subarray(0, half).equals(marked.subarray(0, half)));
  assert.ok(!plain.subarray(half).equals(marked.subarray(half)));
});

const HARD_PROMPTS: readonly (readonly [string, string])[] = [
  ['markup', '<svg onload="x()">&amp;"\'</svg>]]><!-- <image href="file:///etc/passwd"/>'],
  ['emoji', '🚀🎨👩‍🚀 un petit café ☕ 夕焼け \u0000\u{1F600}\uD800'],
  ['nothing', ''],
  ['spaces', '   \n\t '],
  ['50,000 characters', 'a red boat and two cats near the mountains, '.repeat(1137)],
  ['50,000 characters without a space', 'x'.repeat(50_000)],
  ['object names', 'constructor __proto__ toString hasOwnProperty'],
];

for (const [name, prompt] of HARD_PROMPTS) {
  test(`a prompt of ${name} is painted`, async () => {
    const { bytes } = await paint({ ...SMALL, prompt, label: prompt.slice(0, 300) });
    const found = await sharp(bytes).metadata();
    assert.deepEqual([found.width, found.height], [128, 96]);
  });
}

test('aborted before it begins, it rejects with the reason', async () => {
  const reason = new Error('gone');
  await assert.rejects(paint({ ...SMALL, signal: AbortSignal.abort(reason) }), reason);
});

test('aborted while it waits, it rejects and the others are painted', async () => {
  const controller = new AbortController();
  const before = Array.from({ length: 12 }, (_, seed) => paint({ ...SMALL, seed }));
  const last = paint({ ...SMALL, signal: controller.signal });
  const reason = new Error('gone');
  controller.abort(reason);
  await assert.rejects(last, reason);
  assert.equal((await Promise.all(before)).length, 12);
});
