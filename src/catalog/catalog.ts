import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../base/log.ts';
import type { Card } from './card.ts';
import { type CardFile, CatalogError, formatProblem, readCards } from './read.ts';

/** The cards of one moment. It never changes: a reload makes another. */
export interface Catalog {
  readonly find: (id: string) => Card | undefined;
  /** In the order of the files' names, then of the files. */
  readonly list: () => readonly Card[];
  /** A digest of all cards: equal when nothing differs. */
  readonly version: string;
}

export interface WatchedCatalog {
  readonly current: () => Catalog;
  readonly close: () => void;
}

export interface WatchOptions {
  readonly log: Log;
  readonly onChange?: (catalog: Catalog) => void;
}

/** Editors write a file in several steps: the folder must have been quiet for this long. */
const QUIET_MS = 100;

/**
 * Reads every `.yaml` file of a folder. Throws a CatalogError, which names file, line and reason of
 * each problem, and then there is no catalogue at all: half a price list is worse than none.
 */
export function loadCatalog(folder: string): Catalog {
  return toCatalog(readFolder(folder));
}

/** A catalogue of these files, as if they lay in a folder. Throws as `loadCatalog` does. */
export function toCatalog(files: readonly CardFile[]): Catalog {
  const cards = readCards(files);
  const byId = new Map(cards.map((card) => [card.id, card]));
  const digest = createHash('sha256').update(cards.map(({ hash }) => hash).join('\n'));
  const version = digest.digest('hex');
  return { find: (id) => byId.get(id), list: () => cards, version };
}

/**
 * Loads a folder and keeps it loaded: a change on disk is taken within a moment, whole or not at
 * all. A broken card is logged with file, line and reason, and the old cards stay. Throws as
 * `loadCatalog` does when the folder is broken from the start.
 */
export function watchCatalog(folder: string, options: WatchOptions): WatchedCatalog {
  const { log, onChange } = options;
  let timer: NodeJS.Timeout | undefined;
  // Watched before it is read, so that no change falls between. Not persistent: a command that has
  // done its work need not close the catalogue to end.
  const watcher = watch(folder, { persistent: false }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => look(undefined), QUIET_MS);
  });
  watcher.on('error', (error) => {
    log.error({ err: error }, 'the catalogue folder is no longer watched; restart to reload it');
  });
  let { files, catalog } = readOrClose(folder, watcher);

  const take = (changed: readonly CardFile[]): void => {
    files = changed;
    const next = toCatalog(changed);
    if (next.version !== catalog.version) {
      catalog = next;
      log.info({ models: next.list().length, version: next.version }, 'catalogue reloaded');
      onChange?.(next);
    }
  };
  const look = (seen: readonly CardFile[] | undefined): void => {
    try {
      const now = readFolder(folder);
      if (seen === undefined || !sameFiles(seen, now)) {
        // Still being written, or seen for the first time: look again when it has been quiet.
        timer = setTimeout(() => look(now), QUIET_MS);
      } else if (!sameFiles(files, now)) {
        take(now);
      }
    } catch (error) {
      logRefusal(log, error);
    }
  };
  return {
    current: () => catalog,
    close: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

interface Loaded {
  readonly files: readonly CardFile[];
  readonly catalog: Catalog;
}

function readOrClose(folder: string, watcher: FSWatcher): Loaded {
  try {
    const files = readFolder(folder);
    return { files, catalog: toCatalog(files) };
  } catch (error) {
    watcher.close();
    throw error;
  }
}

function logRefusal(log: Log, error: unknown): void {
  if (!(error instanceof CatalogError)) {
    log.error({ err: error }, 'the catalogue could not be read; the old cards stay');
    return;
  }
  for (const problem of error.problems) {
    const message = `card refused, the old cards stay: ${formatProblem(problem)}`;
    log.error({ ...problem }, message);
  }
}

function readFolder(folder: string): readonly CardFile[] {
  const names = readdirSync(folder)
    .filter((name) => /^[^.].*\.ya?ml$/.test(name))
    .toSorted();
  if (names.length === 0) {
    // Most likely the wrong folder, or one that is being replaced: not a wish for no models.
    throw new Error(`there are no card files (.yaml) in ${folder}`);
  }
  return names.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}

function sameFiles(first: readonly CardFile[], second: readonly CardFile[]): boolean {
  return (
    first.length === second.length &&
    first.every(
      ({ name, text }, index) => name === second[index]?.name && text === second[index]?.text,
    )
  );
}
