import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compose } from './compose.ts';
import { PLACES, STYLES, TIMES, WEATHERS } from './vocabulary.ts';
import { SUBJECTS } from './subjects/table.ts';

const FRAME = { seed: 3, width: 512, height: 512 } as const;

function svg(prompt: string): string {
  return compose({ ...FRAME, prompt }).svg(512, 512);
}

test('every subject is drawn, in every hour, without a broken number', () => {
  for (const { name, words } of SUBJECTS) {
    const [word] = words.split(',');
    for (const time of Object.keys(TIMES)) {
      assert.doesNotMatch(svg(`${word} at ${time}`), /NaN|undefined|Infinity/, `${name} ${time}`);
    }
  }
});

test('every place is drawn in every weather and style', () => {
  for (const place of Object.keys(PLACES)) {
    for (const weather of Object.keys(WEATHERS)) {
      assert.doesNotMatch(svg(`${place}, ${weather}`), /NaN|undefined|Infinity/, place);
    }
    for (const style of Object.keys(STYLES)) {
      assert.doesNotMatch(svg(`${place}, ${style}`), /NaN|undefined|Infinity/, place);
    }
  }
});

test('a subject stays within its own box at its foot', () => {
  for (const { name, width, height } of SUBJECTS) {
    assert.equal(Math.max(width, height), 100, name);
  }
});

test('a colour that the prompt gives is in the picture', () => {
  const red = svg('a red paper boat');
  const blue = svg('a blue paper boat');
  assert.notEqual(red, blue);
});

test('the picture has a bounded number of elements, however much is asked for', () => {
  const much = `${SUBJECTS.map(({ name }) => `twelve ${name}s`).join()} in a city village forest`;
  const elements = compose({ prompt: much, seed: 1, width: 6000, height: 800 })
    .svg(6000, 800)
    .match(/</g);
  assert.ok((elements?.length ?? 0) < 12_000);
});

test('no text of the prompt gets into the SVG', () => {
  assert.doesNotMatch(svg('<script>alert(1)</script> zorblequux "&'), /script|zorblequux|alert/);
});
