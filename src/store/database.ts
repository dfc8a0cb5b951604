import type { ColumnType, Generated } from 'kysely';
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
}

/** Test keys and live keys spend from separate balances of the same account. */
export type Mode = 'test' | 'live';

export const MODES = ['test', 'live'] as const satisfies readonly Mode[];

export type TransferKind = 'credit' | 'hold' | 'settle' | 'release' | 'expire';

/** What can end a hold, each exactly once and never two of them. */
export type ResolutionKind = Exclude<TransferKind, 'credit' | 'hold'>;

export type LeaseKind = 'server' | 'cli';

export type RequestStatus = 'running' | 'completed' | 'failed' | 'lost';

/** A time or a count: read as bigint, written as number. */
type Integer = ColumnType<bigint, number, number>;
type NullableInteger = ColumnType<bigint | null, number | null | undefined, number | null>;
type NullableText = ColumnType<string | null, string | null | undefined, string | null>;
type NullableMoney = ColumnType<Nanousd | null, Nanousd | null | undefined, Nanousd | null>;

export interface AccountsTable {
  readonly id: string;
  readonly name: string;
  readonly created_at: Integer;
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
}
