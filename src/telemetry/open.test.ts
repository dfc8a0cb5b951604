import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../base/log.ts';
import { openTelemetry } from './open.ts';
import type { EndedExchange, Gauges } from './telemetry.ts';

const GAUGES: Gauges = {
  running: () => 3,
  connections: () => 0,
  loopDelayMs: () => 0,
  bodyBytes: () => 0,
  shed: () => ({}),
  storedBytes: () => 0,
  spoolBytes: () => 0,
  routes: () => [],
  holds: async () => [],
};

function lines() {
  const written: string[] = [];
  const log = createLog({
    level: 'info',
    destination: { write: (line) => void written.push(line) },
  });
  return { log, written };
}

test('what cannot be counted is said, and thrown at nobody', async () => {
  const { log, written } = lines();
  const telemetry = await openTelemetry(log, undefined);
  // A counter takes no number below zero.
  telemetry.exchangeEnded({
    route: '/',
    method: 'GET',
    status: 200,
    durationMs: 1,
    firstByteMs: undefined,
    receivedBytes: -1,
    sentBytes: 0,
    error: undefined,
  } satisfies EndedExchange);
  assert.match(written.join(), /telemetry: not counted/);
});

test('while the database is away the other metrics are there', async () => {
  const { log } = lines();
  const telemetry = await openTelemetry(log, undefined);
  let isAway = false;
  telemetry.watch({
    ...GAUGES,
    holds: async () => {
      if (isAway) {
        throw new Error('the database is away');
      }
      return [{ mode: 'live', count: 2, amount: 1_000_000_000n }];
    },
  });
  assert.match((await telemetry.metricsText()).body, /^easel_holds\{mode="live"\} 2$/m);
  isAway = true;
  const { body } = await telemetry.metricsText();
  assert.match(body, /^easel_requests_running 3$/m);
  assert.doesNotMatch(body, /^easel_holds\{/m);
});
