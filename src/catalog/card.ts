import { createHash } from 'node:crypto';
import { z } from 'zod';
import { IMAGE_FORMATS, type ImageFormat } from '../base/image.ts';
import type { Markup } from './markup.ts';
import { type Parameter, parameterSchema, present } from './parameter.ts';
import { type Sizes, sizesSchema } from './sizes.ts';
import { type Price, dateSchema, priceSchema } from './tariff.ts';

/** How a model is told the size of its picture. */
export type Sizing = 'pixels' | 'tier' | 'ratio' | 'preset';

/** What a model can do, by names that never change. */
export type Capability = 'edit' | 'mask' | 'seed' | 'transparent' | 'partial_images';

export interface EditSupport {
  readonly maxReferenceImages: number;
  readonly mask: boolean;
}

export interface Formats {
  /** What the upstream can encode. */
  readonly native: readonly ImageFormat[];
  readonly default: ImageFormat;
  /** True: the upstream picks one of them by itself, and the bytes tell which. */
  readonly chosenByUpstream: boolean;
}

/** One way to a model: an account, and what the model is called there. */
export interface Route {
  readonly provider: string;
  readonly upstreamModel: string;
  readonly upstreamParameters: Readonly<Record<string, string | number | boolean>>;
  /** How many of the calls it gets, in proportion to others of its priority. */
  readonly weight: number;
  /** A higher one is used only while none of a lower can be. */
  readonly priority: number;
}

/** One model of the catalogue: everything that Easel knows about it, as data. */
export interface Card {
  /** The public id, Easel's own promise. */
  readonly id: string;
  readonly family: string;
  /** The day of the model's release, `2026-04-21`. */
  readonly created: string;
  readonly description: string;
  /** The adapter's name: `openai`, `painter`, … */
  readonly provider: string;
  readonly upstreamModel: string;
  /** Sent to the upstream with every request, whatever the caller says. */
  readonly upstreamParameters: Readonly<Record<string, string | number | boolean>>;
  /** Every way to it, at least one; the provider's own is among them. */
  readonly routes: readonly Route[];
  /** The model that serves, at its own price, while none of the routes can. */
  readonly fallback?: string;
  readonly sizing: Sizing;
  /** In the order of the models list. */
  readonly parameters: readonly Parameter[];
  readonly sizes: Sizes;
  /** In Unicode code points. */
  readonly promptMaxLength: number;
  readonly edit: EditSupport | false;
  readonly maxN: number;
  /** How many images one upstream call gives; 1 means that n images are n calls. */
  readonly imagesPerCall: number;
  readonly formats: Formats;
  readonly capabilities: readonly Capability[];
  /** What becomes of fields that the card does not declare: ignored, or forwarded untouched. */
  readonly passthrough: 'declared' | 'any';
  /** Oldest first, at least one; a markup is in them. */
  readonly prices: readonly Price[];
  /** On the upstream's own figures. */
  readonly markup: Markup;
  /** The day from which the upstream no longer serves it. */
  readonly shutdownAt?: string;
  /** The day since which the successor serves it. */
  readonly retiredAt?: string;
  readonly successor?: string;
  /** SHA-256, in hexadecimal, of the canonical JSON of all the above. */
  readonly hash: string;
}

const id = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be lower case letters, digits, . _ -');
const imageFormat = z.enum(IMAGE_FORMATS);
const formatsSchema = z.strictObject({
  native: z.array(imageFormat).min(1),
  default: imageFormat,
  chosen_by_upstream: z.boolean().default(false),
});
const about = {
  id,
  created: dateSchema,
  description: z.string().min(1),
};

const providerName = z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be the name of a provider');
const upstreamParameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const routeSchema = z.strictObject({
  provider: providerName,
  /** As the card has them, where they are left out. */
  upstream_model: z.string().min(1).optional(),
  upstream_parameters: upstreamParameters.optional(),
  weight: z.int().min(1).max(1000).default(1),
  priority: z.int().min(1).max(100).default(1),
});

/** How a card file writes a model that is served. */
export const modelSchema = z.strictObject({
  ...about,
  provider: providerName,
  upstream_model: z.string().min(1),
  upstream_parameters: upstreamParameters.default({}),
  /** All of them, the provider's own included; that alone when absent. */
  routes: z.array(routeSchema).min(1).max(16).optional(),
  fallback: id.optional(),
  sizing: z.enum(['pixels', 'tier', 'ratio', 'preset']),
  parameters: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), parameterSchema),
  sizes: sizesSchema,
  prompt_max_length: z.int().min(1),
  edit: z.union([
    z.literal(false),
    z.strictObject({ max_reference_images: z.int().min(1).max(16), mask: z.boolean() }),
  ]),
  max_n: z.int().min(1).max(4),
  images_per_call: z.int().min(1).max(4),
  formats: formatsSchema,
  passthrough: z.enum(['declared', 'any']).default('declared'),
  prices: z.array(priceSchema).min(1),
  shutdown_at: dateSchema.optional(),
  successor: id.optional(),
});

