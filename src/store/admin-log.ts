import { newId } from '../base/ids.ts';
import type { Executor, Transaction } from './transaction.ts';

/** Something that an operator did. */
export interface AdminLogEntry {
  readonly id: string;
  /** `cli`, or `admin …abcd`. */
  readonly actor: string;
  readonly action: string;
  /** The id of what it was done to. */
  readonly target: string;
  /** What was changed, without secrets. */
  readonly details: unknown;
  readonly createdAt: number;
}

export async function insertAdminLog(
  tx: Transaction,
  entry: Omit<AdminLogEntry, 'id' | 'createdAt'>,
): Promise<void> {
  await tx
    .insertInto('admin_log')
    .values({
      ...entry,
      id: newId('log', tx.startedAt),
      details: JSON.stringify(entry.details),
      created_at: tx.startedAt,
    })
    .execute();
}

/** Newest first; `after` is the id of the last one of the page before. */
export async function listAdminLog(
  executor: Executor,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<AdminLogEntry[]> {
  let query = executor.selectFrom('admin_log').selectAll();
  if (after !== undefined) {
    query = query.where('id', '<', after);
  }
  const rows = await query.orderBy('id', 'desc').limit(limit).execute();
  return rows.map(({ created_at: createdAt, details, ...row }) => ({
    ...row,
    details: JSON.parse(details) as unknown,
    createdAt: Number(createdAt),
  }));
}
