import { type Nanousd, divideRoundingUp } from '../base/money.ts';
import type { TokenUsage } from '../base/usage.ts';
import type { PixelSize } from '../base/image.ts';
import type { PricedCall } from './admitted.ts';
import type { Card } from './card.ts';
import { markUpFigure } from './markup.ts';
import { possibleSizes } from './sizing.ts';
import type {
  FixedTariff,
  ImageTariff,
  MegapixelTariff,
  Price,
  Rate,
  TokenRates,
  TokenTariff,
} from './tariff.ts';
import { expectedOutputTokens, formulaUsage } from './tokens.ts';

/** One line of a quote, for a person to read. */
export interface QuoteLine {
  readonly description: string;
  /** How many of the unit; absent for a plain sum. */
  readonly quantity?: number;
  /** What the whole line comes to. */
  readonly usd: Nanousd;
}

export interface Quote {
  /** What the request will most likely cost; exact for fixed prices. */
  readonly estimated: Nanousd;
  /** The hold: at least what the request can cost by the card. */
  readonly max: Nanousd;
  readonly lines: readonly QuoteLine[];
}

/** What a finished request used. */
export interface Receipt {
  /** Images that were delivered. */
  readonly images: number;
  /** The upstream's own count, over all of the request's calls. */
  readonly tokens?: TokenUsage;
  /** The upstream's own price, over all of the request's calls. */
  readonly upstreamCost?: Nanousd;
}

/** 1 megapixel as the vendors bill it (docs.bfl.ml): 1024 × 1024. */
const MEGAPIXEL = 1_048_576;
/** Image input tokens that a hold allows for each reference: no vendor publishes a formula. */
const HELD_TOKENS_PER_REFERENCE = 10_000n;
const TOKENS_PER_RATE = 1_000_000n;

/** The entry of the price list in force at a time: the latest begun, else the first there is. */
export function priceAt(card: Card, atMs: number): Price {
  const begun = card.prices.findLast((price) => Date.parse(price.version) <= atMs);
  const price = begun ?? card.prices[0];
  if (price === undefined) {
    throw new Error(`the card ${card.id} has no price`);
  }
  return price;
}

/** What a call will cost and the upper bound that is held for it, by the price at that time. */
export function quote(card: Card, call: PricedCall, atMs: number): Quote {
  const { tariff } = priceAt(card, atMs);
  switch (tariff.kind) {
    case 'image':
    case 'megapixel': {
      const lines = fixedLines(card, tariff, call, call.expectedSize);
      return { estimated: total(lines), max: dearestFixed(card, tariff, call), lines };
    }
    case 'upstream': {
      const lines = fixedLines(card, tariff.fallback, call, call.expectedSize);
      const dearest = dearestFixed(card, tariff.fallback, call);
      // The vendor's own figure may differ from its list: half as much again is held.
      return { estimated: total(lines), max: divideRoundingUp(dearest * 3n, 2n), lines };
    }
    case 'token': {
      const usage = formulaUsage(tariff, call, call.n);
      const estimated = tokenCost(card, tariff, call, { images: call.n, tokens: usage });
      return { estimated, max: tokenHold(card, tariff, call), lines: tokenLines(tariff, usage) };
    }
  }
}

/**
 * The charge where it is certain before anything runs, if all n images are delivered: the fixed
 * prices. Undefined where the upstream's tokens or its own figure decide.
 */
export function fixedCost(card: Card, call: PricedCall, atMs: number): Nanousd | undefined {
  const { tariff } = priceAt(card, atMs);
  switch (tariff.kind) {
    case 'image':
    case 'megapixel':
      return deliveredCost(card, tariff, call, call.n);
    case 'token':
    case 'upstream':
      return undefined;
  }
}

/**
 * The exact charge for what was delivered, by the price entry of that version, rounded up once.
 * Zero when nothing was. A token price without reported tokens counts them by the card's formula.
 */
