import type { Log } from '../base/log.ts';
import type { Store } from '../store/store.ts';
import { sweep, type SweepOptions } from './sweep.ts';

const SWEEP_INTERVAL_MS = 15_000;

export interface SweepingOptions extends Omit<SweepOptions, 'deadServerLeases'> {
  readonly store: Store;
  readonly log: Log;
  readonly ownLeaseId: string;
}

/** Resolves from time to time what a CLI run left behind that died. */
export function startSweeping(options: SweepingOptions): { readonly stop: () => Promise<void> } {
  const { store, log, ...sweeping } = options;
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
