import { Failure } from '../base/errors.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { Payload } from '../payload/payload.ts';

/** A job that an upstream has taken, and may bill whatever becomes of its answer. */
export interface Purchase {
  readonly provider: string;
  /** Aborts when the request is given up. */
  readonly signal: AbortSignal;
}

/**
 * What broke while a bought picture was waited for or fetched, as a failure that nobody takes for
 * permission to buy again: never `overloaded`, never billed `no`. Throws the signal's reason when
 * the request was given up, and anything that is no trouble of the upstream's as it is.
 */
export function troubleAfterPurchase(thrown: unknown, purchase: Purchase): UpstreamFailure {
  const { provider, signal } = purchase;
  signal.throwIfAborted();
  if (!(thrown instanceof UpstreamFailure)) {
    throw thrown;
  }
  return new UpstreamFailure(
    thrown.errorName === 'upstream_timeout' ? 'upstream_timeout' : 'upstream_error',
    { billed: 'unknown', internal: thrown.internal ?? `${provider}: no reason`, cause: thrown },
  );
}

/** The same of a refusal: what is the caller's own fault, or the content's, stays as it is. */
export function refusalAfterPurchase(refusal: Failure, purchase: Purchase): Failure {
  return refusal instanceof UpstreamFailure ? troubleAfterPurchase(refusal, purchase) : refusal;
}

/** The payload, whose source fails as bought pictures do. */
export function boughtPayload(payload: Payload, purchase: Purchase): Payload {
  return {
    form: payload.form,
    peek: async (bytes) => {
      try {
        return await payload.peek(bytes);
      } catch (error) {
        throw troubleAfterPurchase(error, purchase);
      }
    },
    async *chunks() {
      try {
        yield* payload.chunks();
      } catch (error) {
        throw troubleAfterPurchase(error, purchase);
      }
    },
  };
}
