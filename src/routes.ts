import type { Log } from './base/log.ts';
import type { Config } from './config/config.ts';
import type { Lease } from './ledger/lease.ts';
import type { RouterOptions, RoutingRules } from './pipeline/live-routes.ts';
import type { RouteState } from './pipeline/route-state.ts';
import { openRouter, type Router } from './pipeline/router.ts';
import type { Provider } from './providers/provider.ts';
import { sharePlaces } from './shared-places.ts';
import { deleteStaleRouteStates, writeRouteState } from './store/route-states.ts';
import type { Store } from './store/store.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface RoutesInputs {
  readonly config: Config;
  readonly log: Log;
  readonly store: Store;
  readonly lease: Lease;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly telemetry: Telemetry;
}

/** Where the calls of the models go, by the operator's rules. Its circuits are written down. */
export function openRoutes(inputs: RoutesInputs): Router {
  const { config, log, store, lease, providers, telemetry } = inputs;
  const places = config.providers.flatMap(({ name, maxInFlight, queue }) =>
    maxInFlight === undefined ? [] : [[name, { limit: maxInFlight, ...queue }] as const],
  );
  const totals = config.providers.flatMap(({ name, time: { totalMs } }) =>
    totalMs === undefined ? [] : [[name, totalMs] as const],
  );
  // Changes are few; each is written after the one before, so that the last one stands.
  let written: Promise<void> = Promise.resolve();
  const onCircuit = ({ route, circuit }: RouteState): void => {
    written = written
      .then(() =>
        store.transaction(async (tx) => {
          await deleteStaleRouteStates(tx);
          await writeRouteState(tx, { leaseId: lease.id, route, circuit });
        }),
      )
      .catch((error: unknown) => {
        log.warn({ route, err: error }, 'the state of a route was not written');
      });
  };
  return openRouter({
    providers,
    places: new Map(places),
    ...sharing(sharePlaces({ store, lease, log })),
    totals: new Map(totals),
    rules: rulesOf(config),
    log,
    onCircuit,
    onCall: telemetry.callEnded,
  });
}

function sharing(share: ReturnType<typeof sharePlaces>): Pick<RouterOptions, 'share'> {
  return share === undefined ? {} : { share };
}

function rulesOf({ file: { routing } }: Config): RoutingRules {
  const { attempts, backoff_seconds, patience_seconds, breaker } = routing;
  return {
    attempts,
    backoffMs: backoff_seconds * 1000,
    patienceMs: patience_seconds * 1000,
    breaker: {
      failuresMax: breaker.failures,
      openMs: breaker.open_seconds * 1000,
      slowMs: breaker.slow_seconds * 1000,
    },
  };
}
