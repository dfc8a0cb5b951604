import { Failure } from '../base/errors.ts';
import { formatSize, parseSize } from '../base/image.ts';
import type {
  EnumParameter,
  IntegerParameter,
  NumberParameter,
  Parameter,
  ParameterValue,
  StringParameter,
} from './parameter.ts';
import { snapSize, whyOutside } from './size-bounds.ts';

/** A value in its canonical form. */
export interface Checked {
  readonly value: ParameterValue;
  /** What it was before it was put on the grid. */
  readonly adjustedFrom?: ParameterValue;
}

export interface CheckOptions {
  /** True where all fields are text (multipart): numbers and booleans are then read from it. */
  readonly textFields: boolean;
}

/**
 * One sent value of one declared parameter. Bounds are checked as sent; then a value goes to the
 * nearest multiple, ties up, never past a bound. Width and height are left off the grid: they are
 * snapped together. Undefined means "as if not sent" (`auto` where it is no value).
 */
export function checkValue(
  parameter: Parameter,
  sent: unknown,
  options: CheckOptions,
): Checked | undefined {
  switch (parameter.type) {
    case 'enum':
      return checkEnum(parameter, sent);
    case 'integer':
      return checkInteger(parameter, options.textFields ? fromText(sent) : sent);
    case 'number':
      return checkNumber(parameter, options.textFields ? fromText(sent) : sent);
    case 'boolean': {
      const value = options.textFields ? booleanFromText(sent) : sent;
      if (typeof value !== 'boolean') {
        throw wrongType(parameter, 'true or false');
      }
      return { value };
    }
    case 'string':
      return checkString(parameter, sent);
  }
}

function checkEnum(parameter: EnumParameter, sent: unknown): Checked | undefined {
  if (typeof sent !== 'string') {
    throw wrongType(parameter, 'a string');
  }
  const { values, aliases, anyCase, custom } = parameter;
  const plain = (text: string): string => (anyCase ? text.toLowerCase() : text);
  const value =
    values.find((candidate) => plain(candidate) === plain(sent)) ??
    Object.entries(aliases).find(([alias]) => plain(alias) === plain(sent))?.[1];
  if (value !== undefined) {
    return { value };
  }
  if (sent === 'auto') {
    return undefined;
  }
  const asked = custom === undefined ? undefined : parseSize(sent);
  if (custom === undefined || asked === undefined) {
    throw new Failure('invalid_value', {
      param: parameter.name,
      message: `${parameter.name} must be ${allowedValues(parameter)}.`,
    });
  }
  const reason = whyOutside(asked, custom);
  const snapped = reason === undefined ? snapSize(asked, custom) : undefined;
  if (snapped === undefined) {
    const message = `${parameter.name} ${formatSize(asked)}: ${reason ?? 'no such size'}.`;
    throw new Failure('invalid_value', { param: parameter.name, message });
  }
  const canonical = formatSize(snapped);
  return canonical === formatSize(asked)
    ? { value: canonical }
    : { value: canonical, adjustedFrom: formatSize(asked) };
}

function allowedValues({ values, aliases, custom }: EnumParameter): string {
  const list = `one of ${[...values, ...Object.keys(aliases)].join(', ')}`;
  return custom === undefined
    ? list
    : `${list}, or a WIDTHxHEIGHT in multiples of ${custom.multipleOf} of ` +
        `${custom.minPixels} to ${custom.maxPixels} pixels`;
}

function checkInteger(parameter: IntegerParameter, sent: unknown): Checked {
  if (typeof sent !== 'number' || !Number.isSafeInteger(sent)) {
    throw wrongType(parameter, 'an integer');
  }
  checkBounds(parameter, sent);
  const isEdge = parameter.name === 'width' || parameter.name === 'height';
  const value = isEdge ? sent : snapInteger(parameter, sent);
  return value === sent ? { value } : { value, adjustedFrom: sent };
}

function snapInteger({ minimum, maximum, multipleOf = 1 }: IntegerParameter, sent: number): number {
  const below = Math.floor(sent / multipleOf) * multipleOf;
  const above = below + multipleOf;
  const isBelowOut = minimum !== undefined && below < minimum;
  const isAboveOut = maximum !== undefined && above > maximum;
  if (below === sent || (isBelowOut && isAboveOut)) {
    return sent;
  }
  if (isBelowOut || isAboveOut) {
    return isBelowOut ? above : below;
  }
  return sent - below < above - sent ? below : above;
}

function checkNumber(parameter: NumberParameter, sent: unknown): Checked {
  if (typeof sent !== 'number' || !Number.isFinite(sent)) {
    throw wrongType(parameter, 'a number');
  }
  checkBounds(parameter, sent);
  return { value: sent };
}

function checkBounds(parameter: IntegerParameter | NumberParameter, sent: number): void {
  const { name, minimum = -Infinity, maximum = Infinity } = parameter;
  if (sent >= minimum && sent <= maximum) {
    return;
  }
  const allowed =
    maximum === Infinity
      ? `at least ${minimum}`
      : minimum === -Infinity
        ? `at most ${maximum}`
        : `from ${minimum} to ${maximum}`;
  const message = `${name} must be ${allowed}, not ${sent}.`;
  throw new Failure('invalid_value', { param: name, message });
}

function checkString(parameter: StringParameter, sent: unknown): Checked {
  if (typeof sent !== 'string') {
    throw wrongType(parameter, 'a string');
  }
  const { name, maxLength = Infinity } = parameter;
  if (sent.length > maxLength && codePoints(sent) > maxLength) {
    const message = `${name} must have at most ${maxLength} characters.`;
    throw new Failure('invalid_value', { param: name, message });
  }
  return { value: sent };
}

/** The length of a text as people count it: an emoji outside the basic plane is one. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) {
    count += 1;
  }
  return count;
}

function wrongType(parameter: Parameter, wanted: string): Failure {
  const message = `${parameter.name} must be ${wanted}.`;
  return new Failure('invalid_type', { param: parameter.name, message });
}

function fromText(sent: unknown): unknown {
  const isNumeric = typeof sent === 'string' && /^\s*[+-]?\d+(\.\d+)?\s*$/.test(sent);
  return isNumeric ? Number(sent) : sent;
}

function booleanFromText(sent: unknown): unknown {
  return sent === 'true' ? true : sent === 'false' ? false : sent;
}
