import { insertAccount } from '../store/accounts.ts';
import { insertEmptyBalance } from '../store/balances.ts';
import { type Mode, MODES } from '../store/database.ts';
import type { Store } from '../store/store.ts';
import { credit } from './ledger.ts';

/** For tests: an account with this id, empty balances, and a credit in one mode. */
export async function addAccount(
  store: Store,
  { accountId, mode, amount }: { accountId: string; mode: Mode; amount: bigint },
): Promise<void> {
  await store.transaction(async (tx) => {
    await insertAccount(tx, { id: accountId, name: `name of ${accountId}` });
    for (const each of MODES) {
      await insertEmptyBalance(tx, { accountId, mode: each });
    }
    await credit(tx, { accountId, mode, amount });
  });
}
