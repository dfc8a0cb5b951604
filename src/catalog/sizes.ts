import { z } from 'zod';
import { type PixelSize, formatSize, parseSize } from '../base/image.ts';
import type { EnumParameter, Parameter, Parameters } from './parameter.ts';
import type { SizeBounds } from './size-bounds.ts';

/** One combination of sizing values and the picture that it makes. */
export interface ListedSize {
  readonly values: Parameters;
  readonly size: PixelSize;
  /** The shape by name (`16:9`), which the real pixels may miss by a little. */
  readonly shape: PixelSize;
  /** True for `auto`, where the model chooses: the size is what the painter makes of it. */
  readonly automatic: boolean;
}

/** Which pictures a card makes, with every combination of its sizing values spelled out. */
export type Sizes =
  | { readonly kind: 'pixels'; readonly bounds: SizeBounds }
  | {
      readonly kind: 'listed';
      readonly fields: readonly string[];
      readonly listed: readonly ListedSize[];
      /** Set when one field also takes any `WIDTHxHEIGHT` within bounds. */
      readonly custom?: { readonly field: string; readonly bounds: SizeBounds };
    };

const scale = z
  .strictObject({ by: z.string(), factors: z.record(z.string(), z.number().positive()) })
  .optional();
const sizeText = z.string().transform((text, context): PixelSize => {
  const size = parseSize(text);
  if (size === undefined) {
    context.addIssue(`"${text}" is not a size such as 1024x1024`);
    return z.NEVER;
  }
  return size;
});

/** How a card file writes its sizes. `scale` multiplies edges: by 2 is four times the area. */
export const sizesSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pixels'), max_pixels: z.int().min(1) }),
  z.strictObject({
    kind: z.literal('table'),
    by: z.string(),
    pixels: z.record(z.string(), sizeText).default({}),
    scale,
  }),
  z.strictObject({
    kind: z.literal('area'),
    by: z.string(),
    pixels: z.int().min(1),
    multiple_of: z.int().min(1),
    scale,
  }),
]);

type SizesSource = z.output<typeof sizesSchema>;

/** A thing that is wrong with a part of a card file, at a path inside that part. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly reason: string;
}

/**
 * The sizes of a card with these parameters, or what is wrong with them: a sizing value without
 * dimensions, dimensions without a value, or a parameter that is not there.
 */
export function toSizes(
  source: SizesSource,
  parameters: readonly Parameter[],
): Sizes | readonly Fault[] {
  if (source.kind === 'pixels') {
    return pixelSizes(source.max_pixels, parameters);
  }
  const faults: Fault[] = [];
  const shape = enumNamed(parameters, source.by);
  const tier = source.scale === undefined ? undefined : enumNamed(parameters, source.scale.by);
  if (shape === undefined) {
    faults.push({ path: ['by'], reason: `there is no enum parameter "${source.by}"` });
  }
  if (source.scale !== undefined && tier === undefined) {
    const reason = `there is no enum parameter "${source.scale.by}"`;
    faults.push({ path: ['scale', 'by'], reason });
  }
  if (shape === undefined || faults.length > 0) {
    return faults;
  }
  const factors = source.scale?.factors ?? {};
  faults.push(
    ...(tier === undefined ? [] : mismatch(['scale', 'factors'], tier.values, factors)),
    ...(source.kind === 'table' ? tableMismatch(shape, source.pixels) : []),
  );
  if (faults.length > 0) {
    return faults;
  }
  const listed = shape.values.flatMap((value) => {
    const at = (factor: number): PixelSize => dimensions(source, value, factor);
    const common = { shape: nominalShape(value) ?? at(1), automatic: value.startsWith('auto') };
    return tier === undefined
      ? [{ ...common, values: { [shape.name]: value }, size: at(1) }]
      : tier.values.map((step) => ({
          ...common,
          values: { [shape.name]: value, [tier.name]: step },
          size: at(factors[step] ?? 1),
        }));
  });
  const fields = tier === undefined ? [shape.name] : [shape.name, tier.name];
  const custom = shape.custom && { custom: { field: shape.name, bounds: shape.custom } };
  return { kind: 'listed', fields, listed, ...custom };
}

function pixelSizes(maxPixels: number, parameters: readonly Parameter[]): Sizes | readonly Fault[] {
  const [width, height] = ['width', 'height'].map((name) =>
    parameters.find((parameter) => parameter.name === name),
  );
  const isEdge = width?.type === 'integer' && height?.type === 'integer';
  if (!isEdge || width.default === undefined || height.default === undefined) {
    const reason = 'needs the integer parameters width and height, each with a default';
    return [{ path: ['kind'], reason }];
  }
  for (const limit of ['minimum', 'maximum', 'multipleOf'] as const) {
    if (width[limit] !== height[limit]) {
      return [{ path: ['kind'], reason: `width and height must have the same ${limit}` }];
    }
  }
  const multipleOf = width.multipleOf ?? 1;
  const minEdge = width.minimum ?? multipleOf;
  const maxEdge = width.maximum ?? Math.floor(maxPixels / minEdge);
  const maxRatio = Math.ceil(maxEdge / minEdge);
  const bounds = { multipleOf, minEdge, maxEdge, minPixels: 1, maxPixels, maxRatio };
  return { kind: 'pixels', bounds };
}

function enumNamed(parameters: readonly Parameter[], name: string): EnumParameter | undefined {
  const found = parameters.find((parameter) => parameter.name === name);
  return found?.type === 'enum' ? found : undefined;
}

/** Values without a row, and rows without a value. */
function mismatch(path: string[], values: readonly string[], rows: object): Fault[] {
  const missing = values.filter((value) => !Object.hasOwn(rows, value));
  const extra = Object.keys(rows).filter((row) => !values.includes(row));
  return [
    ...missing.map((value) => ({ path, reason: `the value "${value}" has no dimensions` })),
    ...extra.map((row) => ({ path: [...path, row], reason: `"${row}" is not a value` })),
  ];
}

/** As `mismatch`, but values such as `1024x1024` are their own dimensions. */
function tableMismatch(parameter: EnumParameter, rows: object): Fault[] {
  const named = parameter.values.filter((value) => parseSize(value) === undefined);
  return mismatch(['pixels'], named, rows);
}

function dimensions(
  source: Exclude<SizesSource, { kind: 'pixels' }>,
  value: string,
  factor: number,
): PixelSize {
  switch (source.kind) {
    case 'table': {
      const size = source.pixels[value] ?? parseSize(value);
      if (size === undefined) {
        throw new Error(`"${value}" has no dimensions`);
      }
      return { width: size.width * factor, height: size.height * factor };
    }
    case 'area': {
      // `auto` has no ratio of its own: a square.
      const { width, height } = nominalShape(value) ?? { width: 1, height: 1 };
      const step = source.multiple_of;
      const edge = (ratio: number): number =>
        Math.max(1, Math.round((Math.sqrt(source.pixels * ratio) * factor) / step)) * step;
      return { width: edge(width / height), height: edge(height / width) };
    }
  }
}

function nominalShape(value: string): PixelSize | undefined {
  const match = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(value);
  return match === null ? undefined : { width: Number(match[1]), height: Number(match[2]) };
}

/** Every pixel size that a card lists, as `1024x1024`. */
export function listedSizes(sizes: Sizes): readonly string[] {
  return sizes.kind === 'pixels' ? [] : sizes.listed.map(({ size }) => formatSize(size));
}
