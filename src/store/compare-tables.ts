import { createHash, type Hash } from 'node:crypto';
import { countRows, readRows } from './postgres-target.ts';
import { type Cell, nameRow, type SqliteSource } from './sqlite-source.ts';
import type { Table } from './tables.ts';
import type { Executor } from './transaction.ts';

/** A table of both databases, compared cell by cell. */
export interface TableComparison {
  readonly table: string;
  /** As each database counts them. */
  readonly sourceRows: number;
  readonly targetRows: number;
  /** SHA-256, in hex, of all rows in the order of their keys. */
  readonly sourceDigest: string;
  readonly targetDigest: string;
  /** In words, a few of them; none when all is equal. */
  readonly differences: readonly string[];
}

const DIFFERENCES_MAX = 5;

/** Reads all rows of a table from both. `onRows`: told how many have been read. */
export async function compareTable(
  { source, target }: { readonly source: SqliteSource; readonly target: Executor },
  table: Table,
  onRows: (rows: number) => void,
): Promise<TableComparison> {
  const [sourceRows, targetRows] = [source.count(table), await countRows(target, table)];
  const differences =
    sourceRows === targetRows
      ? []
      : [`${table.name} has ${sourceRows} rows here, ${targetRows} there.`];
  const digests = { source: createHash('sha256'), target: createHash('sha256') };
  const here = source.rows(table);
  const there = readRows(target, table);
  let rows = 0;
  for (;;) {
    const left = next(here.next());
    const right = next(await there.next());
    addTo(digests.source, left);
    addTo(digests.target, right);
    if (left === undefined && right === undefined) {
      break;
    }
    rows += 1;
    onRows(rows);
    if (differences.length < DIFFERENCES_MAX) {
      differences.push(...compareRows(table, left, right));
    }
  }
  return {
    table: table.name,
    sourceRows,
    targetRows,
    sourceDigest: digests.source.digest('hex'),
    targetDigest: digests.target.digest('hex'),
    differences: differences.slice(0, DIFFERENCES_MAX),
  };
}

type Row = readonly Cell[];

function next(result: IteratorResult<Row, void>): Row | undefined {
  return result.done === true ? undefined : result.value;
}

function addTo(hash: Hash, row: Row | undefined): void {
  if (row !== undefined) {
    hash.update(
      `${JSON.stringify(row.map((cell) => (typeof cell === 'bigint' ? [String(cell)] : cell)))}\n`,
    );
  }
}

function compareRows(table: Table, left: Row | undefined, right: Row | undefined): string[] {
  const keys = [left, right].map((row) => (row === undefined ? undefined : keyOf(table, row)));
  const [here, there] = keys.map((key) => (key === undefined ? 'none' : nameRow(table, key)));
  if (here !== there) {
    return [`Where ${here} is here, ${there} is there.`];
  }
  return table.columns
    .filter((_, index) => left?.[index] !== right?.[index])
    .map(({ name }) => `${here}: ${name} is another one here and there.`);
}

function keyOf(table: Table, row: Row): Cell[] {
  return table.key.map(({ name }) => {
    const index = table.columns.findIndex((column) => column.name === name);
    return row[index] ?? null;
  });
}
