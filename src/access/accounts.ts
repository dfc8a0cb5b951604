import assert from 'node:assert/strict';
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
    // Another process made it in this very moment: now it is there.
    const made = await findAccountByName(tx, name);
    assert.ok(made, `There is no account ${name}, and none can be made.`);
    return made.id;
  }
  for (const mode of MODES) {
    // A free request needs no credit, but it needs a balance to be held on.
    await insertEmptyBalance(tx, { accountId: id, mode });
  }
  return id;
}
