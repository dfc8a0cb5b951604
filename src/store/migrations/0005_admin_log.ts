import type { Kysely } from 'kysely';

/** What operators did. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('admin_log')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    // `cli`, or `admin …abcd`.
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    // The id of what it was done to.
    .addColumn('target', 'text', (column) => column.notNull())
    // JSON: what was changed, without secrets.
    .addColumn('details', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('transfers_account')
    .on('transfers')
    .columns(['account_id', 'created_at'])
    .execute();
  await db.schema.createIndex('requests_created').on('requests').column('created_at').execute();
}
