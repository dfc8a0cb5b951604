import assert from 'node:assert/strict';
import { newId } from '../base/ids.ts';
import type { Nanousd } from '../base/money.ts';
import {
  addToBalance,
  type BalanceKey,
  findBalance,
  lowerHeldAndCharge,
  raiseHeldIfCovered,
} from '../store/balances.ts';
import type { Mode, ResolutionKind } from '../store/database.ts';
import type { Executor, Transaction } from '../store/transaction.ts';
import {
  findHold,
  findHolds,
  type HoldRecord,
  insertTransfer,
  insertTransfers,
} from '../store/transfers.ts';

export interface Balance {
  readonly balance: Nanousd;
  readonly held: Nanousd;
  /** `balance - held`; below zero only after overruns. */
  readonly available: Nanousd;
  readonly spent: Nanousd;
}

export interface Credit {
  readonly accountId: string;
  readonly mode: Mode;
  readonly amount: Nanousd;
  readonly note?: string;
  /** Of the transfer, by whoever must not give it twice; made up when absent. */
  readonly id?: string;
}

export interface Hold {
  /** The `img_…` id of the request. */
  readonly requestId: string;
  readonly accountId: string;
  readonly mode: Mode;
  readonly amount: Nanousd;
  /** Of the process that runs the request; a hold without one is taken by the next sweep. */
  readonly leaseId: string | undefined;
}

export interface Settlement {
  readonly charged: Nanousd;
  /** By how much the charge exceeds the hold. */
  readonly overrun: Nanousd;
}

/** Above this (a billion dollars) sums could leave the 64 bits of the database. */
const AMOUNT_MAX: Nanousd = 10n ** 18n;

/** All zero where nothing was ever credited. */
export async function readBalance(executor: Executor, key: BalanceKey): Promise<Balance> {
  const { balance, held, spent } = await findBalance(executor, key);
  return { balance, held, available: balance - held, spent };
}

/** Adds prepaid money to an account. */
export async function credit(tx: Transaction, given: Credit): Promise<void> {
  assertAmount(given.amount);
  const inserted = await insertTransfer(tx, {
    id: given.id ?? newId('tr', tx.startedAt),
    accountId: given.accountId,
    mode: given.mode,
    kind: 'credit',
    amount: given.amount,
    overrun: 0n,
    requestId: null,
    leaseId: null,
    note: given.note ?? null,
  });
  assert.ok(inserted, `There is a transfer ${given.id} already.`);
  await addToBalance(tx, given);
}

/**
 * Keeps the amount from being spent by others until the request is settled, released or expired.
 * False when what is available does not cover it, or is below zero; then the ledger is untouched,
 * but the caller must throw if it has written other rows in this transaction. Throws when the
 * request was held for before: the caller's transaction is then undone as a whole.
 */
export async function hold(tx: Transaction, wanted: Hold): Promise<boolean> {
  return (await holdEach(tx, wanted, [wanted])).length === 1;
}

/**
 * The same for several requests of one balance: gives those that are held now, in their order. Who
 * comes first is served first; one that does not fit leaves its place to the next that does.
 */
export async function holdEach<Wanted extends Hold>(
  tx: Transaction,
  key: BalanceKey,
  wanted: readonly Wanted[],
): Promise<readonly Wanted[]> {
  const held = await raiseHeld(tx, key, wanted);
  const inserted = await insertTransfers(
    tx,
    held.map(({ requestId, accountId, mode, amount, leaseId }) => ({
      id: holdId(requestId),
      accountId,
      mode,
      kind: 'hold',
      amount,
      overrun: 0n,
      requestId,
      leaseId: leaseId ?? null,
      note: null,
    })),
  );
  const ids = held.map(({ requestId }) => requestId).join(', ');
  assert.equal(inserted.size, held.length, `There is a hold for one of these already: ${ids}.`);
  return held;
}

/** Raises what is held by all that the balance covers. The guard stands in the update itself. */
async function raiseHeld<Wanted extends Hold>(
  tx: Transaction,
  { accountId, mode }: BalanceKey,
  wanted: readonly Wanted[],
): Promise<readonly Wanted[]> {
  const raise = (amount: Nanousd): Promise<boolean> =>
    raiseHeldIfCovered(tx, { accountId, mode, amount });
  for (const { amount } of wanted) {
    assertAmount(amount);
  }
  if (wanted.length === 0 || (await raise(sumOf(wanted)))) {
    return wanted;
  }
  if (wanted.length === 1) {
    return [];
  }
  let { available } = await readBalance(tx, { accountId, mode });
  const fitting = wanted.filter(({ amount }) => {
    const fits = amount <= available;
    available -= fits ? amount : 0n;
    return fits;
  });
  const isRaised = fitting.length === 0 || (await raise(sumOf(fitting)));
  assert.ok(isRaised, 'The balance was changed by somebody who did not wait for this transaction.');
  return fitting;
}

