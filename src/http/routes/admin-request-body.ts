import type { z } from 'zod';
import { type Nanousd, usdNumber } from '../../base/money.ts';
import type { AdminRequest } from '../../contract/admin.ts';
import type { RequestRecord } from '../../requests/records.ts';
import { orNull, unixSeconds } from './admin-route.ts';

type Body = z.output<typeof AdminRequest>;

/** A request's row as operators see it. */
export function requestBody(record: RequestRecord): Body {
  return {
    id: record.id,
    request_id: record.requestId,
    account_id: record.accountId,
    key_id: orNull(record.keyId),
    mode: record.mode,
    operation: record.operation,
    model: record.model,
    status: record.status,
    n: record.n,
    images: record.images,
    size: orNull(record.size),
    output_format: orNull(record.outputFormat),
    held_usd: usdNumber(record.held),
    cost_usd: money(record.cost),
    upstream_cost_usd: money(record.upstreamCost),
    provider: orNull(record.provider),
    route: orNull(record.route),
    upstream_model: orNull(record.upstreamModel),
    upstream_ids: (record.upstreamIds ?? []) as string[],
    price_version: orNull(record.priceVersion),
    card_hash: orNull(record.cardHash),
    error_code: orNull(record.errorCode),
    http_status: orNull(record.httpStatus),
    warnings: (record.warnings ?? []) as Body['warnings'],
    steps_ms: (record.steps ?? {}) as Body['steps_ms'],
    metadata: (record.metadata ?? {}) as Body['metadata'],
    is_async: record.isAsync,
    created: unixSeconds(record.createdAt),
    finished: time(record.finishedAt),
    delivered: time(record.deliveredAt),
  };
}

function money(amount: Nanousd | undefined): number | null {
  return amount === undefined ? null : usdNumber(amount);
}

function time(timeMs: number | undefined): number | null {
  return timeMs === undefined ? null : unixSeconds(timeMs);
}
