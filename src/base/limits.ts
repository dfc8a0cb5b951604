import type { Nanousd } from './money.ts';

/** What a key or an account may use; absent: as the defaults have it. 0: no limit at all. */
export interface Limits {
  readonly requestsPerMinute?: number | undefined;
  readonly imagesPerMinute?: number | undefined;
  /** Of pictures as they are asked for; a megapixel is 1,000,000 pixels. */
  readonly megapixelsPerMinute?: number | undefined;
  /** Requests that are running or wait for their turn. */
  readonly inFlight?: number | undefined;
  /** In a month of UTC: what was charged and what is held. */
  readonly monthlyBudget?: Nanousd | undefined;
}

/** What is counted by the minute. */
export type RateKind = 'requests' | 'images' | 'megapixels';

/** The limits of whoever is asking, none of them 0: its own, or else the defaults. */
export interface CallerLimits {
  readonly key: Limits;
  /** Shared by all keys of the account in the same mode. */
  readonly account: Limits;
}

/** The first where it says something, else the defaults; a 0 is no limit. */
export function effectiveLimits(own: Limits | undefined, defaults: Limits): Limits {
  const chosen = { ...defaults, ...withoutAbsent(own ?? {}) };
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => Number(value) > 0));
}

function withoutAbsent(limits: Limits): Limits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
