import { UpstreamFailure } from '../base/upstream-failure.ts';

/** What an exchange knows about itself when it fails. */
export interface ExchangeState {
  /** `api.openai.com` or `127.0.0.1:8188`: all that a log may learn of the URL. */
  readonly host: string;
  readonly billed: 'no' | 'unknown';
}

/**
 * What the transport threw, as a failure of the upstream. The log learns the host and the code of
 * the error, nothing more: an error of the parser carries the bytes that it could not read.
 */
export function transportFailure(thrown: unknown, state: ExchangeState): UpstreamFailure {
  if (thrown instanceof UpstreamFailure) {
    return thrown;
  }
  const code = errorCode(thrown);
  return code === 'UND_ERR_BODY_TIMEOUT'
    ? silentFailure('sent nothing more of its answer', state)
    : brokenFailure(code, state);
}

/** The upstream broke, or answered what we cannot take. `what` goes to the log. */
export function brokenFailure(what: string, state: ExchangeState): UpstreamFailure {
  const { host, billed } = state;
  return new UpstreamFailure('upstream_error', { billed, internal: `${host}: ${what}` });
}

/** The upstream answers with more than we take. */
export function tooLargeFailure(what: string, { host, billed }: ExchangeState): UpstreamFailure {
  const internal = `${host}: ${what}`;
  return new UpstreamFailure('upstream_error', { billed, internal, isTooLarge: true });
}

/** The upstream let a deadline pass. */
export function silentFailure(what: string, state: ExchangeState): UpstreamFailure {
  const { host, billed } = state;
  return new UpstreamFailure('upstream_timeout', { billed, internal: `${host}: ${what}` });
}

function errorCode(thrown: unknown): string {
  const { code, name } = (thrown ?? {}) as { code?: unknown; name?: unknown };
  return [code, name].find((text) => typeof text === 'string') ?? 'unknown error';
}
