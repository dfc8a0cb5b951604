import { processEnvironment } from './env.ts';

/**
 * How glibc's allocator is told to behave. By itself it raises the size from which a buffer gets
 * pages of its own with every such buffer that is freed, up to 32 MB; from then on the blocks of
 * passing pictures lie among others, and what is freed between them never goes back to the system.
 */
const ALLOCATOR: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/**
 * V8 looks for garbage among its young objects when these have filled a space of so many MB, and a
 * buffer of 64 KB counts there for the hundred bytes that refer to it.
 */
const SEMI_SPACE = '--max-semi-space-size=4';

/** V8 does not look through its old objects before they fill so many MB, but for full buffers. */
const OLD_SPACE = '--initial-old-space-size=128';

/** An operator who chose an allocator, or its settings, has the last word. */
const CHOSEN = ['LD_PRELOAD', 'GLIBC_TUNABLES', ...Object.keys(ALLOCATOR)];

/**
 * Starts this process anew, under the same id, with settings for its memory that are read at the
 * start of a process only. Returns where that is not possible, not wanted, or done. To be called
 * before anything is opened. Decision 0008 has the figures.
 */
export function settleMemory(): void {
  const environment = processEnvironment();
  const isChosen = CHOSEN.some((name) => environment[name] !== undefined);
  if (process.platform !== 'linux' || process.execve === undefined || isChosen) {
    return;
  }
  // The later of two flags counts: the operator's.
  const flags = [SEMI_SPACE, OLD_SPACE, ...process.execArgv];
  const words = [process.execPath, ...flags, ...process.argv.slice(1)];
  try {
    process.execve(process.execPath, words, { ...environment, ...ALLOCATOR });
  } catch {
    // Forbidden here: Easel runs all the same, in more memory.
  }
}
