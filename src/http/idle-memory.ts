import { Session } from 'node:inspector/promises';
import type { Log } from '../base/log.ts';

export interface IdleMemoryOptions {
  readonly log: Log;
  /** Whether nothing is being answered, and nothing runs. */
  readonly isIdle: () => boolean;
  /** How long it must have been so; 10 seconds by default. */
  readonly idleMs?: number;
  /** By how much the process must have grown since the last time, in bytes; 64 MB by default. */
  readonly growthBytes?: number;
}

const LOOKS = 4;

/**
 * Gives memory back that a busy time has left. V8 looks for garbage when something is asked of it; a
 * process with nothing to do keeps all that its busiest minute took. The collection stops the loop
 * for a tenth of a second, which nobody notices then. Returns what ends the watch.
 */
export function giveBackWhenIdle(options: IdleMemoryOptions): () => void {
  const { log, isIdle, idleMs = 10_000, growthBytes = 64e6 } = options;
  let restingBytes = process.memoryUsage.rss();
  let looks = 0;
  const timer = setInterval(() => {
    looks = isIdle() ? looks + 1 : 0;
    // Once for each time that it comes to rest.
    if (looks !== LOOKS) {
      return;
    }
    const beforeBytes = process.memoryUsage.rss();
    if (beforeBytes - restingBytes >= growthBytes) {
      collect().then(
        () => {
          restingBytes = process.memoryUsage.rss();
          log.debug({ beforeBytes, afterBytes: restingBytes }, 'idle: memory was given back');
        },
        (error: unknown) => log.warn({ err: error }, 'idle: memory cannot be given back'),
      );
    }
  }, idleMs / LOOKS).unref();
  return () => clearInterval(timer);
}

/**
 * V8's most thorough collection, which also gives its empty pages back. There is no other way to it
 * without a flag, which would give `gc` to everybody.
 */
async function collect(): Promise<void> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.collectGarbage');
  } finally {
    session.disconnect();
  }
}
