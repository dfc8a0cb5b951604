import type { z } from 'zod';
import type { Limits } from '../base/limits.ts';
import { parseUsd, usdNumber } from '../base/money.ts';
import type { AdminLimits } from './admin.ts';

/** null and what is left out are different: the first falls back to the settings. */
export function limitsFrom(wire: z.output<typeof AdminLimits> | undefined): Limits | undefined {
  if (wire === undefined) {
    return undefined;
  }
  const budget = wire.monthly_budget_usd;
  return {
    ...field('requestsPerMinute', wire.requests_per_minute),
    ...field('imagesPerMinute', wire.images_per_minute),
    ...field('megapixelsPerMinute', wire.megapixels_per_minute),
    ...field('inFlight', wire.in_flight),
    ...(budget === undefined
      ? {}
      : { monthlyBudget: budget === null ? undefined : parseUsd(budget) }),
  };
}

function field<Name extends string>(
  name: Name,
  value: number | null | undefined,
): { readonly [Key in Name]?: number | undefined } {
  return value === undefined
    ? {}
    : ({ [name]: value ?? undefined } as Record<Name, number | undefined>);
}

/** null follows the settings, 0 is no limit. */
export function limitsBody(limits: Limits | undefined): z.output<typeof AdminLimits> {
  const budget = limits?.monthlyBudget;
  return {
    requests_per_minute: limits?.requestsPerMinute ?? null,
    images_per_minute: limits?.imagesPerMinute ?? null,
    megapixels_per_minute: limits?.megapixelsPerMinute ?? null,
    in_flight: limits?.inFlight ?? null,
    monthly_budget_usd: budget === undefined ? null : usdNumber(budget),
  };
}
