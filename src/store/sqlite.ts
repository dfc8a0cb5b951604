import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';

/**
 * What a COMMIT promises. `full`: it is on the disk, power loss included. `normal`: it survives the
 * death of the process, but the last moments may be lost with the power.
 */
export type Durability = 'full' | 'normal';

export interface SqliteOptions {
  readonly file: string;
  readonly durability: Durability;
  /** Refuses every write on this connection. */
  readonly queryOnly?: boolean;
}

export interface Sqlite {
  readonly database: DatabaseSync;
  readonly dialect: SqliteDialect;
}

const BUSY_TIMEOUT_MS = 5_000;
const BUSY = 5;
const STATEMENTS_MAX = 500;

/**
 * Opens one connection to an SQLite file, in WAL mode with foreign keys on, and a Kysely dialect
 * over it; makes the file and its folder where they are missing. Integers are read as bigint.
 */
export function openSqlite(options: SqliteOptions): Sqlite {
  mkdirSync(dirname(options.file), { recursive: true });
  const database = new DatabaseSync(options.file, {
    enableForeignKeyConstraints: true,
    readBigInts: true,
    timeout: BUSY_TIMEOUT_MS,
  });
  try {
    database.exec('pragma journal_mode = wal');
    database.exec(`pragma synchronous = ${options.durability}`);
    if (options.queryOnly === true) {
      database.exec('pragma query_only = on');
    }
  } catch (error) {
    database.close();
    throw error;
  }
  return { database, dialect: new SqliteDialect({ database: adapt(database) }) };
}

/** True when SQLite gave up because another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  const code = error instanceof Error ? (error as Error & { errcode?: unknown }).errcode : 0;
  // The low byte is the primary code; the rest says which kind of busy.
  return typeof code === 'number' && (code & 0xff) === BUSY;
}

function adapt(database: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => {
      database.close();
    },
    prepare: (sql) => {
      // A writing transaction takes its lock at once: one that reads first and writes later could
      // find the database changed under it and fail, however long it waited.
      const text = sql === 'begin' ? 'begin immediate' : sql;
      let statement = statements.get(text);
      if (statement === undefined) {
        if (statements.size >= STATEMENTS_MAX) {
          statements.clear();
        }
        statement = adaptStatement(database.prepare(text), () => database.prepare(text));
        statements.set(text, statement);
      }
      return statement;
    },
  };
}

function adaptStatement(statement: StatementSync, prepareAgain: () => StatementSync) {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    // An iterator outlives the call, so it must not share its statement with the next caller.
    iterate: (parameters) => prepareAgain().iterate(...values(parameters)),
  } satisfies SqliteStatement;
}

function values(parameters: readonly unknown[]): SQLInputValue[] {
  // node:sqlite refuses by itself whatever is no SQL value.
  return parameters as SQLInputValue[];
}
