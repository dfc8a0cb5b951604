import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { ImageCall, Warning } from '../contract/call.ts';
import type { Card } from './card.ts';
import type { Parameters } from './parameter.ts';

/** A call that its model takes: every later step reads this, none looks at raw fields again. */
export interface Admitted {
  readonly call: ImageCall;
  /** The card that serves the call: the successor's where the requested model is retired. */
  readonly card: Card;
  /** The id as the caller wrote it: the answer's `model`. */
  readonly requestedModel: string;
  readonly prompt: string;
  readonly n: number;
  /** Canonical declared parameters, defaults filled in; without those that have a field here. */
  readonly parameters: Parameters;
  /** Undeclared fields of a `passthrough: any` card, as sent; empty everywhere else. */
  readonly passthrough: Readonly<Record<string, unknown>>;
  /** Absent: the caller gave none, or the model knows none. */
  readonly seed?: number;
  /** The encoding to deliver. */
  readonly outputFormat: ImageFormat;
  /** The encoding to ask of the upstream; it is converted where it differs. */
  readonly nativeFormat: ImageFormat;
  /** False: the caller named no format, so the picture goes out in whatever encoding it comes. */
  readonly formatRequested: boolean;
  /** 0 to 100, only for jpeg and webp. */
  readonly compression?: number;
  /** 0 to 3; 0 whenever the call does not stream. */
  readonly partialImages: number;
  /** The picture's expected pixels: what the painter makes. The answer's size is measured. */
  readonly expectedSize: PixelSize;
  readonly referenceCount: number;
  /** Sizes of the references as far as they are known, in order; may be shorter than the count. */
  readonly referenceSizes: readonly PixelSize[];
  readonly warnings: readonly Warning[];
  /** The date of the price entry in force when the call was admitted. */
  readonly priceVersion: string;
}

/** What a price depends on. */
export type PricedCall = Pick<
  Admitted,
  | 'prompt'
  | 'n'
  | 'parameters'
  | 'expectedSize'
  | 'partialImages'
  | 'referenceCount'
  | 'referenceSizes'
>;
