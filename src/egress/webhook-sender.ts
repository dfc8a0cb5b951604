import { Agent } from 'undici';
import { agentOptions, FIXED_HEADERS } from './download.ts';
import { transportFailure } from './failures.ts';
import { checkUrl, guardedConnector, type Lookup, RefusedUrl } from './guarded.ts';
import { retryAfterSeconds } from './read-body.ts';

export interface WebhookSenderOptions {
  /** `host:port` entries that may be reached although private, by http as well. */
  readonly trustedHosts: ReadonlySet<string>;
  /** From the name's look-up to the head of the answer; 15 s by default. */
  readonly totalMs?: number;
  /** How names are resolved; the system's way by default. */
  readonly lookup?: Lookup;
}

/** A message to an address that a caller chose. */
export interface WebhookPost {
  readonly url: string;
  /** Lower-case names; never a credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** What came of it: the head of an answer, whatever its status, or why there was none. */
export type WebhookAnswer =
  | { readonly status: number; readonly retryAfterSeconds: number | undefined }
  | { readonly error: string };

/**
 * Sends once, following no redirect, and reads nothing of the answer's body. The error is
 * `refused` for an address that is not public, `timeout`, or the host and the transport's code.
 * Throws nothing but the signal's reason.
 */
export type SendWebhook = (post: WebhookPost) => Promise<WebhookAnswer>;

export interface WebhookSender {
  readonly send: SendWebhook;
  readonly close: () => Promise<void>;
}

const TOTAL_MS = 15_000;
const CONNECT_MS = 10_000;

/** So many connections to one host, for all callers together. */
const CONNECTIONS = 8;

/** An answer with so few bytes is read to its end, so that its connection may serve again. */
const DISCARDED_BYTES_MAX = 64 * 1024;

/**
 * Why nothing will be sent to this URL, as the end of "… cannot be a webhook: "; undefined when it
 * may be one. Where its name leads is looked at each time it is connected to.
 */
export function whyNoWebhook(url: string, trustedHosts: ReadonlySet<string>): string | undefined {
  try {
    checkUrl(url, trustedHosts);
    return undefined;
  } catch (error) {
    if (error instanceof RefusedUrl) {
      return error.reason;
    }
    throw error;
  }
}

/** The way out to webhooks, with connections of its own. */
export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { trustedHosts, lookup, totalMs = TOTAL_MS } = options;
  const connect = guardedConnector({
    trustedHosts,
    connectMs: CONNECT_MS,
    ...(lookup === undefined ? {} : { lookup }),
  });
  const agent = new Agent({ ...agentOptions(CONNECTIONS), connect });
  return {
    send: async (post) => {
      const timeout = AbortSignal.timeout(totalMs);
      try {
        const url = checkUrl(post.url, trustedHosts);
        return await sendOnce(agent, url, {
          ...post,
          signal: AbortSignal.any([post.signal, timeout]),
        });
      } catch (error) {
        post.signal.throwIfAborted();
        return { error: timeout.aborted ? 'timeout' : whyUnanswered(error, post.url) };
      }
    },
    close: () => agent.destroy(),
  };
}

/** Not by `exchange`: an answer that is not read may be encoded, and as long as it likes. */
async function sendOnce(agent: Agent, url: URL, post: WebhookPost): Promise<WebhookAnswer> {
  const { headers, body, signal } = post;
  const answer = await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: 'POST',
    headers: { ...FIXED_HEADERS, ...headers },
    body,
    signal,
  });
  // The status decides; a body that breaks, hangs or never ends changes nothing of it.
  answer.body.dump({ limit: DISCARDED_BYTES_MAX, signal }).catch(() => undefined);
  const retryAfter = answer.headers['retry-after'];
  return {
    status: answer.statusCode,
    retryAfterSeconds:
      typeof retryAfter === 'string' ? retryAfterSeconds({ 'retry-after': retryAfter }) : undefined,
  };
}

function whyUnanswered(error: unknown, url: string): string {
  if (error instanceof RefusedUrl) {
    return 'refused';
  }
  const { internal } = transportFailure(error, { host: new URL(url).host, billed: 'unknown' });
  return internal ?? 'failed';
}
