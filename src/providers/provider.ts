import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { Log } from '../base/log.ts';
import type { Nanousd } from '../base/money.ts';
import type { Trace } from '../base/trace.ts';
import type { TokenUsage } from '../base/usage.ts';
import type { Payload } from '../payload/payload.ts';
import type { ReferencePicture } from '../payload/reference.ts';

/** What an engine is asked to make: an admitted call, in the card's canonical parameters. */
export interface ImageTask {
  readonly upstreamModel: string;
  readonly prompt: string;
  /** Never above the card's images per call: more are made by several calls. */
  readonly n: number;
  /** The card's parameters, defaults filled in, in the card's own names. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** Parameters of the card that go with every request, in the upstream's names. */
  readonly upstreamParameters: Readonly<Record<string, string | number | boolean>>;
  /** Fields that the card does not declare but passes on, as the caller sent them. */
  readonly passthrough: Readonly<Record<string, unknown>>;
  /** Absent: the caller gave none. */
  readonly seed?: number;
  /** The encoding to ask the upstream for; one that it can give. */
  readonly format: ImageFormat;
  /** 0 to 100, for jpeg and webp, where the caller asked. */
  readonly compression?: number;
  /** Whether the caller streams: an upstream that can, is then asked to stream, too. */
  readonly stream: boolean;
  /** Partial pictures wanted in a stream, 0 to 3. */
  readonly partialImages: number;
  /** The size that the parameters amount to. */
  readonly size: PixelSize;
  /** The pictures of an edit, in the caller's order; none for a generation. */
  readonly references: readonly ReferencePicture[];
  /**
   * The part of the first reference to be repainted, in OpenAI's meaning: a png or webp of the same
   * size, transparent where to paint. Only where the card takes masks.
   */
  readonly mask?: ReferencePicture;
  /** Set for test keys: the picture says so, in the name of this model. */
  readonly testModel?: string;
}

export type ProviderEvent =
  /** The upstream has taken the work as a job of its own, which can be found again. */
  | { readonly type: 'submitted'; readonly job: UpstreamJob }
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

/**
 * An asynchronous upstream's job, as it can be written down and taken up after a restart: it
 * survives JSON, which is why its cost is no bigint.
 */
export interface UpstreamJob {
  readonly id: string;
  /** The account that has it; absent where there is only one that could. */
  readonly account?: string;
  readonly pollUrl: string;
  readonly cancelUrl?: string;
  readonly resultUrl?: string;
  /** What the upstream says it costs, where it says so at once: exact, as `parseUsd` reads it. */
  readonly costUsd?: string;
  /** The seed that was sent although the caller gave none, where the upstream names none. */
  readonly seed?: number;
}

/** What the upstream says that the work took. */
export interface Receipt {
  /** The account and the route that served; an adapter need not say. */
  readonly account?: string;
  readonly route?: string;
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

/** What a call is carried out with. */
export interface ProviderContext {
  /** Aborts when the request is given up. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /**
   * Reads a payload whole into memory, or to disk above a bound, for adapters whose verdict
   * follows the picture. What it returns can be read again; it is removed with the request.
   */
  readonly spool: (payload: Payload) => Promise<Payload>;
  /**
   * Told of each job of several calls as soon as an upstream has taken it: their events come in the
   * order of the calls, which is too late to be written down. One call alone just yields its event.
   */
  readonly submitted?: (job: UpstreamJob, task: ImageTask) => Promise<void>;
  /** Told where calls stand that must wait for their turn at the upstream. */
  readonly turns?: {
    /** With what says at any time how many go in up to this one; returns what ends the waiting. */
    readonly waits: (place: () => number) => () => void;
    readonly begins: () => void;
  };
  /** To which calls of upstreams are added. */
  readonly trace?: Trace | undefined;
}

/**
 * One engine or upstream. `generate` yields pictures in order as they become whole or begin to
 * arrive, and returns the receipt. It throws a Failure: `moderation_blocked`, `upstream_error` …
 * A payload that is still arriving must be read before the next event is asked for; what is left
 * of it then is skipped. It stops soon after the signal aborts.
 */
export interface Provider {
  readonly name: string;
  /** Nothing is bought anywhere: work that is given up costs nothing. */
  readonly isFree?: true;
  /** Whether a field of `passthrough` is held back; the caller is then told. Absent: none is. */
  readonly holdsBack?: (field: string) => boolean;
  readonly generate: (
    task: ImageTask,
    context: ProviderContext,
  ) => AsyncGenerator<ProviderEvent, Receipt, void>;
  /**
   * Takes up a job that a `submitted` event named, perhaps in a process that died since: it waits
   * for the pictures and yields them as `generate` does, and buys nothing. Absent when the upstream
   * answers at once.
   */
  readonly resume?: (
    job: UpstreamJob,
    task: ImageTask,
    context: ProviderContext,
  ) => AsyncGenerator<ProviderEvent, Receipt, void>;
  /**
   * Asks the upstream to drop the job. True when it is certain that nothing will be charged;
   * otherwise the job goes on, or may, and its pictures should be waited for. Never throws but for
   * the signal.
   */
  readonly cancel?: (job: UpstreamJob, context: ProviderContext) => Promise<boolean>;
}
