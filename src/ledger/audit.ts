import { formatUsd, type Nanousd } from '../base/money.ts';
import {
  type BalanceSums,
  FAULTS_MAX,
  type FaultyRequest,
  type FaultyResolution,
  findDoubleResolutions,
  findFaultyRequests,
  findFaultyResolutions,
  findMalformedTransfers,
  listBalances,
  type MalformedTransfer,
  type StoredBalance,
  sumTransfers,
} from '../store/ledger-checks.ts';
import type { Store } from '../store/store.ts';

export interface AuditReport {
  readonly ok: boolean;
  /** One sentence each, for the operator; at most a hundred of a kind. */
  readonly problems: readonly string[];
  /** Balances looked at: an account with both modes counts twice. */
  readonly accounts: number;
  readonly transfers: number;
  readonly openHolds: number;
}

/**
 * Recomputes every balance from the transfers and compares the requests with both, against one
 * committed state, so it may run beside a working server; but not inside one, since it keeps its
 * own process busy for seconds (five for two million transfers). It changes nothing.
 */
export async function audit(store: Pick<Store, 'snapshot'>): Promise<AuditReport> {
  return store.snapshot(async (db) => {
    const sums = await sumTransfers(db);
    const balances = await listBalances(db);
    const problems = [
      ...compareBalances(sums, balances),
      ...inWords(await findMalformedTransfers(db), malformedTransfer),
      ...inWords(await findDoubleResolutions(db), doubleResolution),
      ...inWords(await findFaultyResolutions(db), faultyResolution),
      ...inWords(await findFaultyRequests(db), faultyRequest),
    ];
    return {
      ok: problems.length === 0,
      problems,
      accounts: balances.length,
      transfers: sums.reduce((total, sum) => total + sum.transfers, 0),
      openHolds: sums.reduce((total, sum) => total + sum.openHolds, 0),
    };
  });
}

function compareBalances(
  sums: readonly BalanceSums[],
  balances: readonly StoredBalance[],
): string[] {
  const problems: string[] = [];
  const stored = new Map(balances.map((balance) => [nameOf(balance), balance]));
  const recomputed = new Map(sums.map((sum) => [nameOf(sum), sum]));
  for (const [name, sum] of recomputed) {
    if (!stored.has(name)) {
      problems.push(`${name} has transfers but no balance.`);
    }
    if (sum.balance < -sum.overrun) {
      problems.push(
        `${name} is ${usd(sum.balance)}, further below zero than its recorded overruns of ` +
          `${usd(sum.overrun)} allow.`,
      );
    }
  }
  for (const [name, balance] of stored) {
    const sum = recomputed.get(name);
    for (const field of ['balance', 'held', 'spent'] as const) {
      const expected = sum?.[field] ?? 0n;
      if (balance[field] !== expected) {
        problems.push(
          `${name}: ${field} is ${usd(balance[field])}, but its transfers make ${usd(expected)}.`,
        );
      }
    }
  }
  return problems;
}

function malformedTransfer(transfer: MalformedTransfer): string {
  const { id, kind, requestId, amount, overrun } = transfer;
  if (amount < 0n || overrun < 0n) {
    return `${kind} ${id} has a negative amount: ${usd(amount)}, overrun ${usd(overrun)}.`;
  }
  if (overrun !== 0n && kind !== 'settle') {
    return `${kind} ${id} records an overrun of ${usd(overrun)}, which only a settle can have.`;
  }
  return `${kind} ${id} does not have the id that belongs to request ${requestId ?? '(none)'}.`;
}

function doubleResolution(requestId: string): string {
  return `The hold for ${requestId} is resolved more than once.`;
}

function faultyResolution(resolution: FaultyResolution): string {
  const { id, kind, accountId, mode, amount, overrun } = resolution;
  const { holdAccountId, holdMode, holdAmount } = resolution;
  if (holdAmount === null) {
    return `${kind} ${id} resolves a hold that is not there.`;
  }
  if (holdAccountId !== accountId || holdMode !== mode) {
    return (
      `${kind} ${id} on the ${mode} balance of ${accountId} resolves a hold on the ` +
      `${String(holdMode)} balance of ${String(holdAccountId)}.`
    );
  }
  if (kind === 'settle') {
    const expected = amount > holdAmount ? amount - holdAmount : 0n;
    return (
      `settle ${id} of ${usd(amount)} against a hold of ${usd(holdAmount)} records an overrun ` +
      `of ${usd(overrun)} instead of ${usd(expected)}.`
    );
  }
  return `${kind} ${id} gives back ${usd(amount)} of a hold of ${usd(holdAmount)}.`;
}

function faultyRequest(request: FaultyRequest): string {
  const { id, status, accountId, mode, cost, holdAccountId, holdMode } = request;
  const { resolution, resolutionAmount } = request;
  if (holdAccountId !== null && (holdAccountId !== accountId || holdMode !== mode)) {
    return `Request ${id} belongs to another account or mode than its hold.`;
  }
  if (status === 'running') {
    return `Request ${id} is running without an open hold.`;
  }
  if (holdAccountId !== null && resolution === null) {
    return `Request ${id} is ${status}, but its hold is still open.`;
  }
  if (resolution !== 'settle' || resolutionAmount === null) {
    return `Request ${id} is completed, but its hold was never settled.`;
  }
  const said = cost === null ? 'no cost' : `a cost of ${usd(cost)}`;
  return `Request ${id} records ${said}, but ${usd(resolutionAmount)} was settled.`;
}

function inWords<Fault>(faults: readonly Fault[], say: (fault: Fault) => string): string[] {
  const sentences = faults.map(say);
  if (faults.length === FAULTS_MAX) {
    sentences.push('There may be more of this kind.');
  }
  return sentences;
}

function nameOf({ accountId, mode }: { accountId: string; mode: string }): string {
  return `The ${mode} balance of ${accountId}`;
}

function usd(amount: Nanousd): string {
  return `${formatUsd(amount)} USD`;
}
