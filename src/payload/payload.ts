/**
 * The bytes of one picture on their way from an engine to whoever asked. Reading may fail half-way
 * when the source dies: a reader that meets the failure must not pass the picture off as whole.
 */
export interface Payload {
  /** `binary`: the file itself. `base64`: its base64 text, no line breaks, no prefix. */
  readonly form: 'binary' | 'base64';
  /** Set where all of it is there already: such a payload can be read again and again. */
  readonly isLasting?: true;
  /**
   * The beginning, in the payload's form: at least so many bytes unless all of it is shorter.
   * Takes nothing away: `chunks` still starts at the first byte.
   */
  readonly peek: (bytes: number) => Promise<Buffer>;
  /**
   * All chunks in order. A payload that is still arriving can be read once, and its source waits
   * for its reader. A chunk is never changed after it was given.
   */
  readonly chunks: () => AsyncIterable<Buffer>;
}

/** A picture that is already whole in memory. */
export function bytesPayload(bytes: Buffer, form: Payload['form'] = 'binary'): Payload {
  return {
    form,
    isLasting: true,
    peek: async (count) => bytes.subarray(0, count),
    async *chunks() {
      yield bytes;
    },
  };
}

/** A file or text whose chunks are read once; nothing can be looked at before. */
export function arrivingPayload(form: Payload['form'], chunks: AsyncIterable<Buffer>): Payload {
  return {
    form,
    peek: () => Promise.reject(new Error('this payload can only be read')),
    chunks: () => chunks,
  };
}
