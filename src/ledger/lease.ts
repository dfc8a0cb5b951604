import type { Clock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { LeaseKind } from '../store/database.ts';
import { deleteLease, upsertLease } from '../store/leases.ts';
import type { Store } from '../store/store.ts';

export interface Lease {
  /** Goes into every hold that this process makes. */
  readonly id: string;
  /** How long it lasts without a heartbeat. */
  readonly leaseMs: number;
  /** For how long it has been kept up without a gap, in milliseconds. */
  readonly unbrokenMs: () => number;
  /** Moves the end of the lease; happens by itself three times in its length. */
  readonly beat: () => Promise<void>;
  /** Ends the lease at once. Holds that are still open are then anybody's to sweep. */
  readonly stop: () => Promise<void>;
}

export interface LeaseOptions {
  readonly kind: LeaseKind;
  readonly clock: Clock;
  /** How long it lasts without a heartbeat; 30 seconds by default. */
  readonly leaseMs?: number;
  /** Told of heartbeats that fail; the next one tries again. */
  readonly log?: Log;
}

const LEASE_MS = 30_000;
const BEATS = 3;

/**
 * Says that this process is alive: while its lease is kept up, nobody expires its holds. It lapses
 * its whole length after the last heartbeat. The timer does not keep the process running.
 */
export async function startLease(store: Store, options: LeaseOptions): Promise<Lease> {
  const { kind, clock, log, leaseMs = LEASE_MS } = options;
  const startedAt = clock.now();
  const id = newId('lease', startedAt);
  let stopped = false;
  let since: number | undefined;
  const beat = async (): Promise<void> => {
    if (stopped) {
      return;
    }
    const expiresAt = clock.now() + leaseMs;
    try {
      // Made anew if a sweep took it while this process was asleep.
      await store.transaction((tx) =>
        upsertLease(tx, { id, kind, pid: process.pid, startedAt, expiresAt }),
      );
      since ??= clock.now();
    } catch (error) {
      since = undefined;
      throw error;
    }
  };
  await beat();
  const timer = setInterval(() => {
    beat().catch((error: unknown) => {
      log?.warn({ err: error, leaseId: id }, 'the heartbeat of the lease failed');
    });
  }, leaseMs / BEATS);
  timer.unref();
  return {
    id,
    leaseMs,
    unbrokenMs: () => (since === undefined ? 0 : clock.now() - since),
    beat,
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await store.transaction((tx) => deleteLease(tx, id));
    },
  };
}
