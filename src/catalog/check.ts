import type { Card, Sizing } from './card.ts';
import { isNeverForwarded } from './forwarding.ts';
import type { EnumParameter, Parameter } from './parameter.ts';
import type { Fault, Sizes } from './sizes.ts';
import { listedSizes } from './sizes.ts';
import type { ImageTariff, OutputTokenRule, Tariff } from './tariff.ts';

/** What is wrong with a card although each of its parts can be read; empty when it is sound. */
export function modelFaults(card: Card): readonly Fault[] {
  return [
    ...routeFaults(card),
    ...card.parameters.flatMap(parameterFaults),
    ...sizingFaults(card),
    ...formatFaults(card),
    ...priceFaults(card),
  ];
}

function routeFaults({ id, provider, routes, fallback }: Card): Fault[] {
  const faults: Fault[] = [];
  if (!routes.some((route) => route.provider === provider)) {
    const reason = `${provider}, the provider of the model, must be among them`;
    faults.push({ path: ['routes'], reason });
  }
  const names = routes.map((route) => `${route.provider}/${route.upstreamModel}`);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) {
      faults.push({ path: ['routes', index], reason: `there is already a route ${name}` });
    }
  }
  if (fallback === id) {
    faults.push({ path: ['fallback'], reason: 'a model is no fallback of itself' });
  }
  return faults;
}

/** Fields of the contract itself, which no model may redefine. */
const CONTRACT_FIELDS = new Set([
  'model',
  'prompt',
  'n',
  'response_format',
  'output_format',
  'stream',
  'metadata',
  'image',
  'images',
  'mask',
]);

function parameterFaults(parameter: Parameter): Fault[] {
  const { name } = parameter;
  const path = ['parameters', name];
  const faults: Fault[] = [];
  if (CONTRACT_FIELDS.has(name) || isNeverForwarded(name)) {
    faults.push({ path, reason: 'this name belongs to the contract' });
  }
  const isSpecial = ['seed', 'partial_images', 'output_compression'].includes(name);
  if (isSpecial && parameter.type !== 'integer') {
    faults.push({ path: [...path, 'type'], reason: `${name} is an integer` });
  }
  switch (parameter.type) {
    case 'enum':
      return [...faults, ...enumFaults(parameter, path)];
    case 'integer':
    case 'number': {
      const { minimum = -Infinity, maximum = Infinity, default: fallback } = parameter;
      if (minimum > maximum) {
        faults.push({ path: [...path, 'minimum'], reason: 'is above the maximum' });
      }
      if (fallback !== undefined && (fallback < minimum || fallback > maximum)) {
        faults.push({ path: [...path, 'default'], reason: 'is outside the bounds' });
      }
      const step = parameter.type === 'integer' ? (parameter.multipleOf ?? 1) : undefined;
      if (step !== undefined && fallback !== undefined && fallback % step !== 0) {
        faults.push({ path: [...path, 'default'], reason: `is not a multiple of ${step}` });
      }
      return faults;
    }
    case 'boolean':
    case 'string':
      return faults;
  }
}

function enumFaults(parameter: EnumParameter, path: readonly string[]): Fault[] {
  const { values, aliases, default: fallback } = parameter;
  const faults: Fault[] = [];
  if (fallback !== undefined && !values.includes(fallback)) {
    const reason = `"${fallback}" is not one of ${values.join(', ')}`;
    faults.push({ path: [...path, 'default'], reason });
  }
  if (new Set(values).size < values.length) {
    faults.push({ path: [...path, 'values'], reason: 'a value is listed twice' });
  }
  for (const [alias, value] of Object.entries(aliases)) {
    if (!values.includes(value)) {
      const reason = `"${value}" is not one of ${values.join(', ')}`;
      faults.push({ path: [...path, 'aliases', alias], reason });
    }
  }
  return faults;
}

function sizingFaults(card: Card): Fault[] {
  const style = styleOf(card.sizes);
  const fits: readonly Sizing[] = SIZINGS_OF_STYLE[style];
  if (!fits.includes(card.sizing)) {
    const reason = `these sizes are of a ${fits.join(' or ')} model`;
    return [{ path: ['sizing'], reason }];
  }
  if (card.sizes.kind === 'pixels') {
    return [];
  }
  return card.sizes.fields.flatMap((field): Fault[] => {
    const parameter = card.parameters.find(({ name }) => name === field);
    return parameter?.default === undefined
      ? [{ path: ['parameters', field], reason: 'a sizing parameter needs a default' }]
      : [];
  });
}

type Style = 'pixels' | 'one field' | 'two fields';

const SIZINGS_OF_STYLE = {
  pixels: ['pixels'],
  'one field': ['ratio', 'preset'],
  'two fields': ['tier'],
} as const satisfies Record<Style, readonly Sizing[]>;

