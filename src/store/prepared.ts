import type { Compilable, CompiledQuery, DialectAdapter, QueryResult } from 'kysely';
import type { Executor } from './transaction.ts';

/** Stands where a value will be, while a query is compiled. */
export type Slot<Values> = <Name extends keyof Values>(name: Name) => Values[Name];

export type PreparedQuery<Values, Row> = (
  executor: Executor,
  values: Values,
) => Promise<QueryResult<Row>>;

/**
 * A query that is built and compiled once and then run many times with other values: building the
 * tree and the text anew costs more than SQLite needs to run them. For the hot queries only.
 *
 * `build` takes each value from `slot('name')`; what it does not take from there is fixed for good.
 */
export function prepared<Values extends object, Row>(
  build: (executor: Executor, slot: Slot<Values>) => Compilable<Row>,
): PreparedQuery<Values, Row> {
  const compiled = compiledOnce((executor) => build(executor, slotOf(0)));
  return (executor, values) => executor.executeQuery(fill(compiled(executor), [values]));
}

/** Rows of one statement, at most: as many parameters as every database takes. */
const ROWS_MAX = 64;

/**
 * The same for a statement of many rows, such as an insert. It runs in pieces of 64, 32, … 1 rows, so
 * that the database gets to know seven texts, and not one for each number of rows.
 */
export function preparedRows<Values extends object, Row>(
  build: (executor: Executor, slots: readonly Slot<Values>[]) => Compilable<Row>,
): (executor: Executor, rows: readonly Values[]) => Promise<readonly Row[]> {
  const sizes = new Map<number, (executor: Executor) => CompiledQuery<Row>>();
  const compiledFor = (size: number): ((executor: Executor) => CompiledQuery<Row>) => {
    const slots = Array.from({ length: size }, (_, index) => slotOf<Values>(index));
    const compiled = sizes.get(size) ?? compiledOnce((executor) => build(executor, slots));
    sizes.set(size, compiled);
    return compiled;
  };
  return async (executor, rows) => {
    const results: QueryResult<Row>[] = [];
    for (let from = 0; from < rows.length;) {
      const size = Math.min(ROWS_MAX, 2 ** Math.floor(Math.log2(rows.length - from)));
      const piece = rows.slice(from, from + size);
      results.push(await executor.executeQuery(fill(compiledFor(size)(executor), piece)));
      from += size;
    }
    return results.flatMap((result) => result.rows);
  };
}

/** The text of a query for each database that it is run on. */
function compiledOnce<Row>(
  build: (executor: Executor) => Compilable<Row>,
): (executor: Executor) => CompiledQuery<Row> {
  const known = new WeakMap<DialectAdapter, CompiledQuery<Row>>();
  return (executor) => {
    const { adapter } = executor.getExecutor();
    const compiled = known.get(adapter) ?? build(executor).compile();
    known.set(adapter, compiled);
    return compiled;
  };
}

function slotOf<Values>(row: number): Slot<Values> {
  return (name) => new Placeholder(row, name) as never;
}

function fill<Row>(query: CompiledQuery<Row>, rows: readonly object[]): CompiledQuery<Row> {
  const parameters = query.parameters.map((value) =>
    value instanceof Placeholder ? rows[value.row]?.[value.name as keyof object] : value,
  );
  return { ...query, parameters };
}

class Placeholder {
  readonly row: number;
  readonly name: PropertyKey;

  constructor(row: number, name: PropertyKey) {
    this.row = row;
    this.name = name;
  }
}
