import type { Transaction } from './transaction.ts';

/** The secret of that name. Of several who would make it at once one does, and all get the same. */
export async function keepSecret(
  tx: Transaction,
  name: string,
  make: () => string,
): Promise<string> {
  const found = await readSecret(tx, name);
  if (found !== undefined) {
    return found;
  }
  await tx
    .insertInto('secrets')
    .values({ name, value: make(), created_at: tx.startedAt })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const kept = await readSecret(tx, name);
  if (kept === undefined) {
    throw new Error('a secret that was kept is not there');
  }
  return kept;
}

async function readSecret(tx: Transaction, name: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom('secrets')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst();
  return row?.value;
}
