import type { Kysely } from 'kysely';

/** Circuits that are not closed, each told by the process that it is of. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('route_states')
    .addColumn('lease_id', 'text', (column) => column.notNull())
    .addColumn('route', 'text', (column) => column.notNull())
    .addColumn('circuit', 'text', (column) => column.notNull())
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('route_states_key', ['lease_id', 'route'])
    .execute();
}
