import { z } from 'zod';
import { type Nanousd, divideRoundingUp, parseUsd } from '../base/money.ts';
import type { FixedTariff, Tariff, TokenRates } from './tariff.ts';

/** By how much the operator multiplies what an upstream asks: an exact ratio, in lowest terms. */
export interface Markup {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const NO_MARKUP: Markup = { numerator: 1n, denominator: 1n };

/** More than that is a slip of the keyboard. */
const HIGHEST = 1000n;

/** How a file writes a markup: `1.2` is a fifth more, with at most nine decimals. */
export const markupSchema = z
  .union([z.number(), z.string()])
  .transform((factor, context): Markup => {
    try {
      const billionths = parseUsd(factor);
      const whole = parseUsd('1');
      if (billionths > 0n && billionths <= HIGHEST * whole) {
        return lowestTerms(billionths, whole);
      }
    } catch {
      // Said below, with the factor.
    }
    context.addIssue(`"${factor}" is not a factor such as 1.2: above 0, at most ${HIGHEST}`);
    return z.NEVER;
  });

export interface MarkedUp {
  readonly tariff: Tariff;
  /** Amounts that have no exact value after the markup: then the tariff is not to be used. */
  readonly inexact: readonly { readonly path: string; readonly usd: Nanousd }[];
}

/** A list price with each of its amounts multiplied. */
export function markUpTariff(tariff: Tariff, markup: Markup): MarkedUp {
  const inexact: { path: string; usd: Nanousd }[] = [];
  const change: Change = (usd, path) => {
    const product = usd * markup.numerator;
    if (product % markup.denominator !== 0n) {
      inexact.push({ path, usd });
    }
    return product / markup.denominator;
  };
  return { tariff: changeTariff(tariff, change), inexact };
}

/** The upstream's own figure, multiplied and rounded up once. */
export function markUpFigure(figure: Nanousd, { numerator, denominator }: Markup): Nanousd {
  return divideRoundingUp(figure * numerator, denominator);
}

type Change = (usd: Nanousd, path: string) => Nanousd;

function changeTariff(tariff: Tariff, change: Change): Tariff {
  switch (tariff.kind) {
    case 'image':
    case 'megapixel':
      return changeFixed(tariff, change);
    case 'upstream': {
      const inFallback: Change = (usd, path) => change(usd, `fallback.${path}`);
      return { ...tariff, fallback: changeFixed(tariff.fallback, inFallback) };
    }
    case 'token': {
      const at = (usd: Nanousd, name: string): Nanousd => change(usd, `per_million.${name}`);
      const rates = tariff.perMillion;
      const perMillion: TokenRates = {
        textInput: at(rates.textInput, 'text_input'),
        cachedTextInput: at(rates.cachedTextInput, 'cached_text_input'),
        imageInput: at(rates.imageInput, 'image_input'),
        cachedImageInput: at(rates.cachedImageInput, 'cached_image_input'),
        imageOutput: at(rates.imageOutput, 'image_output'),
        textOutput: at(rates.textOutput, 'text_output'),
      };
      return { ...tariff, perMillion, referenceUsd: change(tariff.referenceUsd, 'reference_usd') };
    }
  }
}

function changeFixed(tariff: FixedTariff, change: Change): FixedTariff {
  const referenceUsd = change(tariff.referenceUsd, 'reference_usd');
  switch (tariff.kind) {
    case 'image': {
      const rates = tariff.rates.map(({ when, usd }, index) => ({
        when,
        usd: change(usd, `rates[${index}].usd`),
      }));
      return { ...tariff, rates, referenceUsd };
    }
    case 'megapixel':
      return {
        ...tariff,
        firstUsd: change(tariff.firstUsd, 'first_usd'),
        furtherUsd: change(tariff.furtherUsd, 'further_usd'),
        inputUsd: change(tariff.inputUsd, 'input_usd'),
        referenceUsd,
      };
  }
}

function lowestTerms(numerator: bigint, denominator: bigint): Markup {
  let [a, b] = [numerator, denominator];
  while (b > 0n) {
    [a, b] = [b, a % b];
  }
  return { numerator: numerator / a, denominator: denominator / a };
}

/** The factor as a file would write it. */
export function formatMarkup({ numerator, denominator }: Markup): string {
  return String(Number(numerator) / Number(denominator));
}
