import { sql } from 'kysely';
import type { Nanousd } from '../base/money.ts';
import type { RequestStatus, RequestsTable } from './database.ts';
import { writeJson } from './json.ts';
import { prepared, type Slot } from './prepared.ts';
import type { Transaction } from './transaction.ts';

/** What is known at the end. A field that is undefined keeps what the row had before. */
export interface RequestOutcome {
  readonly id: string;
  readonly status: Exclude<RequestStatus, 'running'>;
  readonly provider?: string | undefined;
  readonly upstreamModel?: string | undefined;
  readonly route?: string | undefined;
  /** Of the card that has served. */
  readonly cardHash?: string | undefined;
  readonly priceVersion?: string | undefined;
  readonly images?: number | undefined;
  /** What was charged. */
  readonly cost?: Nanousd | undefined;
  readonly upstreamCost?: Nanousd | undefined;
  readonly size?: string | undefined;
  readonly outputFormat?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly httpStatus?: number | undefined;
  readonly warnings?: unknown;
  readonly usage?: unknown;
  readonly upstreamIds?: readonly string[] | undefined;
  readonly steps?: unknown;
  /** What the caller of a failed request reads. */
  readonly error?: unknown;
}

/** What an end may say anew; a null keeps what the row has. */
const ENDS = [
  'provider',
  'upstream_model',
  'route',
  'card_hash',
  'price_version',
  'images',
  'cost',
  'upstream_cost',
  'size',
  'output_format',
  'error_code',
  'http_status',
  'warnings',
  'usage',
  'upstream_ids',
  'steps',
  'error',
] as const satisfies readonly (keyof RequestsTable)[];

type EndColumn = (typeof ENDS)[number];

type EndValues = Readonly<Record<EndColumn, bigint | number | string | null>> & {
  readonly id: string;
  readonly status: RequestStatus;
  readonly finished_at: number;
};

const updateEnded = prepared((db, slot: Slot<EndValues>) =>
  db
    .updateTable('requests')
    .set({
      ...Object.fromEntries(
        ENDS.map((column) => [column, sql`coalesce(${slot(column)}, ${sql.ref(column)})`]),
      ),
      status: slot('status'),
      stage: null,
      resume: null,
      finished_at: slot('finished_at'),
    })
    .where('id', '=', slot('id'))
    .where('status', '=', sql.lit('running')),
);

/** Ends a running request; false, and nothing changed, when it has ended before. */
export async function finishRequest(tx: Transaction, outcome: RequestOutcome): Promise<boolean> {
  const { numAffectedRows } = await updateEnded(tx, {
    id: outcome.id,
    status: outcome.status,
    provider: outcome.provider ?? null,
    upstream_model: outcome.upstreamModel ?? null,
    route: outcome.route ?? null,
    card_hash: outcome.cardHash ?? null,
    price_version: outcome.priceVersion ?? null,
    images: outcome.images ?? null,
    cost: outcome.cost ?? null,
    upstream_cost: outcome.upstreamCost ?? null,
    size: outcome.size ?? null,
    output_format: outcome.outputFormat ?? null,
    error_code: outcome.errorCode ?? null,
    http_status: outcome.httpStatus ?? null,
    warnings: writeJson(outcome.warnings) ?? null,
    usage: writeJson(outcome.usage) ?? null,
    upstream_ids: writeJson(outcome.upstreamIds) ?? null,
    steps: writeJson(outcome.steps) ?? null,
    error: writeJson(outcome.error) ?? null,
    finished_at: tx.startedAt,
  });
  return numAffectedRows === 1n;
}