function styleOf(sizes: Sizes): Style {
  if (sizes.kind === 'pixels') {
    return 'pixels';
  }
  return sizes.fields.length === 1 ? 'one field' : 'two fields';
}

function formatFaults(card: Card): Fault[] {
  const faults: Fault[] = [];
  const { native, default: fallback } = card.formats;
  if (!native.includes(fallback)) {
    faults.push({ path: ['formats', 'default'], reason: `is not one of ${native.join(', ')}` });
  }
  if (card.imagesPerCall > card.maxN) {
    faults.push({ path: ['images_per_call'], reason: 'is above max_n' });
  }
  return faults;
}

function priceFaults(card: Card): Fault[] {
  return card.prices.flatMap(({ version, tariff }, index): Fault[] => {
    const path = ['prices', index];
    const previous = card.prices[index - 1];
    const isLate = previous === undefined || previous.version < version;
    return [
      ...(isLate ? [] : [{ path: [...path, 'from'], reason: 'must be later than the one before' }]),
      ...tariffFaults(card, tariff).map((fault) => ({ ...fault, path: [...path, ...fault.path] })),
    ];
  });
}

function tariffFaults(card: Card, tariff: Tariff): Fault[] {
  switch (tariff.kind) {
    case 'image':
      return rateFaults(card, tariff);
    case 'megapixel':
      return [];
    case 'token':
      return tokenRuleFaults(card, tariff.outputTokens);
    case 'upstream':
      return tariffFaults(card, tariff.fallback).map((fault) => ({
        ...fault,
        path: ['fallback', ...fault.path],
      }));
  }
}

/** Each combination of the options that the rates name must have exactly one of them. */
function rateFaults(card: Card, tariff: ImageTariff): Fault[] {
  const faults: Fault[] = [];
  const options = new Map<string, EnumParameter>();
  tariff.rates.forEach((rate, index) => {
    for (const [name, value] of Object.entries(rate.when)) {
      const path = ['rates', index, 'when', name];
      const parameter = pricedParameter(card, name);
      if (typeof parameter === 'string') {
        faults.push({ path, reason: parameter });
      } else if (!parameter.values.includes(value)) {
        faults.push({ path, reason: `"${value}" is not one of ${parameter.values.join(', ')}` });
      } else {
        options.set(name, parameter);
      }
    }
  });
  if (faults.length > 0) {
    return faults;
  }
  for (const combination of combinations([...options.values()])) {
    const matching = tariff.rates.filter(({ when }) =>
      Object.entries(when).every(([name, value]) => combination[name] === value),
    );
    if (matching.length !== 1) {
      const wanted = Object.entries(combination).map(([name, value]) => `${name} ${value}`);
      const found = matching.length === 0 ? 'no price' : 'more than one price';
      faults.push({ path: ['rates'], reason: `there is ${found} for ${wanted.join(', ')}` });
    }
  }
  return faults;
}

function tokenRuleFaults(card: Card, rule: OutputTokenRule): Fault[] {
  const path = ['output_tokens'];
  const parameter = pricedParameter(card, rule.parameter);
  if (typeof parameter === 'string') {
    return [{ path: [...path, 'parameter'], reason: parameter }];
  }
  const missingIn = (rows: object): string[] =>
    parameter.values.filter((value) => !Object.hasOwn(rows, value));
  switch (rule.rule) {
    case 'axis':
      return missingIn(rule.factors).map((value) => ({
        path: [...path, 'factors'],
        reason: `there is no factor for ${parameter.name} ${value}`,
      }));
    case 'table': {
      if (card.sizes.kind === 'pixels' || card.sizes.custom !== undefined) {
        return [{ path: [...path, 'rule'], reason: 'a table cannot cover any size: use axis' }];
      }
      return [...new Set(listedSizes(card.sizes))].flatMap((size) =>
        missingIn(rule.tokens[size] ?? {}).map((value) => ({
          path: [...path, 'tokens'],
          reason: `there are no output tokens for ${size} at ${parameter.name} ${value}`,
        })),
      );
    }
  }
}

/** The parameter that a price may depend on, or why it may not. */
function pricedParameter(card: Card, name: string): EnumParameter | string {
  const parameter = card.parameters.find((candidate) => candidate.name === name);
  if (parameter?.type !== 'enum') {
    return `there is no enum parameter "${name}"`;
  }
  if (parameter.default === undefined || parameter.operations !== undefined) {
    return `a price cannot depend on ${name}: it may be absent`;
  }
  return parameter.custom === undefined
    ? parameter
    : `a price cannot depend on ${name}: it takes any size`;
}

function combinations(options: readonly EnumParameter[]): Record<string, string>[] {
  return options.reduce<Record<string, string>[]>(
    (all, { name, values }) =>
      all.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value }))),
    [{}],
  );
}
