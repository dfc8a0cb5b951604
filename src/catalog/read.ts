import type { z } from 'zod';
import { formatUsd } from '../base/money.ts';
import {
  type Card,
  type ModelSource,
  type RetiredModelSource,
  cardFileSchema,
  modelSchema,
  retiredModelSchema,
  toCard,
  toRetiredCard,
} from './card.ts';
import { modelFaults } from './check.ts';
import { NO_MARKUP, formatMarkup, markUpTariff } from './markup.ts';
import { type PlacedMarkup, readOperatorFile } from './operator.ts';
import { type RawModel, withOperatorCards } from './overrides.ts';
import { toParameter } from './parameter.ts';
import { type PlaceProblem, type Problem, issueFaults, refuse } from './problem.ts';
import { type Fault, toSizes } from './sizes.ts';
import { type Price, toPrice } from './tariff.ts';
import { type CardFile, readYaml } from './yaml-file.ts';

/** What the cards are read against. */
export interface ReadOptions {
  /** The operator's own file, whose models and markups come over the cards. */
  readonly operator?: CardFile;
  /** What a card may name as its provider; anything when absent. */
  readonly providers?: ReadonlySet<string>;
}

/** A model of a file whose keys and values can all be read. */
interface Entry<Source> {
  readonly family: string;
  readonly source: Source;
  readonly problem: PlaceProblem;
  readonly markup?: PlacedMarkup;
}

type ServedEntry = Entry<ModelSource> & { readonly kind: 'served' };
type RetiredEntry = Entry<RetiredModelSource> & { readonly kind: 'retired' };
type AnyEntry = ServedEntry | RetiredEntry;

/**
 * The cards of these files, in order, retired ones included. Throws a CatalogError with every
 * problem of the first kind that is found: files that cannot be read (broken YAML, unknown keys,
 * wrong types), or else cards that do not hold together (prices or dimensions that are missing,
 * duplicate ids, successors that do not exist).
 */
export function readCards(files: readonly CardFile[], options: ReadOptions = {}): readonly Card[] {
  const { operator, providers } = options;
  const problems: Problem[] = [];
  const models = files.flatMap((file) => readFile(file, problems));
  refuse(problems);
  // Before the operator's word is put over them, so that the two cannot be mistaken.
  const cards = toCards(models, providers);
  if (operator === undefined) {
    return cards;
  }
  const own = readOperatorFile(operator, problems);
  refuse(problems);
  const changed = own === undefined ? models : withOperatorCards(models, own, problems);
  refuse(problems);
  return toCards(changed, providers);
}

function readFile(file: CardFile, problems: Problem[]): RawModel[] {
  const yaml = readYaml(file, problems);
  if (yaml === undefined) {
    return [];
  }
  const { data, error } = cardFileSchema.safeParse(yaml.value);
  if (error) {
    problems.push(...issueFaults(error).map(({ path, reason }) => yaml.problem(path, reason)));
    return [];
  }
  return data.models.map((value, index) => ({
    family: data.family,
    value,
    problem: (path, reason) => yaml.problem(['models', index, ...path], reason),
  }));
}

function toCards(models: readonly RawModel[], providers: ReadOptions['providers']): Card[] {
  const problems: Problem[] = [];
  const entries = models.flatMap((model) => toEntry(model, problems));
  refuse(problems);
  problems.push(...duplicates(entries), ...lostSuccessors(entries), ...lostFallbacks(entries));
  problems.push(...unknownProviders(entries, providers));
  const served = new Map<string, Card>();
  for (const entry of entries) {
    const card = entry.kind === 'served' ? servedCard(entry, problems) : undefined;
    if (card !== undefined) {
      served.set(card.id, card);
    }
  }
  const cards = entries.flatMap((entry) => {
    const card =
      entry.kind === 'served' ? served.get(entry.source.id) : retiredCard(entry, served, problems);
    return card === undefined ? [] : [card];
  });
  refuse(problems);
  return cards;
}

function toEntry({ value, ...rest }: RawModel, problems: Problem[]): AnyEntry[] {
  const refused = (error: z.ZodError): AnyEntry[] => {
    problems.push(...issueFaults(error).map(({ path, reason }) => rest.problem(path, reason)));
    return [];
  };
  if (typeof value === 'object' && value !== null && 'retired_at' in value) {
    const { data, error } = retiredModelSchema.safeParse(value);
    return error ? refused(error) : [{ kind: 'retired', source: data, ...rest }];
  }
  const { data, error } = modelSchema.safeParse(value);
  return error ? refused(error) : [{ kind: 'served', source: data, ...rest }];
}

