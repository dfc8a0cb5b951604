import type { Hex } from '../colour.ts';
import type { Meaning } from '../dictionary.ts';
import { type Token, parsePrompt, recognise, tokenise } from '../parse.ts';
import type { Scene } from '../scene.ts';
import { findSubject } from '../subjects/table.ts';
import {
  ADJUSTMENTS,
  type Adjustment,
  GREEN_PLACES,
  POSITIONS,
  type Position,
  VERBS,
  type Verb,
  WEAK_VERBS,
} from './verbs.ts';

/** The part of a picture that an instruction speaks of. */
export type Part = 'all' | 'sky' | 'ground' | 'greenery' | 'thing' | 'background';

/** What the painter understood of an instruction. */
export interface Instruction {
  /** What the picture should show or become, without what is only spoken of. */
  readonly scene: Scene;
  /** The kinds of words that say so: a scene has a time also when none was named. */
  readonly named: ReadonlySet<Meaning['kind']>;
  /** The words of that scene, for the painter. */
  readonly wanted: string;
  /** Whether it only describes or replaces: no "add", which keeps what is there. */
  readonly adds: boolean;
  /** Whether a thing goes, and where the words say that it is. */
  readonly removes: boolean;
  readonly removeAt: readonly Position[];
  /** Whether the new things take the place of the one that goes. */
  readonly replaces: boolean;
  /** Where the words want the new things. */
  readonly addAt: readonly Position[];
  /** Whether the new things hang in the sky. */
  readonly aloft: boolean;
  /** Whether the background goes. */
  readonly cutsOut: boolean;
  /** The part that becomes the wanted scene. */
  readonly repaints?: 'sky' | 'background';
  readonly tints: readonly { readonly part: Part; readonly colour: Hex }[];
  readonly adjustments: readonly { readonly part: Part; readonly adjustment: Adjustment }[];
}

interface Segment {
  readonly verb: Verb | undefined;
  readonly tokens: readonly Token[];
}

type Draft = {
  -readonly [Key in keyof Omit<Instruction, 'scene' | 'named' | 'wanted'>]: Instruction[Key];
} & { readonly wanted: Token[] };

/** Reads an instruction to change a picture. Any text is taken. */
export function readInstruction(prompt: string): Instruction {
  const draft: Draft = {
    wanted: [],
    adds: false,
    removes: false,
    removeAt: [],
    replaces: false,
    addAt: [],
    aloft: false,
    cutsOut: false,
    tints: [],
    adjustments: [],
  };
  for (const segment of segmentsOf(prompt)) readSegment(draft, segment);
  const wanted = draft.wanted.map(({ text }) => text).join(' ');
  const named = new Set<Meaning['kind']>();
  for (const token of draft.wanted) if (token.kind === 'known') named.add(token.meaning.kind);
  return { ...draft, wanted, named, scene: parsePrompt(wanted) };
}

