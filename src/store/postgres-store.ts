import { Kysely } from 'kysely';
import { systemClock } from '../base/clock.ts';
import { openAnnouncements } from './announcements.ts';
import type { Database } from './database.ts';
import { openPool, postgresDialect } from './postgres.ts';
import { PostgresCommits } from './postgres-commits.ts';
import { isStalePlan } from './postgres-failures.ts';
import type { PostgresStoreOptions, Store } from './store.ts';
import type { Executor } from './transaction.ts';

const CONNECTIONS = 10;
const TRANSACTION_LIMIT_MS = 5_000;

/**
 * Opens a database of a PostgreSQL server. No connection is made before the first query: whether
 * the server is there shows with that.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { connectionsMax = CONNECTIONS, clock = systemClock } = options;
  // Reads that wait for no transaction, and transactions that no read holds up.
  const batchesMax = Math.ceil(connectionsMax / 2);
  const onIdleError = (): void => undefined;
  const reading = openPool({
    ...options,
    connectionsMax: Math.max(1, connectionsMax - batchesMax),
    isReadOnly: true,
    onIdleError,
  });
  const writing = openPool({
    ...options,
    connectionsMax: batchesMax,
    isReadOnly: false,
    onIdleError,
  });
  // Connected to when it is first needed, as by a migration.
  const patient = openPool({
    ...options,
    connectionsMax: 1,
    statementMs: 0,
    isReadOnly: false,
    onIdleError,
  });
  const db = new Kysely<Database>({ dialect: postgresDialect(reading) });
  const transactionLimitMs = options.transactionLimitMs ?? TRANSACTION_LIMIT_MS;
  const dialect = postgresDialect(writing);
  const commits = new PostgresCommits({
    pool: writing,
    patientPool: patient,
    dialect,
    clock,
    batchesMax,
    transactionLimitMs,
  });
  const announcements = openAnnouncements({
    url: options.url,
    query: (sql, values) => writing.query(sql, [...values]),
  });
  let isClosed = false;
  return {
    db,
    kind: 'postgres',
    announcements,
    transaction: async (work, transactionOptions) => {
      if (isClosed) {
        throw new Error('The store is closed.');
      }
      return commits.transaction(work, transactionOptions);
    },
    snapshot: async (work) => {
      try {
        return await readSnapshot(db, work);
      } catch (error) {
        if (!isStalePlan(error)) {
          throw error;
        }
        return readSnapshot(db, work);
      }
    },
    close: async () => {
      if (!isClosed) {
        isClosed = true;
        await commits.idle();
        await announcements.close();
        await Promise.all([db.destroy(), writing.end(), patient.end()]);
      }
    },
  };
}

function readSnapshot<T>(db: Kysely<Database>, work: (db: Executor) => Promise<T>): Promise<T> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => work(tx));
}
