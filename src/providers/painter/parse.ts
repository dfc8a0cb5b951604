import type { Hex } from './colour.ts';
import { LONGEST_PHRASE, type Meaning, findMeaning } from './dictionary.ts';
import type { Mention, Place, Scene } from './scene.ts';

/** More words than this say nothing new about one picture. */
const MOST_WORDS = 600;

/** A stop ends the reach of colours and counts. */
export type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'stop'; readonly text: string }
  | { readonly kind: 'known'; readonly text: string; readonly meaning: Meaning };

type Draft = {
  -readonly [Key in keyof Scene]: Scene[Key] extends readonly (infer Item)[] ? Item[] : Scene[Key];
};

/** Words that wait for the noun they describe. */
interface Waiting {
  colours: Hex[];
  count: number | undefined;
  scale: number;
  refused: boolean;
}

/**
 * Reads a prompt: English words with a known meaning, each colour bound to the next thing named.
 * Any text is taken; only the first 600 words are looked at.
 */
export function parsePrompt(prompt: string): Scene {
  const tokens = recognise(tokenise(prompt));
  const draft: Draft = {
    time: 'day',
    weather: 'clear',
    season: 'summer',
    places: [],
    style: 'painting',
    mentions: [],
    palette: [],
    heavens: [],
    timeNamed: false,
    unknownWords: [],
  };
  let waiting = nothingWaiting();
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'word') {
      draft.unknownWords.push(token.text);
    } else if (token.kind === 'stop') {
      waiting = dropWaiting(draft, waiting);
    } else {
      waiting = take(draft, waiting, token.meaning, tokens[index + 1]);
    }
  }
  dropWaiting(draft, waiting);
  return settle(draft);
}

function take(draft: Draft, waiting: Waiting, meaning: Meaning, next: Token | undefined): Waiting {
  switch (meaning.kind) {
    case 'colour':
      waiting.colours.push(meaning.colour);
      return waiting;
    case 'count':
      waiting.count = meaning.count;
      return waiting;
    case 'scale':
      waiting.scale = meaning.scale;
      return waiting;
    case 'without':
      return { ...nothingWaiting(), refused: true };
    case 'joining':
      // "a pair of red boats", "a red and white boat": these little words join what waits.
      if (isDescribing(next) || waiting.count !== undefined) return waiting;
      return waiting.refused ? waiting : dropWaiting(draft, waiting);
    default:
      if (!waiting.refused) takeNoun(draft, waiting, meaning);
      return nothingWaiting();
  }
}

function takeNoun(draft: Draft, waiting: Waiting, meaning: Meaning): void {
  const [colour, ...others] = waiting.colours;
  draft.palette.push(...others);
  switch (meaning.kind) {
    case 'subject':
      mention(draft, waiting, meaning);
      return;
    case 'place':
      if (!draft.places.includes(meaning.place)) draft.places.push(meaning.place);
      if (colour !== undefined) draft.placeColour = colour;
      return;
    case 'sky':
      if (colour !== undefined) draft.skyColour = colour;
      return;
    case 'time':
      if (!draft.timeNamed) draft.time = meaning.time;
      draft.timeNamed = true;
      if (colour !== undefined) draft.skyColour = colour;
      return;
    case 'weather':
      draft.weather = meaning.weather;
      break;
    case 'season':
      draft.season = meaning.season;
      break;
    case 'style':
      // "illustration" says little: a more exact word before it stands.
      if (meaning.style !== 'painting') draft.style = meaning.style;
      break;
    case 'heaven':
      if (!draft.heavens.includes(meaning.heaven)) draft.heavens.push(meaning.heaven);
      break;
    default:
      break;
  }
  if (colour !== undefined) draft.palette.push(colour);
}

function mention(
  draft: Draft,
  waiting: Waiting,
  meaning: Extract<Meaning, { kind: 'subject' }>,
): void {
  const colour = waiting.colours[0];
  const count = waiting.count ?? (meaning.plural ? 3 : 1);
  const same = draft.mentions.findIndex(
    (other) => other.subject === meaning.subject && other.colour === colour,
  );
  const found: Mention = {
    subject: meaning.subject,
    count,
    scale: waiting.scale,
    ...(colour === undefined ? {} : { colour }),
  };
  const before = draft.mentions[same];
  if (before === undefined) draft.mentions.push(found);
  else draft.mentions[same] = { ...before, count: Math.max(before.count, count) };
}

/** What the words leave open follows from those that there are. */
function settle(draft: Draft): Scene {
  const night = draft.heavens.some((heaven) => heaven !== 'sun' && heaven !== 'rainbow');
  if (!draft.timeNamed && night) draft.time = 'night';
  if (draft.season === 'winter' && draft.weather === 'clear') draft.weather = 'snow';
  if (draft.weather === 'snow') draft.season = 'winter';
  return draft;
}

function nothingWaiting(): Waiting {
  return { colours: [], count: undefined, scale: 1, refused: false };
}

function dropWaiting(draft: Draft, waiting: Waiting): Waiting {
  draft.palette.push(...waiting.colours);
  return nothingWaiting();
}

function isDescribing(token: Token | undefined): boolean {
  return token?.kind === 'known' && token.meaning.kind === 'colour';
}

/** The words of a prompt in simple lower-case letters, and the stops between them. */
export function tokenise(prompt: string): readonly Token[] {
  const plain = prompt
    .slice(0, 20_000)
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/['’]s\b/gu, '');
  const found = plain.match(/[\p{L}\p{N}&]+|[^\s\p{L}\p{N}&-]/gu) ?? [];
  return found
    .slice(0, MOST_WORDS)
    .map((text) => (/[\p{L}\p{N}&]/u.test(text) ? { kind: 'word', text } : { kind: 'stop', text }));
}

/** Replaces the longest known phrases by their meanings. */
export function recognise(tokens: readonly Token[]): readonly Token[] {
  const recognised: Token[] = [];
  let index = 0;
  while (index < tokens.length) {
    const known = longestPhrase(tokens, index);
    const token = tokens[index];
    if (known !== undefined) recognised.push(known.token);
    else if (token !== undefined) recognised.push(token);
    index += known?.length ?? 1;
  }
  return recognised.map((token, place) =>
    settleOrange(token, recognised[place + 1], recognised[place + 2]),
  );
}

function longestPhrase(
  tokens: readonly Token[],
  start: number,
): { readonly token: Token; readonly length: number } | undefined {
  const words: string[] = [];
  for (const token of tokens.slice(start, start + LONGEST_PHRASE)) {
    if (token.kind !== 'word') break;
    words.push(token.text);
  }
  while (words.length > 0) {
    const meaning = findMeaning(words);
    if (meaning !== undefined) {
      return {
        token: { kind: 'known', text: words.join(' '), meaning },
        length: words.length,
      };
    }
    words.pop();
  }
  return undefined;
}

/** "An orange" is a fruit; before a thing it is a colour, and so it is before another word. */
function settleOrange(token: Token, next: Token | undefined, second: Token | undefined): Token {
  if (token.kind !== 'known' || token.meaning.kind !== 'colour' || token.text !== 'orange') {
    return token;
  }
  // "orange and white cat"
  if (isDescribing(second)) return token;
  const ends = next === undefined || next.kind === 'stop';
  const joins = next?.kind === 'known' && next.meaning.kind === 'joining';
  if (!ends && !joins) return token;
  return { ...token, meaning: { kind: 'subject', subject: 'orange', plural: false } };
}

/** Whether the scene names this place. */
export function names(scene: Scene, ...places: readonly Place[]): boolean {
  return places.some((place) => scene.places.includes(place));
}
