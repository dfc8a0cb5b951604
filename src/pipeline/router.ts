import { Failure } from '../base/errors.ts';
import type { Card } from '../catalog/card.ts';
import type { Provider } from '../providers/provider.ts';
import { LiveRoutes, type RouterOptions } from './live-routes.ts';
import type { RouteState } from './route-state.ts';
import { RoutedCall } from './routed-call.ts';

/** Where the calls of the models go. */
export interface Router {
  /** The card's engine: whichever of its routes takes the call. `who` has its turns in queues. */
  readonly engine: (card: Card, who: string) => Provider;
  /** Takes up and cancels jobs at the accounts that have them. `fallback` has unmarked ones. */
  readonly jobsOf: (fallback: string) => Provider | undefined;
  /** The routes of these cards, and any other that has been used. */
  readonly states: (cards: readonly Card[]) => readonly RouteState[];
}

export function openRouter(options: RouterOptions): Router {
  const routes = new LiveRoutes(options);
  return {
    engine: (card, who) => routedProvider(routes, card, who),
    jobsOf: (fallback) => jobsProvider(routes, fallback),
    states: (cards) => routes.states(cards),
  };
}

function routedProvider(routes: LiveRoutes, card: Card, who: string): Provider {
  const providers = routes.of(card).flatMap(({ provider }) => routes.provider(provider) ?? []);
  const jobs = jobsProvider(routes, card.provider);
  return {
    name: card.provider,
    ...(providers.every(({ isFree }) => isFree === true) ? { isFree: true } : {}),
    holdsBack: (field) => providers.some(({ holdsBack }) => holdsBack?.(field) === true),
    generate: (task, context) => new RoutedCall(routes, { card, who, task, context }).events(),
    ...(jobs?.resume === undefined ? {} : { resume: jobs.resume }),
    ...(jobs?.cancel === undefined ? {} : { cancel: jobs.cancel }),
  };
}

/** Jobs go on where they are: the account that took one has written its name on it. */
function jobsProvider(routes: LiveRoutes, fallback: string): Provider | undefined {
  const provider = routes.provider(fallback);
  if (provider === undefined) {
    return undefined;
  }
  const of = (account = fallback): Provider => routes.provider(account) ?? provider;
  return {
    ...provider,
    resume: async function* (job, task, context) {
      const { resume, name } = of(job.account);
      if (resume === undefined) {
        throw new Failure('upstream_error', { internal: `${name} cannot take up a job` });
      }
      const leave = routes.queue(name)?.enterAnyway();
      try {
        const receipt = yield* resume(job, task, context);
        return { ...receipt, account: name };
      } finally {
        leave?.();
      }
    },
    cancel: async (job, context) => (await of(job.account).cancel?.(job, context)) ?? false,
  };
}
