import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { formatUsd, type Nanousd } from '../base/money.ts';
import { freeKey } from '../store/idempotency.ts';
import { deleteLease, hasOrphans } from '../store/leases.ts';
import { finishRequest } from '../store/request-ends.ts';
import type { Store } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';
import { listOpenHolds, type OpenHold } from '../store/transfers.ts';
import { expire } from './ledger.ts';
import { type LeaseRules, sortLeases, TAKE_OVER } from './sort-leases.ts';

export interface SweepOptions {
  readonly clock: Clock;
  /**
   * Given at start-up by the server that holds the home's lock: whichever other server had a lease
   * before is dead, so nobody waits for those leases to lapse.
   */
  readonly deadServerLeases?: boolean;
  /**
   * The lease of this very process, which is never taken: after the machine slept, a sweep may come
   * before the late heartbeat. To be given by whoever sweeps while running requests.
   */
  readonly ownLeaseId?: string;
  /** Called in the transaction that gives a hold back, for who wants to be told. */
  readonly onLost?: (tx: Transaction, requestId: string) => Promise<void>;
  /** Called once all of that is committed, if there was any. */
  readonly afterLost?: () => void;
}

export interface SweepResult {
  readonly expiredHolds: number;
  readonly amount: Nanousd;
}

const HOLDS_PER_TRANSACTION = 200;

/**
 * Resolves what dead processes left behind: expires every open hold whose lease has lapsed or is
 * gone, marks its request `lost` and frees its key. One log line for each and one for all, after the
 * commit. Cheap while no lease has lapsed. Several servers of one database may call it at a time.
 */
export async function sweep(store: Store, log: Log, options: SweepOptions): Promise<SweepResult> {
  const { live, lapsed } = await sortLeases(store.db, rulesOf(options));
  const isThorough = options.deadServerLeases === true || lapsed.length > 0;
  if (!isThorough && !(await hasOrphans(store.db))) {
    return { expiredHolds: 0, amount: 0n };
  }
  const candidates = (await listOpenHolds(store.db)).filter((hold) => isOrphan(hold, live));
  const expired: OpenHold[] = [];
  for (let start = 0; start < candidates.length; start += HOLDS_PER_TRANSACTION) {
    const page = candidates.slice(start, start + HOLDS_PER_TRANSACTION);
    expired.push(...(await expirePage(store, page, options)));
  }
  await store.transaction(async (tx) => {
    for (const { id } of (await sortLeases(tx, rulesOf(options))).lapsed) {
      // One that lapsed just now may have holds that were not looked at.
      if (lapsed.some((lease) => lease.id === id)) {
        await deleteLease(tx, id);
      }
    }
  });
  if (expired.length > 0) {
    options.afterLost?.();
  }
  const amount = expired.reduce((total, hold) => total + hold.amount, 0n);
  writeLog(log, { expired, amount, leases: lapsed.length });
  return { expiredHolds: expired.length, amount };
}

async function expirePage(
  store: Store,
  page: readonly OpenHold[],
  options: SweepOptions,
): Promise<OpenHold[]> {
  const work = async (tx: Transaction): Promise<OpenHold[]> => {
    // Asked again: a process that was only asleep may have renewed its lease meanwhile, and another
    // server may have taken a request over.
    const { live } = await sortLeases(tx, rulesOf(options));
    const ids = page.map(({ requestId }) => requestId);
    const expired: OpenHold[] = [];
    for (const hold of await listOpenHolds(tx, ids)) {
      const { requestId } = hold;
      if (isOrphan(hold, live) && (await expire(tx, { requestId }))) {
        await finishRequest(tx, { id: requestId, status: 'lost' });
        await freeKey(tx, requestId);
        await options.onLost?.(tx, requestId);
        expired.push(hold);
      }
    }
    return expired;
  };
  return store.transaction(work, { serial: TAKE_OVER });
}

function rulesOf({ clock, deadServerLeases, ownLeaseId }: SweepOptions): LeaseRules {
  return { nowMs: clock.now(), deadServerLeases, ownLeaseId };
}

function isOrphan(hold: OpenHold, live: ReadonlySet<string>): boolean {
  return hold.leaseId === null || !live.has(hold.leaseId);
}

function writeLog(
  log: Log,
  { expired, amount, leases }: { expired: readonly OpenHold[]; amount: Nanousd; leases: number },
): void {
  for (const hold of expired) {
    log.warn(
      {
        imageId: hold.requestId,
        accountId: hold.accountId,
        mode: hold.mode,
        leaseId: hold.leaseId,
        usd: formatUsd(hold.amount),
      },
      'a hold of a process that died was given back, its request is lost',
    );
  }
  const summary = { expiredHolds: expired.length, usd: formatUsd(amount), lapsedLeases: leases };
  log.info(summary, 'swept the ledger');
}
