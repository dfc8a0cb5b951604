import { type LeaseRecord, listLeases } from '../store/leases.ts';
import type { Executor } from '../store/transaction.ts';

/**
 * What processes do with what dead ones left is done one after the other: what one has taken over,
 * no other gives back.
 */
export const TAKE_OVER = 'take-over';

export interface LeaseRules {
  readonly nowMs: number;
  /**
   * Given at start-up by the server that holds the home's lock: whichever other server had a lease
   * before is dead, so nobody waits for those leases to lapse.
   */
  readonly deadServerLeases?: boolean | undefined;
  /** The lease of this very process, which is never dead. */
  readonly ownLeaseId?: string | undefined;
}

/** Which processes are alive, and which are dead. */
export async function sortLeases(
  executor: Executor,
  { nowMs, deadServerLeases = false, ownLeaseId }: LeaseRules,
): Promise<{ readonly live: ReadonlySet<string>; readonly lapsed: readonly LeaseRecord[] }> {
  const isLapsed = (lease: LeaseRecord): boolean =>
    lease.id !== ownLeaseId &&
    (lease.expiresAt <= nowMs || (deadServerLeases && lease.kind === 'server'));
  const leases = await listLeases(executor);
  return {
    live: new Set(leases.filter((lease) => !isLapsed(lease)).map((lease) => lease.id)),
    lapsed: leases.filter(isLapsed),
  };
}