/** How a card file writes a retired model: its successor's card, under the old id. */
export const retiredModelSchema = z.strictObject({
  ...about,
  retired_at: dateSchema,
  successor: id,
  /** Old names of the successor's enum values, by parameter. */
  aliases: z.record(z.string(), z.record(z.string(), z.string())).default({}),
  formats: formatsSchema.optional(),
});

/** A whole card file. `shared` holds anchors for the models and is otherwise not read. */
export const cardFileSchema = z.strictObject({
  family: z.string().min(1),
  shared: z.unknown().optional(),
  models: z.array(z.unknown()).min(1),
});

export type ModelSource = z.output<typeof modelSchema>;
export type RetiredModelSource = z.output<typeof retiredModelSchema>;
type FormatsSource = z.output<typeof formatsSchema>;

/** The card of a served model, from its parsed source and the parts that were built from it. */
export function toCard(
  family: string,
  source: ModelSource,
  parts: Pick<Card, 'parameters' | 'sizes' | 'prices' | 'markup'>,
): Card {
  const edit = source.edit && {
    maxReferenceImages: source.edit.max_reference_images,
    mask: source.edit.mask,
  };
  return sealed({
    id: source.id,
    family,
    created: source.created,
    description: source.description,
    provider: source.provider,
    upstreamModel: source.upstream_model,
    upstreamParameters: source.upstream_parameters,
    routes: toRoutes(source),
    sizing: source.sizing,
    ...parts,
    promptMaxLength: source.prompt_max_length,
    edit,
    maxN: source.max_n,
    imagesPerCall: source.images_per_call,
    formats: toFormats(source.formats),
    capabilities: capabilities(edit, parts.parameters),
    passthrough: source.passthrough,
    ...present({
      fallback: source.fallback,
      shutdownAt: source.shutdown_at,
      successor: source.successor,
    }),
  });
}

function toRoutes(source: ModelSource): Route[] {
  const { provider, upstream_model, upstream_parameters } = source;
  const routes = source.routes ?? [{ provider, weight: 1, priority: 1 }];
  return routes.map((route) => ({
    provider: route.provider,
    upstreamModel: route.upstream_model ?? upstream_model,
    upstreamParameters: route.upstream_parameters ?? upstream_parameters,
    weight: route.weight,
    priority: route.priority,
  }));
}

/** The card of a retired model: what its successor does, told under its own id. */
export function toRetiredCard(family: string, source: RetiredModelSource, successor: Card): Card {
  const { hash: _, shutdownAt: __, ...inherited } = successor;
  const parameters = successor.parameters.map((parameter) => {
    const aliases = source.aliases[parameter.name];
    return parameter.type === 'enum' && aliases !== undefined
      ? { ...parameter, aliases: { ...parameter.aliases, ...aliases } }
      : parameter;
  });
  return sealed({
    ...inherited,
    id: source.id,
    family,
    created: source.created,
    description: source.description,
    parameters,
    formats: source.formats === undefined ? successor.formats : toFormats(source.formats),
    retiredAt: source.retired_at,
    successor: source.successor,
  });
}

function toFormats(source: FormatsSource): Formats {
  const { native, default: fallback, chosen_by_upstream: chosenByUpstream } = source;
  return { native, default: fallback, chosenByUpstream };
}

function capabilities(edit: Card['edit'], parameters: readonly Parameter[]): Capability[] {
  const named = (name: string): Parameter | undefined =>
    parameters.find((parameter) => parameter.name === name);
  const background = named('background');
  const has = {
    edit: edit !== false,
    mask: edit !== false && edit.mask,
    seed: named('seed') !== undefined,
    transparent: background?.type === 'enum' && background.values.includes('transparent'),
    partial_images: named('partial_images') !== undefined,
  } satisfies Record<Capability, boolean>;
  return (Object.keys(has) as Capability[]).filter((capability) => has[capability]);
}

function sealed(card: Omit<Card, 'hash'>): Card {
  return { ...card, hash: createHash('sha256').update(canonicalJson(card)).digest('hex') };
}

/** JSON with sorted keys and bigints as decimal text: equal values give equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === 'bigint') {
      return member.toString();
    }
    if (typeof member !== 'object' || member === null || Array.isArray(member)) {
      return member;
    }
    return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
