import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrompt } from './parse.ts';
import type { Place, Season, Style, Time, Weather } from './scene.ts';
import { SUBJECTS } from './subjects/table.ts';
import { COLOURS, HEAVENS, PLACES, SEASONS, STYLES, TIMES, WEATHERS } from './vocabulary.ts';

const TIME_CASES: readonly (readonly [string, Time])[] = [
  ['a serene canal in Venice at sunset', 'sunset'],
  ['boats in the golden hour', 'sunset'],
  ['SUNRISE over hills', 'dawn'],
  ['a lake in the blue hour', 'dusk'],
  ['a cat by moonlight', 'night'],
  ['a full moon over the sea', 'night'],
  ['under the stars', 'night'],
  ['a dog at noon', 'day'],
  ['a horse', 'day'],
  ['a knightly tale', 'day'],
];

for (const [prompt, time] of TIME_CASES) {
  test(`the time of "${prompt}" is ${time}`, () => assert.equal(parsePrompt(prompt).time, time));
}

const WEATHER_CASES: readonly (readonly [string, Weather])[] = [
  ['a rainy street', 'rain'],
  ['a thunderstorm at sea', 'storm'],
  ['a foggy forest', 'fog'],
  ['morning mist', 'fog'],
  ['clouds above', 'cloudy'],
  ['a snowy mountain village', 'snow'],
  ['a train', 'clear'],
  ['a train in Spain', 'clear'],
];

for (const [prompt, weather] of WEATHER_CASES) {
  test(`the weather of "${prompt}" is ${weather}`, () =>
    assert.equal(parsePrompt(prompt).weather, weather));
}

const PLACE_CASES: readonly (readonly [string, readonly Place[]])[] = [
  ['Venice', ['canal']],
  ['a snowy mountain village', ['mountains', 'village']],
  ['two beaches', ['beach']],
  ['a city skyline', ['city']],
  ['in the deep sea', ['underwater']],
  ['outer space', ['space']],
  ['a seahorse', []],
];

for (const [prompt, places] of PLACE_CASES) {
  test(`the places of "${prompt}"`, () => assert.deepEqual(parsePrompt(prompt).places, places));
}

const STYLE_CASES: readonly (readonly [string, Style])[] = [
  ['watercolor of a cat', 'watercolour'],
  ['pixel-art robot', 'pixel'],
  ['a pencil sketch', 'line'],
  ['flat poster', 'poster'],
  ['an oil painting of a dog', 'oil'],
  ['a black and white street', 'black-and-white'],
  ['a dog', 'painting'],
];

for (const [prompt, style] of STYLE_CASES) {
  test(`the style of "${prompt}" is ${style}`, () =>
    assert.equal(parsePrompt(prompt).style, style));
}

const SEASON_CASES: readonly (readonly [string, Season])[] = [
  ['an autumn forest', 'autumn'],
  ['cherry blossom', 'spring'],
  ['a winter lake', 'winter'],
  ['a lake', 'summer'],
];

for (const [prompt, season] of SEASON_CASES) {
  test(`the season of "${prompt}" is ${season}`, () =>
    assert.equal(parsePrompt(prompt).season, season));
}

test('a colour belongs to the next thing', () => {
  const { mentions, palette } = parsePrompt('a red boat and a blue house');
  assert.deepEqual(
    mentions.map(({ subject, colour }) => [subject, colour]),
    [
      ['sailboat', COLOURS['red']],
      ['house', COLOURS['blue']],
    ],
  );
  assert.deepEqual(palette, []);
});

test('a colour passes over adjectives, but not over a preposition', () => {
  const [boat] = parsePrompt('a red wooden boat').mentions;
  assert.equal(boat?.colour, COLOURS['red']);
  const scene = parsePrompt('all in red with a boat');
  assert.equal(scene.mentions[0]?.colour, undefined);
  assert.deepEqual(scene.palette, [COLOURS['red']]);
});

test('of two colours joined by and, the first is the thing’s', () => {
  const scene = parsePrompt('a red and white lighthouse');
  assert.equal(scene.mentions[0]?.colour, COLOURS['red']);
  assert.deepEqual(scene.palette, [COLOURS['white']]);
});

test('a colour before sky or place colours that', () => {
  assert.equal(parsePrompt('a purple sky').skyColour, COLOURS['purple']);
  assert.equal(parsePrompt('a pink sunset').skyColour, COLOURS['pink']);
  assert.equal(parsePrompt('a turquoise sea').placeColour, COLOURS['turquoise']);
});

test('orange is a fruit at the end and a colour before a thing', () => {
  assert.deepEqual(parsePrompt('an orange').mentions, [{ subject: 'orange', count: 1, scale: 1 }]);
  assert.equal(parsePrompt('an orange on a table').mentions[0]?.subject, 'orange');
  assert.equal(parsePrompt('two oranges').mentions[0]?.count, 2);
  for (const prompt of ['an orange cat', 'an orange and white cat']) {
    const [cat] = parsePrompt(prompt).mentions;
    assert.deepEqual([cat?.subject, cat?.colour], ['cat', COLOURS['orange']]);
  }
});

const COUNT_CASES: readonly (readonly [string, string, number])[] = [
  ['two cats', 'cat', 2],
  ['three small red boats', 'sailboat', 3],
  ['a couple of dogs', 'dog', 2],
  ['a dozen balloons', 'hot-air balloon', 12],
  ['5 apples', 'apple', 5],
  ['some foxes', 'fox', 3],
  ['a flock of sheep', 'sheep', 7],
  ['trees', 'tree', 3],
  ['a house', 'house', 1],
  ['four children', 'person', 4],
  ['cherries', 'strawberry', 3],
];

for (const [prompt, subject, count] of COUNT_CASES) {
  test(`"${prompt}" is ${count} × ${subject}`, () => {
    const [found] = parsePrompt(prompt).mentions;
    assert.deepEqual([found?.subject, found?.count], [subject, count]);
  });
}

test('words match whole, longest phrase first', () => {
  assert.deepEqual(parsePrompt('a paper boat').mentions[0]?.subject, 'paper boat');
  assert.deepEqual(parsePrompt('a hot-air balloon').mentions[0]?.subject, 'hot-air balloon');
  assert.deepEqual(parsePrompt('concatenated cargo').mentions, []);
});

test('what the prompt does without is not drawn', () => {
  assert.deepEqual(parsePrompt('a beach without people').mentions, []);
  assert.deepEqual(parsePrompt('no boats').mentions, []);
});

test('unknown words are kept', () => {
  assert.deepEqual(parsePrompt('a zorble boat').unknownWords, ['zorble']);
});

test('every word of every subject is understood as that subject', () => {
  for (const { name, words } of SUBJECTS) {
    for (const phrase of words.split(',')) {
      assert.equal(parsePrompt(phrase.trim()).mentions[0]?.subject, name, phrase);
    }
  }
});

test('every word of the other tables is understood', () => {
  const tables: readonly (readonly [
    Readonly<Record<string, string>>,
    (text: string) => unknown,
  ])[] = [
    [TIMES, (text) => parsePrompt(text).time],
    [WEATHERS, (text) => parsePrompt(text).weather],
    [SEASONS, (text) => parsePrompt(text).season],
    [STYLES, (text) => parsePrompt(text).style],
    [PLACES, (text) => parsePrompt(text).places[0]],
    [HEAVENS, (text) => parsePrompt(text).heavens[0]],
  ];
  for (const [table, read] of tables) {
    for (const [meaning, words] of Object.entries(table)) {
      for (const phrase of words.split(',')) assert.equal(read(phrase.trim()), meaning, phrase);
    }
  }
});
