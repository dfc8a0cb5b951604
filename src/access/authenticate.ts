import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { type CallerLimits, effectiveLimits } from '../base/limits.ts';
import type { Nanousd } from '../base/money.ts';
import type { Mode } from '../store/database.ts';
import { findKeyByHash, type KeyWithBalance } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { parseKey } from './secret.ts';

/** Whose request it is, known before a byte of its body is read. */
export interface Caller {
  readonly accountId: string;
  readonly keyId: string;
  readonly mode: Mode;
  /** Model ids; undefined: every model. */
  readonly allowedModels: ReadonlySet<string> | undefined;
  /** What the account could spend in this mode a moment ago: a first look, the hold decides. */
  readonly available: Nanousd;
  /** Absent: none. */
  readonly limits?: CallerLimits;
}

/** By what a key is judged. */
export interface KeyRules extends Clock {
  /** The limits of keys and of accounts that have none of their own. */
  readonly defaultLimits?: CallerLimits;
}

const NO_LIMITS: CallerLimits = { key: {}, account: {} };

export interface Credentials {
  /** The `authorization` header, with the scheme `Bearer` in whatever case. */
  readonly authorization?: string | undefined;
  /** The `x-api-key` header, which is read when there is no `authorization`. */
  readonly xApiKey?: string | undefined;
}

const BEARER_PATTERN = /^bearer +(\S+) *$/i;

/**
 * Throws `invalid_api_key` when the key is missing, malformed, unknown, expired or deleted, and
 * `api_key_revoked` when it is revoked. Nothing is cached: a revocation holds at once in every
 * process. One query, no writes.
 */
export async function authenticate(
  store: Store,
  credentials: Credentials,
  { now, defaultLimits = NO_LIMITS }: KeyRules,
): Promise<Caller> {
  const text = readCredentials(credentials);
  if (text === undefined) {
    throw refuse('no key was sent');
  }
  const parsed = parseKey(text);
  if (parsed === undefined) {
    throw refuse('what was sent does not have the form of a key');
  }
  const key = await findKeyByHash(store.db, parsed.hash);
  if (key === undefined || !equal(key.hash, parsed.hash)) {
    throw refuse(`no key …${parsed.hint} is known`);
  }
  if (key.deletedAt !== undefined) {
    throw refuse(`${key.id} is deleted`);
  }
  if (key.revokedAt !== undefined) {
    throw new Failure('api_key_revoked', { internal: `${key.id} is revoked` });
  }
  if (key.expiresAt !== undefined && key.expiresAt <= now()) {
    throw refuse(`${key.id} has expired`);
  }
  return {
    accountId: key.accountId,
    keyId: key.id,
    mode: key.mode,
    allowedModels: key.allowedModels === undefined ? undefined : new Set(key.allowedModels),
    available: key.available,
    ...limitsOf(key, defaultLimits),
  };
}

/** None where nothing is limited: then nothing of it is ever looked up. */
function limitsOf(key: KeyWithBalance, defaults: CallerLimits): Pick<Caller, 'limits'> {
  const limits = {
    key: effectiveLimits(key.limits, defaults.key),
    account: effectiveLimits(key.accountLimits, defaults.account),
  };
  const isLimited = Object.values(limits).some((each) => Object.keys(each).length > 0);
  return isLimited ? { limits } : {};
}

/** The key that was sent; undefined when there is none, or it cannot be read. */
export function readCredentials({ authorization, xApiKey }: Credentials): string | undefined {
  return authorization === undefined
    ? xApiKey?.trim()
    : BEARER_PATTERN.exec(authorization.trim())?.[1];
}

/** The look-up has found it by the same hash already; this keeps the last word out of SQL. */
function equal(stored: string, sent: string): boolean {
  const [first, second] = [Buffer.from(stored), Buffer.from(sent)];
  return first.length === second.length && timingSafeEqual(first, second);
}

function refuse(internal: string): Failure {
  return new Failure('invalid_api_key', { internal });
}
