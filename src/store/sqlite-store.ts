import { Kysely, SqliteAdapter } from 'kysely';
import { systemClock } from '../base/clock.ts';
import { NO_ANNOUNCEMENTS } from './announcements.ts';
import type { Database } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { type Durability, openSqlite, type Sqlite } from './sqlite.ts';
import type { SqliteStoreOptions, Store } from './store.ts';
import type { Executor, TransactionConnection } from './transaction.ts';

const TRANSACTION_LIMIT_MS = 5_000;
// Longer waits for a lock are made outside of SQLite, see GroupCommit.
const WRITER_BUSY_TIMEOUT_MS = 5;

/** Opens the embedded database. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { file, durability = 'full', clock = systemClock } = options;
  const sqlite = openSqlite({ file, durability });
  sqlite.database.exec(`pragma busy_timeout = ${WRITER_BUSY_TIMEOUT_MS}`);
  const connection = await connectTransactions(sqlite);
  const transactionLimitMs = options.transactionLimitMs ?? TRANSACTION_LIMIT_MS;
  const commits = new GroupCommit({ sqlite, connection, clock, transactionLimitMs });
  const reader = openSqlite({ file, durability, queryOnly: true });
  const db = new Kysely<Database>({ dialect: reader.dialect });
  let closed = false;
  return {
    db,
    kind: 'sqlite',
    announcements: NO_ANNOUNCEMENTS,
    // One writer, and so one transaction after the other, whatever its name.
    transaction: async (work, transactionOptions) => {
      if (closed) {
        throw new Error('The store is closed.');
      }
      return commits.transaction(work, transactionOptions);
    },
    snapshot: (work) => readSnapshot({ file, durability }, work),
    close: async () => {
      closed = true;
      await commits.idle();
      await db.destroy();
      closeOnce(reader);
      closeOnce(sqlite);
    },
  };
}

async function connectTransactions({ database, dialect }: Sqlite): Promise<TransactionConnection> {
  const driver = dialect.createDriver();
  await driver.init();
  return {
    connection: await driver.acquireConnection(),
    isInTransaction: () => database.isTransaction,
    dialect,
    driver,
    compiler: dialect.createQueryCompiler(),
    adapter: new TransactionalAdapter(),
  };
}

/** SQLite rolls back CREATE and ALTER as it does rows; Kysely only does not count on it. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

async function readSnapshot<T>(
  options: { file: string; durability: Durability },
  work: (db: Executor) => Promise<T>,
): Promise<T> {
  // A connection of its own: a BEGIN on the shared one would hand an old state to other readers.
  const sqlite = openSqlite({ ...options, queryOnly: true });
  try {
    sqlite.database.exec('begin');
    return await work(new Kysely<Database>({ dialect: sqlite.dialect }));
  } finally {
    closeOnce(sqlite);
  }
}

function closeOnce({ database }: Sqlite): void {
  if (database.isOpen) {
    database.close();
  }
}
