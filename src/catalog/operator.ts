import { z } from 'zod';
import { type Markup, markupSchema } from './markup.ts';
import { type PlaceProblem, type Problem, issueFaults } from './problem.ts';
import { type CardFile, readYaml } from './yaml-file.ts';

/** A markup, and where it stands. */
export interface PlacedMarkup {
  readonly markup: Markup;
  readonly problem: (reason: string) => Problem;
}

/** An entry of `models` in the operator's file: a change of a card, or a card of its own. */
export interface OperatorModel {
  readonly id: string;
  /** False: the model is not served, as if there were no card. */
  readonly enabled: boolean;
  readonly family?: string;
  readonly markup?: PlacedMarkup;
  /** The rest, as written: fields of a card. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly problem: PlaceProblem;
}

/** What `easel.yaml` says of models and prices. */
export interface OperatorCards {
  readonly models: readonly OperatorModel[];
  /** For all models. */
  readonly markup?: PlacedMarkup;
  /** For the models of one account, by its name. */
  readonly accountMarkups: ReadonlyMap<string, PlacedMarkup>;
}

const schema = z.looseObject({
  markup: markupSchema.optional(),
  providers: z
    .record(z.string(), z.looseObject({ markup: markupSchema.optional() }).nullable())
    .default({}),
  models: z
    .array(
      z.looseObject({
        id: z.string(),
        enabled: z.boolean().default(true),
        family: z.string().min(1).optional(),
        markup: markupSchema.optional(),
      }),
    )
    .default([]),
});

/**
 * Reads models and markups from the operator's file; the other sections are the config's. What is
 * wrong goes to the problems.
 */
export function readOperatorFile(file: CardFile, problems: Problem[]): OperatorCards | undefined {
  const yaml = readYaml(file, problems);
  if (yaml === undefined) {
    return undefined;
  }
  const { data, error } = schema.safeParse(sectionsOf(yaml.value));
  if (error) {
    problems.push(...issueFaults(error).map(({ path, reason }) => yaml.problem(path, reason)));
    return undefined;
  }
  const placed = (markup: Markup | undefined, path: PropertyKey[]): PlacedMarkup | undefined =>
    markup && { markup, problem: (reason) => yaml.problem(path, reason) };
  const models = data.models.map(({ id, enabled, family, markup, ...fields }, index) => ({
    id,
    enabled,
    fields,
    problem: (path: readonly PropertyKey[], reason: string) =>
      yaml.problem(['models', index, ...path], reason),
    ...(family === undefined ? {} : { family }),
    ...withMarkup(placed(markup, ['models', index, 'markup'])),
  }));
  const accountMarkups = new Map(
    Object.entries(data.providers).flatMap(([name, account]) => {
      const markup = placed(account?.markup, ['providers', name, 'markup']);
      return markup === undefined ? [] : [[name, markup] as const];
    }),
  );
  return { models, accountMarkups, ...withMarkup(placed(data.markup, ['markup'])) };
}

function withMarkup(markup: PlacedMarkup | undefined): { readonly markup?: PlacedMarkup } {
  return markup === undefined ? {} : { markup };
}

/**
 * The sections that only a start reads, with what they hold: all but models and markups. Empty for
 * a file that cannot be read.
 */
export function startSections(file: CardFile | undefined): ReadonlyMap<string, unknown> {
  const value = file === undefined ? undefined : readYaml(file, [])?.value;
  const sections = Object.entries(sectionsOf(value))
    .filter(([name]) => !['models', 'markup', 'shared'].includes(name))
    .map(([name, section]) => [name, name === 'providers' ? unmarked(section) : section] as const);
  return new Map(sections);
}

/** Accounts without their markups, which are taken at once. */
function unmarked(providers: unknown): unknown {
  const accounts = Object.entries(sectionsOf(providers)).map(([name, account]) => {
    const { markup: _, ...rest } = sectionsOf(account);
    return [name, rest];
  });
  return Object.fromEntries(accounts);
}

/** The named parts of a map; those that are empty, and anything but a map, count for nothing. */
function sectionsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null))
    : {};
}
