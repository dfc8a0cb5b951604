import { Counter, Gauge, type Registry } from 'prom-client';
import type { Gauges, HoldsGauge, RouteGauge } from './telemetry.ts';

const CIRCUITS = ['closed', 'half_open', 'open'];
const NANOS_PER_USD = 1e9;

/** Metrics that are read when somebody asks for them. */
export function watchGauges(registry: Registry, gauges: Gauges): void {
  const plain: readonly (readonly [string, string, () => number])[] = [
    ['easel_requests_running', 'Requests for pictures that run or wait.', gauges.running],
    ['easel_connections', 'Connections of callers that are open.', gauges.connections],
    [
      'easel_event_loop_delay_seconds',
      'How long a turn of the event loop takes, in seconds: the average by which work is shed.',
      () => gauges.loopDelayMs() / 1000,
    ],
    ['easel_body_bytes', 'Bytes of JSON bodies in memory.', gauges.bodyBytes],
    ['easel_results_bytes', 'Bytes of finished pictures that are kept.', gauges.storedBytes],
    ['easel_spool_bytes', 'Bytes that running requests keep aside.', gauges.spoolBytes],
  ];
  for (const [name, help, read] of plain) {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      }),
    );
  }
  watchShed(registry, gauges);
  const read = gauges.holds;
  holdsGauge(registry, 'easel_holds', 'Holds that are open.', { read, of: ({ count }) => count });
  holdsGauge(registry, 'easel_held_usd', 'USD that open holds keep from being spent.', {
    read,
    of: ({ amount }) => Number(amount) / NANOS_PER_USD,
  });
  watchRoutes(registry, gauges.routes);
}

function watchShed(registry: Registry, gauges: Gauges): void {
  registry.registerMetric(
    new Counter({
      name: 'easel_shed_total',
      help: 'Requests and connections that were turned away because there was too much to do.',
      labelNames: ['reason'],
      registers: [],
      collect() {
        this.reset();
        for (const [reason, count] of Object.entries(gauges.shed())) {
          this.inc({ reason }, count);
        }
      },
    }),
  );
}

function holdsGauge(
  registry: Registry,
  name: string,
  help: string,
  { read, of }: { read: Gauges['holds']; of: (holds: HoldsGauge) => number },
): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      labelNames: ['mode'],
      registers: [],
      async collect() {
        // While the database is away all others are wanted the more.
        const found = await read().catch(() => []);
        this.reset();
        for (const holds of found) {
          this.set({ mode: holds.mode }, of(holds));
        }
      },
    }),
  );
}

function watchRoutes(registry: Registry, routes: Gauges['routes']): void {
  const gauge = (name: string, help: string, of: (state: RouteGauge) => number): void => {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: ['route', 'account'],
        registers: [],
        collect() {
          for (const state of routes()) {
            this.set({ route: state.route, account: state.account }, of(state));
          }
        },
      }),
    );
  };
  gauge('easel_route_running', 'Calls that are under way.', ({ running }) => running);
  gauge(
    'easel_route_queued',
    'Calls that wait for a place of their account.',
    ({ queued }) => queued,
  );
  gauge(
    'easel_route_paused_seconds',
    'For how many seconds more the upstream wants to be left alone.',
    ({ pausedMs = 0 }) => pausedMs / 1000,
  );
  registry.registerMetric(
    new Gauge({
      name: 'easel_route_circuit',
      help: '1 for the state that the circuit breaker of a route is in, else 0.',
      labelNames: ['route', 'account', 'state'],
      registers: [],
      collect() {
        for (const { route, account, circuit } of routes()) {
          for (const state of CIRCUITS) {
            this.set({ route, account, state }, state === circuit ? 1 : 0);
          }
        }
      },
    }),
  );
}
