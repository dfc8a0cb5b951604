import type { z } from 'zod';
import type { Limits } from '../../base/limits.ts';
import { parseUsd, usdNumber } from '../../base/money.ts';
import type { AdminLimits } from '../../contract/admin.ts';
import { type ResponseSchemas, responses } from '../openapi.ts';
import type { ResponseName } from '../openapi-errors.ts';
import { queryReader } from '../query-reader.ts';

/** What all routes of the admin API have in common. */
export const ADMIN = { access: 'admin' } as const;

/** The schema of such a route, without its parameters. */
export function adminSchema(
  operationId: string,
  summary: string,
  success: z.ZodType,
  ...errors: ResponseName[]
): {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: string[];
  readonly security: Record<string, string[]>[];
  readonly response: ResponseSchemas;
} {
  return {
    operationId,
    summary,
    tags: ['Admin'],
    security: [{ AdminKey: [] }],
    response: responses(
      success,
      'BadRequest',
      'Unauthorized',
      ...errors,
      'InternalError',
      'Overloaded',
    ),
  };
}

/** Reads the query strictly, and the rest as every route does. */
export function readingQuery(schema: z.ZodType) {
  return ({ httpPart }: { httpPart?: string | undefined }) =>
    httpPart === 'querystring' ? queryReader(schema) : (value: unknown) => ({ value });
}

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

export function unixSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000);
}

export function orNull<Value>(value: Value | undefined): Value | null {
  return value ?? null;
}
