import { Failure } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Mode } from '../store/database.ts';
import { findKeyClaim } from '../store/idempotency.ts';
import { takeOrphan } from '../store/request-stages.ts';
import type { Store } from '../store/store.ts';

/** Who asks for what: what makes two requests the same one. */
export interface Claim {
  readonly accountId: string;
  readonly mode: Mode;
  readonly keyId: string;
  /** Of what is asked for. */
  readonly fingerprint: string;
  /** The caller's Idempotency-Key. */
  readonly key?: string;
  /** An SDK says that it has sent this before, and did not get its answer. */
  readonly isRetry: boolean;
}

/** Finds the earlier request that this one repeats; its id, undefined when there is none. */
export type FindEarlier = (claim: Claim) => Promise<string | undefined>;

/**
 * By key: whatever has the key stands for it, running or ended; another body is refused with
 * `idempotency_key_reused`. Without one: a request of the same API key that asked for the same and
 * whose own client left before it had the whole answer, each of them once.
 */
export function openClaims(options: {
  readonly store: Store;
  readonly clock: Clock;
  /** How far back an orphan is looked for, in milliseconds. */
  readonly ttlMs: number;
}): FindEarlier {
  const { store, clock, ttlMs } = options;
  return async (claim) => {
    const { key, keyId, fingerprint } = claim;
    if (key !== undefined) {
      const found = await findKeyClaim(store.db, { ...claim, key }, clock.now());
      if (found !== undefined && found.fingerprint !== fingerprint) {
        throw new Failure('idempotency_key_reused');
      }
      return found?.requestId;
    }
    if (!claim.isRetry) {
      return undefined;
    }
    const sinceMs = clock.now() - ttlMs;
    return store.transaction((tx) => takeOrphan(tx, { keyId, fingerprint, sinceMs }));
  };
}