function servedCard(entry: ServedEntry, problems: Problem[]): Card | undefined {
  const { family, source } = entry;
  const parameters = Object.entries(source.parameters).map(([name, parameter]) =>
    toParameter(name, parameter),
  );
  const sizes = toSizes(source.sizes, parameters);
  if (isFaults(sizes)) {
    for (const { path, reason } of sizes) {
      problems.push(entry.problem(['sizes', ...path], reason));
    }
    return undefined;
  }
  const listPrices = source.prices.map(toPrice);
  const parts = { parameters, sizes, prices: listPrices, markup: NO_MARKUP };
  const card = toCard(family, source, parts);
  const faults = modelFaults(card);
  if (faults.length > 0) {
    problems.push(...faults.map(({ path, reason }) => entry.problem(path, reason)));
    return undefined;
  }
  if (entry.markup === undefined) {
    return card;
  }
  const prices = markedUpPrices(card, entry.markup, problems);
  return toCard(family, source, { ...parts, prices, markup: entry.markup.markup });
}

/** The first amount that the markup leaves without an exact value goes to the problems. */
function markedUpPrices(
  { id, prices }: Card,
  { markup, problem }: PlacedMarkup,
  problems: Problem[],
): Price[] {
  const all = prices.map(({ version, tariff }) => ({ version, ...markUpTariff(tariff, markup) }));
  const [first] = all.flatMap(({ inexact }, index) =>
    inexact.map(({ path, usd }) => ({ path: `prices[${index}].${path}`, usd })),
  );
  if (first !== undefined) {
    const product = `${formatUsd(first.usd)} × ${formatMarkup(markup)}`;
    const reason = `${id}'s ${first.path}: ${product} is not a whole number of nano-dollars`;
    problems.push(problem(reason));
  }
  return all.map(({ version, tariff }) => ({ version, tariff }));
}

function isFaults(value: object): value is readonly Fault[] {
  return Array.isArray(value);
}

function retiredCard(
  entry: RetiredEntry,
  served: ReadonlyMap<string, Card>,
  problems: Problem[],
): Card | undefined {
  const { family, source } = entry;
  const successor = served.get(source.successor);
  if (successor === undefined) {
    // It is missing or broken, which has been told already.
    return undefined;
  }
  const card = toRetiredCard(family, source, successor);
  for (const [name, aliases] of Object.entries(source.aliases)) {
    const parameter = card.parameters.find((candidate) => candidate.name === name);
    if (parameter?.type !== 'enum') {
      const reason = `${successor.id} has no enum parameter "${name}"`;
      problems.push(entry.problem(['aliases', name], reason));
      continue;
    }
    for (const [alias, value] of Object.entries(aliases)) {
      if (!parameter.values.includes(value)) {
        const reason = `"${value}" is not a value of ${name}`;
        problems.push(entry.problem(['aliases', name, alias], reason));
      }
    }
  }
  return card;
}

function duplicates(entries: readonly AnyEntry[]): Problem[] {
  const seen = new Set<string>();
  return entries.flatMap(({ source, problem }) => {
    if (seen.has(source.id)) {
      return [problem(['id'], `there is already a model "${source.id}"`)];
    }
    seen.add(source.id);
    return [];
  });
}

/** A successor must be a model that is served itself, so that no chain can lead nowhere. */
function lostSuccessors(entries: readonly AnyEntry[]): Problem[] {
  const kinds = new Map(entries.map(({ source, kind }) => [source.id, kind]));
  return entries.flatMap(({ source, problem }) => {
    const { successor } = source;
    const kind = successor === undefined ? 'served' : kinds.get(successor);
    if (kind === 'served') {
      return [];
    }
    const reason =
      kind === undefined ? `there is no model "${successor}"` : `"${successor}" is retired itself`;
    return [problem(['successor'], reason)];
  });
}

/** A fallback serves by itself: what it costs and takes is on its own card. */
function lostFallbacks(entries: readonly AnyEntry[]): Problem[] {
  const served = new Set(entries.filter(({ kind }) => kind === 'served').map(idOf));
  return entries.flatMap(({ kind, source, problem }) => {
    const fallback = kind === 'served' ? source.fallback : undefined;
    return fallback === undefined || served.has(fallback)
      ? []
      : [problem(['fallback'], `there is no model "${fallback}" that is served`)];
  });
}

function idOf({ source }: AnyEntry): string {
  return source.id;
}

/** What nobody serves would be listed, or not, by chance. */
function unknownProviders(
  entries: readonly AnyEntry[],
  providers: ReadOptions['providers'],
): Problem[] {
  return entries.flatMap(({ kind, source, problem }) => {
    if (kind === 'retired' || providers === undefined) {
      return [];
    }
    const unknown = (name: string, path: PropertyKey[]): Problem[] => {
      const known = [...providers].join(', ');
      const reason = `there is no provider "${name}"; since the start there are ${known}`;
      return providers.has(name) ? [] : [problem(path, reason)];
    };
    return [
      ...unknown(source.provider, ['provider']),
      ...(source.routes ?? []).flatMap(({ provider }, index) =>
        unknown(provider, ['routes', index, 'provider']),
      ),
    ];
  });
}
