import type { DatabaseSync } from 'node:sqlite';

/** What a column holds; there are no others. */
export type ColumnType = 'text' | 'bigint';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** A table as the SQLite file describes it. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The columns of its primary key, in their order. */
  readonly key: readonly Column[];
}

/** The migrations' own tables, and those of SQLite, belong to each database for itself. */
const TABLES = `select name from sqlite_schema where type = 'table'
  and name not glob 'sqlite_*' and name not glob 'kysely_*' order by name`;

/**
 * All tables of an installation, each after those that it refers to. They are read from the file, so
 * that none can be forgotten. Throws when one has no primary key, or a column that is neither text
 * nor bigint.
 */
export function readTables(database: DatabaseSync): Table[] {
  const tables: Table[] = [];
  const add = (name: string): void => {
    if (tables.some((table) => table.name === name)) {
      return;
    }
    for (const parent of parentsOf(database, name)) {
      add(parent);
    }
    tables.push(describe(database, name));
  };
  for (const row of database.prepare(TABLES).all()) {
    add(String(row['name']));
  }
  return tables;
}

function parentsOf(database: DatabaseSync, table: string): string[] {
  const rows = database.prepare('select "table" from pragma_foreign_key_list(?)').all(table);
  return rows.map((row) => String(row['table'])).filter((parent) => parent !== table);
}

function describe(database: DatabaseSync, name: string): Table {
  const rows = database.prepare('select name, type, pk from pragma_table_info(?)').all(name);
  const columns = rows.map((row) => ({
    name: String(row['name']),
    type: columnType(name, String(row['name']), String(row['type'])),
    place: Number(row['pk']),
  }));
  const key = columns.filter(({ place }) => place > 0).sort((a, b) => a.place - b.place);
  if (key.length === 0) {
    throw new Error(`The table ${name} has no primary key.`);
  }
  return { name, columns, key };
}

function columnType(table: string, column: string, type: string): ColumnType {
  const known = type.toLowerCase();
  if (known === 'text' || known === 'bigint') {
    return known;
  }
  throw new Error(`The column ${column} of ${table} is of the type ${type}, which is not known.`);
}
