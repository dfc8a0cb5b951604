import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelChip } from './label.ts';
import { LETTER_HEIGHT, lettering, textWidth } from './letters.ts';

const SIZES = [
  [64, 64],
  [64, 512],
  [512, 64],
  [256, 2048],
  [1024, 1024],
  [6240, 2656],
] as const;

for (const [width, height] of SIZES) {
  test(`the chip stays within ${width}x${height}, however long the text`, () => {
    for (const text of ['m', 'gpt-image-1.5', 'a-very-long-model-name-indeed'.repeat(20), '']) {
      const chip = labelChip(text, { width, height });
      const placed = /translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+)\)/.exec(chip);
      const drawn = /<rect width="([\d.]+)" height="([\d.]+)"/.exec(chip);
      const [left, top, scale] = [Number(placed?.[1]), Number(placed?.[2]), Number(placed?.[3])];
      assert.ok(left >= 0 && top >= 0);
      assert.ok(left + Number(drawn?.[1]) * scale <= width);
      assert.ok(top + Number(drawn?.[2]) * scale <= height);
    }
  });
}

test('no text of a label gets into the SVG', () => {
  const chip = labelChip('<script>"&', { width: 512, height: 512 });
  assert.doesNotMatch(chip, /script|&/);
});

test('every letter, digit and mark has its strokes', () => {
  for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./:') {
    assert.match(lettering(letter), /<path/, letter);
  }
  assert.equal(lettering('é '), '');
  assert.ok(textWidth('AB') > textWidth('A'));
  assert.equal(LETTER_HEIGHT, 6);
});
