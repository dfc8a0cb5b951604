import type { Kysely } from 'kysely';

/** Webhooks, the log of their delivery, and the secrets that they are signed with. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // One column a statement: SQLite adds no more at once.
  await db.schema.alterTable('accounts').addColumn('webhook_secret', 'text').execute();
  await db.schema.alterTable('accounts').addColumn('webhook_secret_before', 'text').execute();
  await db.schema.alterTable('accounts').addColumn('webhook_secret_rotated_at', 'bigint').execute();
  await db.schema
    .createTable('webhooks')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    // Unique: a request ends once, so an ending that is written again tells nobody twice.
    .addColumn('request_id', 'text', (column) => column.notNull().unique())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('attempts', 'bigint', (column) => column.notNull())
    .addColumn('next_at', 'bigint')
    .addColumn('delivered_at', 'bigint')
    .addColumn('given_up_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('webhooks_next').on('webhooks').column('next_at').execute();
  await db.schema
    .createTable('webhook_attempts')
    .addColumn('webhook_id', 'text', (column) => column.notNull().references('webhooks.id'))
    .addColumn('attempt', 'bigint', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('status', 'bigint')
    .addColumn('error', 'text')
    .addColumn('duration_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('webhook_attempts_key', ['webhook_id', 'attempt'])
    .execute();
}
