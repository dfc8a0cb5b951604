import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
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
import { toParameter } from './parameter.ts';
import { type Fault, toSizes } from './sizes.ts';
import { toPrice } from './tariff.ts';
import { offsetOf } from './yaml-lines.ts';

/** A card file that has been read from wherever it lies. */
export interface CardFile {
  /** Its name in messages: `gpt-image.yaml`. */
  readonly name: string;
  readonly text: string;
}

/** Something that is wrong with a card file, where a person can find it. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `models[1].prices[0].rates`; empty for the whole file. */
  readonly path: string;
  readonly reason: string;
}

/** Card files that were refused. The message holds one line for each problem. */
export class CatalogError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'CatalogError';
    this.problems = problems;
  }
}

/** `gpt-image.yaml:42: models[1].prices[0].rates: …` */
export function formatProblem({ file, line, path, reason }: Problem): string {
  return `${file}:${line}: ${path === '' ? '' : `${path}: `}${reason}`;
}

type Path = readonly PropertyKey[];

/** A model of a file whose keys and values can all be read. */
interface Entry<Source> {
  readonly family: string;
  readonly source: Source;
  /** Says what is wrong with the part of the model at that path. */
  readonly problem: (path: Path, reason: string) => Problem;
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
export function readCards(files: readonly CardFile[]): readonly Card[] {
  const problems: Problem[] = [];
  const entries = files.flatMap((file) => readFile(file, problems));
  refuse(problems);
  problems.push(...duplicates(entries), ...lostSuccessors(entries));
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

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) {
    throw new CatalogError(problems);
  }
}

function readFile(file: CardFile, problems: Problem[]): AnyEntry[] {
  const lines = new LineCounter();
  const document = parseDocument(file.text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
  });
  const problem = (path: Path, reason: string): Problem => ({
    file: file.name,
    line: lines.linePos(offsetOf(document, path)).line,
    path: formatPath(path),
    reason,
  });
  if (document.errors.length > 0) {
    for (const { pos, message } of document.errors) {
      problems.push({
        file: file.name,
        line: lines.linePos(pos[0]).line,
        path: '',
        reason: message,
      });
    }
    return [];
  }
  const parsed = cardFileSchema.safeParse(document.toJS());
  if (!parsed.success) {
    problems.push(...issueFaults(parsed.error).map(({ path, reason }) => problem(path, reason)));
    return [];
  }
  const { family, models } = parsed.data;
  return models.flatMap((model, index): AnyEntry[] => {
    const inModel = (path: Path, reason: string): Problem =>
      problem(['models', index, ...path], reason);
    const refused = (error: z.ZodError): AnyEntry[] => {
      problems.push(...issueFaults(error).map(({ path, reason }) => inModel(path, reason)));
      return [];
    };
    if (typeof model === 'object' && model !== null && 'retired_at' in model) {
      const { data, error } = retiredModelSchema.safeParse(model);
      return error ? refused(error) : [{ kind: 'retired', family, source: data, problem: inModel }];
    }
    const { data, error } = modelSchema.safeParse(model);
    return error ? refused(error) : [{ kind: 'served', family, source: data, problem: inModel }];
  });
}

function servedCard(entry: ServedEntry, problems: Problem[]): Card | undefined {
  const { source } = entry;
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
  const prices = source.prices.map(toPrice);
  const card = toCard(entry.family, source, { parameters, sizes, prices });
  const faults = modelFaults(card);
  problems.push(...faults.map(({ path, reason }) => entry.problem(path, reason)));
  return faults.length === 0 ? card : undefined;
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

function issueFaults(error: z.ZodError): { path: Path; reason: string }[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key], reason: 'unknown key' }))
      : [{ path: issue.path, reason: issue.message }],
  );
}

function formatPath(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}
