/** `full`: more than may be kept in memory while the disk refuses. `disk`: its cause says why. */
export type BlobFault = 'closed' | 'disk' | 'full' | 'removed';

/** A picture could not be kept or read, through no fault of its source. */
export class BlobError extends Error {
  override readonly name = 'BlobError';
  readonly fault: BlobFault;

  constructor(fault: BlobFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** What the operating system said, as a BlobError. */
export function diskError(deed: 'written' | 'read' | 'removed', cause: unknown): BlobError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BlobError('disk', `the picture could not be ${deed}: ${reason}`, { cause });
}
