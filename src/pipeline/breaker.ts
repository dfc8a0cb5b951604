import type { Circuit } from './route-state.ts';

export interface BreakerRules {
  /** So many failures in a row open the circuit. */
  readonly failuresMax: number;
  /** How long it stays open at first; each failed probe doubles that, up to ten times. */
  readonly openMs: number;
  /** A call that takes longer counts as a failure, whatever comes of it. */
  readonly slowMs: number;
}

export interface BreakerOptions extends BreakerRules {
  /** Milliseconds that only grow; `performance.now` by default. */
  readonly now?: () => number;
  /** A number from 0 to 1; `Math.random` by default. */
  readonly random?: () => number;
  readonly onChange?: (circuit: Circuit) => void;
}

/** A call through the route. The first word on it counts; without any it counts for nothing. */
export interface RouteCall {
  /** The upstream works: it answered, or refused what was asked for with good reason. */
  readonly succeeded: () => void;
  readonly failed: () => void;
  /** The upstream has too much to do and said so; for how long, in milliseconds, if it said that. */
  readonly refused: (pauseMs: number | undefined) => void;
  /** It is over. */
  readonly ended: () => void;
}

/** An upstream that is overloaded and does not say for how long: it is left alone this long. */
const PAUSE_MS = { first: 500, most: 30_000 };
const OPEN_GROWTH_MAX = 10;
/** A probe is under way, whose end nobody knows: ask again after this. */
const PROBE_WAIT_MS = 250;

/**
 * The circuit breaker of one route. Failures in a row open it; after a while one call is let
 * through, whose end closes it or opens it again, for longer. Beside that a route rests when its
 * upstream says that it is overloaded, which is no failure: it then takes calls as before.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #now: () => number;
  readonly #random: () => number;
  #circuit: Circuit = 'closed';
  #failures = 0;
  /** Some call has ended well since the last failure. */
  #isProven = false;
  #openings = 0;
  #openUntil = 0;
  #pauses = 0;
  #pausedUntil = 0;
  #running = 0;
  #expected = 0;
  #isProbing = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
  }

  get circuit(): Circuit {
    return this.#circuit;
  }

  get running(): number {
    return this.#running;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until the upstream may be asked again after it said that it is overloaded. */
  get pausedMs(): number {
    return Math.max(0, this.#pausedUntil - this.#now());
  }

  /** Milliseconds until a call may go through; 0: now. */
  get waitMs(): number {
    if (this.#circuit === 'half_open') {
      return this.#isProbing ? PROBE_WAIT_MS : this.pausedMs;
    }
    const openMs = this.#circuit === 'open' ? this.#openUntil - this.#now() : 0;
    return Math.max(0, openMs, this.pausedMs);
  }

  /**
   * Whether one more call would risk no more than the failures that open the circuit: a route that
   * has not proven itself gets no more calls than that while there are others.
   */
  get isTrusted(): boolean {
    const risked = this.#failures + this.#running + this.#expected;
    return this.#isProven || risked < this.#options.failuresMax;
  }

  /**
   * A call has chosen this route and is on its way to it: many may choose before the first begins.
   * Returns what is to be called when it begins or turns away; again does nothing.
   */
  expect(): () => void {
    this.#expected += 1;
    let isHere = false;
    return () => {
      this.#expected -= isHere ? 0 : 1;
      isHere = true;
    };
  }

  begin(): RouteCall {
    if (this.#circuit === 'open' && this.waitMs === 0) {
      this.#turn('half_open');
    }
    this.#running += 1;
    const isProbe = this.#circuit === 'half_open';
    this.#isProbing ||= isProbe;
    let isTold = false;
    const once = (tell: () => void) => (): void => {
      if (!isTold) {
        isTold = true;
        clearTimeout(slow);
        tell();
      }
    };
    const failed = once(() => this.#fail(isProbe));
    const slow = setTimeout(failed, this.#options.slowMs);
    slow.unref();
    let isEnded = false;
    return {
      succeeded: once(() => this.#succeed(isProbe)),
      failed,
      refused: (pauseMs) => once(() => this.#pause(pauseMs))(),
      ended: () => {
        clearTimeout(slow);
        if (!isEnded) {
          isEnded = true;
          this.#running -= 1;
          this.#isProbing &&= !isProbe;
        }
      },
    };
  }

  #succeed(isProbe: boolean): void {
    // What began before the circuit opened says nothing of the upstream as it is now.
    if (this.#circuit === 'closed' || isProbe) {
      this.#failures = 0;
      this.#pauses = 0;
      this.#openings = 0;
      this.#isProven = true;
      this.#turn('closed');
    }
  }

  #fail(isProbe: boolean): void {
    this.#isProven = false;
    if (this.#circuit === 'closed') {
      this.#failures += 1;
      if (this.#failures >= this.#options.failuresMax) {
        this.#open();
      }
    } else if (isProbe && this.#circuit === 'half_open') {
      this.#open();
    }
  }

  #open(): void {
    const growth = Math.min(2 ** this.#openings, OPEN_GROWTH_MAX);
    this.#openUntil = this.#now() + this.#uneven(this.#options.openMs * growth);
    this.#openings += 1;
    this.#failures = 0;
    this.#turn('open');
  }

  #pause(toldMs: number | undefined): void {
    const ownMs = Math.min(PAUSE_MS.first * 2 ** this.#pauses, PAUSE_MS.most);
    this.#pauses = toldMs === undefined ? this.#pauses + 1 : 0;
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#now() + (toldMs ?? this.#uneven(ownMs)));
  }

  #turn(circuit: Circuit): void {
    if (circuit !== this.#circuit) {
      this.#circuit = circuit;
      this.#options.onChange?.(circuit);
    }
  }

  /** Processes that saw the same failure shall not come back together: 0.8 to 1.2 times as long. */
  #uneven(delayMs: number): number {
    return delayMs * (0.8 + 0.4 * this.#random());
  }
}
