/**
 * The bytes of one picture on their way from an engine to whoever asked. `chunks()` may be called
 * more than once, each call from the beginning, and may fail half-way when the source dies: a
 * reader that meets the failure must not pass the picture off as whole.
 */
export interface Payload {
  /** `binary`: the file itself. `base64`: its base64 text, no line breaks, no prefix. */
  readonly form: 'binary' | 'base64';
  readonly chunks: () => AsyncIterable<Buffer>;
}

/** A picture that is already whole in memory. */
export function bytesPayload(bytes: Buffer): Payload {
  return {
    form: 'binary',
    async *chunks() {
      yield bytes;
    },
  };
}
