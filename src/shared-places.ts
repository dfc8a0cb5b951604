import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from './base/log.ts';
import type { Lease } from './ledger/lease.ts';
import type { SharedPlaces } from './pipeline/fair-queue.ts';
import { countPlaces, givePlaceBack, takePlace } from './store/places.ts';
import type { Store } from './store/store.ts';
import type { Transaction } from './store/transaction.ts';

export interface SharedPlacesOptions {
  readonly store: Store;
  readonly lease: Lease;
  readonly log: Log;
}

/** An announcement may be missed, and a process that died announces nothing. */
const LOOK_MS = 1_000;
const RETRY_MS = 1_000;
const TRIES_MAX = 60;

/**
 * The places of upstreams' accounts, counted in the database for all servers that use it. Each place that is
 * taken or given back is a small transaction, beside calls that take seconds. Undefined on SQLite, whose
 * one server counts for itself.
 */
export function sharePlaces(
  options: SharedPlacesOptions,
): ((account: string, limit: number) => SharedPlaces) | undefined {
  return options.store.kind === 'sqlite'
    ? undefined
    : (account, limit) => placesOf(options, account, limit);
}

function placesOf(
  { store, lease, log }: SharedPlacesOptions,
  account: string,
  limit: number,
): SharedPlaces {
  const name = `places/${encodeURIComponent(account)}`;
  const at = { account, leaseId: lease.id };
  // While the database is away nobody else gets a place either; it is told when it is back.
  const insist = async (count: (tx: Transaction, taken: typeof at) => Promise<void>) => {
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      try {
        await store.transaction((tx) => count(tx, at), { serial: name });
        return;
      } catch (error) {
        log.warn({ account, tries, err: error }, 'a place of an account could not be counted yet');
        await wait(RETRY_MS, undefined, { ref: false });
      }
    }
    log.error({ account }, 'a place of an account stays miscounted until this process ends');
  };
  return {
    take: () =>
      store.transaction(
        async (tx) => {
          if ((await countPlaces(tx, account)) >= limit) {
            return false;
          }
          await takePlace(tx, at);
          return true;
        },
        { serial: name },
      ),
    takeAnyway: () => void insist(takePlace),
    giveBack: () => void insist(givePlaceBack).then(() => store.announcements.announce(name)),
    freed: async () => {
      using heard = store.announcements.hear(name);
      const over = new AbortController();
      const look = wait(LOOK_MS, undefined, { signal: over.signal, ref: false });
      await Promise.race([heard.promise, look]);
      over.abort();
      await look.catch(() => undefined);
    },
  };
}
