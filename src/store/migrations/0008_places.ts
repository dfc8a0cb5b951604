import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** Places of upstreams' accounts that are taken, by process. Servers of one database share them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
  const text = isPostgres ? sql`text collate "C"` : sql`text`;
  await db.schema
    .createTable('places')
    .addColumn('account', text, (column) => column.notNull())
    .addColumn('lease_id', text, (column) => column.notNull())
    .addColumn('taken', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('places_key', ['account', 'lease_id'])
    .execute();
}
