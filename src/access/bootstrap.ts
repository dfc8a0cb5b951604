import type { Nanousd } from '../base/money.ts';
import type { Mode } from '../store/database.ts';
import { findOldestKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';
import { ensureAccount } from './accounts.ts';
import { createKey } from './keys.ts';
import { parseKey } from './secret.ts';

export interface BootstrapOptions {
  /** Taken as the first key, in the mode of its prefix; a random test key when absent. */
  readonly key?: string | undefined;
  readonly creditUsd: Nanousd;
  /** The ledger's `credit`, handed in because access does not know the ledger. */
  readonly credit: (tx: Transaction, credit: FirstCredit) => Promise<void>;
}

export interface FirstCredit {
  readonly accountId: string;
  readonly mode: Mode;
  readonly amount: Nanousd;
  readonly note: string;
}

export interface BootstrapResult {
  readonly created: boolean;
  /** The account of the first key. */
  readonly accountId: string;
  /** Only when it was made up here: a key that was given is never shown. */
  readonly secret?: string;
}

/**
 * The first start: on a database that never had a key it makes the account `default` with one key
 * and a credit in that key's mode. On any other it does nothing. Throws when the given key does not
 * have the form of one.
 */
export async function bootstrap(
  store: Store,
  { key, creditUsd, credit }: BootstrapOptions,
): Promise<BootstrapResult> {
  const mode = key === undefined ? 'test' : parseKey(key)?.mode;
  if (mode === undefined) {
    throw new Error(
      'The first key is not one: it must be sk-easel-test- or sk-easel-live- and 43 characters ' +
        'of 0-9, A-Z, a-z.',
    );
  }
  const first = async (tx: Transaction): Promise<BootstrapResult> => {
    const oldest = await findOldestKey(tx);
    if (oldest !== undefined) {
      return { created: false, accountId: oldest.accountId };
    }
    const accountId = await ensureAccount(tx, 'default');
    const { secret } = await createKey(tx, { accountId, mode, name: 'default', secret: key });
    if (creditUsd > 0n) {
      await credit(tx, { accountId, mode, amount: creditUsd, note: 'first start' });
    }
    return { created: true, accountId, ...(key === undefined ? { secret } : {}) };
  };
  // Of several processes that start together on one database, one makes it.
  return store.transaction(first, { serial: 'bootstrap' });
}
