import type { CallerLimits, Limits } from '../base/limits.ts';
import { parseUsd } from '../base/money.ts';
import type { FileConfig, LimitSection } from './file.ts';

/** The limits of keys and of accounts that have none of their own. */
export function defaultLimits({ limits }: FileConfig): CallerLimits {
  return { key: limitsOf(limits.key), account: limitsOf(limits.account) };
}

function limitsOf(section: LimitSection): Limits {
  const budget = section.monthly_budget_usd;
  return {
    requestsPerMinute: section.requests_per_minute,
    imagesPerMinute: section.images_per_minute,
    megapixelsPerMinute: section.megapixels_per_minute,
    inFlight: section.in_flight,
    monthlyBudget: budget === undefined ? undefined : parseUsd(budget),
  };
}
