import { type Kysely, sql } from 'kysely';

/** Accounts, keys, balances, transfers, leases and requests. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await makeAccounts(db);
  await makeMoney(db);
  await makeRequests(db);
}

async function makeAccounts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('keys')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('mode', 'text', (column) => column.notNull().check(sql`mode in ('test', 'live')`))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('hint', 'text', (column) => column.notNull())
    .addColumn('allowed_models', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addColumn('deleted_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('keys_account')
    .on('keys')
    .columns(['account_id', 'created_at'])
    .execute();
}

async function makeMoney(db: Kysely<unknown>): Promise<void> {
  // Beyond 2^62 nano-dollars (4.6 billion USD) SQLite would drift into floats without a word.
  const inRange = sql`balance between -4611686018427387904 and 4611686018427387904`;
  await db.schema
    .createTable('balances')
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('mode', 'text', (column) => column.notNull().check(sql`mode in ('test', 'live')`))
    .addColumn('balance', 'bigint', (column) => column.notNull().defaultTo(0).check(inRange))
    .addColumn('held', 'bigint', (column) =>
      column
        .notNull()
        .defaultTo(0)
        .check(sql`held >= 0`),
    )
    .addColumn('spent', 'bigint', (column) =>
      column
        .notNull()
        .defaultTo(0)
        .check(sql`spent >= 0`),
    )
    .addPrimaryKeyConstraint('balances_key', ['account_id', 'mode'])
    .execute();
  const kinds = sql`kind in ('credit', 'hold', 'settle', 'release', 'expire')`;
  await db.schema
    .createTable('transfers')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('mode', 'text', (column) => column.notNull().check(sql`mode in ('test', 'live')`))
    .addColumn('kind', 'text', (column) => column.notNull().check(kinds))
    .addColumn('amount', 'bigint', (column) => column.notNull().check(sql`amount >= 0`))
    .addColumn('overrun', 'bigint', (column) => column.notNull().check(sql`overrun >= 0`))
    .addColumn('request_id', 'text')
    .addColumn('lease_id', 'text')
    .addColumn('note', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('leases')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('kind', 'text', (column) => column.notNull().check(sql`kind in ('server', 'cli')`))
    .addColumn('pid', 'bigint', (column) => column.notNull())
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
}

async function makeRequests(db: Kysely<unknown>): Promise<void> {
  const statuses = sql`status in ('running', 'completed', 'failed', 'lost')`;
  await db.schema
    .createTable('requests')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('key_id', 'text', (column) => column.references('keys.id'))
    .addColumn('mode', 'text', (column) => column.notNull().check(sql`mode in ('test', 'live')`))
    .addColumn('operation', 'text', (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('provider', 'text')
    .addColumn('upstream_model', 'text')
    .addColumn('route', 'text')
    .addColumn('status', 'text', (column) => column.notNull().check(statuses))
    .addColumn('n', 'bigint', (column) => column.notNull())
    .addColumn('images', 'bigint', (column) => column.notNull())
    .addColumn('held', 'bigint', (column) => column.notNull())
    .addColumn('cost', 'bigint')
    .addColumn('upstream_cost', 'bigint')
    .addColumn('card_hash', 'text')
    .addColumn('price_version', 'text')
    .addColumn('size', 'text')
    .addColumn('output_format', 'text')
    .addColumn('error_code', 'text')
    .addColumn('http_status', 'bigint')
    .addColumn('warnings', 'text')
    .addColumn('usage', 'text')
    .addColumn('upstream_ids', 'text')
    .addColumn('steps', 'text')
    .addColumn('metadata', 'text')
    .addColumn('lease_id', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('finished_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('requests_account')
    .on('requests')
    .columns(['account_id', 'created_at'])
    .execute();
  await db.schema.createIndex('requests_request').on('requests').column('request_id').execute();
  await db.schema.createIndex('requests_status').on('requests').column('status').execute();
}
