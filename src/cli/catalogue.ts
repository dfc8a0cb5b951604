import { fileURLToPath } from 'node:url';
import { Failure } from '../base/errors.ts';
import { type Catalog, loadCatalog } from '../catalog/catalog.ts';
import { knownProviders } from '../config/account.ts';
import type { Config } from '../config/config.ts';
import { CommandError } from './command.ts';
import { describeError } from './errors.ts';
import { nearest } from './nearest.ts';

/** Where the model cards lie: beside `src/` and, in the published package, beside `dist/`. */
const CATALOG_FOLDER = fileURLToPath(new URL('../../catalog', import.meta.url));

/**
 * The models of this package, with what the operator's config file adds and changes; without a
 * config, the package's alone. Throws a CatalogError that names what is wrong, and where.
 */
export function openCatalog(config: Config | undefined): Catalog {
  if (config === undefined) {
    return loadCatalog(CATALOG_FOLDER);
  }
  const { filePath, providers } = config;
  return loadCatalog(CATALOG_FOLDER, {
    providers: knownProviders(providers),
    ...(filePath === undefined ? {} : { operatorPath: filePath }),
  });
}

/** The same error; when a model's id was misspelt, with the one that was meant. */
export function suggestModel(error: unknown, model: unknown, catalog: Catalog): unknown {
  const isUnknown = error instanceof Failure && error.errorName === 'model_not_found';
  const ids = isUnknown ? catalog.list().map(({ id }) => id) : [];
  const meant = nearest(String(model), ids);
  if (meant === undefined) {
    return error;
  }
  const hint = `Did you mean ${meant}? npx easel models lists the models.`;
  return new CommandError(describeError(error).message, { hint });
}
