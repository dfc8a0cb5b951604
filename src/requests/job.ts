import { Failure } from '../base/errors.ts';
import type { ImageFormat, PixelSize } from '../base/image.ts';
import type { Nanousd } from '../base/money.ts';
import type { TokenUsage } from '../base/usage.ts';
import type { Payload } from '../payload/payload.ts';
import { Subscription } from './subscription.ts';
import { Turns } from './turns.ts';

/** One finished picture, measured from its own header. */
export interface ImageFacts extends PixelSize {
  readonly index: number;
  readonly format: ImageFormat;
  readonly seed?: number;
  readonly revisedPrompt?: string;
}

/** Something that was changed, ignored or not possible; the wire's `warnings`. */
export interface JobWarning {
  readonly param: string;
  readonly code: string;
  readonly message: string;
}

/** A request that ended well, with the charge that the ledger has already posted. */
export interface Outcome {
  readonly images: readonly ImageFacts[];
  readonly cost: Nanousd;
  readonly tokens?: TokenUsage;
  /** The quality and background that were really painted, where the model has such. */
  readonly quality?: string;
  readonly background?: string;
  readonly warnings: readonly JobWarning[];
}

export type JobEvent =
  | {
      readonly type: 'partial';
      readonly index: number;
      readonly partialIndex: number;
      readonly payload: Payload;
      readonly header: PixelSize & { readonly format: ImageFormat };
    }
  | { readonly type: 'image'; readonly payload: Payload; readonly image: ImageFacts }
  | { readonly type: 'completed'; readonly outcome: Outcome }
  | { readonly type: 'failed'; readonly failure: Failure };

/** What every answer says about a request, whatever becomes of it. */
export interface JobFacts {
  readonly id: string;
  readonly createdAtMs: number;
  /** The model as the caller named it. */
  readonly model: string;
  readonly test: boolean;
  /** The charge, when the card fixes it whatever the upstream reports. */
  readonly fixedCost?: Nanousd;
}

/** A reader of a job's events, or of those of one that has ended. */
export interface EventReader {
  /** The next event, which says that the one before is done with; undefined once it is closed. */
  readonly next: () => Promise<JobEvent | undefined>;
  /** Leaves. Closing twice is fine. */
  readonly close: () => void;
}

/** What an answer is written from: a job, or a request whose pictures are kept. */
export interface Answerable {
  readonly facts: JobFacts;
  /** The event that ended it; undefined while it runs. */
  readonly end: Extract<JobEvent, { type: 'completed' | 'failed' }> | undefined;
  /** Resolves once there is such an event. */
  readonly ended: Promise<void>;
  /** How many calls go to its upstream up to its first; undefined unless it waits for its turn. */
  readonly place: number | undefined;
  /** Lets the work begin although nobody listens. */
  readonly start: () => void;
  readonly subscribe: () => EventReader;
}

export interface JobOptions {
  /**
   * Its pictures are kept, so it is carried to its end whoever listens. Otherwise a job that
   * nobody watches any more is aborted: a caller never pays for a picture that went nowhere.
   */
  readonly survives: boolean;
  /** Nobody is expected to wait for its answer, so it waits for its turn whoever leaves. */
  readonly isAsync?: boolean;
}

/** A job that still waits for its turn when its only client leaves is kept so long for a retry. */
const QUEUED_GRACE_MS = 30_000;

/**
 * One request on its way to its end. A job is driven by the pipeline and watched by subscribers:
 * JSON, SSE and plain pictures are different readers of the same events. Every subscriber sees
 * all events from the first.
 */
export class Job implements Answerable {
  readonly facts: JobFacts;
  readonly turns = new Turns();
  readonly #survives: boolean;
  readonly #isAsync: boolean;
  readonly #events: JobEvent[] = [];
  readonly #subscriptions = new Set<Subscription<JobEvent>>();
  readonly #abort = new AbortController();
  #taken = 0;
  #hasStarted = false;
  #changed = Promise.withResolvers<void>();
  readonly #aborted: Promise<never>;
  readonly #watched = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();

