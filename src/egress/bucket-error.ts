/** A bucket that refuses or cannot be reached. The message holds no credential. */
export class BucketError extends Error {
  override readonly name = 'BucketError';
  /** S3's own word, such as `AccessDenied`; `Unreachable` where it gave none. */
  readonly code: string;
  /** It may be over in a moment: nobody answered, or the answer was that there is too much to do. */
  readonly isAway: boolean;

  constructor(
    message: string,
    { code, isAway, cause }: { readonly code: string; readonly isAway: boolean; cause?: unknown },
  ) {
    super(message, { cause });
    this.code = code;
    this.isAway = isAway;
  }
}
