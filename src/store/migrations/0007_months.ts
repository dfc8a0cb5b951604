import { type Kysely, PostgresAdapter, sql } from 'kysely';
import { idBound } from '../../base/ids.ts';
import { monthName, monthStart } from '../months.ts';

/**
 * On PostgreSQL, text sorts by its bytes, as it does in SQLite and whatever the language of the
 * server, and the table of requests is divided by months (`months.ts`). What it holds becomes the
 * first of its parts as it lies: nothing is copied.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  if (db.getExecutor().adapter instanceof PostgresAdapter) {
    await sortByBytes(db);
    await divideRequests(db);
  }
}

const TABLES = [
  'accounts',
  'keys',
  'balances',
  'transfers',
  'leases',
  'requests',
  'idempotency',
  'results',
  'webhooks',
  'webhook_attempts',
  'route_states',
  'limits',
  'admin_log',
  'rates',
  'spend_months',
];

async function sortByBytes(db: Kysely<unknown>): Promise<void> {
  // All at once and first: whoever holds one of them and wants another waits, or gives way.
  const tables = TABLES.map((table) => sql.table(table));
  await sql`lock table ${sql.join(tables)} in access exclusive mode`.execute(db);
  for (const table of TABLES) {
    const { rows } = await sql<{ name: string }>`
      select attname as name from pg_attribute
      where attrelid = ${table}::regclass and attnum > 0 and not attisdropped
        and atttypid = 'text'::regtype`.execute(db);
    const changes = rows.map(({ name }) => sql`alter column ${sql.id(name)} type text collate "C"`);
    await sql`alter table ${sql.table(table)} ${sql.join(changes)}`.execute(db);
  }
}

async function divideRequests(db: Kysely<unknown>): Promise<void> {
  const end = monthStart(Date.now(), 1);
  const first = `requests_until_${monthName(end)}`;
  const { rows: indexes } = await sql<{ name: string; text: string }>`
    select indexname as name, indexdef as text from pg_indexes
    where schemaname = current_schema() and tablename = 'requests'`.execute(db);
  for (const { name } of indexes) {
    const renamed = name.replace('requests', first);
    await sql`alter index ${sql.id(name)} rename to ${sql.id(renamed)}`.execute(db);
  }
  await sql`alter table requests rename to ${sql.id(first)}`.execute(db);
  await sql`create table requests
    (like ${sql.id(first)} including defaults including constraints)
    partition by range (id)`.execute(db);
  await sql`alter table requests
    add primary key (id),
    add foreign key (account_id) references accounts (id),
    add foreign key (key_id) references keys (id)`.execute(db);
  for (const { name, text } of indexes) {
    if (name !== 'requests_pkey') {
      await sql.raw(text).execute(db);
    }
  }
  await sql`alter table requests attach partition ${sql.id(first)}
    for values from (minvalue) to (${sql.lit(idBound('img', end))})`.execute(db);
  await sql`create table requests_rest partition of requests default`.execute(db);
}