export function cost(
  card: Card,
  priceVersion: string,
  call: PricedCall,
  receipt: Receipt,
): Nanousd {
  const price = card.prices.find((entry) => entry.version === priceVersion);
  if (price === undefined) {
    throw new Error(`the card ${card.id} has no price of ${priceVersion}`);
  }
  if (receipt.images === 0) {
    return 0n;
  }
  const { tariff } = price;
  switch (tariff.kind) {
    case 'image':
    case 'megapixel':
      return deliveredCost(card, tariff, call, receipt.images);
    case 'upstream':
      return receipt.upstreamCost === undefined
        ? deliveredCost(card, tariff.fallback, call, receipt.images)
        : markUpFigure(receipt.upstreamCost, card.markup);
    case 'token':
      return tokenCost(card, tariff, call, receipt);
  }
}

/**
 * The usage of a picture that no upstream made: `ceil(prompt bytes / 4)` text tokens, 1,000 image
 * tokens a reference, and output by the card's formula. Undefined on cards without a token price.
 */
export function testUsage(card: Card, call: PricedCall, images: number): TokenUsage | undefined {
  // The newest token price will do: the rule of the output belongs to the model.
  const tariff = card.prices.findLast((price) => price.tariff.kind === 'token')?.tariff;
  return tariff?.kind === 'token' ? formulaUsage(tariff, call, images) : undefined;
}

function deliveredCost(card: Card, tariff: FixedTariff, call: PricedCall, images: number): Nanousd {
  return total(fixedLines(card, tariff, { ...call, n: images }, call.expectedSize));
}

/** `auto` sizes are held at the dearest that they may become. */
function dearestFixed(card: Card, tariff: FixedTariff, call: PricedCall): Nanousd {
  return possibleSizes(card, call.parameters)
    .map((size) => total(fixedLines(card, tariff, call, size)))
    .reduce(larger, total(fixedLines(card, tariff, call, call.expectedSize)));
}

function fixedLines(
  card: Card,
  tariff: FixedTariff,
  call: PricedCall,
  size: PixelSize,
): QuoteLine[] {
  const images = call.n;
  // Each upstream call carries the references again.
  const references = call.referenceCount * Math.ceil(images / card.imagesPerCall);
  const each = tariff.kind === 'image' ? imageUsd(card, tariff, call) : areaUsd(tariff, size);
  const lines: QuoteLine[] = [
    { description: 'images', quantity: images, usd: each * BigInt(images) },
  ];
  if (tariff.kind === 'megapixel' && tariff.inputUsd > 0n && references > 0) {
    const quantity = inputMegapixels(card, call) * (references / call.referenceCount);
    const usd = tariff.inputUsd * BigInt(quantity);
    lines.push({ description: 'input megapixels', quantity, usd });
  }
  if (tariff.referenceUsd > 0n && references > 0) {
    const usd = tariff.referenceUsd * BigInt(references);
    lines.push({ description: 'reference images', quantity: references, usd });
  }
  return lines;
}

function imageUsd(card: Card, tariff: ImageTariff, call: PricedCall): Nanousd {
  const rate = tariff.rates.find((candidate) => applies(candidate, call));
  if (rate === undefined) {
    throw new Error(`the card ${card.id} has no price for ${JSON.stringify(call.parameters)}`);
  }
  return rate.usd;
}

function applies(rate: Rate, call: PricedCall): boolean {
  return Object.entries(rate.when).every(([name, value]) => call.parameters[name] === value);
}

function areaUsd(tariff: MegapixelTariff, size: PixelSize): Nanousd {
  return tariff.firstUsd + tariff.furtherUsd * BigInt(megapixels(size) - 1);
}

function megapixels(size: PixelSize): number {
  return Math.max(1, Math.ceil((size.width * size.height) / MEGAPIXEL));
}

