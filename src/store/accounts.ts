import type { Executor, Transaction } from './transaction.ts';

export interface AccountRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}

/** Adds an account unless the name is taken: then nothing changes. True when it was added. */
export async function insertAccount(
  tx: Transaction,
  account: { readonly id: string; readonly name: string },
): Promise<boolean> {
  const result = await tx
    .insertInto('accounts')
    .values({ ...account, created_at: tx.startedAt })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function findAccountByName(
  executor: Executor,
  name: string,
): Promise<AccountRecord | undefined> {
  const row = await executor
    .selectFrom('accounts')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? undefined : readAccount(row);
}

/** Every account, oldest first. */
export async function listAccounts(executor: Executor): Promise<AccountRecord[]> {
  const rows = await executor
    .selectFrom('accounts')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(readAccount);
}

function readAccount(row: { id: string; name: string; created_at: bigint }): AccountRecord {
  return { id: row.id, name: row.name, createdAt: Number(row.created_at) };
}
