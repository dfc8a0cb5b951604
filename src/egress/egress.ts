import type { StreamedBody } from './streamed-body.ts';

/** A request to an upstream. Its URL's host is the operator's own choice, or one of its answers. */
export interface EgressRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  /** Lower-case names. `accept-encoding: identity` is always sent. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A streamed one brings its own `content-type`, and is read once. */
  readonly body?: string | Buffer | StreamedBody;
  readonly signal: AbortSignal;
  /** No byte of the answer after this long: `upstream_timeout`; the provider's when absent. */
  readonly firstByteMs?: number;
}

export interface EgressAnswer {
  readonly status: number;
  /** Lower-case names, repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The body as it arrives, to be read once. Fails with an UpstreamFailure when the upstream dies,
   * stays silent for too long or sends more than it may. Leaving it unread closes the connection.
   */
  readonly body: AsyncIterable<Buffer>;
}

/** The way out to one provider account: its transport, time-outs and rules. */
export interface Egress {
  /** To the provider's own base URL, which the operator chose. Throws an UpstreamFailure. */
  readonly request: (request: EgressRequest) => Promise<EgressAnswer>;
  /**
   * To a URL that an upstream's answer named: never to a private address, unless the host is that
   * of the base URL or allow-listed, and never with the provider's credential. Redirects are
   * followed, each checked again.
   */
  readonly download: (request: {
    readonly url: string;
    readonly signal: AbortSignal;
  }) => Promise<EgressAnswer>;
  readonly close: () => Promise<void>;
}
