import { BucketError } from '../egress/bucket-error.ts';

/**
 * `storage`: the disk or the bucket refuses, its cause says why. `away`: the bucket cannot be reached
 * now. `full`: more than may be kept in memory while the disk refuses.
 */
export type BlobFault = 'closed' | 'storage' | 'away' | 'full' | 'removed';

/** A picture could not be kept or read, through no fault of its source. */
export class BlobError extends Error {
  override readonly name = 'BlobError';
  readonly fault: BlobFault;

  constructor(fault: BlobFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** What the operating system or the bucket said, as a BlobError. */
export function storageError(deed: 'written' | 'read' | 'removed', cause: unknown): BlobError {
  if (cause instanceof BlobError) {
    return cause;
  }
  const fault = cause instanceof BucketError && cause.isAway ? 'away' : 'storage';
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BlobError(fault, `the picture could not be ${deed}: ${reason}`, { cause });
}
