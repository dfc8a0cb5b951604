import { sql } from 'kysely';
import type { Executor } from './transaction.ts';

/**
 * What SQLite itself finds wrong with the file: broken pages and indexes, and rows that refer to
 * rows which are not there. Reads the whole file; empty when all is well.
 */
export async function findDamage(executor: Executor): Promise<string[]> {
  const pages = await sql<{ integrity_check: string }>`pragma integrity_check(20)`.execute(
    executor,
  );
  const damage = pages.rows.map((row) => row.integrity_check).filter((text) => text !== 'ok');
  const references = await sql<{
    table: string;
    parent: string;
  }>`pragma foreign_key_check`.execute(executor);
  const broken = new Set(
    references.rows.map((row) => `a row of ${row.table} refers to a row that ${row.parent} lacks`),
  );
  return [...damage, ...broken];
}
