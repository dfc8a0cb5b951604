/** What is wrong with a document that was being split. */
export type SpliceFault =
  /** The document or the stream is malformed. */
  | 'malformed'
  /** The source ended before the document, the payload or the event did. */
  | 'cut_off'
  /** A long string began as base64 and went on as something else. */
  | 'not_base64'
  /** One of the limits of SpliceOptions was passed; the message names it. */
  | 'limit';

/**
 * Thrown while a document is split. The message says what was wrong and never quotes the document,
 * so it can be logged. A source that fails throws its own error instead of this one.
 */
export class SpliceError extends Error {
  override readonly name = 'SpliceError';
  readonly fault: SpliceFault;

  constructor(fault: SpliceFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** The error of a limit: `documentBytesMax of 1048576 is exceeded`. */
export function limitError(limit: string, most: number): SpliceError {
  return new SpliceError('limit', `${limit} of ${most} is exceeded`);
}
