import { z } from 'zod';
import { type Nanousd, parseUsd, usdNumber } from '../base/money.ts';

/** A price for the option values named in `when`; for all of them when it is empty. */
export interface Rate {
  readonly when: Readonly<Record<string, string>>;
  readonly usd: Nanousd;
}

/** So much per delivered image. Exactly one rate matches each combination of options. */
export interface ImageTariff {
  readonly kind: 'image';
  readonly rates: readonly Rate[];
  /** For each reference image of each upstream call. */
  readonly referenceUsd: Nanousd;
}

/** By the picture's area, in units of 1,048,576 pixels, rounded up, at least one. */
export interface MegapixelTariff {
  readonly kind: 'megapixel';
  readonly firstUsd: Nanousd;
  readonly furtherUsd: Nanousd;
  /** For each megapixel of each reference image of each upstream call. */
  readonly inputUsd: Nanousd;
  readonly referenceUsd: Nanousd;
}

export type FixedTariff = ImageTariff | MegapixelTariff;

/** Prices of a million tokens. */
export interface TokenRates {
  readonly textInput: Nanousd;
  readonly cachedTextInput: Nanousd;
  readonly imageInput: Nanousd;
  readonly cachedImageInput: Nanousd;
  readonly imageOutput: Nanousd;
  /** For text and reasoning output; the same as image output unless the card says otherwise. */
  readonly textOutput: Nanousd;
}

/** How many output tokens an image is expected to take, by the value of one parameter. */
export type OutputTokenRule =
  | {
      readonly rule: 'axis';
      readonly parameter: string;
      readonly factors: Readonly<Record<string, number>>;
    }
  | {
      readonly rule: 'table';
      readonly parameter: string;
      /** By size (`1024x1024`), then by value. */
      readonly tokens: Readonly<Record<string, Readonly<Record<string, number>>>>;
    };

/** The upstream's reported tokens, times these rates. */
export interface TokenTariff {
  readonly kind: 'token';
  readonly perMillion: TokenRates;
  readonly outputTokens: OutputTokenRule;
  /** Image output tokens of each partial image. */
  readonly partialImageTokens: number;
  readonly referenceUsd: Nanousd;
}

/** The upstream's own figure; the fallback where it reports none. */
export interface UpstreamTariff {
  readonly kind: 'upstream';
  readonly fallback: FixedTariff;
}

export type Tariff = FixedTariff | TokenTariff | UpstreamTariff;

/** One entry of a card's dated price list, in force from 00:00 UTC of its date. */
export interface Price {
  /** The date, such as `2026-11-01`. */
  readonly version: string;
  readonly tariff: Tariff;
}

const usd = z.union([z.number(), z.string()]).transform((amount, context): Nanousd => {
  try {
    const nanos = parseUsd(amount);
    // Read back, since a tiny number such as 1.5e-10 is taken for its nearest nano-dollar.
    if (nanos >= 0n && (typeof amount === 'string' || usdNumber(nanos) === amount)) {
      return nanos;
    }
  } catch {
    // Said below, with the amount.
  }
  context.addIssue(`"${amount}" is not a price in USD with at most nine decimals`);
  return z.NEVER;
});

/** A day of the calendar as YAML has it: `2026-11-01`. */
export const dateSchema = z.iso.date();

const from = dateSchema;
const rates = z
  .array(z.strictObject({ when: z.record(z.string(), z.string()).default({}), usd }))
  .min(1);
const reference_usd = usd.optional();
const imageShape = { kind: z.literal('image'), rates, reference_usd };
const megapixelShape = {
  kind: z.literal('megapixel'),
  first_usd: usd,
  further_usd: usd,
  input_usd: usd.optional(),
  reference_usd,
};
const fixedSchema = z.discriminatedUnion('kind', [
  z.strictObject(imageShape),
  z.strictObject(megapixelShape),
]);
const perMillion = z.strictObject({
  text_input: usd,
  cached_text_input: usd,
  image_input: usd,
  cached_image_input: usd,
  image_output: usd,
  text_output: usd.optional(),
});
const tokenCount = z.int().min(1);
const outputTokens = z.discriminatedUnion('rule', [
  z.strictObject({
    rule: z.literal('axis'),
    parameter: z.string(),
    factors: z.record(z.string(), tokenCount),
  }),
  z.strictObject({
    rule: z.literal('table'),
    parameter: z.string(),
    tokens: z.record(z.string(), z.record(z.string(), tokenCount)),
  }),
]);

/** How a card file writes one entry of its price list. Amounts are decimal USD. */
export const priceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ from, ...imageShape }),
  z.strictObject({ from, ...megapixelShape }),
  z.strictObject({
    from,
    kind: z.literal('token'),
    per_million: perMillion,
    output_tokens: outputTokens,
    partial_image_tokens: z.int().min(0).default(0),
    reference_usd,
  }),
  z.strictObject({ from, kind: z.literal('upstream'), fallback: fixedSchema }),
]);

/** A price entry of a card file as the rest of Easel knows it. */
export function toPrice(source: z.output<typeof priceSchema>): Price {
  return { version: source.from, tariff: toTariff(source) };
}

function toTariff(source: z.output<typeof priceSchema>): Tariff {
  switch (source.kind) {
    case 'image':
    case 'megapixel':
      return toFixedTariff(source);
    case 'upstream':
      return { kind: 'upstream', fallback: toFixedTariff(source.fallback) };
    case 'token': {
      const prices = source.per_million;
      return {
        kind: 'token',
        perMillion: {
          textInput: prices.text_input,
          cachedTextInput: prices.cached_text_input,
          imageInput: prices.image_input,
          cachedImageInput: prices.cached_image_input,
          imageOutput: prices.image_output,
          // Vendors that list no price for text output bill all output at one rate.
          textOutput: prices.text_output ?? prices.image_output,
        },
        outputTokens: source.output_tokens,
        partialImageTokens: source.partial_image_tokens,
        referenceUsd: source.reference_usd ?? 0n,
      };
    }
  }
}

function toFixedTariff(source: z.output<typeof fixedSchema>): FixedTariff {
  const referenceUsd = source.reference_usd ?? 0n;
  switch (source.kind) {
    case 'image':
      return { kind: 'image', rates: source.rates, referenceUsd };
    case 'megapixel':
      return {
        kind: 'megapixel',
        firstUsd: source.first_usd,
        furtherUsd: source.further_usd,
        inputUsd: source.input_usd ?? 0n,
        referenceUsd,
      };
  }
}
