import type { Hex } from './colour.ts';
import type { Place, Scene, Season, Style, Time, Weather } from './scene.ts';
import { SUBJECTS } from './subjects/table.ts';
import {
  COLOURS,
  COUNTS,
  HEAVENS,
  JOINING_WORDS,
  PLACES,
  SCALES,
  SEASONS,
  STYLES,
  TIMES,
  WEATHERS,
} from './vocabulary.ts';

/** What a word or phrase of a prompt means to the painter. */
export type Meaning =
  | { readonly kind: 'time'; readonly time: Time }
  | { readonly kind: 'weather'; readonly weather: Weather }
  | { readonly kind: 'season'; readonly season: Season }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'style'; readonly style: Style }
  | { readonly kind: 'heaven'; readonly heaven: Scene['heavens'][number] }
  | { readonly kind: 'sky' }
  | { readonly kind: 'subject'; readonly subject: string; readonly plural: boolean }
  | { readonly kind: 'colour'; readonly colour: Hex }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'scale'; readonly scale: number }
  | { readonly kind: 'without' }
  | { readonly kind: 'joining' };

/** The longest phrase of the dictionary, in words. */
export const LONGEST_PHRASE = 4;

const IRREGULAR: Readonly<Record<string, string>> = {
  men: 'man',
  women: 'woman',
  people: 'person',
  children: 'child',
  mice: 'mouse',
  geese: 'goose',
  leaves: 'leaf',
  wolves: 'wolf',
  loaves: 'loaf',
  ponies: 'pony',
  sheep: 'sheep',
};

const MEANINGS: ReadonlyMap<string, Meaning> = build();

/** Finds a phrase of simple lower-case words, as it is or in the singular. */
export function findMeaning(words: readonly string[]): Meaning | undefined {
  const phrase = words.join(' ');
  const known = MEANINGS.get(phrase);
  if (known !== undefined) return known;
  const head = words.slice(0, -1);
  for (const last of singulars(words.at(-1) ?? '')) {
    const meaning = MEANINGS.get([...head, last].join(' '));
    if (meaning === undefined) continue;
    if (meaning.kind === 'subject') return { ...meaning, plural: true };
    if (meaning.kind === 'place' || meaning.kind === 'weather') return meaning;
    if (meaning.kind === 'heaven' || meaning.kind === 'season') return meaning;
  }
  return undefined;
}

function singulars(word: string): readonly string[] {
  const irregular = IRREGULAR[word];
  if (irregular !== undefined) return [irregular];
  if (!word.endsWith('s') || word.length < 4) return [];
  const found = [word.slice(0, -1)];
  if (word.endsWith('ies')) found.push(`${word.slice(0, -3)}y`);
  if (word.endsWith('es')) found.push(word.slice(0, -2));
  if (word.endsWith('ves')) found.push(`${word.slice(0, -3)}f`, `${word.slice(0, -3)}fe`);
  return found;
}

function build(): ReadonlyMap<string, Meaning> {
  const meanings = new Map<string, Meaning>();
  for (const word of JOINING_WORDS) meanings.set(word, { kind: 'joining' });
  for (const word of ['without', 'no', 'not']) meanings.set(word, { kind: 'without' });
  for (const [word, colour] of Object.entries(COLOURS)) {
    meanings.set(word, { kind: 'colour', colour });
  }
  for (const [word, count] of Object.entries(COUNTS)) meanings.set(word, { kind: 'count', count });
  for (let count = 2; count <= 12; count += 1) {
    meanings.set(String(count), { kind: 'count', count });
  }
  for (const [word, scale] of Object.entries(SCALES)) meanings.set(word, { kind: 'scale', scale });
  add(meanings, SEASONS, (season) => ({ kind: 'season', season }));
  add(meanings, WEATHERS, (weather) => ({ kind: 'weather', weather }));
  add(meanings, TIMES, (time) => ({ kind: 'time', time }));
  add(meanings, PLACES, (place) => ({ kind: 'place', place }));
  add(meanings, STYLES, (style) => ({ kind: 'style', style }));
  add(meanings, HEAVENS, (heaven) => ({ kind: 'heaven', heaven }));
  for (const { name, words } of SUBJECTS) {
    for (const phrase of phrases(words)) {
      meanings.set(phrase, { kind: 'subject', subject: name, plural: false });
    }
  }
  meanings.set('sky', { kind: 'sky' });
  // "orange" is a colour first; the parser tells from its place when it is the fruit.
  meanings.set('oranges', { kind: 'subject', subject: 'orange', plural: true });
  return meanings;
}

function add<Name extends string>(
  meanings: Map<string, Meaning>,
  table: Readonly<Record<Name, string>>,
  meaning: (name: Name) => Meaning,
): void {
  for (const name of Object.keys(table) as Name[]) {
    for (const phrase of phrases(table[name])) meanings.set(phrase, meaning(name));
  }
}

function phrases(words: string): readonly string[] {
  return words.split(',').map((phrase) => phrase.trim().replaceAll('-', ' '));
}