/** A reference whose size is not known counts as the largest picture that the card makes. */
function inputMegapixels(card: Card, call: PricedCall): number {
  const { sizes } = card;
  const largest =
    sizes.kind === 'pixels'
      ? Math.ceil(sizes.bounds.maxPixels / MEGAPIXEL)
      : Math.max(...sizes.listed.map(({ size }) => megapixels(size)));
  let sum = 0;
  for (let index = 0; index < call.referenceCount; index += 1) {
    const size = call.referenceSizes[index];
    sum += size === undefined ? largest : megapixels(size);
  }
  return sum;
}

function tokenCost(card: Card, tariff: TokenTariff, call: PricedCall, receipt: Receipt): Nanousd {
  const usage = receipt.tokens ?? formulaUsage(tariff, call, receipt.images);
  const sum = tokenParts(tariff.perMillion, usage)
    .map((part) => part.rate * BigInt(part.tokens))
    .reduce((a, b) => a + b, 0n);
  return (
    divideRoundingUp(sum, TOKENS_PER_RATE) + tokenReferences(card, tariff, call, receipt.images)
  );
}

function tokenReferences(
  card: Card,
  tariff: TokenTariff,
  call: PricedCall,
  images: number,
): Nanousd {
  const calls = Math.ceil(images / card.imagesPerCall);
  return tariff.referenceUsd * BigInt(call.referenceCount * calls);
}

/** Prompt bytes as text tokens, the dearest output and a quarter more, partials, references. */
function tokenHold(card: Card, tariff: TokenTariff, call: PricedCall): Nanousd {
  const { textInput, imageInput, imageOutput } = tariff.perMillion;
  const expected = expectedOutputTokens(tariff.outputTokens, call.parameters, call.expectedSize);
  const output = possibleSizes(card, call.parameters)
    .map((size) => expectedOutputTokens(tariff.outputTokens, call.parameters, size))
    .reduce((a, b) => Math.max(a, b), expected);
  const partials = BigInt(call.partialImages * tariff.partialImageTokens);
  const perImage =
    textInput * BigInt(Buffer.byteLength(call.prompt)) +
    imageInput * HELD_TOKENS_PER_REFERENCE * BigInt(call.referenceCount) +
    imageOutput * (divideRoundingUp(BigInt(output) * 5n, 4n) + partials);
  const tokens = divideRoundingUp(perImage * BigInt(call.n), TOKENS_PER_RATE);
  return tokens + tokenReferences(card, tariff, call, call.n);
}

interface TokenPart {
  readonly description: string;
  readonly tokens: number;
  readonly rate: Nanousd;
}

/** Cached tokens are part of the input counts, never more than them, and cost their own rate. */
function tokenParts(rates: TokenRates, usage: TokenUsage): TokenPart[] {
  const cachedText = Math.min(usage.cachedTextInput, usage.textInput);
  const cachedImage = Math.min(usage.cachedImageInput, usage.imageInput);
  const textOutput = usage.textOutput + usage.reasoningOutput;
  const parts: [string, number, Nanousd][] = [
    ['text input tokens', usage.textInput - cachedText, rates.textInput],
    ['cached text input tokens', cachedText, rates.cachedTextInput],
    ['image input tokens', usage.imageInput - cachedImage, rates.imageInput],
    ['cached image input tokens', cachedImage, rates.cachedImageInput],
    ['image output tokens', usage.imageOutput, rates.imageOutput],
    ['text output tokens', textOutput, rates.textOutput],
  ];
  return parts.map(([description, tokens, rate]) => ({ description, tokens, rate }));
}

function tokenLines(tariff: TokenTariff, usage: TokenUsage): QuoteLine[] {
  return tokenParts(tariff.perMillion, usage)
    .filter((part) => part.tokens > 0)
    .map(({ description, tokens, rate }) => ({
      description,
      quantity: tokens,
      usd: divideRoundingUp(rate * BigInt(tokens), TOKENS_PER_RATE),
    }));
}

function total(lines: readonly QuoteLine[]): Nanousd {
  return lines.reduce((sum, line) => sum + line.usd, 0n);
}

function larger(first: Nanousd, second: Nanousd): Nanousd {
  return first > second ? first : second;
}
