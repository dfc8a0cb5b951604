import { Agent } from 'undici';
import { Failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { agentOptions, download } from './download.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { EgressAnswer } from './egress.ts';
import { guardedConnector, type Lookup } from './guarded.ts';

export interface CallerUrlOptions {
  /** `host:port` entries that may be reached although private, by http as well. */
  readonly trustedHosts: ReadonlySet<string>;
  /** The most bytes of one file. */
  readonly bytesMax: number;
  /** Connecting, TLS included; 10 s by default. */
  readonly connectMs?: number;
  /** To the head of the answer; 30 s by default. */
  readonly firstByteMs?: number;
  /** The longest silence within the file; 15 s by default. */
  readonly idleMs?: number;
  /** All of it, redirects included; 2 minutes by default. */
  readonly totalMs?: number;
  readonly log: Log;
  /** How names are resolved; the system's way by default. */
  readonly lookup?: Lookup;
}

/** The way out to addresses that callers name: the most suspicious of all. */
export interface CallerUrls {
  /**
   * Begins to get a file; its body arrives under the same rules. Throws `image_url_refused`, whose
   * text tells nothing of what lies in our network, and the signal's reason.
   */
  readonly fetch: (url: string, signal: AbortSignal) => Promise<EgressAnswer>;
  readonly close: () => Promise<void>;
}

/** So many files at once from one host, for all callers together. */
const CONNECTIONS = 32;

export function createCallerUrls(options: CallerUrlOptions): CallerUrls {
  const { trustedHosts, bytesMax, log, lookup } = options;
  const connect = guardedConnector({
    trustedHosts,
    connectMs: options.connectMs ?? 10_000,
    ...(lookup === undefined ? {} : { lookup }),
  });
  const limits = {
    dispatcher: new Agent({ ...agentOptions(CONNECTIONS), connect }),
    trustedHosts,
    firstByteMs: options.firstByteMs ?? 30_000,
    idleMs: options.idleMs ?? 15_000,
    downloadBytesMax: bytesMax,
    downloadMs: options.totalMs ?? 120_000,
  };
  const translate = (error: unknown): unknown => {
    if (!(error instanceof UpstreamFailure)) {
      return error;
    }
    const { internal } = error;
    log.info({ reason: internal }, 'a picture at an address of a caller could not be had');
    return refusal(whyRefused(error, bytesMax), internal);
  };
  return {
    fetch: async (url, signal) => {
      try {
        const answer = await download(limits, { url, signal });
        if (answer.status !== 200) {
          answer.abandon();
          throw refusal(`it was answered with ${answer.status}`, undefined);
        }
        return { ...answer, body: translated(answer.body, translate) };
      } catch (error) {
        throw translate(error);
      }
    },
    close: () => limits.dispatcher.destroy(),
  };
}

function whyRefused({ errorName, isTooLarge }: UpstreamFailure, bytesMax: number): string {
  if (errorName === 'upstream_timeout') {
    return 'it took too long';
  }
  return isTooLarge
    ? `it is larger than ${bytesMax / 2 ** 20} MB`
    : 'only public https: addresses that answer are fetched';
}

function refusal(why: string, internal: string | undefined): Failure {
  return new Failure('image_url_refused', {
    message: `The picture could not be fetched: ${why}.`,
    ...(internal === undefined ? {} : { internal }),
  });
}

async function* translated(
  body: AsyncIterable<Buffer>,
  translate: (error: unknown) => unknown,
): AsyncGenerator<Buffer, void, void> {
  try {
    yield* body;
  } catch (error) {
    throw translate(error);
  }
}
