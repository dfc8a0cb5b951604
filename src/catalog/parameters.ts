import { Failure } from '../base/errors.ts';
import { type PixelSize, formatSize } from '../base/image.ts';
import type { ImageCall, Warning } from '../contract/call.ts';
import type { Card } from './card.ts';
import { isNeverForwarded } from './forwarding.ts';
import type { Parameter, ParameterValue, Parameters } from './parameter.ts';
import { snapSize, whyOutside } from './size-bounds.ts';
import { sizingFields, sizingForReference, translateSize } from './sizing.ts';
import { type Checked, checkValue } from './values.ts';

/** What a card makes of the fields that a caller sent. */
export interface ValidatedParameters {
  /** Canonical values of every declared parameter that has one, defaults filled in. */
  readonly parameters: Parameters;
  /** Undeclared fields of a `passthrough: any` card, as sent. */
  readonly passthrough: Readonly<Record<string, unknown>>;
  readonly warnings: readonly Warning[];
}

export interface ValidationOptions {
  /** The first reference's size: an edit without sizing of its own follows it. */
  readonly referenceSize?: PixelSize;
}

type ParameterCall = Pick<ImageCall, 'operation' | 'fields' | 'textFields'>;

/** A body may hold any number of fields that nobody knows; so many are named one by one. */
const IGNORED_NAMED_MAX = 32;
const NAME_SHOWN_MAX = 64;

/**
 * Checks a call's fields against its card, the only place where that is done. Declared parameters
 * outside their set throw a Failure (`invalid_value`, `invalid_type`) that names the field and
 * what is allowed; values off the grid are snapped; what the card does not declare is never looked
 * at. Everything changed or ignored is a warning.
 */
export function validateParameters(
  card: Card,
  call: ParameterCall,
  options: ValidationOptions = {},
): ValidatedParameters {
  const declared = card.parameters.filter(({ operations }) => isFor(call, operations));
  const sent = sentFields(call);
  const warnings: Warning[] = [];
  const values = new Map<string, ParameterValue>();
  for (const parameter of declared) {
    const value = sent.get(parameter.name);
    const checked = value === undefined ? undefined : checkValue(parameter, value, call);
    if (checked !== undefined) {
      values.set(parameter.name, checked.value);
      warnings.push(...adjustment(parameter, checked));
    }
  }
  const { passthrough, ignored } = undeclared(card, declared, sent);
  warnings.push(...ignored);
  if (!declared.some(({ name }) => name === 'size')) {
    warnings.push(...takeSize(card, sent, values));
  }
  followReference(card, call, options, values);
  for (const { name, default: fallback } of declared) {
    if (!values.has(name) && fallback !== undefined) {
      values.set(name, fallback);
    }
  }
  warnings.push(...snapEdges(card, values));
  // A Map's keys become own properties here, so a field named `__proto__` is a name like another.
  return { parameters: Object.fromEntries(values), passthrough, warnings };
}

function isFor(call: ParameterCall, operations: Parameter['operations']): boolean {
  return operations?.includes(call.operation) ?? true;
}

function sentFields(call: ParameterCall): ReadonlyMap<string, unknown> {
  const present = Object.entries(call.fields).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return new Map(present);
}

function adjustment(parameter: Parameter, checked: Checked): Warning[] {
  const { name } = parameter;
  return checked.adjustedFrom === undefined
    ? []
    : [adjusted(name, `${name} ${checked.adjustedFrom} was taken as ${checked.value}.`)];
}

