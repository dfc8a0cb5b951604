import { usdNumber } from '../base/money.ts';
import type { ImageFormat } from '../base/image.ts';
import type { Capability, Card, Sizing } from './card.ts';
import { type Operation, type Parameter, present } from './parameter.ts';
import { priceAt } from './price.ts';
import type { SizeBounds } from './size-bounds.ts';
import type { FixedTariff, Tariff } from './tariff.ts';

/** One entry of `pricing`: so many USD for each unit, under the conditions of `when`. */
export interface PricingEntry {
  readonly unit: PricingUnit;
  readonly when?: Readonly<Record<string, string>>;
  readonly usd: number;
  /** True: the upstream's own figure is charged, and this is the list price behind it. */
  readonly estimate?: true;
}

export type PricingUnit =
  | 'image'
  | 'first_megapixel'
  | 'further_megapixel'
  | 'input_megapixel'
  | 'reference_image'
  | 'million_text_input_tokens'
  | 'million_cached_text_input_tokens'
  | 'million_image_input_tokens'
  | 'million_cached_image_input_tokens'
  | 'million_image_output_tokens'
  | 'million_text_output_tokens';

/** A declared parameter on the wire. */
export interface ParameterEntry {
  readonly type: Parameter['type'];
  readonly values?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multiple_of?: number;
  readonly max_length?: number;
  readonly default?: string | number | boolean;
  readonly aliases?: Readonly<Record<string, string>>;
  /** Any `WIDTHxHEIGHT` within these bounds is a value too. */
  readonly custom_size?: CustomSizeEntry;
  /** Where the parameter exists for one of the two endpoints only. */
  readonly operations?: readonly Operation[];
}

export interface CustomSizeEntry {
  readonly multiple_of: number;
  readonly max_edge: number;
  readonly min_pixels: number;
  readonly max_pixels: number;
  readonly max_ratio: number;
}

/** An object of `GET /v1/models`: CONTRACT §9. */
export interface ModelEntry {
  readonly id: string;
  readonly object: 'model';
  /** Seconds since 1970. */
  readonly created: number;
  readonly owned_by: string;
  readonly parameters: Readonly<Record<string, ParameterEntry>>;
  readonly edit:
    | { readonly supported: false }
    | { readonly supported: true; readonly max_reference_images: number; readonly mask: boolean };
  readonly prompt_max_length: number;
  readonly input_modalities: readonly ['text'];
  readonly output_modalities: readonly ['image'];
  readonly sizing: Sizing;
  /** The largest area of models sized in pixels, beside the bounds of either edge. */
  readonly max_pixels?: number;
  readonly max_n: number;
  readonly output_formats: readonly ImageFormat[];
  readonly streaming: boolean;
  readonly capabilities: readonly Capability[];
  readonly pricing: readonly PricingEntry[];
  readonly shutdown_at?: string;
  readonly successor?: string;
  readonly engine?: string;
}

export interface ModelEntryOptions {
  readonly ownedBy: string;
  /** What really paints, where that must be said; by default `painter` for the painter's cards. */
  readonly engine?: string;
  /** When the prices are to hold; now when absent. */
  readonly nowMs?: number;
}

/** A card as `GET /v1/models` shows it, from the very objects that the validator uses. */
export function modelEntry(card: Card, options: ModelEntryOptions): ModelEntry {
  const { edit } = card;
  const engine = options.engine ?? (card.provider === 'painter' ? 'painter' : undefined);
  return {
    id: card.id,
    object: 'model',
    created: Date.parse(card.created) / 1000,
    owned_by: options.ownedBy,
    parameters: Object.fromEntries(
      card.parameters.map((parameter) => [parameter.name, parameterEntry(parameter)]),
    ),
    edit:
      edit === false
        ? { supported: false }
        : { supported: true, max_reference_images: edit.maxReferenceImages, mask: edit.mask },
    prompt_max_length: card.promptMaxLength,
    input_modalities: ['text'],
    output_modalities: ['image'],
    sizing: card.sizing,
    ...(card.sizes.kind === 'pixels' ? { max_pixels: card.sizes.bounds.maxPixels } : {}),
    max_n: card.maxN,
    output_formats: card.formats.native,
    // Every model streams: events and keep-alives are Easel's own. Partial images are a capability.
    streaming: true,
    capabilities: card.capabilities,
    pricing: pricing(priceAt(card, options.nowMs ?? Date.now()).tariff),
    ...present({
      shutdown_at: card.retiredAt ?? card.shutdownAt,
      successor: card.successor,
      engine,
    }),
  };
}

