import { type RawBuilder, sql } from 'kysely';

/** For lists from the newest to the oldest: what comes after this row, which is left out itself. */
export function afterRow(row: {
  readonly createdAt: number;
  readonly id: string;
}): RawBuilder<boolean> {
  return sql<boolean>`(created_at, id) < (${row.createdAt}, ${row.id})`;
}
