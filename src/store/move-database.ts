import { compareTable, type TableComparison } from './compare-tables.ts';
import {
  analyzeTables,
  inOneTransaction,
  insertRows,
  listFilled,
  lockTables,
} from './postgres-target.ts';
import type { Cell, SqliteSource } from './sqlite-source.ts';
import type { Table } from './tables.ts';
import type { Executor } from './transaction.ts';

/** How far it is. */
export interface MoveProgress {
  readonly doing: 'copy' | 'compare';
  readonly table: string;
  readonly rows: number;
  readonly of: number;
}

export interface MoveOptions<Checks> {
  readonly source: SqliteSource;
  /** Of a server whose tables are there. */
  readonly url: string;
  readonly onProgress: (progress: MoveProgress) => void;
  /** Looks at what is there now, before it is kept; what it throws undoes all. */
  readonly check: (target: Executor, tables: readonly TableComparison[]) => Promise<Checks>;
}

export interface MoveOutcome<Checks> {
  readonly tables: readonly TableComparison[];
  readonly checks: Checks;
  /** It was there already, from a move that was cut off after its end. */
  readonly wasThere: boolean;
}

/** There is something in the database, and it is no copy of this installation. */
export class TargetNotEmpty extends Error {
  override readonly name = 'TargetNotEmpty';
  readonly filled: readonly string[];

  constructor(filled: readonly string[], differences: readonly string[]) {
    super(differences.join(' '));
    this.filled = filled;
  }
}

/** How much is sent in one statement, about. */
const BATCH_CHARACTERS = 1 << 20;
const BATCH_ROWS = 1_000;

/**
 * Copies every row of an SQLite file into empty tables of a PostgreSQL server, and compares both,
 * in one transaction there: all of it stays, or nothing. Memory is bounded whatever the size. If the
 * server has the same rows already, they are compared and left as they are. Throws a TargetNotEmpty,
 * an UnmovableCell, a DatabaseAway, or what `check` throws.
 */
export async function moveDatabase<Checks>(
  options: MoveOptions<Checks>,
): Promise<MoveOutcome<Checks>> {
  const { source, url, check } = options;
  return inOneTransaction(url, async (target) => {
    await lockTables(target, source.tables);
    const filled = await listFilled(target, source.tables);
    if (filled.length === 0) {
      for (const table of source.tables) {
        await copyTable(options, target, table);
      }
      await analyzeTables(target, source.tables);
    }
    const tables = await compareAll(options, target);
    const differences = tables.flatMap((table) => table.differences);
    if (filled.length > 0 && differences.length > 0) {
      throw new TargetNotEmpty(filled, differences);
    }
    return { tables, checks: await check(target, tables), wasThere: filled.length > 0 };
  });
}

async function copyTable(
  { source, onProgress }: Pick<MoveOptions<unknown>, 'source' | 'onProgress'>,
  target: Executor,
  table: Table,
): Promise<void> {
  const of = source.count(table);
  let rows = 0;
  onProgress({ doing: 'copy', table: table.name, rows, of });
  for (const batch of inBatches(source.rows(table))) {
    await insertRows(target, table, batch);
    rows += batch.length;
    onProgress({ doing: 'copy', table: table.name, rows, of });
  }
}

function* inBatches(rows: Iterable<readonly Cell[]>): Generator<(readonly Cell[])[]> {
  let batch: (readonly Cell[])[] = [];
  let characters = 0;
  for (const row of rows) {
    batch.push(row);
    characters += row.reduce((sum, cell) => sum + (typeof cell === 'string' ? cell.length : 8), 0);
    if (batch.length >= BATCH_ROWS || characters >= BATCH_CHARACTERS) {
      yield batch;
      batch = [];
      characters = 0;
    }
  }
  if (batch.length > 0) {
    yield batch;
  }
}

async function compareAll(
  { source, onProgress }: Pick<MoveOptions<unknown>, 'source' | 'onProgress'>,
  target: Executor,
): Promise<TableComparison[]> {
  const compared: TableComparison[] = [];
  for (const table of source.tables) {
    const progress = { doing: 'compare', table: table.name, of: source.count(table) } as const;
    onProgress({ ...progress, rows: 0 });
    compared.push(
      await compareTable({ source, target }, table, (rows) => {
        onProgress({ ...progress, rows });
      }),
    );
  }
  return compared;
}
