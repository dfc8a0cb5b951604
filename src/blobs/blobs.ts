import type { ByteRange } from '../payload/decoded-range.ts';
import type { Payload } from '../payload/payload.ts';
import type { BlobError } from './blob-error.ts';

/** What became of a picture whose source has ended. */
export type BlobOutcome =
  | { readonly bytes: number; readonly isKept: true }
  | {
      readonly bytes: number;
      /**
       * The storage refused it: it can be read through its payload in this process, and takes
       * memory or disk, until `remove` is called with its name. Or it was removed while it arrived
       * (fault `removed`): then only those read it to the end who had begun.
       */
      readonly isKept: false;
      /** Why, for the log. */
      readonly refusal: BlobError;
    };

/** A picture on its way into the store. */
export interface ArrivingBlob {
  /**
   * Can be read any number of times, from its first byte, while it arrives and after. Each reader
   * has its own pace. A reader meets what the source failed with after the bytes that came; one
   * that comes later meets it at once.
   */
  readonly payload: Payload;
  /**
   * Resolves when the source has ended and what came is as safe as the store's durability says.
   * Rejects with what the source failed with, or with a BlobError: then nothing is left. Nobody
   * has to listen to it.
   */
  readonly finished: Promise<BlobOutcome>;
}

/**
 * A picture in the store, opened. On a disk it stays readable even if it is removed meanwhile. In a
 * bucket what is being sent mostly comes to its end; a reader who has to ask again is told `removed`,
 * and never gets bytes of another picture.
 */
export interface OpenBlob {
  /** Of what is stored, in the payload's form. */
  readonly bytes: number;
  readonly form: Payload['form'];
  /** A lasting one. */
  readonly payload: Payload;
  /** Part of what is stored, in the payload's form. The range must lie inside. */
  readonly read: (range: ByteRange) => AsyncIterable<Buffer>;
  /** Who is reading reads to the end; nobody can begin to. Twice is fine. */
  readonly close: () => Promise<void>;
}

/** Where finished pictures lie. */
export interface Blobs {
  /**
   * Begins at once and reads the source at full speed whoever listens. Replaces what has the name
   * already. Throws a BlobError when the store is closed; a name that is arriving is a bug.
   */
  readonly keep: (name: string, payload: Payload) => ArrivingBlob;
  /** Undefined: not there. Throws a BlobError when the store cannot be read. */
  readonly open: (name: string) => Promise<OpenBlob | undefined>;
  /**
   * The name is gone, readers read on; one that was refused gives its memory back. Twice is fine.
   * Throws a BlobError.
   */
  readonly remove: (name: string) => Promise<void>;
  /** Somebody is reading it or writing it now, or has it open. */
  readonly isInUse: (name: string) => boolean;
  /**
   * Of whole ones, for sweeping what no row knows: all, or those written before that time, by the
   * storage's own clock. Throws a BlobError.
   */
  readonly names: (writtenBefore?: number) => AsyncIterable<string>;
  /**
   * Takes away what processes that died have left half-written, if it was begun, or last written to,
   * before that time. Says how many there were. Throws a BlobError.
   */
  readonly removeUnfinished: (begunBefore: number) => Promise<number>;
  /**
   * What is arriving fails at once, for its readers too, so await `finished` before; what is open
   * is read to its end. Twice is fine.
   */
  readonly close: () => Promise<void>;
}
