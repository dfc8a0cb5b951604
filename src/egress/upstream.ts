import { Agent } from 'undici';
import type { Log } from '../base/log.ts';
import { agentOptions, download, FIXED_HEADERS, isRedirect } from './download.ts';
import { currentTraceparent } from '../base/trace.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { Egress, EgressAnswer, EgressRequest } from './egress.ts';
import { exchange, type ExchangeAnswer, type ExchangeRequest } from './exchange.ts';
import { brokenFailure } from './failures.ts';
import {
  checkUrl,
  directConnector,
  guardedConnector,
  hostAndPort,
  type Lookup,
  refused,
} from './guarded.ts';

export interface EgressOptions {
  /** The provider's address, trusted as it is, loopback included. */
  readonly baseUrl: string;
  /** `host:port` entries that may be reached although private; the base URL's own is added. */
  readonly trustedHosts: ReadonlySet<string>;
  /**
   * Domains of the provider beside its base URL's host, `bfl.ai`: requests with its credential
   * may go to them and all below, over https, when an answer names them.
   */
  readonly ownDomains?: readonly string[];
  /** Connecting, TLS included; 10 s by default. */
  readonly connectMs?: number;
  /** From a request to the head of its answer; 10 minutes by default. */
  readonly firstByteMs?: number;
  /** The longest silence within a body; 30 s by default. */
  readonly idleMs?: number;
  /** All of a download, redirects included; 5 minutes by default. */
  readonly downloadMs?: number;
  /** 512 MiB by default. */
  readonly bodyBytesMax?: number;
  /** 128 MiB by default. */
  readonly downloadBytesMax?: number;
  /** The most connections to one host; further requests wait. 512 by default. */
  readonly connections?: number;
  readonly log: Log;
  /** Requests carry the W3C context of the trace that they are part of. */
  readonly traceContext?: boolean;
  /** How names are resolved; the system's way by default. */
  readonly lookup?: Lookup;
}

const MEBIBYTE = 1024 * 1024;

/** The way out to one provider account, with connections of its own that are kept alive. */
export function createEgress(options: EgressOptions): Egress {
  const settings = withDefaults(options);
  const { connections } = settings;
  const direct = new Agent({ ...agentOptions(connections), connect: directConnector(settings) });
  const guarded = new Agent({ ...agentOptions(connections), connect: guardedConnector(settings) });
  return {
    request: async (request) => {
      const { url, isDirect } = checkTarget(request.url, settings);
      const answer = await exchange({
        dispatcher: isDirect ? direct : guarded,
        method: request.method,
        url,
        ...withBody(
          { ...checkHeaders(request.headers ?? {}, url), ...settings.trace() },
          request.body,
        ),
        signal: request.signal,
        firstByteMs: request.firstByteMs ?? settings.firstByteMs,
        idleMs: settings.idleMs,
        bodyBytesMax: settings.bodyBytesMax,
        buys: true,
      });
      if (isRedirect(answer.status)) {
        answer.abandon();
        // Where it points to has nothing of ours, and a 303 says that the work was done.
        const state = { host: url.host, billed: 'unknown' } as const;
        throw brokenFailure(`answered with a redirect (${answer.status})`, state);
      }
      return plain(answer);
    },
    download: async ({ url, signal }) => {
      try {
        return plain(await download({ dispatcher: guarded, ...settings }, { url, signal }));
      } catch (error) {
        if (error instanceof UpstreamFailure) {
          // A bought picture that cannot be had, or an upstream that points into our network.
          options.log.warn({ reason: error.internal }, 'a download failed');
        }
        throw error;
      }
    },
    close: async () => {
      await Promise.all([direct.destroy(), guarded.destroy()]);
    },
  };
}

type Settings = ReturnType<typeof withDefaults>;

function withDefaults(options: EgressOptions) {
  const base = new URL(options.baseUrl);
  return {
    base,
    trustedHosts: new Set([...options.trustedHosts].map((host) => host.toLowerCase())).add(
      hostAndPort(base),
    ),
    ownDomains: options.ownDomains ?? [],
    connectMs: options.connectMs ?? 10_000,
    firstByteMs: options.firstByteMs ?? 600_000,
    idleMs: options.idleMs ?? 30_000,
    downloadMs: options.downloadMs ?? 300_000,
    bodyBytesMax: options.bodyBytesMax ?? 512 * MEBIBYTE,
    downloadBytesMax: options.downloadBytesMax ?? 128 * MEBIBYTE,
    connections: options.connections ?? 512,
    trace: options.traceContext === true ? traceHeader : () => ({}),
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  };
}

function traceHeader(): Record<string, string> {
  const traceparent = currentTraceparent();
  return traceparent === undefined ? {} : { traceparent };
}

/**
 * Where a request may go, since it carries the provider's credential: to the base URL, to hosts
 * that the operator trusts, and, guarded, to the provider's own domains.
 */
function checkTarget(text: string, settings: Settings): { url: URL; isDirect: boolean } {
  const { base, trustedHosts, ownDomains } = settings;
  const url = URL.parse(text);
  if (url?.origin === base.origin && url.username === '' && url.password === '') {
    return { url, isDirect: true };
  }
  const checked = checkUrl(text, trustedHosts);
  const host = hostAndPort(checked);
  // The base URL's host in another scheme is not trusted: the credential would travel in clear.
  if (trustedHosts.has(host) && host !== hostAndPort(base)) {
    return { url: checked, isDirect: true };
  }
  const isOwn = ownDomains.some(
    (domain) => checked.hostname === domain || checked.hostname.endsWith(`.${domain}`),
  );
  if (!isOwn || checked.protocol !== 'https:') {
    throw refused('the credential may not go there', checked);
  }
  return { url: checked, isDirect: false };
}

/** Headers that are the transport's own, or that would send a request elsewhere. */
const FORBIDDEN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function checkHeaders(headers: Readonly<Record<string, string>>, url: URL): Record<string, string> {
  for (const [name, value] of Object.entries(headers)) {
    // A key pasted with its line break would begin a header, or a request, of its own.
    const isValid =
      /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && /^[\x20-\x7e\x80-\xff]*$/.test(value);
    if (!isValid || FORBIDDEN_HEADERS.has(name)) {
      throw new UpstreamFailure('upstream_error', {
        billed: 'no',
        internal: `${url.host}: the header ${JSON.stringify(name.slice(0, 80))} cannot be sent`,
      });
    }
  }
  return { ...FIXED_HEADERS, ...headers, 'accept-encoding': 'identity' };
}

/** The body, and with a streamed one the headers that describe it. */
function withBody(
  headers: Record<string, string>,
  body: EgressRequest['body'],
): Pick<ExchangeRequest, 'headers' | 'body'> {
  if (body === undefined) {
    return { headers };
  }
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    return { headers, body };
  }
  const { contentType, contentLength, chunks } = body;
  return {
    headers: {
      ...headers,
      'content-type': contentType,
      'content-length': String(contentLength),
    },
    body: chunks(),
  };
}

function plain({ status, headers, body }: ExchangeAnswer): EgressAnswer {
  return { status, headers, body };
}
