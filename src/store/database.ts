import type { ColumnType, Generated } from 'kysely';
import type { RateKind } from '../base/limits.ts';
import type { Nanousd } from '../base/money.ts';

/**
 * The tables, as their rows lie in the database. Columns are only text, bigint and blob, so that
 * one SQL text serves SQLite and PostgreSQL: a nullable `…_at` stands where a boolean would, lists
 * and objects are JSON as text, ids are text that sorts by age, times are milliseconds since 1970.
 *
 * Every integer is read as a bigint. Money stays one; the query files turn times and counts into
 * numbers, so nothing above `store/` sees a bigint that is not money.
 */
export interface Database {
  readonly accounts: AccountsTable;
  readonly keys: KeysTable;
  readonly balances: BalancesTable;
  readonly transfers: TransfersTable;
  readonly leases: LeasesTable;
  readonly requests: RequestsTable;
  readonly idempotency: IdempotencyTable;
  readonly results: ResultsTable;
  readonly webhooks: WebhooksTable;
  readonly webhook_attempts: WebhookAttemptsTable;
  readonly route_states: RouteStatesTable;
  readonly places: PlacesTable;
  readonly limits: LimitsTable;
  readonly admin_log: AdminLogTable;
  readonly rates: RatesTable;
  readonly spend_months: SpendMonthsTable;
  readonly secrets: SecretsTable;
}

/** Test keys and live keys spend from separate balances of the same account. */
export type Mode = 'test' | 'live';

export const MODES = ['test', 'live'] as const satisfies readonly Mode[];

export type TransferKind = 'credit' | 'hold' | 'settle' | 'release' | 'expire';

/** What can end a hold, each exactly once and never two of them. */
export type ResolutionKind = Exclude<TransferKind, 'credit' | 'hold'>;

export type LeaseKind = 'server' | 'cli';

export type RequestStatus = 'running' | 'completed' | 'failed' | 'lost';

/**
 * How far a running request has come, beyond its hold: an upstream has taken it as a job of its
 * own; its pictures are there and only the settlement is missing.
 */
export type RequestStage = 'submitted' | 'stored';

/** How a circuit breaker stands that does not let everything through. */
export type CircuitState = 'open' | 'half_open';

/** How an asynchronous request ended. */
export type WebhookEvent = 'image.completed' | 'image.failed' | 'image.cancelled' | 'image.lost';

/** A time or a count: read as bigint, written as number. */
type Integer = ColumnType<bigint, number, number>;
type NullableInteger = ColumnType<bigint | null, number | null | undefined, number | null>;
type NullableText = ColumnType<string | null, string | null | undefined, string | null>;
type NullableMoney = ColumnType<Nanousd | null, Nanousd | null | undefined, Nanousd | null>;

/** Places of upstreams' accounts that are taken. */
export interface PlacesTable {
  readonly account: string;
  /** The process. */
  readonly lease_id: string;
  readonly taken: Integer;
}

/** Circuits that are not closed. */
export interface RouteStatesTable {
  /** The process. */
  readonly lease_id: string;
  readonly route: string;
  readonly circuit: CircuitState;
  readonly changed_at: Integer;
}

export interface AccountsTable {
  readonly id: string;
  readonly name: string;
  readonly created_at: Integer;
  /** `whsec_…`; null until it is first needed. */
  readonly webhook_secret: NullableText;
  /** The one before the last rotation, which signs beside the new one for a while. */
  readonly webhook_secret_before: NullableText;
  readonly webhook_secret_rotated_at: NullableInteger;
}

export interface KeysTable {
  readonly id: string;
  readonly account_id: string;
  readonly mode: Mode;
  readonly name: string;
  /** SHA-256 of the whole key, in hex. */
  readonly hash: string;
  /** The key's last four characters. */
  readonly hint: string;
  /** JSON list of model ids; null: every model. */
  readonly allowed_models: NullableText;
  readonly created_at: Integer;
  readonly expires_at: NullableInteger;
  readonly revoked_at: NullableInteger;
  readonly deleted_at: NullableInteger;
}

export interface BalancesTable {
  readonly account_id: string;
  readonly mode: Mode;
  readonly balance: Generated<Nanousd>;
  readonly held: Generated<Nanousd>;
  readonly spent: Generated<Nanousd>;
}

export interface TransfersTable {
  readonly id: string;
  readonly account_id: string;
  readonly mode: Mode;
  readonly kind: TransferKind;
  readonly amount: Nanousd;
  readonly overrun: Nanousd;
  /** The `img_…` id of the request that was held for; null on credits. */
  readonly request_id: NullableText;
  readonly lease_id: NullableText;
  readonly note: NullableText;
  readonly created_at: Integer;
}

export interface LeasesTable {
  readonly id: string;
  readonly kind: LeaseKind;
  readonly pid: Integer;
  readonly started_at: Integer;
  readonly expires_at: Integer;
}