function sumOf(holds: readonly Hold[]): Nanousd {
  return holds.reduce((sum, { amount }) => sum + amount, 0n);
}

export interface WantedSettlement {
  readonly requestId: string;
  readonly cost: Nanousd;
}

/**
 * Charges requests of one balance their exact costs and gives their holds back. A cost above its hold is
 * charged too, and may take the balance below zero by that overrun. Gives those that are charged now; of
 * one whose hold was resolved before nothing is changed. `beforeBalance` is told of them before the
 * balance is touched: whoever locks other rows beside it does so there, always in this order. Throws when
 * one of them has no hold, or one of another balance.
 */
export async function settleEach<Wanted extends WantedSettlement>(
  tx: Transaction,
  key: BalanceKey,
  wanted: readonly Wanted[],
  beforeBalance: (charged: readonly Wanted[]) => Promise<void> = () => Promise.resolve(),
): Promise<ReadonlyMap<Wanted, Settlement>> {
  const { accountId, mode } = key;
  const holds = await findHolds(
    tx,
    wanted.map(({ requestId }) => holdId(requestId)),
  );
  const resolutions = wanted.map((one) => {
    const { requestId, cost } = one;
    const held = holds.get(holdId(requestId));
    assert.ok(held, `There is no hold for ${requestId}.`);
    assert.ok(held.accountId === accountId && held.mode === mode, `${requestId} is of another.`);
    assertAmount(cost);
    const overrun = cost > held.amount ? cost - held.amount : 0n;
    return { wanted: one, held, id: resolutionId(requestId), overrun };
  });
  const rows = resolutions.map(({ wanted: { requestId, cost }, held, id, overrun }) => ({
    id,
    accountId,
    mode,
    kind: 'settle' as const,
    amount: cost,
    overrun,
    requestId,
    leaseId: held.leaseId,
    note: null,
  }));
  // One id for every kind of resolution: the primary key lets exactly one of them in.
  const inserted = await insertTransfers(tx, rows);
  const charged = resolutions.filter(({ id }) => inserted.has(id));
  await beforeBalance(charged.map((resolution) => resolution.wanted));
  if (charged.length > 0) {
    const held = charged.reduce((sum, resolution) => sum + resolution.held.amount, 0n);
    const cost = charged.reduce((sum, resolution) => sum + resolution.wanted.cost, 0n);
    await lowerHeldAndCharge(tx, { accountId, mode, held, cost });
  }
  return new Map(
    charged.map((resolution) => {
      const { overrun } = resolution;
      return [resolution.wanted, { charged: resolution.wanted.cost, overrun }];
    }),
  );
}

/** Gives the hold back and charges nothing. False when the hold was resolved before. */
export async function release(
  tx: Transaction,
  { requestId }: { readonly requestId: string },
): Promise<boolean> {
  return giveBack(tx, requestId, 'release');
}

/** As `release`, for a hold whose process has died. */
export async function expire(
  tx: Transaction,
  { requestId }: { readonly requestId: string },
): Promise<boolean> {
  return giveBack(tx, requestId, 'expire');
}

async function giveBack(
  tx: Transaction,
  requestId: string,
  kind: Exclude<ResolutionKind, 'settle'>,
): Promise<boolean> {
  const { accountId, mode, leaseId, amount } = await requireHold(tx, requestId);
  const id = resolutionId(requestId);
  const about = { accountId, mode, requestId, leaseId, note: null };
  if (!(await insertTransfer(tx, { ...about, id, kind, amount, overrun: 0n }))) {
    return false;
  }
  await lowerHeldAndCharge(tx, { accountId, mode, held: amount, cost: 0n });
  return true;
}

async function requireHold(tx: Transaction, requestId: string): Promise<HoldRecord> {
  const held = await findHold(tx, holdId(requestId));
  assert.ok(held, `There is no hold for ${requestId}.`);
  return held;
}

/** The same for settlement, release and expiry: there can be one of them only. */
function resolutionId(requestId: string): string {
  return `end_${requestId}`;
}

function holdId(requestId: string): string {
  return `hold_${requestId}`;
}

function assertAmount(amount: Nanousd): void {
  assert.ok(amount >= 0n && amount <= AMOUNT_MAX, `${amount} is no amount of nano-dollars.`);
}
