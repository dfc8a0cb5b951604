import type { Nanousd } from '../base/money.ts';
import type { Mode } from './database.ts';
import { prepared, type Slot } from './prepared.ts';
import type { Executor, Transaction } from './transaction.ts';

export interface BalanceKey {
  readonly accountId: string;
  readonly mode: Mode;
}

export interface BalanceRecord extends BalanceKey {
  /** Credits less settlements. */
  readonly balance: Nanousd;
  /** What open holds keep from being spent. */
  readonly held: Nanousd;
  readonly spent: Nanousd;
}

const selectBalance = prepared((db, slot: Slot<BalanceKey>) =>
  db
    .selectFrom('balances')
    .select(['balance', 'held', 'spent'])
    .where('account_id', '=', slot('accountId'))
    .where('mode', '=', slot('mode')),
);

/** All zero where there is no row. */
export async function findBalance(executor: Executor, key: BalanceKey): Promise<BalanceRecord> {
  const { accountId, mode } = key;
  const { rows } = await selectBalance(executor, { accountId, mode });
  const { balance, held, spent } = rows[0] ?? { balance: 0n, held: 0n, spent: 0n };
  return { accountId, mode, balance, held, spent };
}

/** Makes the row, all zero, unless it is there. */
export async function insertEmptyBalance(tx: Transaction, key: BalanceKey): Promise<void> {
  await tx
    .insertInto('balances')
    .values({ account_id: key.accountId, mode: key.mode })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Adds to the balance, making its row where it is missing. */
export async function addToBalance(
  tx: Transaction,
  { accountId, mode, amount }: BalanceKey & { readonly amount: Nanousd },
): Promise<void> {
  await tx
    .insertInto('balances')
    .values({ account_id: accountId, mode, balance: amount })
    .onConflict((conflict) =>
      conflict
        .columns(['account_id', 'mode'])
        .doUpdateSet((row) => ({ balance: row('balances.balance', '+', amount) })),
    )
    .execute();
}

const updateHeld = prepared((db, slot: Slot<BalanceKey & { amount: Nanousd }>) =>
  db
    .updateTable('balances')
    .set((row) => ({ held: row('held', '+', slot('amount')) }))
    .where('account_id', '=', slot('accountId'))
    .where('mode', '=', slot('mode'))
    .where((row) => row(row('balance', '-', row.ref('held')), '>=', slot('amount'))),
);

/**
 * Holds the amount if what is available covers it; false, and nothing changed, if it does not. The
 * guard stands in the update itself, so no other writer can come between the two.
 */
export async function raiseHeldIfCovered(
  tx: Transaction,
  values: BalanceKey & { readonly amount: Nanousd },
): Promise<boolean> {
  const { numAffectedRows } = await updateHeld(tx, values);
  return numAffectedRows === 1n;
}

interface Resolution extends BalanceKey {
  /** The amount that was held, all of it. */
  readonly held: Nanousd;
  /** What is charged: zero unless the hold is settled. */
  readonly cost: Nanousd;
}

const updateResolved = prepared((db, slot: Slot<Resolution>) =>
  db
    .updateTable('balances')
    .set((row) => ({
      balance: row('balance', '-', slot('cost')),
      held: row('held', '-', slot('held')),
      spent: row('spent', '+', slot('cost')),
    }))
    .where('account_id', '=', slot('accountId'))
    .where('mode', '=', slot('mode')),
);

/** Gives a hold back and charges the cost. Throws when there is no such balance. */
export async function lowerHeldAndCharge(tx: Transaction, resolution: Resolution): Promise<void> {
  const { numAffectedRows } = await updateResolved(tx, resolution);
  if (numAffectedRows !== 1n) {
    throw new Error(`There is no ${resolution.mode} balance of ${resolution.accountId}.`);
  }
}