  constructor(facts: JobFacts, { survives, isAsync = false }: JobOptions = { survives: false }) {
    this.facts = facts;
    this.#survives = survives;
    this.#isAsync = isAsync;
    this.#aborted = rejectOnAbort(this.#abort.signal);
    // Nobody may be waiting when the job is given up: that is no unhandled rejection.
    this.#aborted.catch(() => undefined);
  }

  /** Aborts when the job is given up: its deadline, a shutdown, or the last subscriber's leave. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Rejects with the reason once the job is given up; never resolves. */
  get aborted(): Promise<never> {
    return this.#aborted;
  }

  /** The event that ended the job; undefined while it runs. */
  get end(): Extract<JobEvent, { type: 'completed' | 'failed' }> | undefined {
    const last = this.#events.at(-1);
    return last?.type === 'completed' || last?.type === 'failed' ? last : undefined;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get place(): number | undefined {
    return this.turns.place;
  }

  /** Resolves when the job has ended and nobody reads it any more. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Whether the work may have begun. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** Lets the work begin although nobody listens. */
  start(): void {
    this.#hasStarted = true;
    this.#watched.resolve();
  }

  /** Resolves when the work may begin: a subscriber has asked for its first event, or `start`. */
  get watched(): Promise<void> {
    return this.#watched.promise;
  }

  subscribe(): Subscription<JobEvent> {
    const subscription = new Subscription(this.#events, {
      changed: () => this.#changed.promise,
      took: (count) => this.#markTaken(count),
      closed: () => this.#detach(subscription),
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Adds an event for all subscribers. `completed` and `failed` end the job. */
  emit(event: JobEvent): void {
    if (this.end !== undefined) {
      throw new Error(`job ${this.facts.id} has ended, it cannot emit ${event.type}`);
    }
    this.#events.push(event);
    this.#wake();
    if (this.end !== undefined) {
      this.#ended.resolve();
    }
    this.#closeWhenDone();
  }

  /** Resolves when some subscriber has taken all events so far; rejects when the job is aborted. */
  async delivered(): Promise<void> {
    while (this.#taken < this.#events.length) {
      await Promise.race([this.#aborted, this.#changed.promise]);
    }
  }

  /** Whether some subscriber has taken all events so far; false once none is left that could. */
  async hasReached(): Promise<boolean> {
    while (this.#taken < this.#events.length && this.#subscriptions.size > 0) {
      await Promise.race([this.#aborted, this.#changed.promise]);
    }
    return this.#taken >= this.#events.length;
  }

  /** Gives the job up for the reason that callers shall read. */
  abort(reason: Failure): void {
    this.#abort.abort(reason);
  }

  #markTaken(count: number): void {
    this.start();
    if (count > this.#taken) {
      this.#taken = count;
      this.#wake();
    }
  }

  #detach(subscription: Subscription<JobEvent>): void {
    this.#subscriptions.delete(subscription);
    this.#wake();
    this.#closeWhenDone();
    if (this.#subscriptions.size > 0 || this.end !== undefined) {
      return;
    }
    if (this.#survives) {
      this.start();
      this.#awaitRetry();
    } else {
      this.abort(new Failure('request_cancelled', { internal: 'the client left' }));
    }
  }

  /** Nothing was bought yet: what nobody comes back for in time is dropped, free. */
  #awaitRetry(): void {
    if (!this.#isAsync && this.place !== undefined) {
      const drop = (): void => {
        if (this.#subscriptions.size === 0 && this.place !== undefined) {
          this.abort(new Failure('request_cancelled', { internal: 'its client left the queue' }));
        }
      };
      setTimeout(drop, QUEUED_GRACE_MS).unref();
    }
  }

  #closeWhenDone(): void {
    if (this.end !== undefined && this.#subscriptions.size === 0) {
      this.#closed.resolve();
    }
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => {
      const reason: unknown = signal.reason;
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    };
    signal.addEventListener('abort', fail, { once: true });
  });
}
