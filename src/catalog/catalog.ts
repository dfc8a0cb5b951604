import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Card } from './card.ts';
import { type ReadOptions, readCards } from './read.ts';
import type { CardFile } from './yaml-file.ts';

/** The cards of one moment. It never changes: a reload makes another. */
export interface Catalog {
  readonly find: (id: string) => Card | undefined;
  /** In the order of the files' names, then of the files; the operator's own cards last. */
  readonly list: () => readonly Card[];
  /** A digest of all cards: equal when nothing differs. */
  readonly version: string;
}

/** What lies around the folder of cards. */
export interface CatalogOptions extends Pick<ReadOptions, 'providers'> {
  /** The operator's `easel.yaml`, whose models and markups come over the cards. */
  readonly operatorPath?: string;
}

/**
 * Reads every `.yaml` file of a folder, and the operator's file over them. Throws a CatalogError,
 * which names file, line and reason of each problem, and then there is no catalogue at all: half a
 * price list is worse than none.
 */
export function loadCatalog(folder: string, options: CatalogOptions = {}): Catalog {
  const { files, operator } = readSources(folder, options.operatorPath);
  return toCatalog(files, { ...options, ...(operator === undefined ? {} : { operator }) });
}

/** A catalogue of these files, as if they lay in a folder. Throws as `loadCatalog` does. */
export function toCatalog(files: readonly CardFile[], options: ReadOptions = {}): Catalog {
  const cards = readCards(files, options);
  const byId = new Map(cards.map((card) => [card.id, card]));
  const digest = createHash('sha256').update(cards.map(({ hash }) => hash).join('\n'));
  const version = digest.digest('hex');
  return { find: (id) => byId.get(id), list: () => cards, version };
}

/** The texts that a catalogue is made of. */
export interface Sources {
  readonly files: readonly CardFile[];
  readonly operator?: CardFile;
}

/** Throws what reading a file throws, and an Error when the folder has no cards. */
export function readSources(folder: string, operatorPath: string | undefined): Sources {
  const names = readdirSync(folder)
    .filter((name) => /^[^.].*\.ya?ml$/.test(name))
    .toSorted();
  if (names.length === 0) {
    // Most likely the wrong folder, or one that is being replaced: not a wish for no models.
    throw new Error(`there are no card files (.yaml) in ${folder}`);
  }
  const files = names.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
  if (operatorPath === undefined) {
    return { files };
  }
  return { files, operator: { name: operatorPath, text: readFileSync(operatorPath, 'utf8') } };
}