/** Never a prompt, never image data. */
export interface RequestsTable {
  /** `img_…` */
  readonly id: string;
  /** `req_…`, the `x-request-id` of the HTTP call. */
  readonly request_id: string;
  readonly account_id: string;
  readonly key_id: NullableText;
  readonly mode: Mode;
  readonly operation: string;
  readonly model: string;
  readonly provider: NullableText;
  readonly upstream_model: NullableText;
  readonly route: NullableText;
  readonly status: RequestStatus;
  readonly n: Integer;
  readonly images: Integer;
  readonly held: Nanousd;
  /** Null until settled. */
  readonly cost: NullableMoney;
  readonly upstream_cost: NullableMoney;
  readonly card_hash: NullableText;
  readonly price_version: NullableText;
  readonly size: NullableText;
  readonly output_format: NullableText;
  readonly error_code: NullableText;
  readonly http_status: NullableInteger;
  readonly warnings: NullableText;
  readonly usage: NullableText;
  readonly upstream_ids: NullableText;
  readonly steps: NullableText;
  readonly metadata: NullableText;
  readonly lease_id: NullableText;
  readonly created_at: Integer;
  readonly finished_at: NullableInteger;
  /** Null: held, and nothing else is known. */
  readonly stage: ColumnType<
    RequestStage | null,
    RequestStage | null | undefined,
    RequestStage | null
  >;
  /** JSON: what takes a submitted request up again. */
  readonly resume: NullableText;
  /** JSON: what the answer says, from the moment that the pictures are there. */
  readonly outcome: NullableText;
  /** JSON: what the caller of a failed request reads. */
  readonly error: NullableText;
  /** SHA-256, in hex, of what was asked for. */
  readonly fingerprint: NullableText;
  readonly idempotency_key: NullableText;
  readonly webhook_url: NullableText;
  /** Set for asynchronous requests. */
  readonly async_at: NullableInteger;
  /** Its own client left before the answer was delivered, and nobody has joined since. */
  readonly orphaned_at: NullableInteger;
  /** Somebody has got the whole answer. */
  readonly delivered_at: NullableInteger;
}

/** Which request a key stands for. The row goes when the request fails, or its time is over. */
export interface IdempotencyTable {
  readonly account_id: string;
  readonly mode: Mode;
  readonly key: string;
  readonly fingerprint: string;
  readonly request_id: string;
  readonly created_at: Integer;
  readonly expires_at: Integer;
}

/** A picture in the result store. */
export interface ResultsTable {
  /** `img_….0`, its name in the store. */
  readonly name: string;
  readonly request_id: string;
  readonly image_index: Integer;
  /** As it lies there. */
  readonly bytes: Integer;
  readonly created_at: Integer;
  readonly expires_at: Integer;
  readonly delivered_at: NullableInteger;
}

/** What a caller is told of the end of a request. */
export interface WebhooksTable {
  /** `msg_…`, which the receiver gets as `webhook-id`. */
  readonly id: string;
  /** The `img_…` id of the request; it has one message at most. */
  readonly request_id: string;
  readonly account_id: string;
  readonly url: string;
  readonly event: WebhookEvent;
  readonly attempts: Integer;
  /** When it is to be sent; null once it was delivered or given up. */
  readonly next_at: NullableInteger;
  readonly delivered_at: NullableInteger;
  readonly given_up_at: NullableInteger;
  readonly created_at: Integer;
}

/** The delivery log: one row for each time that a webhook was sent. */
export interface WebhookAttemptsTable {
  readonly webhook_id: string;
  /** From 1. */
  readonly attempt: Integer;
  readonly at: Integer;
  /** Of the answer; null when there was none. */
  readonly status: NullableInteger;
  /** Why there was no answer. */
  readonly error: NullableText;
  readonly duration_ms: Integer;
}

/** Limits that differ from the defaults. */
export interface LimitsTable {
  /** The id of a key or of an account. */
  readonly subject: string;
  readonly requests_per_minute: NullableInteger;
  readonly images_per_minute: NullableInteger;
  readonly megapixels_per_minute: NullableInteger;
  readonly in_flight: NullableInteger;
  readonly monthly_budget: NullableMoney;
}

/** How much of a limit by the minute is used. */
export interface RatesTable {
  /** The id of a key, or `acct_…/live`. */
  readonly subject: string;
  readonly kind: RateKind;
  /** When all that was taken will have been paid back, in microseconds since 1970. */
  readonly paid_back_at: bigint;
}

/** What was charged, by month of UTC. */
export interface SpendMonthsTable {
  /** The id of a key, or `acct_…/live`. */
  readonly subject: string;
  /** `2026-11` */
  readonly month: string;
  readonly spent: Nanousd;
}

/** What operators did. */
export interface AdminLogTable {
  readonly id: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  /** JSON, without secrets. */
  readonly details: string;
  readonly created_at: Integer;
}

/** What all servers of one database have to know, and nobody else may. */
export interface SecretsTable {
  readonly name: string;
  readonly value: string;
  readonly created_at: Integer;
}
