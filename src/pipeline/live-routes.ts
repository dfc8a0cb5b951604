import type { Log } from '../base/log.ts';
import type { Card, Route } from '../catalog/card.ts';
import type { Provider } from '../providers/provider.ts';
import type { EndedCall } from '../telemetry/telemetry.ts';
import { Breaker, type BreakerRules } from './breaker.ts';
import { FairQueue, type FairQueueBounds, type SharedPlaces } from './fair-queue.ts';
import type { Circuit, RouteState } from './route-state.ts';

export interface RoutingRules {
  readonly breaker: BreakerRules;
  /** Calls on one route before the next is tried. */
  readonly attempts: number;
  /** The pause before a second call on a route; each further one is twice as long. */
  readonly backoffMs: number;
  /** So long a call waits for a route that rests; if none comes back by then it is refused. */
  readonly patienceMs: number;
}

export interface RouterOptions {
  /** By the names that cards have for them. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** The places of accounts that have a bound. */
  readonly places: ReadonlyMap<string, FairQueueBounds>;
  /** How the places of an account are shared with other processes; undefined: they are not. */
  readonly share?: (account: string, limit: number) => SharedPlaces | undefined;
  /** How long one call to an account may take in all, in milliseconds, where that has a bound. */
  readonly totals: ReadonlyMap<string, number>;
  readonly rules: RoutingRules;
  readonly log: Log;
  /** Told of each call that is over. */
  readonly onCall?: (call: EndedCall) => void;
  /** Told of each change of a circuit. */
  readonly onCircuit?: (state: RouteState) => void;
}

/** One route as it is now; cards that name the same account and model share it. */
interface LiveRoute {
  readonly name: string;
  readonly account: string;
  readonly breaker: Breaker;
  queued: number;
}

/** All routes, how each stands, and which is the next to be called. */
export class LiveRoutes {
  readonly options: RouterOptions;
  readonly #live = new Map<string, LiveRoute>();
  readonly #queues: ReadonlyMap<string, FairQueue>;
  /** Smooth weighted round robin: what each route has saved up for its next turn. */
  readonly #credits = new WeakMap<Route, number>();

  constructor(options: RouterOptions) {
    this.options = options;
    this.#queues = new Map(
      [...options.places].map(([account, bounds]) => {
        const shared = options.share?.(account, bounds.limit);
        return [account, new FairQueue(bounds, shared)];
      }),
    );
  }

  provider(account: string): Provider | undefined {
    return this.options.providers.get(account);
  }

  queue(account: string): FairQueue | undefined {
    return this.#queues.get(account);
  }

  live({ provider: account, upstreamModel }: Route): LiveRoute {
    const name = `${account}/${upstreamModel}`;
    const known = this.#live.get(name);
    if (known !== undefined) {
      return known;
    }
    const { rules, log, onCircuit } = this.options;
    const onChange = (circuit: Circuit): void => {
      log[circuit === 'closed' ? 'info' : 'warn']({ route: name, circuit }, 'route: circuit');
      onCircuit?.(this.#stateOf(live));
    };
    const breaker = new Breaker({ ...rules.breaker, onChange });
    const live: LiveRoute = { name, account, breaker, queued: 0 };
    this.#live.set(name, live);
    return live;
  }

  /** Those of the card whose account is configured. */
  of({ routes }: Card): readonly Route[] {
    return routes.filter(({ provider }) => this.options.providers.has(provider));
  }

  /**
   * The next of these to call, or how long until one may be called, in milliseconds. The lowest
   * priority that has one ready, by weight; those that have not proven themselves come last.
   */
  choose(routes: readonly Route[]): Route | number {
    const waits = routes.map((route) => this.live(route).breaker.waitMs);
    const ready = routes.filter((_, index) => waits[index] === 0);
    if (ready.length === 0) {
      return Math.min(...waits);
    }
    // Where there is a place now, before where one must be waited for.
    const free = ready.filter(({ provider }) => this.queue(provider)?.hasPlace !== false);
    const candidates = free.length > 0 ? free : ready;
    const first = Math.min(...candidates.map(({ priority }) => priority));
    const group = candidates.filter(({ priority }) => priority === first);
    const trusted = group.filter((route) => this.live(route).breaker.isTrusted);
    return this.#byWeight(trusted.length > 0 ? trusted : this.#leastFailing(group));
  }

  #leastFailing(routes: readonly Route[]): readonly Route[] {
    const failures = (route: Route): number => this.live(route).breaker.failures;
    const least = Math.min(...routes.map(failures));
    return routes.filter((route) => failures(route) === least);
  }

  #byWeight(routes: readonly Route[]): Route {
    let total = 0;
    let chosen: Route | undefined;
    let most = -Infinity;
    for (const route of routes) {
      const credit = (this.#credits.get(route) ?? 0) + route.weight;
      this.#credits.set(route, credit);
      total += route.weight;
      if (credit > most) {
        most = credit;
        chosen = route;
      }
    }
    if (chosen === undefined) {
      throw new Error('there is no route to choose from');
    }
    this.#credits.set(chosen, most - total);
    return chosen;
  }

  states(cards: readonly Card[]): readonly RouteState[] {
    for (const card of cards) {
      for (const route of this.of(card)) {
        this.live(route);
      }
    }
    return [...this.#live.values()].map((live) => this.#stateOf(live));
  }

  #stateOf({ name, account, breaker, queued }: LiveRoute): RouteState {
    const { circuit, running, pausedMs } = breaker;
    const limit = this.queue(account)?.limit;
    return {
      route: name,
      account,
      circuit,
      running,
      queued,
      ...(limit === undefined ? {} : { limit }),
      ...(pausedMs === 0 ? {} : { pausedMs: Math.ceil(pausedMs) }),
    };
  }
}
