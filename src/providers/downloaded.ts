import type { EgressAnswer } from '../egress/egress.ts';
import type { Payload } from '../payload/payload.ts';
import type { ProviderAccount } from './account.ts';
import { boughtPayload, refusalAfterPurchase } from './bought.ts';
import { discard, poll } from './poll.ts';
import type { ProviderContext } from './provider.ts';
import { brokenAnswer } from './upstream-errors.ts';

/** A picture that is being downloaded. */
export interface Download {
  /** Live, binary, to be read once. */
  readonly payload: Payload;
  /** Closes the connection if anything is left unread: the payload cannot be read after that. */
  readonly skip: () => Promise<void>;
}

export interface DownloadRequest {
  /** As the upstream's answer named it. */
  readonly url: string;
  readonly context: ProviderContext;
  /** The pause before it is tried again. */
  readonly intervalMs: number;
}

/** A picture that is paid for is asked for again, while nothing of it has been passed on. */
const TROUBLES_MAX = 3;

/**
 * Begins to download a picture that an upstream's answer named, without its credential. Resolves
 * when the head of the answer has come; throws a failure that says nothing of being unbilled.
 */
export async function downloadPicture(
  account: ProviderAccount,
  { url, context, intervalMs }: DownloadRequest,
): Promise<Download> {
  const { name: provider, egress } = account;
  const { signal, log } = context;
  const answer = await poll<EgressAnswer>({
    provider,
    signal,
    log,
    intervalMs,
    startsAtOnce: true,
    troublesMax: TROUBLES_MAX,
    ask: () => egress.download({ url, signal }),
    judge: async (head) => {
      if (head.status === 200) {
        return { state: 'settled', result: head };
      }
      await discard(head);
      const reason = brokenAnswer(provider, `its picture's address answered ${head.status}`);
      return { state: 'failed', reason: refusalAfterPurchase(reason, { provider, signal }) };
    },
  });
  const arriving = new ArrivingFile(answer.body);
  return {
    payload: boughtPayload(arriving.payload, { provider, signal }),
    skip: () => arriving.skip(),
  };
}

/** The bytes of a file while they arrive: looked at without being taken, then read once. */
class ArrivingFile {
  readonly payload: Payload;
  readonly #source: AsyncIterator<Buffer>;
  /** What has come for `peek` and was not given to the reader of `chunks` yet. */
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  #state: 'unread' | 'reading' | 'skipped' = 'unread';
  /** A source fails once and then looks ended: what was wrong for `peek` is wrong for `chunks`. */
  #failure: { readonly error: unknown } | undefined;

  constructor(body: AsyncIterable<Buffer>) {
    this.#source = body[Symbol.asyncIterator]();
    this.payload = {
      form: 'binary',
      peek: (count) => this.#peek(count),
      chunks: () => this.#chunks(),
    };
  }

  async skip(): Promise<void> {
    this.#state = 'skipped';
    await this.#source.return?.();
  }

  async #peek(count: number): Promise<Buffer> {
    if (this.#state !== 'unread') {
      throw new Error('a payload that arrives can be looked at only before it is read');
    }
    while (this.#heldBytes < count) {
      const chunk = await this.#next();
      if (chunk === undefined) {
        break;
      }
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
    }
    return Buffer.concat(this.#held).subarray(0, count);
  }

  async *#chunks(): AsyncGenerator<Buffer, void, void> {
    if (this.#state !== 'unread') {
      throw new Error('a payload that arrives can be read only once');
    }
    this.#state = 'reading';
    try {
      for (const chunk of this.#held.splice(0)) {
        yield chunk;
        this.#refuseSkipped();
      }
      for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
        yield chunk;
        this.#refuseSkipped();
      }
      this.#refuseSkipped();
    } finally {
      await this.#source.return?.();
    }
  }

  /** The next bytes; undefined at the end. */
  async #next(): Promise<Buffer | undefined> {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    try {
      const { done, value } = await this.#source.next();
      return done === true ? undefined : value;
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /** A payload that was skipped must not look like a short one. */
  #refuseSkipped(): void {
    if (this.#state === 'skipped') {
      throw new Error('the payload was skipped before it was read');
    }
  }
}
