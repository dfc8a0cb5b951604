import { UpstreamFailure } from '../base/upstream-failure.ts';
import { Failure } from '../base/errors.ts';

/** What an upstream said of a request that it did not carry out, in one shape for all of them. */
export interface UpstreamRefusal {
  /** The account's name, for the operator's log. */
  readonly provider: string;
  /** The answer's HTTP status: 200 when the refusal stood inside an answer or a stream. */
  readonly status: number;
  readonly code?: string;
  readonly type?: string;
  readonly message?: string;
  readonly param?: string;
  readonly retryAfterSeconds?: number;
}

/**
 * The row of the error table for what an upstream said (CONTRACT §6). Of its words only a cleaned
 * message and the name of a field may reach the caller, and those only when the caller's own
 * request was at fault; what is the operator's matter (credential, quota, model id) stands in
 * `internal`. Codes are those of OpenAI and Azure (PROVIDERS §1.6, §1.8, November 2026): an
 * adapter whose upstream says a content refusal in other words calls `contentRefused` itself.
 */
export function refusalFailure(refusal: UpstreamRefusal): Failure {
  const { status, code, type } = refusal;
  if (isOneOf(CONTENT_CODES, code, type)) {
    return contentRefused(refusal);
  }
  if (isOneOf(OPERATOR_CODES, code, type) || refusal.param === 'model') {
    return operatorsMatter(refusal);
  }
  switch (status) {
    case 400:
    case 422:
      return invalidValue(refusal);
    case 401:
    case 402:
    case 403:
    case 404:
      return operatorsMatter(refusal);
    case 413:
      return new Failure('payload_too_large', { internal: describe(refusal) });
    case 429:
    case 503:
    case 529:
      return overloaded(refusal);
    case 408:
    case 504:
    case 524:
      return new UpstreamFailure('upstream_timeout', {
        billed: 'unknown',
        internal: describe(refusal),
      });
    default:
      // An error inside an answer that had begun well: it says itself whose fault it is.
      return status < 300 && type === 'invalid_request_error'
        ? invalidValue(refusal)
        : new UpstreamFailure('upstream_error', { billed: 'unknown', internal: describe(refusal) });
  }
}

/** The upstream refused on content, in whatever way it says so. */
export function contentRefused(refusal: UpstreamRefusal): Failure {
  return new Failure('moderation_blocked', { internal: describe(refusal) });
}

/**
 * The upstream answered something that is no answer: no picture, no JSON, an end too early. It may
 * have been billed all the same. `what` goes to the log: never a prompt or image data.
 */
export function brokenAnswer(provider: string, what: string, cause?: unknown): UpstreamFailure {
  return new UpstreamFailure('upstream_error', {
    billed: 'unknown',
    internal: `${provider}: ${what}`,
    cause,
  });
}

/**
 * An upstream's words, fit for a caller: one line of at most 300 characters without control
 * characters, addresses, keys and request ids. Undefined when nothing is left, or it is a page.
 */
export function cleanMessage(text: string | undefined): string | undefined {
  if (text === undefined || /^\s*</.test(text)) {
    return undefined;
  }
  // Bounded before the patterns run: an upstream may send megabytes.
  const bounded = text.slice(0, MESSAGE_CHARACTERS_READ).toWellFormed();
  const line = bounded.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  const sentences = line.split(/(?<=[.!?])\s+/);
  const telling = sentences.filter((sentence) => !SUPPORT_PATTERN.test(sentence));
  let cleaned = telling.join(' ');
  for (const pattern of PRIVATE_PATTERNS) {
    cleaned = cleaned.replaceAll(pattern, '…');
  }
  if (!/\p{L}/u.test(cleaned)) {
    return undefined;
  }
  return cleaned.length <= MESSAGE_CHARACTERS_MAX
    ? cleaned
    : `${cleaned.slice(0, MESSAGE_CHARACTERS_MAX - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

const MESSAGE_CHARACTERS_MAX = 300;
const MESSAGE_CHARACTERS_READ = 2000;

const CONTENT_CODES: ReadonlySet<string> = new Set([
  'moderation_blocked',
  'content_policy_violation',
  'contentFilter',
  'content_filter',
  'ResponsibleAIPolicyViolation',
]);

/** Credential, money and model ids: nothing that a caller could mend, whatever the status. */
const OPERATOR_CODES: ReadonlySet<string> = new Set([
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_limit_user_error',
  'billing_not_active',
  'account_deactivated',
  'invalid_api_key',
  'invalid_organization',
  'model_not_found',
  'DeploymentNotFound',
]);

/** Sentences that send the reader to the upstream's support, with an id of a foreign request. */
const SUPPORT_PATTERN = /request[ _-]?id|trace[ _-]?id|contact us|reach out|help cent(er|re)/i;

const PRIVATE_PATTERNS: readonly RegExp[] = [
  // Addresses, with a scheme or without.
  /\b(?:[a-z][a-z0-9+.-]*:\/\/|data:|www\.)\S+/gi,
  /\b(?:[a-z0-9-]+\.)+(?:com|org|net|ai|io|dev|app|cn|cloud|local|internal)\b[^\s)\]"']*/gi,
  /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g,
  // Keys and ids: by their prefixes, and whatever is long and has a digit.
  /\b(?:sk|pk|rk|xai|fal|req|request|org|proj|file|AIza)[-_][\w*-]{6,}/gi,
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,
  /(?=[\w+/=*.-]{0,80}\d)[\w+/=*.-]{24,}/g,
];

function invalidValue(refusal: UpstreamRefusal): Failure {
  const message = cleanMessage(refusal.message);
  const param = cleanParam(refusal.param);
  return new Failure('invalid_value', {
    internal: describe(refusal),
    ...(message === undefined ? {} : { message }),
    ...(param === undefined ? {} : { param }),
  });
}

/** Shown to nobody but the operator, who needs the upstream's reason to mend it. */
function operatorsMatter(refusal: UpstreamRefusal): UpstreamFailure {
  const reason = cleanMessage(refusal.message);
  const internal = describe(refusal) + (reason === undefined ? '' : `: ${reason}`);
  // An answer that had begun well may have been bought before it broke off.
  const billed = refusal.status < 300 ? 'unknown' : 'no';
  return new UpstreamFailure('upstream_error', { billed, internal, isLasting: true });
}

function overloaded(refusal: UpstreamRefusal): UpstreamFailure {
  const { retryAfterSeconds } = refusal;
  return new UpstreamFailure('overloaded', {
    billed: 'no',
    internal: describe(refusal),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** `openai answered 400 (invalid_request_error, invalid_value)`. */
function describe({ provider, status, code, type }: UpstreamRefusal): string {
  const names = [type, code].filter((name) => name !== undefined).map(cleanName);
  return `${provider} answered ${status}${names.length === 0 ? '' : ` (${names.join(', ')})`}`;
}

function cleanName(name: string): string {
  return name.slice(0, 80).replaceAll(/[^\w.:/-]/g, '_');
}

/** A field's name as callers may read it; anything else is not a name. */
function cleanParam(param: string | undefined): string | undefined {
  return param !== undefined && /^[A-Za-z][\w.[\]-]{0,63}$/.test(param) ? param : undefined;
}

function isOneOf(names: ReadonlySet<string>, ...values: (string | undefined)[]): boolean {
  return values.some((value) => value !== undefined && names.has(value));
}
