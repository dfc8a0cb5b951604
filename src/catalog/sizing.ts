import { type PixelSize, formatSize, parseSize } from '../base/image.ts';
import type { Card } from './card.ts';
import type { Parameters } from './parameter.ts';
import { fitSize, pixelsDistance, ratioDistance } from './size-bounds.ts';
import type { ListedSize, Sizes } from './sizes.ts';

/** The card's own fields that decide the size of the picture. */
export function sizingFields(card: Card): readonly string[] {
  return card.sizes.kind === 'pixels' ? ['width', 'height'] : card.sizes.fields;
}

/**
 * The dimensions of the picture that these canonical parameters ask for. Where the model chooses
 * (`auto`), what the painter makes.
 */
export function pixelsOf(card: Card, parameters: Parameters): PixelSize {
  const { sizes } = card;
  if (sizes.kind === 'pixels') {
    return { width: Number(parameters['width']), height: Number(parameters['height']) };
  }
  const listed = sizes.listed.find((entry) => matches(entry, parameters));
  const size = listed?.size ?? customSize(sizes, parameters);
  if (size === undefined) {
    throw new Error(`the card ${card.id} has no size for ${JSON.stringify(parameters)}`);
  }
  return size;
}

/** Every size that the picture may turn out to have: more than one only where the model chooses. */
export function possibleSizes(card: Card, parameters: Parameters): readonly PixelSize[] {
  const { sizes } = card;
  const asked = sizes.kind === 'listed' && sizes.listed.find((entry) => matches(entry, parameters));
  if (sizes.kind === 'pixels' || !asked || !asked.automatic) {
    return [pixelsOf(card, parameters)];
  }
  const [shape, ...tiers] = sizes.fields;
  const sameTier = (entry: ListedSize): boolean =>
    tiers.every((tier) => entry.values[tier] === asked.values[tier]);
  return shape === undefined ? [asked.size] : sizes.listed.filter(sameTier).map(({ size }) => size);
}

/** OpenAI's `size` in a card's own words. */
export interface Translation {
  /** Values of the card's own sizing fields; empty for an `auto` that the card does not know. */
  readonly parameters: Parameters;
  /** Present when the picture will not have exactly the pixels that were asked for. */
  readonly adjusted?: { readonly asked: PixelSize; readonly made: PixelSize };
}

/**
 * Translates OpenAI's `size` field (`1024x1024` or `auto`): the nearest size by the log of its
 * ratio, then by the log of its pixels. Undefined when it cannot be read.
 */
export function translateSize(card: Card, size: unknown): Translation | undefined {
  if (typeof size !== 'string') {
    return undefined;
  }
  if (size.trim().toLowerCase() === 'auto') {
    return { parameters: automatic(card) };
  }
  const asked = parseSize(size);
  if (asked === undefined) {
    return undefined;
  }
  const parameters = nearest(card, asked);
  const made = pixelsOf(card, parameters);
  const isExact = formatSize(made) === formatSize(asked);
  return isExact ? { parameters } : { parameters, adjusted: { asked, made } };
}

/**
 * The sizing values of an edit whose caller gave none: as near to the first reference as the card
 * can. A resolution tier is left out, since it decides the price and is the caller's to choose.
 */
export function sizingForReference(card: Card, reference: PixelSize): Parameters {
  const parameters = nearest(card, reference);
  const [shape] = sizingFields(card);
  return card.sizing !== 'tier' || shape === undefined
    ? parameters
    : Object.fromEntries(Object.entries(parameters).filter(([name]) => name === shape));
}

function nearest(card: Card, asked: PixelSize): Parameters {
  const { sizes } = card;
  if (sizes.kind === 'pixels') {
    return { ...fitSize(asked, sizes.bounds) };
  }
  const exact = sizes.listed.find(
    (entry) => !entry.automatic && formatSize(entry.size) === formatSize(asked),
  );
  if (exact !== undefined) {
    return exact.values;
  }
  if (sizes.custom !== undefined) {
    const fitted = formatSize(fitSize(asked, sizes.custom.bounds));
    const named = sizes.listed.find(
      (entry) => !entry.automatic && formatSize(entry.size) === fitted,
    );
    return named?.values ?? { [sizes.custom.field]: fitted };
  }
  return nearestListed(sizes.listed, asked).values;
}

/** `auto` counts as its square, after the sizes that promise one. */
function nearestListed(listed: readonly ListedSize[], asked: PixelSize): ListedSize {
  const [first] = listed.toSorted(
    (a, b) =>
      ratioDistance(a.shape, asked) - ratioDistance(b.shape, asked) ||
      pixelsDistance(a.size, b.size, asked) ||
      Number(a.automatic) - Number(b.automatic),
  );
  if (first === undefined) {
    throw new Error('a card lists no sizes');
  }
  return first;
}

function automatic(card: Card): Parameters {
  const [shape] = sizingFields(card);
  const parameter = card.parameters.find(({ name }) => name === shape);
  const knows = parameter?.type === 'enum' && parameter.values.includes('auto');
  return knows ? { [parameter.name]: 'auto' } : {};
}

function matches(entry: ListedSize, parameters: Parameters): boolean {
  return Object.entries(entry.values).every(([name, value]) => parameters[name] === value);
}

function customSize(
  sizes: Extract<Sizes, { kind: 'listed' }>,
  parameters: Parameters,
): PixelSize | undefined {
  const value = sizes.custom && parameters[sizes.custom.field];
  return typeof value === 'string' ? parseSize(value) : undefined;
}
