import { sortLeases, TAKE_OVER } from '../ledger/sort-leases.ts';
import {
  adoptRequest,
  disownRequest,
  listResumable,
  orphanUndelivered,
} from '../store/request-stages.ts';
import { findRequest, type RequestRecord } from '../store/requests.ts';
import type { Store } from '../store/store.ts';

/** Whose requests may be taken over. */
export interface AdoptOptions {
  /** Of this process: adopted requests are its own from here on. */
  readonly leaseId: string;
  /**
   * Given at start-up by the server that holds the home's lock: whichever server had a lease before
   * is dead, so nobody waits for those leases to lapse.
   */
  readonly deadServerLeases: boolean;
  readonly nowMs: number;
}

/**
 * Takes over the requests of processes that died which left more than a hold: an upstream carries
 * them on, or their pictures are there already. A retry may join these, and those that were
 * completed without being delivered. To be called before a sweep, which would give the others'
 * holds back, call these lost, and forget the leases of the dead.
 */
export async function adoptAbandoned(
  store: Store,
  { leaseId, deadServerLeases, nowMs }: AdoptOptions,
): Promise<RequestRecord[]> {
  const rules = { nowMs, deadServerLeases, ownLeaseId: leaseId };
  return store.transaction(
    async (tx) => {
      const { live, lapsed } = await sortLeases(tx, rules);
      await orphanUndelivered(
        tx,
        lapsed.map(({ id }) => id),
      );
      const adopted: RequestRecord[] = [];
      for (const { id, leaseId: from } of await listResumable(tx, [...live])) {
        const isOurs = await adoptRequest(tx, { id, from, leaseId });
        const record = isOurs ? await findRequest(tx, id) : undefined;
        if (record !== undefined) {
          adopted.push(record);
        }
      }
      return adopted;
    },
    { serial: TAKE_OVER },
  );
}

/** Gives back what was adopted and could not be taken up: the next sweep calls it lost. */
export async function disown(store: Store, ids: readonly string[]): Promise<void> {
  await store.transaction(
    async (tx) => {
      for (const id of ids) {
        await disownRequest(tx, id);
      }
    },
    { serial: TAKE_OVER },
  );
}
