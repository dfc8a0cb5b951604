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
  const compiled = new WeakMap<DialectAdapter, CompiledQuery<Row>>();
  return (executor, values) => {
    const { adapter } = executor.getExecutor();
    let query = compiled.get(adapter);
    if (query === undefined) {
      query = build(executor, (name) => new Placeholder(name) as never).compile();
      compiled.set(adapter, query);
    }
    const parameters = query.parameters.map((value) =>
      value instanceof Placeholder ? values[value.name as keyof Values] : value,
    );
    return executor.executeQuery<Row>({ ...query, parameters });
  };
}

class Placeholder {
  readonly name: PropertyKey;

  constructor(name: PropertyKey) {
    this.name = name;
  }
}
