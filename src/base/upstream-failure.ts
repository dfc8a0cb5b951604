import { type ErrorName, Failure, type FailureDetails } from './errors.ts';

export interface UpstreamFailureDetails extends FailureDetails {
  /** `no`: it is certain that nothing was bought, so the request may be made again. */
  readonly billed: 'no' | 'unknown';
  /** The answer has more bytes than it may. */
  readonly isTooLarge?: boolean;
  /** It will not pass by itself: a credential or a model id that the upstream does not take. */
  readonly isLasting?: boolean;
}

/** A failure of an upstream, with what is known of whether it cost anything. */
export class UpstreamFailure extends Failure {
  readonly billed: 'no' | 'unknown';
  readonly isTooLarge: boolean;
  readonly isLasting: boolean;
  /** What the upstream itself said; `retryAfterSeconds` has a value of ours where it said nothing. */
  readonly toldRetryAfterSeconds: number | undefined;

  constructor(name: ErrorName, details: UpstreamFailureDetails) {
    super(name, details);
    this.billed = details.billed;
    this.isTooLarge = details.isTooLarge ?? false;
    this.isLasting = details.isLasting ?? false;
    this.toldRetryAfterSeconds = details.retryAfterSeconds;
  }
}
