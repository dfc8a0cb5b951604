/** Every sort of upstream that an account can be with; each has one adapter. */
export const PROVIDER_KINDS = [
  'openai',
  'gemini',
  'bfl',
  'xai',
  'ark',
  'fal',
  'openai-compatible',
  'sd-server',
] as const;

export type ProviderKind = (typeof PROVIDER_KINDS)[number];

/** One set of credentials with one upstream, whole: nothing that it needs is missing. */
export interface AccountConfig {
  /** What cards name as their provider: `openai`, `my-azure`. */
  readonly name: string;
  readonly kind: ProviderKind;
  /** http or https, without a slash at the end, and without credentials in it. */
  readonly baseUrl: string;
  /** Absent only for the kinds that may do without one. */
  readonly apiKey?: string;
  /** What else the operator set for this account; its adapter checks it. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly time: AccountTime;
  /** The most calls that the upstream takes at once; absent: nothing is known of such a bound. */
  readonly maxInFlight?: number;
  readonly queue: AccountQueue;
  /** Requests carry the W3C context of the trace. */
  readonly traceContext: boolean;
}

/** Who waits for one of the places of an account. */
export interface AccountQueue {
  readonly waitingMax: number;
  readonly waitMs: number;
}

/** How long an upstream may keep us waiting, in milliseconds; absent: as the way out has it. */
export interface AccountTime {
  /** Until the connection stands, TLS included. */
  readonly connectMs?: number;
  /** From the request to the first byte of its answer. */
  readonly firstByteMs?: number;
  /** Between two pieces of an answer that has begun. */
  readonly idleMs?: number;
  /** All of one call: of a job its submission, every look at it, and its pictures. */
  readonly totalMs?: number;
}

/** The engine inside Easel. Cards may name it; it has no account. */
export const BUILT_IN_PROVIDER = 'painter';

/**
 * What a card may name as its provider: the painter, these accounts, and the accounts that the
 * environment could make. A card of the latter is known, though not served without a credential.
 */
export function knownProviders(accounts: readonly AccountConfig[]): ReadonlySet<string> {
  return new Set([BUILT_IN_PROVIDER, ...PROVIDER_KINDS, ...accounts.map(({ name }) => name)]);
}
