import { type Kysely, sql } from 'kysely';

/** What a request leaves to be fetched, joined and taken up again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // One at a time: SQLite adds one column by one statement.
  for (const name of [
    'stage',
    'resume',
    'outcome',
    'error',
    'fingerprint',
    'idempotency_key',
    'webhook_url',
  ]) {
    await db.schema.alterTable('requests').addColumn(name, 'text').execute();
  }
  for (const name of ['async_at', 'orphaned_at', 'delivered_at']) {
    await db.schema.alterTable('requests').addColumn(name, 'bigint').execute();
  }
  await db.schema
    .createIndex('requests_orphans')
    .on('requests')
    .columns(['key_id', 'fingerprint'])
    .where(sql.ref('orphaned_at'), 'is not', null)
    .execute();
  await makeIdempotency(db);
  await makeResults(db);
}

async function makeIdempotency(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('idempotency')
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('mode', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_key', ['account_id', 'mode', 'key'])
    .execute();
  await db.schema
    .createIndex('idempotency_request')
    .on('idempotency')
    .column('request_id')
    .execute();
  await db.schema
    .createIndex('idempotency_expiry')
    .on('idempotency')
    .column('expires_at')
    .execute();
}

async function makeResults(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('results')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('image_index', 'bigint', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('delivered_at', 'bigint')
    .execute();
  await db.schema.createIndex('results_request').on('results').column('request_id').execute();
  await db.schema.createIndex('results_expiry').on('results').column('expires_at').execute();
  // In the order in which they go when there is no room.
  await db.schema
    .createIndex('results_delivered')
    .on('results')
    .columns(['created_at', 'name'])
    .where(sql.ref('delivered_at'), 'is not', null)
    .execute();
}
