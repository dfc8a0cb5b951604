import { type Kysely, sql } from 'kysely';

/** Limits of keys and accounts, how much of them is used, and what was spent by month. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('limits')
    // The id of a key or of an account. Null: as the defaults have it; 0: no limit.
    .addColumn('subject', 'text', (column) => column.primaryKey().notNull())
    .addColumn('requests_per_minute', 'bigint')
    .addColumn('images_per_minute', 'bigint')
    .addColumn('megapixels_per_minute', 'bigint')
    .addColumn('in_flight', 'bigint')
    .addColumn('monthly_budget', 'bigint')
    .execute();
  await db.schema
    .createTable('rates')
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    // When all that was taken will have been paid back, in microseconds since 1970.
    .addColumn('paid_back_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('rates_key', ['subject', 'kind'])
    .execute();
  await db.schema
    .createTable('spend_months')
    .addColumn('subject', 'text', (column) => column.notNull())
    // `2026-11`, of UTC.
    .addColumn('month', 'text', (column) => column.notNull())
    .addColumn('spent', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('spend_months_key', ['subject', 'month'])
    .execute();
  for (const column of ['key_id', 'account_id']) {
    await db.schema
      .createIndex(`requests_running_${column}`)
      .on('requests')
      .column(column)
      .where(sql.ref('status'), '=', sql.lit('running'))
      .execute();
  }
  await sumUpMonths(db);
}

interface Tables {
  readonly requests: {
    readonly account_id: string;
    readonly key_id: string | null;
    readonly mode: string;
    readonly cost: bigint | null;
    readonly finished_at: bigint | null;
  };
  readonly spend_months: { readonly subject: string; readonly month: string; spent: bigint };
}

/** What was charged before there was this table. */
async function sumUpMonths(db: Kysely<Tables>): Promise<void> {
  const first = await db
    .selectFrom('requests')
    .select(({ fn }) => fn.min<bigint | null>('finished_at').as('at'))
    .where('cost', 'is not', null)
    .executeTakeFirst();
  if (first === undefined || first.at === null) {
    return;
  }
  const begin = new Date(Number(first.at));
  for (let at = monthAt(begin, 0); at <= new Date(); at = monthAt(at, 1)) {
    const charged = db
      .selectFrom('requests')
      .where('cost', '>', 0n)
      .where('finished_at', '>=', BigInt(at.getTime()))
      .where('finished_at', '<', BigInt(monthAt(at, 1).getTime()));
    const sum = sql<bigint>`cast(sum(cost) as bigint)`.as('spent');
    const keys = await charged
      .select(['key_id as subject', sum])
      .where('key_id', 'is not', null)
      .groupBy('key_id')
      .execute();
    const accounts = await charged
      .select(['account_id', 'mode', sum])
      .groupBy(['account_id', 'mode'])
      .execute();
    const month = at.toISOString().slice(0, 7);
    const rows = [
      ...keys.map(({ subject, spent }) => ({ subject: subject ?? '', month, spent })),
      ...accounts.map(({ account_id: account, mode, spent }) => {
        return { subject: `${account}/${mode}`, month, spent };
      }),
    ];
    for (const row of rows) {
      await db.insertInto('spend_months').values(row).execute();
    }
  }
}

function monthAt(date: Date, more: number): Date {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + more));
}
