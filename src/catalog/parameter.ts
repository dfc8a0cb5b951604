import { z } from 'zod';
import type { ImageCall } from '../contract/call.ts';
import { type SizeBounds, boundsSchema, toBounds } from './size-bounds.ts';

/** What a request does: some parameters exist only for one of the two. */
export type Operation = ImageCall['operation'];

/** A value as the upstream gets it. */
export type ParameterValue = string | number | boolean;

/** Canonical values by name: what was sent after snapping, and the defaults of what was not. */
export type Parameters = Readonly<Record<string, ParameterValue>>;

interface Declared {
  readonly name: string;
  /** The operations that know the parameter; both when absent. */
  readonly operations?: readonly Operation[];
}

export interface EnumParameter extends Declared {
  readonly type: 'enum';
  readonly values: readonly string[];
  readonly default?: string;
  /** Whether `2k` is taken for `2K`. The canonical spelling is the card's. */
  readonly anyCase: boolean;
  /** Other names of values: `hd` for `high`. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Set when any `WIDTHxHEIGHT` within these bounds is also a value. */
  readonly custom?: SizeBounds;
}

export interface IntegerParameter extends Declared {
  readonly type: 'integer';
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly default?: number;
}

export interface NumberParameter extends Declared {
  readonly type: 'number';
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
}

export interface BooleanParameter extends Declared {
  readonly type: 'boolean';
  readonly default?: boolean;
}

export interface StringParameter extends Declared {
  readonly type: 'string';
  /** In Unicode code points. */
  readonly maxLength?: number;
  readonly default?: string;
}

/** One declared parameter of a card: the validator and the models list both read this object. */
export type Parameter =
  | EnumParameter
  | IntegerParameter
  | NumberParameter
  | BooleanParameter
  | StringParameter;

const operations = z
  .array(z.enum(['generation', 'edit']))
  .min(1)
  .optional();

/** How a card file writes a parameter. */
export const parameterSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('enum'),
    values: z.array(z.string().min(1)).min(1),
    default: z.string().optional(),
    any_case: z.boolean().default(false),
    aliases: z.record(z.string(), z.string()).default({}),
    custom: boundsSchema.optional(),
    operations,
  }),
  z.strictObject({
    type: z.literal('integer'),
    minimum: z.int().optional(),
    maximum: z.int().optional(),
    multiple_of: z.int().min(1).optional(),
    default: z.int().optional(),
    operations,
  }),
  z.strictObject({
    type: z.literal('number'),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    default: z.number().optional(),
    operations,
  }),
  z.strictObject({ type: z.literal('boolean'), default: z.boolean().optional(), operations }),
  z.strictObject({
    type: z.literal('string'),
    max_length: z.int().min(1).optional(),
    default: z.string().optional(),
    operations,
  }),
]);

/** A parameter of a card file as the rest of Easel knows it. */
export function toParameter(name: string, source: z.output<typeof parameterSchema>): Parameter {
  const declared = { name, ...present({ operations: source.operations }) };
  switch (source.type) {
    case 'enum': {
      const { values, aliases, custom } = source;
      return {
        ...declared,
        type: 'enum',
        values,
        aliases,
        anyCase: source.any_case,
        ...present({ default: source.default }),
        ...(custom === undefined ? {} : { custom: toBounds(custom) }),
      };
    }
    case 'integer': {
      const { minimum, maximum, multiple_of: multipleOf, default: fallback } = source;
      const limits = present({ minimum, maximum, multipleOf, default: fallback });
      return { ...declared, type: 'integer', ...limits };
    }
    case 'number': {
      const { minimum, maximum, default: fallback } = source;
      return { ...declared, type: 'number', ...present({ minimum, maximum, default: fallback }) };
    }
    case 'boolean':
      return { ...declared, type: 'boolean', ...present({ default: source.default }) };
    case 'string': {
      const { max_length: maxLength, default: fallback } = source;
      return { ...declared, type: 'string', ...present({ maxLength, default: fallback }) };
    }
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The object without its undefined members, as exactOptionalPropertyTypes wants it. */
export function present<T extends object>(members: T): Present<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Present<T>;
}
