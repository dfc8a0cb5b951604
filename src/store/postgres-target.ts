import { Kysely, sql } from 'kysely';
import type { Database } from './database.ts';
import { openPool, postgresDialect } from './postgres.ts';
import type { Cell } from './sqlite-source.ts';
import type { Table } from './tables.ts';
import type { Executor } from './transaction.ts';

/** How long it waits for those who use the tables, in milliseconds. */
const LOCK_MS = 10_000;
const FETCHED_ROWS = 1_000;

/**
 * Runs `work` in one transaction of a PostgreSQL server, as long as it takes: if it throws, or this
 * process dies, or the connection, nothing of it stays. Throws a DatabaseAway.
 */
export async function inOneTransaction<T>(
  url: string,
  work: (tx: Executor) => Promise<T>,
): Promise<T> {
  const pool = openPool({
    url,
    connectionsMax: 1,
    statementMs: 0,
    isReadOnly: false,
    onIdleError: () => undefined,
  });
  const db = new Kysely<Database>({ dialect: postgresDialect(pool) });
  try {
    return await db.transaction().execute(work);
  } finally {
    await db.destroy();
  }
}

/** Tells the planner how large the tables are, which it would else take for empty for a while. */
export async function analyzeTables(tx: Executor, tables: readonly Table[]): Promise<void> {
  await sql`analyze ${sql.join(tables.map(({ name }) => sql.table(name)))}`.execute(tx);
}

/** Until the end of the transaction nobody else reads or writes them. */
export async function lockTables(tx: Executor, tables: readonly Table[]): Promise<void> {
  await sql.raw(`set local lock_timeout = ${LOCK_MS}`).execute(tx);
  const names = tables.map(({ name }) => sql.table(name));
  await sql`lock table ${sql.join(names)} in access exclusive mode`.execute(tx);
}

/** Which of the tables have rows. Those that are not there have none. */
export async function listFilled(db: Executor, tables: readonly Table[]): Promise<string[]> {
  const filled: string[] = [];
  for (const { name } of tables) {
    const there = await sql<{ oid: unknown }>`select to_regclass(${name}) as oid`.execute(db);
    if (there.rows[0]?.oid !== null) {
      const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(db);
      filled.push(...(rows.length > 0 ? [name] : []));
    }
  }
  return filled;
}

export async function countRows(db: Executor, { name }: Table): Promise<number> {
  const { rows } = await sql<{ count: bigint }>`
    select count(*) as count from ${sql.table(name)}`.execute(db);
  return Number(rows[0]?.count);
}

/** Adds rows whose cells are in the order of the columns. */
export async function insertRows(
  tx: Executor,
  { name, columns }: Table,
  rows: readonly (readonly Cell[])[],
): Promise<void> {
  // One text for any number of rows, so that it is parsed once.
  const records = rows.map((cells) =>
    Object.fromEntries(
      cells.flatMap((cell, index) =>
        cell === null
          ? []
          : [[columns[index]?.name ?? '', typeof cell === 'bigint' ? String(cell) : cell]],
      ),
    ),
  );
  const list = sql.join(columns.map((column) => sql.id(column.name)));
  await sql`insert into ${sql.table(name)} (${list}) select ${list}
    from json_populate_recordset(null::${sql.table(name)}, ${JSON.stringify(records)}::json)`.execute(
    tx,
  );
}

/** All rows in the order of their keys, by bytes as SQLite sorts. */
export async function* readRows(tx: Executor, table: Table): AsyncGenerator<readonly Cell[], void> {
  const columns = table.columns.map(({ name }) => sql.id(name));
  const order = table.key.map(({ name, type }) =>
    type === 'text' ? sql`${sql.id(name)} collate "C"` : sql.id(name),
  );
  await sql`declare moved_rows no scroll cursor for select ${sql.join(columns)}
    from ${sql.table(table.name)} order by ${sql.join(order)}`.execute(tx);
  for (;;) {
    const { rows } = await sql<
      Record<string, Cell>
    >`fetch ${sql.lit(FETCHED_ROWS)} from moved_rows`.execute(tx);
    for (const row of rows) {
      yield table.columns.map(({ name }) => row[name] ?? null);
    }
    if (rows.length < FETCHED_ROWS) {
      break;
    }
  }
  await sql`close moved_rows`.execute(tx);
}
