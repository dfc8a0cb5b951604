import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import { type CustomTypesConfig, Pool, type PoolClient, type QueryResultRow, types } from 'pg';
import { DatabaseAway, databaseFailure, isAfterFailure, isStalePlan } from './postgres-failures.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with any parameter of libpq that `pg` knows. */
  readonly url: string;
  /** Connections of this process, at most; 10 by default, at least 2. */
  readonly connectionsMax?: number;
  /** How long one statement may take on the server; 10 seconds by default; 0: any time. */
  readonly statementMs?: number;
  /** How long a query waits for a connection, a new one included; 5 seconds by default. */
  readonly connectMs?: number;
}

export interface PoolOptions extends PostgresOptions {
  readonly connectionsMax: number;
  readonly isReadOnly: boolean;
  /** Told of connections that broke while nobody used them. */
  readonly onIdleError: (error: Error) => void;
}

/** The type `bigint`, by its number in `pg_type`. */
const INT8 = 20;
const IDLE_MS = 60_000;
const KEEP_ALIVE_MS = 10_000;

/** Every integer is read as a bigint, as from SQLite; all other types as `pg` reads them. */
const TYPES: CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary'
      ? (text: string) => BigInt(text)
      : types.getTypeParser(oid, format),
};

/** Connections that are made when they are needed, checked by the kernel, and closed when idle. */
export function openPool(options: PoolOptions): Pool {
  const { url, connectionsMax, statementMs = 10_000, connectMs = 5_000, isReadOnly } = options;
  const pool = new Pool({
    connectionString: url,
    max: connectionsMax,
    types: TYPES,
    application_name: 'easel',
    connectionTimeoutMillis: connectMs,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    statement_timeout: statementMs,
    // A process that hangs in the middle must not keep others from an account's row.
    idle_in_transaction_session_timeout: statementMs,
    // What we wait for on our side, should the server never answer: a little later than it gives up.
    query_timeout: statementMs === 0 ? 0 : statementMs + connectMs,
    ...(isReadOnly ? { options: '-c default_transaction_read_only=on' } : {}),
  });
  pool.on('error', options.onIdleError);
  // One that breaks between two queries of a batch has nobody who listens, and would end the process;
  // its next query fails and says why.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** A connection of a pool as Kysely wants it. What fails for want of a database says so. */
export class PostgresConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  #isBroken = false;
  #isInTransaction = false;
  /** What the transaction failed with: all that follows in it fails, and says nothing of why. */
  #undoneBy: unknown;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      return await this.#query<Row>(query);
    } catch (error) {
      if (!isStalePlan(error)) {
        throw this.#failure(error);
      }
      // A newer Easel has changed the tables: the text is parsed anew under another name. Within a
      // transaction all of it must run again.
      names.delete(query.sql);
      if (this.#isInTransaction) {
        throw this.#failure(error);
      }
    }
    return this.executeQuery(query);
  }

  async #query<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const name = statementName(sql);
    const { rows, rowCount, command } = await this.#client.query<Row & QueryResultRow>({
      text: sql,
      values: [...parameters],
      ...(name === undefined ? {} : { name }),
    });
    return WRITES.has(command) ? { rows, numAffectedRows: BigInt(rowCount ?? 0) } : { rows };
  }

  /** Statements without parameters, several in one go. */
  async execute(sql: string): Promise<void> {
    try {
      await this.#client.query(sql);
      this.#isInTransaction = TRANSACTION_ENDS.test(sql) ? false : this.#isInTransaction;
      this.#isInTransaction ||= sql.startsWith('begin');
      this.#undoneBy = sql.startsWith('rollback') ? undefined : this.#undoneBy;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Back to its pool; closed when it broke, or still works on what nobody waits for any more. */
  release({ isUnsure = false } = {}): void {
    this.#client.release(this.#isBroken || isUnsure);
  }

  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    yield* [];
    throw new Error('Queries are not streamed.');
  }

  #failure(error: unknown): unknown {
    const failure = databaseFailure(error);
    this.#isBroken ||= failure instanceof DatabaseAway;
    if (this.#undoneBy !== undefined && isAfterFailure(error)) {
      return this.#undoneBy;
    }
    this.#undoneBy ??= this.#isInTransaction ? failure : undefined;
    return failure;
  }
}

const TRANSACTION_ENDS = /^(?:commit|rollback)$/;
const WRITES: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** Texts that are parsed by the server once for each connection. Beyond so many, none are. */
const NAMED_MAX = 300;
const NAMED = /^(?:select|insert|update|delete|with)\b/;
const names = new Map<string, string>();
let named = 0;

function statementName(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined || names.size >= NAMED_MAX || !NAMED.test(sql.trimStart())) {
    return known;
  }
  const name = `easel_${named}`;
  named += 1;
  names.set(sql, name);
  return name;
}

/** Takes a connection; throws `overloaded` when there is no database, or none in time. */
export async function takeConnection(pool: Pool): Promise<PostgresConnection> {
  try {
    return new PostgresConnection(await pool.connect());
  } catch (error) {
    throw databaseFailure(error);
  }
}

class PoolDriver implements Driver {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {
    // Connections come when they are needed.
  }

  acquireConnection(): Promise<PostgresConnection> {
    return takeConnection(this.#pool);
  }

  async beginTransaction(
    connection: PostgresConnection,
    { isolationLevel, accessMode }: TransactionSettings,
  ): Promise<void> {
    const isolation = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
    await connection.execute(
      `begin${isolation}${accessMode === undefined ? '' : ` ${accessMode}`}`,
    );
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    await connection.execute('commit');
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    await connection.execute('rollback');
  }

  async releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

/** Kysely's dialect over a pool of ours. */
export function postgresDialect(pool: Pool): Dialect {
  return {
    createDriver: () => new PoolDriver(pool),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}
