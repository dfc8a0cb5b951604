/** Runs tasks at most `limit` at a time; the rest wait their turn, first come first served. */
export interface RenderQueue {
  /**
   * Resolves or rejects as the task does. A signal that aborts while the task waits takes it out
   * of the queue and rejects with the signal's reason; a task that has begun runs to its end.
   */
  readonly run: <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T>;
  readonly waiting: () => number;
  readonly running: () => number;
}

export function createRenderQueue(limit: number): RenderQueue {
  const starters: (() => void)[] = [];
  let running = 0;

  const startNext = (): void => {
    const start = running < limit ? starters.shift() : undefined;
    if (start !== undefined) start();
  };

  const turn = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const start = (): void => {
        signal?.removeEventListener('abort', leave);
        running += 1;
        resolve();
      };
      const leave = (): void => {
        starters.splice(starters.indexOf(start), 1);
        reject(signal?.reason);
      };
      starters.push(start);
      signal?.addEventListener('abort', leave, { once: true });
      startNext();
    });

  return {
    run: async (task, signal) => {
      signal?.throwIfAborted();
      await turn(signal);
      try {
        // The signal may have aborted between the turn and this line.
        signal?.throwIfAborted();
        return await task();
      } finally {
        running -= 1;
        startNext();
      }
    },
    waiting: () => starters.length,
    running: () => running,
  };
}