/** Cuts the instruction at its verbs and stops. */
function segmentsOf(prompt: string): readonly Segment[] {
  const tokens = recognise(tokenise(prompt.replaceAll(/n['’]t\b/giu, ' not')));
  const segments: Segment[] = [];
  let verb: Verb | undefined;
  let gathered: Token[] = [];
  let listing: Verb | undefined;
  const close = (): void => {
    const carried = verb ?? (isList(gathered) ? listing : undefined);
    if (gathered.length > 0) segments.push({ verb: carried, tokens: gathered });
    gathered = [];
  };
  for (const token of tokens) {
    const found = verbOf(token, verb, gathered);
    if (token.kind === 'stop') {
      close();
      listing = token.text === ',' ? (verb ?? listing) : undefined;
      verb = undefined;
    } else if (found === undefined) {
      gathered.push(token);
    } else if (verb !== 'keep' || gathered.length > 0) {
      close();
      verb = found;
    }
  }
  close();
  return segments;
}

/** "remove the boat, the tree": the things after a comma share the verb before it. */
function isList(tokens: readonly Token[]): boolean {
  const kinds = tokens.map((token) => (token.kind === 'known' ? token.meaning.kind : 'word'));
  return kinds.includes('subject') && !kinds.some((kind) => /time|season|style|place/.test(kind));
}

function verbOf(
  token: Token,
  before: Verb | undefined,
  gathered: readonly Token[],
): Verb | undefined {
  if (token.kind === 'known' && token.meaning.kind === 'without') {
    return token.text === 'not' ? 'keep' : 'remove';
  }
  if (token.kind !== 'word' || !Object.hasOwn(VERBS, token.text)) return undefined;
  const opens = before === undefined && gathered.every((other) => isKind(other, 'joining'));
  return opens || !WEAK_VERBS.has(token.text) ? VERBS[token.text] : undefined;
}

function readSegment(draft: Draft, { verb, tokens }: Segment): void {
  switch (verb) {
    case 'keep':
      return;
    case 'remove':
      readRemoval(draft, tokens);
      return;
    case 'replace':
    case 'make':
      readChange(draft, verb, tokens);
      return;
    case 'add':
      draft.adds = true;
      if (movesElsewhere(tokens)) draft.repaints = 'background';
      readWanted(draft, tokens);
      return;
    case 'combine':
    case undefined:
      readWanted(draft, tokens);
  }
}

function readRemoval(draft: Draft, tokens: readonly Token[]): void {
  const words = tokens.map(({ text }) => text);
  const hasThing = tokens.some((token) => isKind(token, 'subject'));
  if (!hasThing && words.includes('background')) {
    draft.cutsOut = true;
  } else if (!hasThing && words.some((word) => /^(colou?rs?|saturation)$/.test(word))) {
    draft.wanted.push(...recognise(tokenise('black and white')));
  } else if (!hasThing && tokens.some((token) => isKind(token, 'weather', 'season'))) {
    const clearer = (['contrast', 'colourful'] as const).map((adjustment) => ({
      part: 'all' as const,
      adjustment,
    }));
    draft.adjustments = [...draft.adjustments, ...clearer];
  } else {
    draft.removes = true;
    const high = tokens.some((token) => flies(token)) ? (['top'] as const) : [];
    draft.removeAt = [...draft.removeAt, ...positionsIn(tokens), ...high];
  }
}

function flies(token: Token): boolean {
  if (isKind(token, 'heaven')) return true;
  if (token.kind !== 'known' || token.meaning.kind !== 'subject') return false;
  return token.text.startsWith('bird') || findSubject(token.meaning.subject)?.habitat === 'air';
}

/** "turn X into Y", "replace X with Y", "make X red": X is only spoken of. */
function readChange(draft: Draft, verb: 'replace' | 'make', tokens: readonly Token[]): void {
  const links = verb === 'replace' ? /^(with|by|for)$/ : /^(into|to|as)$/;
  const link = tokens.findIndex(({ text }) => links.test(text));
  const before = link < 0 ? tokens : tokens.slice(0, link);
  const after = link < 0 ? [] : tokens.slice(link + 1);
  const part = partIn(before);
  if (link < 0) {
    const { rest, colour } = withoutPredicate(tokens);
    if (colour !== undefined) draft.tints = [...draft.tints, { part, colour }];
    if (tokens.some(({ text }) => text === 'transparent')) draft.cutsOut = true;
    readWanted(draft, rest, part);
    return;
  }
  const { rest, colour } = withoutPredicate(after);
  const hasThing = after.some((token) => isKind(token, 'subject'));
  const hasPlace = after.some((token) => isKind(token, 'place'));
  if (colour !== undefined) draft.tints = [...draft.tints, { part, colour }];
  if (part === 'thing' && (hasThing || verb === 'replace')) {
    draft.removes = true;
    draft.replaces = true;
    draft.removeAt = [...draft.removeAt, ...positionsIn(before)];
  }
  if (part === 'background' && colour === undefined) draft.repaints = 'background';
  if (part === 'sky' && (hasPlace || hasThing)) draft.repaints = 'sky';
  readWanted(draft, rest, part);
}

/** Takes what should be in the picture; "on the sofa" tells of something that is there. */
function readWanted(draft: Draft, tokens: readonly Token[], part: Part = 'all'): void {
  const things = tokens.flatMap((token, index) => (isKind(token, 'subject') ? [index] : []));
  const news = things.filter((index) => !isDefinite(tokens, index));
  const isSpokenOf = (index: number): boolean =>
    (news.length > 0 || part !== 'all') && isDefinite(tokens, index);
  draft.wanted.push(...tokens.filter((_, index) => !isSpokenOf(index)), {
    kind: 'stop',
    text: ',',
  });
  draft.addAt = [...draft.addAt, ...positionsIn(tokens)];
  if (things.length > 0 && tokens.some((token) => isKind(token, 'sky'))) draft.aloft = true;
  for (const { kind, text } of tokens) {
    const adjustment = kind === 'word' ? ADJUSTMENTS.get(text) : undefined;
    if (adjustment === undefined) continue;
    draft.adjustments = [...draft.adjustments, { part, adjustment }];
  }
}

/** "put it on a beach": what is there stays, and what is around it changes. */
function movesElsewhere(tokens: readonly Token[]): boolean {
  const isNew = (token: Token, index: number): boolean =>
    isKind(token, 'subject') && !isDefinite(tokens, index);
  if (tokens.some((token, index) => isNew(token, index))) return false;
  const place = tokens.findIndex((token) => isKind(token, 'place'));
  return place >= 0 && !isDefinite(tokens, place);
}

/** Parts "the sky pink" into the sky and its new colour. */
function withoutPredicate(tokens: readonly Token[]): { rest: readonly Token[]; colour?: Hex } {
  const nouns = ['subject', 'place', 'sky', 'time', 'season', 'weather', 'heaven'] as const;
  const lastNoun = tokens.findLastIndex((token) => isKind(token, ...nouns));
  const tail = tokens.slice(lastNoun + 1);
  const colour = tail.find((token) => isKind(token, 'colour'));
  if (colour?.kind !== 'known' || colour.meaning.kind !== 'colour') return { rest: tokens };
  return { rest: tokens.filter((token) => token !== colour), colour: colour.meaning.colour };
}

/** The first thing that the words name as being there. */
function partIn(tokens: readonly Token[]): Part {
  for (const [index, token] of tokens.entries()) {
    if (token.text === 'background') return 'background';
    if (token.kind !== 'known') continue;
    if (token.meaning.kind === 'sky') return 'sky';
    if (token.meaning.kind === 'subject' && isDefinite(tokens, index)) return 'thing';
    if (token.meaning.kind === 'place' && isDefinite(tokens, index)) {
      return GREEN_PLACES.has(token.meaning.place) ? 'greenery' : 'ground';
    }
  }
  return 'all';
}

/** Whether "the" or "my" stands before the noun, perhaps with words between that describe it. */
function isDefinite(tokens: readonly Token[], noun: number): boolean {
  for (let index = noun; index >= 0 && index > noun - 4; index -= 1) {
    const token = tokens[index];
    if (token === undefined || (index < noun && isKind(token, 'subject', 'place'))) return false;
    if (/^(the|this|that|these|those|my|our|your|his|her|their|its)$/.test(token.text)) {
      return isKind(tokens[noun] ?? token, 'subject', 'place', 'sky');
    }
    if (/^(an?|some)$/.test(token.text)) return false;
  }
  return false;
}

function positionsIn(tokens: readonly Token[]): readonly Position[] {
  return tokens.flatMap(({ text }) => POSITIONS.get(text) ?? []);
}

function isKind(token: Token, ...kinds: readonly Meaning['kind'][]): boolean {
  return token.kind === 'known' && kinds.includes(token.meaning.kind);
}
