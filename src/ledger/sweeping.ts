import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Store } from '../store/store.ts';
import { sweep, type SweepOptions } from './sweep.ts';

const SWEEP_INTERVAL_MS = 15_000;

/** Resolves from time to time what a CLI run left behind that died. */
export function startSweeping(options: {
  readonly store: Store;
  readonly log: Log;
  readonly clock: Clock;
  readonly ownLeaseId: string;
  readonly onLost?: SweepOptions['onLost'];
}): { readonly stop: () => Promise<void> } {
  const { store, log, clock, ownLeaseId, onLost } = options;
  const sweeping = { clock, ownLeaseId, ...(onLost === undefined ? {} : { onLost }) };
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = sweep(store, log, sweeping).catch((error: unknown) => {
      log.error({ err: error }, 'the sweep failed');
    });
  }, SWEEP_INTERVAL_MS);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
