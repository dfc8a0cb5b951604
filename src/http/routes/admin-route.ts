import type { z } from 'zod';
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

/** The options of such a route with a query, which is read strictly. */
export function adminQuery(query: z.ZodType, ...described: Parameters<typeof adminSchema>) {
  return {
    config: ADMIN,
    schema: { ...adminSchema(...described), querystring: query },
    validatorCompiler: () => queryReader(query),
  };
}

export function unixSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000);
}

export function orNull<Value>(value: Value | undefined): Value | null {
  return value ?? null;
}
