import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import * as initial from './migrations/0001_initial.ts';
import * as results from './migrations/0002_results.ts';
import * as webhooks from './migrations/0003_webhooks.ts';
import * as limits from './migrations/0004_limits.ts';
import * as adminLog from './migrations/0005_admin_log.ts';
import * as routeStates from './migrations/0006_route_states.ts';
import type { Store } from './store.ts';
import type { Executor } from './transaction.ts';

// A static list: no folder is searched at run time, so the built package finds the same ones.
const MIGRATIONS = {
  '0001_initial': initial,
  '0002_results': results,
  '0003_webhooks': webhooks,
  '0004_limits': limits,
  '0005_admin_log': adminLog,
  '0006_route_states': routeStates,
};

/**
 * Brings the tables up to date and gives the names of the migrations that it applied, oldest
 * first; none when there was nothing to do. All of them hold, or, if it throws, none. A database
 * that a newer Easel has migrated is refused.
 */
export async function migrate(store: Store): Promise<string[]> {
  // One transaction for the look and the work: of two processes that start together, one migrates
  // and the other finds it done.
  return store.transaction(
    async (tx) => {
      const { error, results } = await migratorOn(tx).migrateToLatest();
      if (error !== undefined) {
        throw new Error('The database could not be migrated.', { cause: error });
      }
      return (results ?? []).map((result) => result.migrationName);
    },
    { serial: 'migrate' },
  );
}

export interface MigrationState {
  /** Names, oldest first. */
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Applied by a newer Easel: this one does not know them. */
  readonly unknown: readonly string[];
}

/** Which migrations a database has had. It changes nothing. */
export async function readMigrationState(executor: Executor): Promise<MigrationState> {
  const known = await migratorOn(executor).getMigrations();
  const isApplied = known.map(({ name, executedAt }) => ({ name, done: executedAt !== undefined }));
  const applied = isApplied.filter(({ done }) => done).map(({ name }) => name);
  const tables = await executor.introspection.getTables({ withInternalKyselyTables: true });
  const hasHistory = tables.some(({ name }) => name === 'kysely_migration');
  const { rows } = hasHistory
    ? await sql<{ name: string }>`select name from kysely_migration order by name`.execute(executor)
    : { rows: [] };
  return {
    applied,
    pending: isApplied.filter(({ done }) => !done).map(({ name }) => name),
    unknown: rows.map(({ name }) => name).filter((name) => !Object.hasOwn(MIGRATIONS, name)),
  };
}

function migratorOn(executor: Executor): Migrator {
  return new Migrator({
    db: executor,
    provider: { getMigrations: () => Promise.resolve(MIGRATIONS) },
  });
}
