import assert from 'node:assert/strict';
import { findHold } from '../store/transfers.ts';
import type { Transaction } from '../store/transaction.ts';
import { settleEach, type Settlement, type WantedSettlement } from './ledger.ts';

/** For tests: settles one request, of whichever balance. Undefined: its hold was resolved before. */
export async function settle(
  tx: Transaction,
  wanted: WantedSettlement,
): Promise<Settlement | undefined> {
  const hold = await findHold(tx, `hold_${wanted.requestId}`);
  assert.ok(hold, `There is no hold for ${wanted.requestId}.`);
  return (await settleEach(tx, hold, [wanted])).get(wanted);
}
