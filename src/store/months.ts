import { sql } from 'kysely';
import type { Clock } from '../base/clock.ts';
import { idBound } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Store } from './store.ts';
import type { Executor } from './transaction.ts';

/**
 * On PostgreSQL the table of requests is divided by the month in which a request came, so that what
 * is used all the time stays small, and a month that nobody needs any more goes in a moment. The
 * months are ranges of ids, which sort by age as bytes: a request is found by its id in one of them.
 * Whatever belongs to no month that is there lies in `requests_rest`.
 */
const AHEAD = 2;
const LOOK_MS = 6 * 3_600_000;

/** The first moment of the month that is so many months after the one of this time, in UTC. */
export function monthStart(timeMs: number, after: number): number {
  const time = new Date(timeMs);
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + after);
}

/** `2026_11`, as a part of a table's name. */
export function monthName(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 7).replace('-', '_');
}

/** Makes the tables of the months to come that are missing; gives their names. */
export async function makeMonths(tx: Executor, nowMs: number): Promise<string[]> {
  const made: string[] = [];
  for (let after = 1; after <= AHEAD; after += 1) {
    const [from, to] = [monthStart(nowMs, after), monthStart(nowMs, after + 1)];
    const name = `requests_${monthName(from)}`;
    if (!(await isThere(tx, name))) {
      await makeMonth(tx, name, { from: idBound('img', from), to: idBound('img', to) });
      made.push(name);
    }
  }
  return made;
}

async function isThere(tx: Executor, table: string): Promise<boolean> {
  const { rows } = await sql<{ oid: unknown }>`select to_regclass(${table}) as oid`.execute(tx);
  return rows[0]?.oid !== null;
}

interface Range {
  /** Inclusive. */
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
}

async function makeMonth(tx: Executor, name: string, { from, to }: Range): Promise<void> {
  const table = sql.id(name);
  await sql`create table ${table}
    (like requests including defaults including constraints)`.execute(tx);
  // Should nobody have looked for months, its requests lie there already.
  await sql`lock table requests_rest in access exclusive mode`.execute(tx);
  await sql`with moved as (delete from requests_rest where id >= ${from} and id < ${to} returning *)
    insert into ${table} select * from moved`.execute(tx);
  await sql`alter table requests attach partition ${table}
    for values from (${sql.lit(from)}) to (${sql.lit(to)})`.execute(tx);
}

/** Looks now and then whether the next months have their tables. Nothing to do on SQLite. */
export function keepMonthsAhead(
  store: Store,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): { readonly stop: () => Promise<void> } {
  if (store.kind === 'sqlite') {
    return { stop: () => Promise.resolve() };
  }
  let looking = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const made = await store.transaction((tx) => makeMonths(tx, clock.now()), {
        serial: 'migrate',
        isLong: true,
      });
      if (made.length > 0) {
        log.info({ tables: made }, 'made tables for the requests of months to come');
      }
    } catch (error) {
      // They are kept all the same, in the table for the rest; the next look moves them.
      log.warn({ err: error }, 'the tables of months to come could not be made');
    }
  };
  const timer = setInterval(() => {
    looking = look();
  }, LOOK_MS);
  timer.unref();
  looking = look();
  return {
    stop: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}
