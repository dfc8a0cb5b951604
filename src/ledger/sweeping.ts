import type { Log } from '../base/log.ts';

/**
 * Does from time to time what must be done with what processes leave behind that died. One pass after
 * the other; one that fails is told, and the next tries again.
 */
export function startSweeping(
  pass: () => Promise<unknown>,
  { intervalMs, log }: { readonly intervalMs: number; readonly log: Log },
): { readonly stop: () => Promise<void> } {
  let running: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    running ??= pass()
      .catch((error: unknown) => {
        log.error({ err: error }, 'the sweep failed');
      })
      .finally(() => {
        running = undefined;
      });
  }, intervalMs);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
