import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../base/errors.ts';
import { type OpenSpan, withTraceparent } from '../base/trace.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { Card, Route } from '../catalog/card.ts';
import type { ImageTask, ProviderContext, ProviderEvent, Receipt } from '../providers/provider.ts';
import type { EndedCall } from '../telemetry/telemetry.ts';
import type { RouteCall } from './breaker.ts';
import type { LiveRoutes } from './live-routes.ts';
import { verdictOf } from './verdict.ts';

interface CallInputs {
  readonly card: Card;
  readonly who: string;
  readonly task: ImageTask;
  readonly context: ProviderContext;
}

interface Choice {
  readonly route: Route;
  /** To be called when its call begins, or when none will. */
  readonly arrived: () => void;
}

/**
 * One call, by as many tries as it may take. What may have been bought is never tried again: only a
 * failure that says for certain that nothing was, before anything had come.
 */
export class RoutedCall {
  readonly #routes: LiveRoutes;
  readonly #inputs: CallInputs;
  readonly #tries = new Map<Route, number>();
  /** Those that need not be asked again by this call. */
  readonly #done = new Set<Route>();
  #last: Route | undefined;
  #failure: unknown;

  constructor(routes: LiveRoutes, inputs: CallInputs) {
    this.#routes = routes;
    this.#inputs = inputs;
  }

  async *events(): AsyncGenerator<ProviderEvent, Receipt, void> {
    for (;;) {
      const { route, arrived } = await this.#next();
      let attempt: Attempt | undefined;
      let leave: (() => void) | undefined;
      try {
        leave = await this.#enter(route);
        const { breaker, account, name } = this.#routes.live(route);
        // It may have broken while this call waited for its place.
        if (breaker.waitMs > 0) {
          continue;
        }
        arrived();
        const totalMs = this.#routes.options.totals.get(account);
        attempt = new Attempt({
          call: breaker.begin(),
          at: { account, route: name },
          context: this.#inputs.context,
          totalMs,
        });
        this.#inputs.context.turns?.begins();
        const receipt = yield* attempt.run(this.#begin(route, attempt.context));
        return { ...receipt, account, route: name };
      } catch (error) {
        if (attempt?.hasBrought === true || !verdictOf(error).mayRepeat) {
          throw error;
        }
        this.#note(route, error, attempt === undefined);
      } finally {
        arrived();
        attempt?.end(this.#routes.options.onCall);
        leave?.();
      }
    }
  }

  #begin(route: Route, context: ProviderContext): AsyncGenerator<ProviderEvent, Receipt, void> {
    const { task } = this.#inputs;
    const provider = this.#routes.provider(route.provider);
    if (provider === undefined) {
      throw new Failure('upstream_error', { internal: `there is no account ${route.provider}` });
    }
    const { upstreamModel, upstreamParameters } = route;
    return provider.generate({ ...task, upstreamModel, upstreamParameters }, context);
  }

  /** The same route after a pause, while it may be tried again; then the others. */
  async #next(): Promise<Choice> {
    const { rules } = this.#routes.options;
    const { signal } = this.#inputs.context;
    const until = performance.now() + rules.patienceMs;
    const again = this.#last;
    if (again !== undefined && !this.#done.has(again)) {
      await pause(this.#backoffMs(again), signal);
      if (this.#routes.live(again).breaker.waitMs === 0) {
        return this.#chosen(again);
      }
    }
    for (;;) {
      const left = this.#routes.of(this.#inputs.card).filter((route) => !this.#done.has(route));
      if (left.length === 0) {
        throw this.#failure ?? new Failure('model_not_found', { internal: 'no account of it' });
      }
      const chosen = this.#routes.choose(left);
      if (typeof chosen !== 'number') {
        return this.#chosen(chosen);
      }
      if (performance.now() + chosen > until) {
        throw this.#failure ?? noRoute(chosen);
      }
      await pause(chosen, signal);
    }
  }

  #chosen(route: Route): Choice {
    return { route, arrived: this.#routes.live(route).breaker.expect() };
  }

  /** Waits for a place of the account; resolves to what gives it back. */
  async #enter(route: Route): Promise<() => void> {
    const live = this.#routes.live(route);
    const queue = this.#routes.queue(live.account);
    if (queue === undefined) {
      return () => undefined;
    }
    const { who, context } = this.#inputs;
    let stopWaiting: (() => void) | undefined;
    try {
      return await queue.enter({
        who,
        signal: context.signal,
        onWait: (place) => {
          live.queued += 1;
          stopWaiting = context.turns?.waits(place) ?? (() => undefined);
        },
      });
    } finally {
      live.queued -= stopWaiting === undefined ? 0 : 1;
      stopWaiting?.();
    }
  }

