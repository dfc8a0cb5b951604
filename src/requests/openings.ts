import { Failure } from '../base/errors.ts';
import type { CallerLimits } from '../base/limits.ts';
import { hold, holdEach } from '../ledger/ledger.ts';
import { MODES } from '../store/database.ts';
import { claimKeys, freeKeys, type NewIdempotency } from '../store/idempotency.ts';
import { DatabaseAway } from '../store/postgres-failures.ts';
import { insertRequest, insertRequests, type NewRequest } from '../store/requests.ts';
import type { Store } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';

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

/** How many requests share the statements of one transaction, at most. */
const GROUP_MAX = 64;

interface Waiting {
  readonly request: OpeningRequest;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes the rows of requests that begin: claims their keys, takes from their callers' limits, holds
 * their money. What an account asks for while its last transaction is under way is written together,
 * by a few statements for all of it: a hold for each would cost an exchange with the database, while
 * no other request of the account, in any process, could go on. Requests of callers that have limits
 * are written one by one, since what was taken from one must be undone when the next one refuses.
 */
export class Openings {
  readonly #options: OpeningsOptions;
  /** By account; none where nobody waits. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(options: OpeningsOptions) {
    this.#options = options;
  }

  /** Rejects with `rate_limit_exceeded`, `insufficient_quota` or a KeyTaken; it left no trace then. */
  open(request: OpeningRequest): Promise<void> {
    if (request.limits !== undefined) {
      return this.#openAlone(request);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { accountId } = request;
    const line = this.#waiting.get(accountId) ?? [];
    line.push({ request, resolve, reject });
    if (line.length === 1) {
      this.#waiting.set(accountId, line);
      void this.#openNext(accountId);
    }
    return promise;
  }

  /** Never throws: whatever happens is told to those that wait. */
  async #openNext(accountId: string): Promise<void> {
    const { store } = this.#options;
    let group: readonly Waiting[] | undefined;
    const run = async (tx: Transaction): Promise<ReadonlyMap<OpeningRequest, Error>> => {
      // Whoever has come until now; and they again, should the database let it run twice.
      group ??= this.#take(accountId);
      return this.#openTogether(
        tx,
        group.map(({ request }) => request),
      );
    };
    try {
      const refused = await store.transaction(run, { serial: accountId });
      for (const { request, resolve, reject } of group ?? []) {
        const refusal = refused.get(request);
        if (refusal === undefined) {
          resolve();
        } else {
          reject(refusal);
        }
      }
    } catch (error) {
      this.#fail(group ?? this.#take(accountId), error);
    }
  }

  #take(accountId: string): readonly Waiting[] {
    const line = this.#waiting.get(accountId) ?? [];
    const group = line.splice(0, GROUP_MAX);
    if (line.length === 0) {
      this.#waiting.delete(accountId);
    } else {
      void this.#openNext(accountId);
    }
    return group;
  }

  /** What one of them has broken is not the others' fault, unless nobody knows what was written. */
  #fail(group: readonly Waiting[], error: unknown): void {
    for (const { request, resolve, reject } of group) {
      if (group.length === 1 || error instanceof DatabaseAway) {
        reject(error);
      } else {
        this.#openAlone(request).then(resolve, reject);
      }
    }
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
