import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import * as initial from './migrations/0001_initial.ts';
import * as results from './migrations/0002_results.ts';
import * as webhooks from './migrations/0003_webhooks.ts';
import * as limits from './migrations/0004_limits.ts';
import * as adminLog from './migrations/0005_admin_log.ts';
import * as routeStates from './migrations/0006_route_states.ts';
import * as months from './migrations/0007_months.ts';
import * as places from './migrations/0008_places.ts';
import * as secrets from './migrations/0009_secrets.ts';
import { isLostRace } from './postgres-failures.ts';
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
  '0007_months': months,
  '0008_places': places,
  '0009_secrets': secrets,
};

/**
 * A migration adds: tables, columns that may be null, indexes. So the Easel before it runs on beside
 * the new one while servers are replaced one by one, and can be gone back to. One that must change what
 * is there says so in its name, and older versions refuse a database that has had it.
 */
const BREAKS = '_breaking_';

/**
 * Brings the tables up to date and gives the names of the migrations that it applied, oldest
 * first; none when there was nothing to do. All of them hold, or, if it throws, none. A database in
 * which a newer Easel has changed what this one needs is refused.
 */
export async function migrate(store: Store): Promise<string[]> {
  // One transaction for the look and the work: of two processes that start together, one migrates
  // and the other finds it done.
  return store.transaction(
    async (tx) => {
      const { breaking, added } = await readMigrationState(tx);
      if (breaking.length > 0) {
        throw new Error(
          `A newer Easel has changed this database (${breaking.join(', ')}): run that one.`,
        );
      }
      const { error, results } = await migratorOn(tx, added).migrateToLatest();
      if (error !== undefined) {
        throw failureOf(error);
      }
      return (results ?? []).map((result) => result.migrationName);
    },
    { serial: 'migrate', isLong: true },
  );
}

/** One that may run again at once stays what it is: whoever runs transactions knows it by that. */
function failureOf(error: unknown): unknown {
  if (isLostRace(error)) {
    return error;
  }
  const why = error instanceof Error ? error.message : String(error);
  return new Error(`The database could not be migrated: ${why}`, { cause: error });
}

export interface MigrationState {
  /** Names, oldest first. */
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Applied by a newer Easel, and no hindrance to this one. */
  readonly added: readonly string[];
  /** Applied by a newer Easel, and this one cannot work with what they left. */
  readonly breaking: readonly string[];
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
  const unknown = rows.map(({ name }) => name).filter((name) => !Object.hasOwn(MIGRATIONS, name));
  return {
    applied,
    pending: isApplied.filter(({ done }) => !done).map(({ name }) => name),
    added: unknown.filter((name) => !name.includes(BREAKS)),
    breaking: unknown.filter((name) => name.includes(BREAKS)),
  };
}

/** `added`: names of migrations that a newer Easel has applied, which stay as they are. */
function migratorOn(executor: Executor, added: readonly string[] = []): Migrator {
  const applied = { up: () => Promise.reject(new Error('It is applied already.')) };
  const theirs = Object.fromEntries(added.map((name) => [name, applied]));
  return new Migrator({
    db: executor,
    provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS, ...theirs }) },
  });
}