  #note(route: Route, error: unknown, isCrowded: boolean): void {
    const { rules, log } = this.#routes.options;
    const tries = (this.#tries.get(route) ?? 0) + 1;
    this.#tries.set(route, tries);
    this.#last = route;
    this.#failure = error;
    if (isCrowded || tries >= rules.attempts || verdictOf(error).isLasting) {
      this.#done.add(route);
    }
    const { internal } = error as Failure;
    log.info(
      { route: this.#routes.live(route).name, tries, reason: internal },
      'route: try failed',
    );
  }

  /** Half to all of a time that doubles with each try. */
  #backoffMs(route: Route): number {
    const { backoffMs } = this.#routes.options.rules;
    const tries = this.#tries.get(route) ?? 1;
    return backoffMs * 2 ** (tries - 1) * (0.5 + 0.5 * Math.random());
  }
}

interface AttemptInputs {
  readonly call: RouteCall;
  readonly at: { readonly account: string; readonly route: string };
  readonly context: ProviderContext;
  /** How long all of it may take; without a bound of its own when undefined. */
  readonly totalMs: number | undefined;
}

/** One try, and what its route learns of it. */
class Attempt {
  /** What it runs in: it ends with its own time, too. */
  readonly context: ProviderContext;
  readonly #call: RouteCall;
  readonly #at: { readonly account: string; readonly route: string };
  readonly #totalTimer: NodeJS.Timeout | undefined;
  readonly #span: OpenSpan | undefined;
  readonly #startedAt = performance.now();
  #firstByteMs: number | undefined;
  #outcome: EndedCall['outcome'] = 'given_up';

  constructor({ call, at, context, totalMs }: AttemptInputs) {
    this.#call = call;
    this.#at = at;
    this.context = context;
    if (totalMs !== undefined) {
      const end = new AbortController();
      this.#totalTimer = setTimeout(() => end.abort(tookTooLong(at.route, totalMs)), totalMs);
      this.context = { ...context, signal: AbortSignal.any([context.signal, end.signal]) };
    }
    this.#span = context.trace?.call(`call ${at.route}`, {
      'gen_ai.provider.name': at.account,
      'easel.route': at.route,
    });
  }

  /** Something came of it: what follows is no permission to ask anybody else. */
  get hasBrought(): boolean {
    return this.#firstByteMs !== undefined;
  }

  async *run(
    events: AsyncGenerator<ProviderEvent, Receipt, void>,
  ): AsyncGenerator<ProviderEvent, Receipt, void> {
    try {
      for (;;) {
        const step = await withTraceparent(this.#span?.traceparent, () => events.next());
        if (step.done === true) {
          this.#outcome = 'ok';
          this.#call.succeeded();
          return step.value;
        }
        this.#firstByteMs ??= performance.now() - this.#startedAt;
        yield this.#signed(step.value);
      }
    } catch (error) {
      this.#learn(error);
      throw error;
    } finally {
      // A payload that broke ends the whole by the signal, with its failure as the reason.
      const { signal } = this.context;
      if (signal.aborted) {
        this.#learn(signal.reason);
      }
      void events.return({ upstreamIds: [] }).catch(() => undefined);
    }
  }

  end(onCall: ((call: EndedCall) => void) | undefined): void {
    clearTimeout(this.#totalTimer);
    this.#call.ended();
    const outcome = this.#outcome;
    this.#span?.end({}, outcome === 'ok' ? undefined : outcome);
    const durationMs = performance.now() - this.#startedAt;
    onCall?.({ route: this.#at.route, outcome, durationMs, firstByteMs: this.#firstByteMs });
  }

  /** A job is found again at the account that has it. */
  #signed(event: ProviderEvent): ProviderEvent {
    return event.type === 'submitted'
      ? { ...event, job: { ...event.job, account: this.#at.account } }
      : event;
  }

  #learn(error: unknown): void {
    const { fault, retryAfterMs } = verdictOf(error);
    switch (fault) {
      case 'upstream':
        this.#outcome = 'failed';
        this.#call.failed();
        break;
      case 'overload':
        this.#outcome = 'overloaded';
        this.#call.refused(retryAfterMs);
        break;
      case 'request':
        this.#outcome = 'refused';
        this.#call.succeeded();
        break;
      case 'none':
        break;
    }
  }
}

function tookTooLong(route: string, totalMs: number): UpstreamFailure {
  const internal = `${route}: the call took longer than ${totalMs} ms in all`;
  return new UpstreamFailure('upstream_timeout', { billed: 'unknown', internal });
}

function noRoute(waitMs: number): UpstreamFailure {
  return new UpstreamFailure('overloaded', {
    billed: 'no',
    internal: 'every route is limited or has its circuit open',
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
  });
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(delayMs, undefined, { signal });
  } catch (error) {
    // The timer's own AbortError says nothing; the signal's reason does.
    signal.throwIfAborted();
    throw error;
  }
}
