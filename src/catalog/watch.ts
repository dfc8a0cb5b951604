import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../base/log.ts';
import {
  type Catalog,
  type CatalogOptions,
  type Sources,
  readSources,
  toCatalog,
} from './catalog.ts';
import { startSections } from './operator.ts';
import { CatalogError, formatProblem } from './problem.ts';

export interface WatchedCatalog {
  readonly current: () => Catalog;
  readonly close: () => void;
}

export interface WatchOptions extends CatalogOptions {
  readonly log: Log;
  readonly onChange?: (catalog: Catalog) => void;
  /**
   * Looks at the sections of the operator's file that are not the catalogue's, whenever it has
   * changed. Throws an Error with one line for each problem, and then nothing of the file is taken.
   */
  readonly checkOperatorText?: (text: string) => void;
}

/** Editors write a file in several steps: the folder must have been quiet for this long. */
const QUIET_MS = 100;

/**
 * Loads a folder and the operator's file, and keeps them loaded: a change on disk is taken within a
 * moment, whole or not at all. What is broken is logged with file, line and reason, and the old
 * cards stay. Throws as `loadCatalog` does when the sources are broken from the start.
 */
export function watchCatalog(folder: string, options: WatchOptions): WatchedCatalog {
  const { log, onChange, operatorPath } = options;
  let timer: NodeJS.Timeout | undefined;
  const wake = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => look(undefined), QUIET_MS);
  };
  // Watched before it is read, so that no change falls between.
  const watchers = watchAll(folder, operatorPath, { log, wake });
  const close = (): void => {
    clearTimeout(timer);
    watchers.forEach((watcher) => watcher.close());
  };
  let { sources, catalog } = loadOr(close, folder, options);
  const sections = new StartSections(sources, log);

  const take = (changed: Sources): void => {
    sources = changed;
    const next = catalogOf(changed, options);
    sections.compare(changed);
    if (next.version !== catalog.version) {
      catalog = next;
      log.info({ models: next.list().length, version: next.version }, 'catalogue reloaded');
      onChange?.(next);
    }
  };
  const look = (seen: Sources | undefined): void => {
    try {
      const now = readSources(folder, operatorPath);
      if (!isDeepStrictEqual(seen, now)) {
        // Still being written, or seen for the first time: look again when it has been quiet.
        timer = setTimeout(() => look(now), QUIET_MS);
      } else if (!isDeepStrictEqual(sources, now)) {
        take(now);
      }
    } catch (error) {
      logRefusal(log, error);
    }
  };
  return { current: () => catalog, close };
}

/** Not persistent: a command that has done its work need not close the catalogue to end. */
const IN_BACKGROUND = { persistent: false } as const;

/**
 * The folder of cards, the operator's file and the folder that it is in: an editor puts a new file
 * in the old one's place, which only the folder tells, while a file that was mounted by itself
 * into a container tells only by itself.
 */
function watchAll(
  folder: string,
  operatorPath: string | undefined,
  { log, wake }: { readonly log: Log; readonly wake: () => void },
): FSWatcher[] {
  const watchers = [watch(folder, IN_BACKGROUND, wake)];
  if (operatorPath !== undefined) {
    // Much else may change in that folder, and Kubernetes swaps `..data` under its files.
    const names = [basename(operatorPath), '..data'];
    const around = (_event: string, name: string | null): void => {
      if (name === null || names.includes(name)) {
        wake();
      }
    };
    watchers.push(watch(dirname(operatorPath), IN_BACKGROUND, around));
    watchers.push(watch(operatorPath, IN_BACKGROUND, wake));
  }
  for (const watcher of watchers) {
    watcher.on('error', (error) => {
      log.error({ err: error }, 'models and prices are no longer watched; restart to reload them');
    });
  }
  return watchers;
}

interface Loaded {
  readonly sources: Sources;
  readonly catalog: Catalog;
}

function loadOr(close: () => void, folder: string, options: WatchOptions): Loaded {
  try {
    const sources = readSources(folder, options.operatorPath);
    return { sources, catalog: catalogOf(sources, options) };
  } catch (error) {
    close();
    throw error;
  }
}

function catalogOf({ files, operator }: Sources, options: WatchOptions): Catalog {
  const { checkOperatorText, providers } = options;
  if (operator !== undefined) {
    checkOperatorText?.(operator.text);
  }
  return toCatalog(files, {
    ...(operator === undefined ? {} : { operator }),
    ...(providers === undefined ? {} : { providers }),
  });
}

/** Tells the operator which changes wait for a restart. */
class StartSections {
  readonly #atStart: ReadonlyMap<string, unknown>;
  readonly #log: Log;
  #now: ReadonlyMap<string, unknown>;

  constructor(sources: Sources, log: Log) {
    this.#atStart = startSections(sources.operator);
    this.#now = this.#atStart;
    this.#log = log;
  }

  compare({ operator }: Sources): void {
    const before = this.#now;
    this.#now = startSections(operator);
    const names = [...new Set([...this.#atStart.keys(), ...this.#now.keys()])];
    const changed = (since: ReadonlyMap<string, unknown>): string[] =>
      names.filter((name) => !isDeepStrictEqual(since.get(name), this.#now.get(name)));
    const waiting = changed(this.#atStart);
    // Once for each change, and not when it was taken back.
    if (waiting.length > 0 && changed(before).length > 0) {
      const what = `${operator?.name}: changes in ${waiting.join(', ')} wait for a restart`;
      this.#log.warn({ sections: waiting }, `${what}; models and markups are taken at once`);
    }
  }
}

function logRefusal(log: Log, error: unknown): void {
  if (error instanceof CatalogError) {
    for (const problem of error.problems) {
      const message = `card refused, the old cards stay: ${formatProblem(problem)}`;
      log.error({ ...problem }, message);
    }
    return;
  }
  const text = error instanceof Error ? error.message : String(error);
  for (const line of text.split('\n')) {
    log.error(`models and prices not read, the old cards stay: ${line}`);
  }
}
