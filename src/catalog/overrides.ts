import type { OperatorCards, OperatorModel, PlacedMarkup } from './operator.ts';
import { type PlaceProblem, type Problem, formatProblem } from './problem.ts';

/** A model as it is written, before anybody has looked at its fields. */
export interface RawModel {
  readonly family: string;
  readonly value: unknown;
  readonly problem: PlaceProblem;
  /** On its prices; absent: they are charged as they stand. */
  readonly markup?: PlacedMarkup;
}

/**
 * The models with the operator's word over them: changed, marked up, taken away, and new ones at
 * the end. What cannot be goes to the problems, at its place in the operator's file. The models
 * hold together by themselves, so whatever is wrong with the result is the operator's doing, and
 * the problems of the result are placed there, too.
 */
export function withOperatorCards(
  models: readonly RawModel[],
  operator: OperatorCards,
  problems: Problem[],
): RawModel[] {
  problems.push(...repeated(operator.models));
  const changes = new Map(operator.models.map((model) => [model.id, model]));
  const shippedIds = new Set(models.map(({ value }) => textAt(value, 'id')));
  const own = operator.models.filter(({ id }) => !shippedIds.has(id));
  problems.push(...own.flatMap(strayProblems));
  const results = [
    ...models.map((model) => {
      const change = changes.get(textAt(model.value, 'id') ?? '');
      return change === undefined ? blaming(model, changes) : changed(model, change);
    }),
    ...own.map(newModel),
  ];
  const isServed = ({ value }: RawModel): boolean =>
    changes.get(textAt(value, 'id') ?? '')?.enabled !== false;
  const served = results.filter(isServed);
  problems.push(...abandoned(served, operator.models));
  return served.map((model) => withMarkup(model, operator, problems));
}

function repeated(models: readonly OperatorModel[]): Problem[] {
  const seen = new Set<string>();
  return models.flatMap(({ id, problem }) => {
    if (seen.has(id)) {
      return [problem(['id'], `there is already an entry for "${id}"`)];
    }
    seen.add(id);
    return [];
  });
}

/** An entry that changes a model which does not exist: most likely its id is misspelt. */
function strayProblems({ id, fields, problem }: OperatorModel): Problem[] {
  return 'provider' in fields || 'retired_at' in fields
    ? []
    : [problem(['id'], `there is no model "${id}" to change; a new card begins with its provider`)];
}

function changed(model: RawModel, { fields, family, problem }: OperatorModel): RawModel {
  const value = merged(model.value, fields);
  return { family: family ?? model.family, value, problem };
}

function newModel({ id, fields, family, problem }: OperatorModel): RawModel {
  return { family: family ?? id, value: merged({}, { id, ...fields }), problem };
}

/**
 * The model as it is. A retired one follows its successor, though: if that was changed, so that
 * the two no longer go together, it is told at the change.
 */
function blaming(model: RawModel, changes: ReadonlyMap<string, OperatorModel>): RawModel {
  const successor = changes.get(textAt(model.value, 'successor') ?? '');
  if (successor === undefined) {
    return model;
  }
  const problem: PlaceProblem = (path, reason) =>
    successor.problem([], `with this change ${formatProblem(model.problem(path, reason))}`);
  return { ...model, problem };
}

/** Models whose successor was taken away. */
function abandoned(served: readonly RawModel[], changes: readonly OperatorModel[]): Problem[] {
  return changes
    .filter(({ enabled }) => !enabled)
    .flatMap(({ id, problem }) => {
      const followers = served.flatMap(({ value }) =>
        textAt(value, 'successor') === id ? [textAt(value, 'id') ?? ''] : [],
      );
      const reason = `it succeeds ${followers.join(', ')}: take them away, too, or redirect them`;
      return followers.length === 0 ? [] : [problem(['enabled'], reason)];
    });
}

/** The most specific markup, on list prices only: the operator's own stand as he wrote them. */
function withMarkup(model: RawModel, operator: OperatorCards, problems: Problem[]): RawModel {
  const entry = operator.models.find(({ id }) => id === textAt(model.value, 'id'));
  const chosen = entry?.markup;
  if (textAt(model.value, 'retired_at') !== undefined) {
    // It has its successor's prices.
    problems.push(...(chosen ? [chosen.problem('it is retired: mark up its successor')] : []));
    return model;
  }
  if (entry !== undefined && 'prices' in entry.fields) {
    const reason = 'prices of your own are charged as you write them: leave out one of the two';
    problems.push(...(chosen ? [chosen.problem(reason)] : []));
    return model;
  }
  const account = operator.accountMarkups.get(textAt(model.value, 'provider') ?? '');
  const markup = chosen ?? account ?? operator.markup;
  return markup === undefined ? model : { ...model, markup };
}

/**
 * What comes over a value: maps go together key by key, null takes a key away, and everything else,
 * lists too, replaces. So does a map that says it is of another sort than the one below it.
 */
function merged(below: unknown, above: unknown): unknown {
  if (!isMap(above)) {
    return above;
  }
  const result = new Map(isMap(below) && isSameSort(below, above) ? Object.entries(below) : []);
  for (const [key, value] of Object.entries(above)) {
    if (value === null) {
      result.delete(key);
    } else {
      result.set(key, merged(result.get(key), value));
    }
  }
  return Object.fromEntries(result);
}

type YamlMap = Readonly<Record<string, unknown>>;

/** The fields that tell which other fields a part of a card may have. */
const SORTS = ['kind', 'type', 'rule'];

function isSameSort(below: YamlMap, above: YamlMap): boolean {
  return SORTS.every((name) => {
    const [sort, other] = [below[name], above[name]];
    return typeof sort !== 'string' || typeof other !== 'string' || sort === other;
  });
}

function isMap(value: unknown): value is YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textAt(value: unknown, key: string): string | undefined {
  const found = isMap(value) ? value[key] : undefined;
  return typeof found === 'string' ? found : undefined;
}
