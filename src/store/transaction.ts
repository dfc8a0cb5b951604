import {
  type ConnectionProvider,
  type DatabaseConnection,
  type Dialect,
  type DialectAdapter,
  DefaultQueryExecutor,
  type Driver,
  Transaction as KyselyTransaction,
  type Kysely,
  type QueryCompiler,
} from 'kysely';
import type { Database } from './database.ts';

/** Whatever can run a query: a transaction, or `store.db` for reads outside of one. */
export type Executor = Kysely<Database>;

/** A connection for transactions, with the parts that Kysely needs around it. */
export interface TransactionConnection {
  readonly connection: DatabaseConnection;
  /** False when the database has rolled back by itself, as it does when the disk is full. */
  readonly isInTransaction: () => boolean;
  readonly dialect: Dialect;
  readonly driver: Driver;
  readonly compiler: QueryCompiler;
  readonly adapter: DialectAdapter;
}

/**
 * The handle of one running transaction. It is a Kysely, so queries read as they always do, but
 * every query throws once the transaction has ended: a forgotten `await` on a write is loud.
 */
export class Transaction extends KyselyTransaction<Database> {
  /** The time of every row that this transaction writes, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly #gate: Gate;

  private constructor(options: { on: TransactionConnection; gate: Gate; startedAt: number }) {
    const { on, gate } = options;
    super({
      config: { dialect: on.dialect },
      dialect: on.dialect,
      driver: on.driver,
      executor: new DefaultQueryExecutor(on.compiler, on.adapter, gate),
    });
    this.#gate = gate;
    this.startedAt = options.startedAt;
  }

  static start(on: TransactionConnection, startedAt: number): Transaction {
    return new Transaction({ on, gate: new Gate(on), startedAt });
  }

  /** Called by the store alone: from here on every query of this handle throws. */
  end(): void {
    this.#gate.close();
  }
}

class Gate implements ConnectionProvider {
  readonly #on: TransactionConnection;
  #open = true;

  constructor(on: TransactionConnection) {
    this.#on = on;
  }

  async provideConnection<T>(consumer: (on: DatabaseConnection) => Promise<T>): Promise<T> {
    if (!this.#open) {
      throw new Error('A query was made on a transaction that has ended: an await is missing.');
    }
    if (!this.#on.isInTransaction()) {
      // Else whoever swallows the first error would from here on write without a transaction.
      throw new Error('The database has rolled this transaction back.');
    }
    return consumer(this.#on.connection);
  }

  close(): void {
    this.#open = false;
  }
}
