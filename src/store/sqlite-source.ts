import type { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import type { Database } from './database.ts';
import { isBusy, openSqlite } from './sqlite.ts';
import { type Column, readTables, type Table } from './tables.ts';
import type { Executor } from './transaction.ts';

/** A value of a row, as both databases give it. */
export type Cell = string | bigint | null;

/** An SQLite file of which everything is read, and nothing is written. */
export interface SqliteSource {
  readonly executor: Executor;
  readonly tables: readonly Table[];
  readonly count: (table: Table) => number;
  /**
   * All rows in the order of their keys, each with its cells in the order of the columns. Throws an
   * UnmovableCell.
   */
  readonly rows: (table: Table) => Generator<readonly Cell[], void>;
  readonly close: () => void;
}

/** A value that SQLite keeps and PostgreSQL cannot. */
export class UnmovableCell extends Error {
  override readonly name = 'UnmovableCell';
}

/**
 * Opens it as it is now. Until it is closed nobody else can write into it, so that what is read is
 * all that there is. Throws when somebody else is writing for longer than five seconds.
 */
export function openSqliteSource(file: string): SqliteSource {
  const { database, dialect } = openSqlite({ file, durability: 'full' });
  try {
    // The lock of whoever writes, by somebody who never does.
    database.exec('begin immediate');
    const tables = readTables(database);
    return {
      executor: new Kysely<Database>({ dialect }),
      tables,
      count: ({ name }) =>
        Number(database.prepare(`select count(*) as count from "${name}"`).get()?.['count']),
      rows: (table) => readRows(database, table),
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw isBusy(error)
      ? new Error(`Another process is writing into ${file}.`, { cause: error })
      : error;
  }
}

function* readRows(database: DatabaseSync, table: Table): Generator<readonly Cell[], void> {
  const columns = table.columns.map(({ name }) => `"${name}"`).join(', ');
  const order = table.key.map(({ name }) => `"${name}"`).join(', ');
  const all = database.prepare(`select ${columns} from "${table.name}" order by ${order}`);
  for (const row of all.iterate()) {
    yield table.columns.map((column) => checkCell({ database, table, column, row }));
  }
}

type Row = Readonly<Record<string, unknown>>;

interface Place {
  readonly database: DatabaseSync;
  readonly table: Table;
  readonly column: Column;
  readonly row: Row;
}

/** What SQLite puts in place of bytes that are no text when it hands them over. */
const REPLACEMENT = '\u{FFFD}';

function checkCell(place: Place): Cell {
  const { column, row } = place;
  const value = row[column.name];
  if (value === null) {
    return null;
  }
  if (column.type === 'bigint') {
    return typeof value === 'bigint' ? value : refuse(place, 'no whole number');
  }
  if (typeof value !== 'string') {
    return refuse(place, 'no text');
  }
  if (value.includes('\0')) {
    return refuse(place, 'a NUL character, which PostgreSQL cannot keep');
  }
  if (value.includes(REPLACEMENT) && !isWhole(place, value)) {
    return refuse(place, 'bytes that are no UTF-8');
  }
  return value;
}

/** Whether it is what lies there, and the character in question its own. */
function isWhole({ database, table, column, row }: Place, text: string): boolean {
  const where = table.key.map(({ name }) => `"${name}" = ?`).join(' and ');
  const bytes = database
    .prepare(`select cast("${column.name}" as blob) as bytes from "${table.name}" where ${where}`)
    .get(...table.key.map(({ name }) => row[name] as string | bigint))?.['bytes'];
  return bytes instanceof Uint8Array && Buffer.from(text).equals(bytes);
}

function refuse({ table, column, row }: Place, what: string): never {
  const key = table.key.map(({ name }) => row[name]);
  throw new UnmovableCell(`${nameRow(table, key)}: ${column.name} holds ${what}.`);
}

/** `transfers, id hold_img_…`, for people. */
export function nameRow({ name, key }: Table, values: readonly unknown[]): string {
  const parts = key.map(
    (column, index) => `${column.name} ${JSON.stringify(String(values[index]))}`,
  );
  return `${name}, ${parts.join(', ')}`;
}
