import { type ErrorName, Failure } from '../base/errors.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';

/** What a failed call says of its route, and of whether it may be made again. */
export interface Verdict {
  /** It is certain that nothing was bought. */
  readonly mayRepeat: boolean;
  /** The same route would only say it again. */
  readonly isLasting: boolean;
  /**
   * Whose fault it is. `request`: the upstream works, and refused what was asked for. `none`: it
   * says nothing of the upstream, as when the caller gave up.
   */
  readonly fault: 'upstream' | 'overload' | 'request' | 'none';
  /** How long the upstream wants to be left alone, where it said so. */
  readonly retryAfterMs: number | undefined;
}

/** Failures of a call that are no trouble of its upstream, but an answer of it. */
const ANSWERS: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'moderation_blocked',
  'invalid_value',
  'payload_too_large',
  'invalid_image',
  'invalid_mask',
  'too_many_images',
]);

export function verdictOf(error: unknown): Verdict {
  if (error instanceof UpstreamFailure) {
    const { billed, errorName, isLasting, toldRetryAfterSeconds: seconds } = error;
    return {
      mayRepeat: billed === 'no',
      isLasting,
      fault: errorName === 'overloaded' ? 'overload' : 'upstream',
      retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
    };
  }
  const isAnswer = error instanceof Failure && ANSWERS.has(error.errorName);
  return {
    mayRepeat: false,
    isLasting: true,
    fault: isAnswer ? 'request' : 'none',
    retryAfterMs: undefined,
  };
}
