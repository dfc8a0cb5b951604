import { newId } from '../base/ids.ts';
import { findAccountByName, insertAccount } from '../store/accounts.ts';
import { insertEmptyBalance } from '../store/balances.ts';
import { MODES } from '../store/database.ts';
import type { Transaction } from '../store/transaction.ts';

/** The id of the account with this name, which is made, with empty balances, if there is none. */
export async function ensureAccount(tx: Transaction, name: string): Promise<string> {
  const account = await findAccountByName(tx, name);
  if (account !== undefined) {
    return account.id;
  }
  const id = newId('acct', tx.startedAt);
  if (!(await insertAccount(tx, { id, name }))) {
    throw new Error(`The account ${name} was made by somebody else at the same time.`);
  }
  for (const mode of MODES) {
    // A free request needs no credit, but it needs a balance to be held on.
    await insertEmptyBalance(tx, { accountId: id, mode });
  }
  return id;
}
