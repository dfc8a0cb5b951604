import { Failure } from '../base/errors.ts';
import type { CallerLimits } from '../base/limits.ts';
import { hold, holdEach } from '../ledger/ledger.ts';
import { MODES } from '../store/database.ts';
import { claimKeys, freeKeys, type NewIdempotency } from '../store/idempotency.ts';
import { insertRequest, insertRequests, type NewRequest } from '../store/requests.ts';
import type { Store } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';
import { Groups } from './groups.ts';

/** The Idempotency-Key stands for another request, which came first. */
export class KeyTaken extends Error {
  override readonly name = 'KeyTaken';
}

/** A request that is about to be held. */
export interface OpeningRequest extends Omit<NewRequest, 'leaseId'> {
  readonly limits?: CallerLimits | undefined;
  /** Of all its pictures, as they were asked for. */
  readonly pixels: number;
}

export interface OpeningsOptions {
  readonly store: Store;
  readonly leaseId: string;
  /** How long a key is kept, in milliseconds. */
  readonly keyTtlMs: number;
  /** Takes from the limits of whoever asks; throws what the caller shall read. */
  readonly takeLimits: (tx: Transaction, request: OpeningRequest) => Promise<void>;
}

/**
 * Writes the rows of requests that begin: claims their keys, takes from their callers' limits, holds
 * their money; those of an account together. Requests of callers that have limits are written one by one,
 * since what was taken from one must be undone when the next one refuses.
 */
export class Openings {
  readonly #options: OpeningsOptions;
  readonly #groups: Groups<OpeningRequest, undefined>;

  constructor(options: OpeningsOptions) {
    this.#options = options;
    const { store } = options;
    this.#groups = new Groups({
      store,
      together: async (tx, requests) => {
        const refused = await this.#openTogether(tx, requests);
        return requests.map((request) => {
          const error = refused.get(request);
          return error === undefined ? { value: undefined } : { error };
        });
      },
    });
  }

  /** Rejects with `rate_limit_exceeded`, `insufficient_quota` or a KeyTaken; it left no trace then. */
  async open(request: OpeningRequest): Promise<void> {
    await (request.limits === undefined
      ? this.#groups.write(request.accountId, request)
      : this.#openAlone(request));
  }

  #openAlone(request: OpeningRequest): Promise<void> {
    const { store, leaseId, takeLimits } = this.#options;
    const { id, accountId, mode, held } = request;
    const run = async (tx: Transaction): Promise<void> => {
      const claims = this.#claimsOf(tx, [request]);
      if (claims.length > 0 && !(await claimKeys(tx, claims)).has(id)) {
        throw new KeyTaken();
      }
      await takeLimits(tx, request);
      await insertRequest(tx, { ...request, leaseId });
      if (!(await hold(tx, { requestId: id, accountId, mode, amount: held, leaseId }))) {
        throw new Failure('insufficient_quota');
      }
    };
    return store.transaction(run, { serial: accountId });
  }

  /** Gives those that were refused, and why; of them, nothing is written. */
  async #openTogether(
    tx: Transaction,
    requests: readonly OpeningRequest[],
  ): Promise<ReadonlyMap<OpeningRequest, Error>> {
    const { leaseId } = this.#options;
    const refused = new Map<OpeningRequest, Error>();
    const claims = this.#claimsOf(tx, requests);
    const claimed = claims.length === 0 ? new Set<string>() : await claimKeys(tx, claims);
    const late = new Set<string>();
    for (const { requestId } of claims) {
      if (!claimed.has(requestId)) {
        late.add(requestId);
      }
    }
    const first = requests.filter(({ id }) => !late.has(id));
    const held = new Set<OpeningRequest>();
    for (const mode of MODES) {
      const wanted = first.filter((request) => request.mode === mode);
      for (const request of await this.#holdEach(tx, wanted)) {
        held.add(request);
      }
    }
    await insertRequests(
      tx,
      [...held].map((request) => ({ ...request, leaseId })),
    );
    const poor = first.filter((request) => !held.has(request));
    for (const request of requests) {
      if (late.has(request.id)) {
        refused.set(request, new KeyTaken());
      } else if (!held.has(request)) {
        refused.set(request, new Failure('insufficient_quota'));
      }
    }
    await freeKeys(
      tx,
      poor.filter(({ id }) => claimed.has(id)).map(({ id }) => id),
    );
    return refused;
  }

  /** Those of one account and mode whose money is held now. */
  async #holdEach(
    tx: Transaction,
    requests: readonly OpeningRequest[],
  ): Promise<readonly OpeningRequest[]> {
    const { leaseId } = this.#options;
    const [first] = requests;
    if (first === undefined) {
      return [];
    }
    const wanted = requests.map((request) => {
      const { id: requestId, accountId, mode, held: amount } = request;
      return { requestId, accountId, mode, amount, leaseId, request };
    });
    return (await holdEach(tx, first, wanted)).map(({ request }) => request);
  }

  #claimsOf(tx: Transaction, requests: readonly OpeningRequest[]): NewIdempotency[] {
    const expiresAt = tx.startedAt + this.#options.keyTtlMs;
    return requests.flatMap(({ id, accountId, mode, idempotencyKey: key, fingerprint }) =>
      key === undefined || fingerprint === undefined
        ? []
        : [{ accountId, mode, key, fingerprint, requestId: id, expiresAt }],
    );
  }
}
