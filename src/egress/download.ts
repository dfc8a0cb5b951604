import type { Agent } from 'undici';
import { exchange, type ExchangeAnswer } from './exchange.ts';
import { checkUrl, refused } from './guarded.ts';

const REDIRECTS_MAX = 3;
const HEADER_BYTES_MAX = 64 * 1024;

/** Some firewalls turn away requests that do not say who they are. */
export const FIXED_HEADERS = { 'user-agent': 'easel', 'accept-encoding': 'identity' } as const;

/** What all of our connections have in common. */
export function agentOptions(connections: number) {
  return {
    connections,
    pipelining: 1,
    // HTTP/1.1 only: after a GOAWAY undici's HTTP/2 client sends a request again by itself.
    allowH2: false,
    // A request that meets a connection just closed by the other side is lost, and may have been
    // bought: so an idle one is kept for 4 s only, or for as long as the other side says.
    keepAliveTimeout: 4000,
    keepAliveMaxTimeout: 60_000,
    // Four times what Node takes: an answer that was paid for is not refused for its cookies.
    maxHeaderSize: HEADER_BYTES_MAX,
  } satisfies Agent.Options;
}

export interface DownloadLimits {
  /** One that connects to public addresses and trusted hosts only. */
  readonly dispatcher: Agent;
  readonly trustedHosts: ReadonlySet<string>;
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly downloadBytesMax: number;
  /** All of it, redirects included. */
  readonly downloadMs: number;
}

export interface Download {
  readonly url: string;
  readonly signal: AbortSignal;
}

/**
 * Gets a URL that we did not choose, under the rules of `guarded.ts`, each redirect checked again.
 * Throws an UpstreamFailure.
 */
export async function download(
  limits: DownloadLimits,
  { url: first, signal }: Download,
): Promise<ExchangeAnswer> {
  const { dispatcher, trustedHosts, firstByteMs, idleMs, downloadBytesMax, downloadMs } = limits;
  const deadline = performance.now() + downloadMs;
  let url = checkUrl(first, trustedHosts);
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const answer = await exchange({
      dispatcher,
      method: 'GET',
      url,
      headers: FIXED_HEADERS,
      signal,
      firstByteMs,
      idleMs,
      bodyBytesMax: downloadBytesMax,
      totalMs: Math.max(1, Math.ceil(deadline - performance.now())),
      buys: false,
    });
    if (!isRedirect(answer.status)) {
      return answer;
    }
    answer.abandon();
    const location = answer.headers['location'];
    const next = location === undefined ? null : URL.parse(location, url.href);
    if (next === null) {
      throw refused('its redirect leads nowhere', url);
    }
    url = checkUrl(next, trustedHosts);
  }
  throw refused(`it redirects more than ${REDIRECTS_MAX} times`, url);
}

export function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}
