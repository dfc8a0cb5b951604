import type { Clock } from '../base/clock.ts';
import type { Announcements } from './announcements.ts';
import type { PostgresOptions } from './postgres.ts';
import { openPostgresStore } from './postgres-store.ts';
import type { Durability } from './sqlite.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Executor, Transaction } from './transaction.ts';

interface CommonOptions {
  /** Gives transactions their time. */
  readonly clock?: Clock;
  /** How long one transaction may run before it is undone; 5 seconds by default. */
  readonly transactionLimitMs?: number;
}

export interface SqliteStoreOptions extends CommonOptions {
  /** The SQLite file; it and its folder are made where they are missing. */
  readonly file: string;
  /** `full` by default. */
  readonly durability?: Durability;
}

export interface PostgresStoreOptions extends CommonOptions, PostgresOptions {}

export type StoreOptions = SqliteStoreOptions | PostgresStoreOptions;

export interface TransactionOptions {
  /**
   * Transactions that name the same run one after the other, in all processes: an account, as a
   * rule, whose money and limits they look at. Nobody waits for those of another name.
   */
  readonly serial?: string | undefined;
  /** It may take its time, as a migration of large tables does: nobody ends it. */
  readonly isLong?: boolean | undefined;
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
   * await nothing but its own queries. Where a database gives up a transaction for another one, as
   * PostgreSQL may, `work` runs again: it must leave nothing behind but its rows and its value.
   * Waiting in it for the network, a file, a timer or another `transaction` stops every other one,
   * and is ended after the limit.
   */
  readonly transaction: <T>(
    work: (tx: Transaction) => Promise<T>,
    options?: TransactionOptions,
  ) => Promise<T>;
  /** Runs several reads against one and the same committed state, beside running transactions. */
  readonly snapshot: <T>(work: (db: Executor) => Promise<T>) => Promise<T>;
  /** How processes of one database tell each other what others wait for. */
  readonly announcements: Announcements;
  /** A file of this machine, or a server that other processes use, too. */
  readonly kind: 'sqlite' | 'postgres';
  /** Waits for the running transactions and closes. Further use throws. */
  readonly close: () => Promise<void>;
}

/** Opens the database: the embedded one of a file, or that of a PostgreSQL server. */
export async function openStore(options: StoreOptions): Promise<Store> {
  return 'url' in options ? openPostgresStore(options) : openSqliteStore(options);
}
