import { knownResults } from '../store/results.ts';
import type { ResultsOptions } from './results.ts';

const PAGE = 100;

/**
 * Removes what processes that died have left: pictures that never came to their row, and what was
 * half written. Of a store that others write into only what is older than any request.
 */
export async function removeStrays(options: ResultsOptions): Promise<void> {
  const { store, blobs, log, clock, strayAfterMs } = options;
  const before = strayAfterMs === undefined ? undefined : clock.now() - strayAfterMs;
  let names: string[] = [];
  let removed = 0;
  const look = async (): Promise<void> => {
    const known = await knownResults(store.db, names);
    const unknown = names.filter((name) => !known.has(name));
    await Promise.all(unknown.map((name) => blobs.remove(name)));
    removed += unknown.length;
    names = [];
  };
  for await (const name of blobs.names(before)) {
    names.push(name);
    if (names.length === PAGE) {
      await look();
    }
  }
  await look();
  // Of a store of its own they went at its opening.
  const unfinished = before === undefined ? 0 : await blobs.removeUnfinished(before);
  if (removed + unfinished > 0) {
    log.info({ removed, unfinished }, 'removed pictures that no request knows');
  }
}