/** Fields that the card does not declare for this operation, `size` aside. */
function undeclared(
  card: Card,
  declared: readonly Parameter[],
  sent: ReadonlyMap<string, unknown>,
): { passthrough: Record<string, unknown>; ignored: Warning[] } {
  const known = new Set(['size', ...declared.map(({ name }) => name)]);
  const unknown = [...sent].filter(([name]) => !known.has(name));
  const isForwarded = (name: string): boolean =>
    card.passthrough === 'any' && !isNeverForwarded(name);
  const names = unknown.map(([name]) => name).filter((name) => !isForwarded(name));
  const named = names.slice(0, IGNORED_NAMED_MAX).map((name) => {
    const shown = name.slice(0, NAME_SHOWN_MAX);
    return ignored(shown, `${shown} ${whyIgnored(card, name)} and was ignored.`);
  });
  const further = names.length - named.length;
  return {
    passthrough: Object.fromEntries(unknown.filter(([name]) => isForwarded(name))),
    ignored:
      further === 0 ? named : [...named, ignored('', `${further} further fields were ignored.`)],
  };
}

function whyIgnored(card: Card, name: string): string {
  const parameter = card.parameters.find((candidate) => candidate.name === name);
  if (parameter !== undefined) {
    return `is only for ${parameter.operations?.join(' and ')} requests`;
  }
  return isNeverForwarded(name)
    ? 'is never passed on to a model'
    : `is not a parameter of ${card.id}`;
}

/** OpenAI's `size`, translated into the card's own fields. */
function takeSize(
  card: Card,
  sent: ReadonlyMap<string, unknown>,
  values: Map<string, ParameterValue>,
): Warning[] {
  const size = sent.get('size');
  if (size === undefined) {
    return [];
  }
  const own = sizingFields(card).filter((name) => values.has(name));
  if (own.length > 0) {
    return [
      ignored(
        'size',
        `size was ignored: ${own.join(' and ')} ${own.length > 1 ? 'decide' : 'decides'}.`,
      ),
    ];
  }
  const translation = translateSize(card, size);
  if (translation === undefined) {
    return [ignored('size', 'size was ignored: it is not a WIDTHxHEIGHT such as 1024x1024.')];
  }
  const entries = Object.entries(translation.parameters);
  for (const [name, value] of entries) {
    values.set(name, value);
  }
  if (translation.adjusted === undefined) {
    return [];
  }
  const { asked, made } = translation.adjusted;
  const taken = entries.map(([name, value]) => `${name} ${value}`).join(', ');
  const message = `size ${formatSize(asked)} was taken as ${taken}: ${formatSize(made)}.`;
  return [adjusted('size', message)];
}

/** An edit whose caller gave no sizing follows its first reference, as far as the card can. */
function followReference(
  card: Card,
  call: ParameterCall,
  { referenceSize }: ValidationOptions,
  values: Map<string, ParameterValue>,
): void {
  if (call.operation !== 'edit' || referenceSize === undefined) {
    return;
  }
  const following = Object.entries(sizingForReference(card, referenceSize));
  // A tier may be sent alone, and the shape still follows; any other field decides the whole size.
  if (following.every(([name]) => !values.has(name))) {
    for (const [name, value] of following) {
      values.set(name, value);
    }
  }
}

/** Width and height together: checked as sent, then put on the card's grid. */
function snapEdges(card: Card, values: Map<string, ParameterValue>): Warning[] {
  if (card.sizes.kind !== 'pixels') {
    return [];
  }
  const { bounds } = card.sizes;
  const asked = { width: Number(values.get('width')), height: Number(values.get('height')) };
  const reason = whyOutside(asked, bounds);
  const snapped = reason === undefined ? snapSize(asked, bounds) : undefined;
  if (snapped === undefined) {
    const message = `width and height ${formatSize(asked)}: ${reason ?? 'no such size'}.`;
    throw new Failure('invalid_value', { param: 'width', message });
  }
  return (['width', 'height'] as const).flatMap((name) => {
    if (snapped[name] === asked[name]) {
      return [];
    }
    values.set(name, snapped[name]);
    const why = `the multiple of ${bounds.multipleOf} that fits`;
    return [adjusted(name, `${name} ${asked[name]} was taken as ${snapped[name]}, ${why}.`)];
  });
}

function adjusted(param: string, message: string): Warning {
  return { param, code: 'adjusted', message };
}

function ignored(param: string, message: string): Warning {
  return { param, code: 'ignored', message };
}
