import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instruction, readInstruction } from './instruction.ts';

const READINGS: readonly (readonly [string, (read: Instruction) => unknown, unknown])[] = [
  ['make it night', ({ scene }) => scene.time, 'night'],
  ['Make it winter at night', ({ scene }) => [scene.season, scene.time], ['winter', 'night']],
  ['add a red boat', ({ scene }) => scene.mentions.map(({ subject }) => subject), ['sailboat']],
  ['a cat on the sofa', ({ scene }) => scene.mentions.map(({ subject }) => subject), ['cat']],
  ['add a bird to the boat', ({ scene }) => scene.mentions.map(({ subject }) => subject), ['bird']],
  ['put two birds in the sky', ({ aloft, scene }) => [aloft, scene.mentions[0]?.count], [true, 2]],
  ['remove the boat', ({ removes, scene }) => [removes, scene.mentions], [true, []]],
  ['remove the boat, the tree', ({ removes, scene }) => [removes, scene.mentions], [true, []]],
  [
    'remove the boat, make it night',
    ({ removes, scene }) => [removes, scene.time],
    [true, 'night'],
  ],
  ['remove the person on the left', ({ removeAt }) => removeAt, ['left']],
  ['the same picture without the people', ({ removes }) => removes, true],
  [
    'get rid of the car and add a dog',
    ({ removes, scene }) => [removes, scene.mentions.length],
    [true, 1],
  ],
  ['remove the background', ({ cutsOut, removes }) => [cutsOut, removes], [true, false]],
  ['make the background transparent', ({ cutsOut }) => cutsOut, true],
  ['make the sky pink', ({ tints }) => tints, [{ part: 'sky', colour: '#f08fb4' }]],
  ['change the colour of the boat to blue', ({ tints }) => tints[0]?.part, 'thing'],
  ['make it red', ({ tints }) => tints[0]?.part, 'all'],
  ['turn the grass purple', ({ tints }) => tints[0]?.part, 'greenery'],
  [
    'turn the boat into a castle',
    ({ replaces, scene }) => [replaces, scene.mentions[0]?.subject],
    [true, 'castle'],
  ],
  ['replace the sky with a galaxy', ({ repaints }) => repaints, 'sky'],
  ['change the background to a beach', ({ repaints }) => repaints, 'background'],
  ['put it on a beach', ({ repaints }) => repaints, 'background'],
  ['turn this into a watercolour', ({ scene }) => scene.style, 'watercolour'],
  ['make the picture darker', ({ adjustments }) => adjustments[0]?.adjustment, 'darker'],
  [
    "don't change the sky, add a moon",
    ({ tints, scene }) => [tints, scene.heavens],
    [[], ['moon']],
  ],
  ['keep the boat, make it autumn', ({ scene }) => [scene.mentions, scene.season], [[], 'autumn']],
  ['remove the colours', ({ scene }) => scene.style, 'black-and-white'],
  ['flibbertigibbet', ({ named, removes }) => [named.size, removes], [0, false]],
  ['', ({ named }) => named.size, 0],
];

for (const [prompt, ask, expected] of READINGS) {
  test(`"${prompt}" is understood`, () => {
    assert.deepEqual(ask(readInstruction(prompt)), expected);
  });
}

test('any text is taken', () => {
  for (const prompt of ['constructor toString __proto__', '\uD800', 'remove '.repeat(20_000)]) {
    assert.doesNotThrow(() => readInstruction(prompt));
  }
});
