import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { Nanousd } from '../base/money.ts';
import type { TokenUsage } from '../base/usage.ts';
import type { Payload } from '../payload/payload.ts';

/** What an engine is asked to make: an admitted call, in the card's canonical parameters. */
export interface ImageTask {
  readonly upstreamModel: string;
  readonly prompt: string;
  readonly n: number;
  /** The card's parameters, defaults filled in. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** Absent: the caller gave none. */
  readonly seed?: number;
  /** The encoding to ask the upstream for; one that it can give. */
  readonly format: ImageFormat;
  /** 0 to 100, for jpeg and webp, where the caller asked. */
  readonly compression?: number;
  /** Partial pictures wanted in a stream, 0 to 3. */
  readonly partialImages: number;
  /** The size that the parameters amount to. */
  readonly size: PixelSize;
  /** Set for test keys: the picture says so, in the name of this model. */
  readonly testModel?: string;
}

export type ProviderEvent =
  | {
      readonly type: 'partial';
      readonly index: number;
      readonly partialIndex: number;
      readonly payload: Payload;
    }
  | {
      readonly type: 'image';
      readonly payload: Payload;
      readonly seed?: number;
      readonly revisedPrompt?: string;
    }
  /** One of several pictures could not be made; the others go on. */
  | { readonly type: 'image_failed'; readonly reason: Error };

/** What the upstream says that the work took. */
export interface Receipt {
  readonly tokens?: TokenUsage;
  /** The upstream's own figure of the cost, where it names one. */
  readonly upstreamCost?: Nanousd;
  /** The model that really served, which may differ from the one asked for. */
  readonly servedModel?: string;
  /** What was really painted, where the upstream says so and the caller left it open. */
  readonly quality?: string;
  readonly background?: string;
  /** The upstream's ids of the request, for disputes and support. */
  readonly upstreamIds: readonly string[];
}

/**
 * One engine or upstream. `generate` yields pictures in order as they become whole or begin to
 * arrive, and returns the receipt. It throws a Failure: `moderation_blocked`, `upstream_error` …
 * It stops soon after the signal aborts.
 */
export interface Provider {
  readonly name: string;
  readonly generate: (
    task: ImageTask,
    signal: AbortSignal,
  ) => AsyncGenerator<ProviderEvent, Receipt, void>;
}