function parameterEntry(parameter: Parameter): ParameterEntry {
  const { type, default: fallback } = parameter;
  return present({
    type,
    ...shape(parameter),
    default: fallback,
    operations: parameter.operations,
  }) as ParameterEntry;
}

function shape(parameter: Parameter): Omit<ParameterEntry, 'type'> {
  switch (parameter.type) {
    case 'enum': {
      const { aliases, custom } = parameter;
      return {
        values: parameter.values,
        ...(Object.keys(aliases).length === 0 ? {} : { aliases }),
        ...(custom === undefined ? {} : { custom_size: customSizeEntry(custom) }),
      };
    }
    case 'integer': {
      const { minimum, maximum, multipleOf } = parameter;
      return present({ minimum, maximum, multiple_of: multipleOf });
    }
    case 'number':
      return present({ minimum: parameter.minimum, maximum: parameter.maximum });
    case 'string':
      return present({ max_length: parameter.maxLength });
    case 'boolean':
      return {};
  }
}

function customSizeEntry(bounds: SizeBounds): CustomSizeEntry {
  return {
    multiple_of: bounds.multipleOf,
    max_edge: bounds.maxEdge,
    min_pixels: bounds.minPixels,
    max_pixels: bounds.maxPixels,
    max_ratio: bounds.maxRatio,
  };
}

function pricing(tariff: Tariff): PricingEntry[] {
  switch (tariff.kind) {
    case 'image':
    case 'megapixel':
      return fixedPricing(tariff);
    case 'upstream':
      return fixedPricing(tariff.fallback).map((entry) => ({ ...entry, estimate: true }));
    case 'token': {
      const { perMillion } = tariff;
      return [
        { unit: 'million_text_input_tokens', usd: usdNumber(perMillion.textInput) },
        { unit: 'million_cached_text_input_tokens', usd: usdNumber(perMillion.cachedTextInput) },
        { unit: 'million_image_input_tokens', usd: usdNumber(perMillion.imageInput) },
        { unit: 'million_cached_image_input_tokens', usd: usdNumber(perMillion.cachedImageInput) },
        { unit: 'million_image_output_tokens', usd: usdNumber(perMillion.imageOutput) },
        { unit: 'million_text_output_tokens', usd: usdNumber(perMillion.textOutput) },
        ...referencePricing(tariff.referenceUsd),
      ];
    }
  }
}

function fixedPricing(tariff: FixedTariff): PricingEntry[] {
  switch (tariff.kind) {
    case 'image':
      return [
        ...tariff.rates.map(({ when, usd }) => ({
          unit: 'image' as const,
          ...(Object.keys(when).length === 0 ? {} : { when }),
          usd: usdNumber(usd),
        })),
        ...referencePricing(tariff.referenceUsd),
      ];
    case 'megapixel':
      return [
        { unit: 'first_megapixel', usd: usdNumber(tariff.firstUsd) },
        { unit: 'further_megapixel', usd: usdNumber(tariff.furtherUsd) },
        { unit: 'input_megapixel', usd: usdNumber(tariff.inputUsd) },
        ...referencePricing(tariff.referenceUsd),
      ];
  }
}

function referencePricing(usd: bigint): PricingEntry[] {
  return usd === 0n ? [] : [{ unit: 'reference_image', usd: usdNumber(usd) }];
}
