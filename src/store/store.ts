import { Kysely, SqliteAdapter } from 'kysely';
import { type Clock, systemClock } from '../base/clock.ts';
import type { Database } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { type Durability, openSqlite, type Sqlite } from './sqlite.ts';
import type { Executor, Transaction, TransactionConnection } from './transaction.ts';

export interface StoreOptions {
  /** The SQLite file; it and its folder are made where they are missing. */
  readonly file: string;
  /** `full` by default. */
  readonly durability?: Durability;
  /** Gives transactions their time. */
  readonly clock?: Clock;
  /** How long one transaction may run before it is undone; 5 seconds by default. */
  readonly transactionLimitMs?: number;
}

/** The database, opened. Its tables are made by `migrate`. */
export interface Store {
  /**
   * For reads outside of transactions. It is a connection of its own, which sees what is committed
   * and nothing else: the rows of a batch that is still running may yet be rolled back. In WAL mode
   * such a read neither waits for a batch nor delays one, and it sees every transaction whose
   * promise has resolved. Writing through it fails.
   */
  readonly db: Executor;
  /**
   * Runs `work` in a transaction. The promise resolves only when the rows are durable; if `work`
   * throws, nothing of it stays and the promise rejects with the same error.
   *
   * Several transactions share one COMMIT, one after the other on one connection: so `work` must
   * await nothing but its own queries. Waiting in it for the network, a file, a timer or another
   * `transaction` stops every other one, and is ended after the limit.
   */
  readonly transaction: <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;
  /** Runs several reads against one and the same committed state, beside running transactions. */
  readonly snapshot: <T>(work: (db: Executor) => Promise<T>) => Promise<T>;
  /** Waits for the running transactions and closes. Further use throws. */
  readonly close: () => Promise<void>;
}

const TRANSACTION_LIMIT_MS = 5_000;
// Longer waits for a lock are made outside of SQLite, see GroupCommit.
const WRITER_BUSY_TIMEOUT_MS = 5;

/** Opens the embedded database. */
export async function openStore(options: StoreOptions): Promise<Store> {
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
    transaction: async (work) => {
      if (closed) {
        throw new Error('The store is closed.');
      }
      return commits.transaction(work);
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
