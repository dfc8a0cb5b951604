/** Why a payload could not be kept. */
export type SpoolFault =
  /** One request wanted to keep more than `totalBytesMax`. */
  | 'full'
  /** The operating system refused: no space, no permission, a broken disk. */
  | 'disk'
  /** The request is over and its spool disposed of. */
  | 'closed';

/** Thrown by a spool, and by the payloads that lie in it. A source's own failure is passed on. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly fault: SpoolFault;

  constructor(fault: SpoolFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}
