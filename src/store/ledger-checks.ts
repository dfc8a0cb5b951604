import { sql } from 'kysely';
import type { Nanousd } from '../base/money.ts';
import type { Mode, RequestStatus, TransferKind } from './database.ts';
import type { Executor } from './transaction.ts';

/**
 * The queries behind the ledger's audit. Each reads whole tables and trusts nothing but the
 * transfers themselves; those that look for faults give at most `FAULTS_MAX` rows.
 */
export const FAULTS_MAX = 100;

export interface BalanceSums {
  readonly accountId: string;
  readonly mode: Mode;
  readonly balance: Nanousd;
  readonly held: Nanousd;
  readonly spent: Nanousd;
  readonly overrun: Nanousd;
  readonly transfers: number;
  readonly openHolds: number;
}

/** What every balance must be, by its transfers. */
export async function sumTransfers(executor: Executor): Promise<BalanceSums[]> {
  const { rows } = await sql<{
    accountId: string;
    mode: Mode;
    balance: bigint;
    held: bigint;
    spent: bigint;
    overrun: bigint;
    transfers: bigint;
    openHolds: bigint;
  }>`
    select
      t.account_id as "accountId",
      t.mode as "mode",
      cast(sum(case t.kind when 'credit' then t.amount when 'settle' then -t.amount else 0 end)
        as bigint) as "balance",
      cast(sum(case when t.kind = 'hold' and e.id is null then t.amount else 0 end) as bigint)
        as "held",
      cast(sum(case t.kind when 'settle' then t.amount else 0 end) as bigint) as "spent",
      cast(sum(t.overrun) as bigint) as "overrun",
      cast(count(*) as bigint) as "transfers",
      cast(sum(case when t.kind = 'hold' and e.id is null then 1 else 0 end) as bigint)
        as "openHolds"
    from transfers t
    left join transfers e on t.kind = 'hold' and e.id = 'end_' || t.request_id
    group by t.account_id, t.mode
    order by t.account_id, t.mode`.execute(executor);
  return rows.map((row) => ({
    ...row,
    transfers: Number(row.transfers),
    openHolds: Number(row.openHolds),
  }));
}

export interface StoredBalance {
  readonly accountId: string;
  readonly mode: Mode;
  readonly balance: Nanousd;
  readonly held: Nanousd;
  readonly spent: Nanousd;
}

export async function listBalances(executor: Executor): Promise<StoredBalance[]> {
  return executor
    .selectFrom('balances')
    .select(['account_id as accountId', 'mode', 'balance', 'held', 'spent'])
    .orderBy('account_id')
    .orderBy('mode')
    .execute();
}

export interface MalformedTransfer {
  readonly id: string;
  readonly kind: TransferKind;
  readonly requestId: string | null;
  readonly amount: Nanousd;
  readonly overrun: Nanousd;
}

/** Transfers with a negative amount, an overrun where none can be, or an id that is not theirs. */
export async function findMalformedTransfers(executor: Executor): Promise<MalformedTransfer[]> {
  const { rows } = await sql<MalformedTransfer>`
    select id, kind, request_id as "requestId", amount, overrun
    from transfers
    where amount < 0
      or overrun < 0
      or (kind <> 'settle' and overrun <> 0)
      or (kind = 'hold' and (request_id is null or id <> 'hold_' || request_id))
      or (kind in ('settle', 'release', 'expire')
        and (request_id is null or id <> 'end_' || request_id))
    order by id
    limit ${FAULTS_MAX}`.execute(executor);
  return rows;
}

export interface FaultyResolution {
  readonly id: string;
  readonly kind: TransferKind;
  readonly accountId: string;
  readonly mode: Mode;
  readonly amount: Nanousd;
  readonly overrun: Nanousd;
  /** Null where there is no hold at all. */
  readonly holdAccountId: string | null;
  readonly holdMode: Mode | null;
  readonly holdAmount: Nanousd | null;
}

/** Resolutions that do not fit their hold: none there, another's, or other amounts. */
export async function findFaultyResolutions(executor: Executor): Promise<FaultyResolution[]> {
  const { rows } = await sql<FaultyResolution>`
    select
      e.id as "id", e.kind as "kind", e.account_id as "accountId", e.mode as "mode",
      e.amount as "amount", e.overrun as "overrun",
      h.account_id as "holdAccountId", h.mode as "holdMode", h.amount as "holdAmount"
    from transfers e
    left join transfers h on h.id = 'hold_' || e.request_id and h.kind = 'hold'
    where e.kind in ('settle', 'release', 'expire') and (
      h.id is null
      or h.account_id <> e.account_id
      or h.mode <> e.mode
      or (e.kind = 'settle'
        and e.overrun <> case when e.amount > h.amount then e.amount - h.amount else 0 end)
      or (e.kind <> 'settle' and e.amount <> h.amount))
    order by e.id
    limit ${FAULTS_MAX}`.execute(executor);
  return rows;
}

/** The `img_…` ids whose hold has more than one resolution. */
export async function findDoubleResolutions(executor: Executor): Promise<string[]> {
  const { rows } = await sql<{ requestId: string }>`
    select request_id as "requestId"
    from transfers
    where kind in ('settle', 'release', 'expire') and request_id is not null
    group by request_id
    having count(*) > 1
    order by request_id
    limit ${FAULTS_MAX}`.execute(executor);
  return rows.map((row) => row.requestId);
}

export interface FaultyRequest {
  readonly id: string;
  readonly status: RequestStatus;
  readonly accountId: string;
  readonly mode: Mode;
  readonly cost: Nanousd | null;
  readonly holdAccountId: string | null;
  readonly holdMode: Mode | null;
  /** Null while the hold is open. */
  readonly resolution: TransferKind | null;
  readonly resolutionAmount: Nanousd | null;
}

/** Requests whose row says otherwise than their transfers. */
export async function findFaultyRequests(executor: Executor): Promise<FaultyRequest[]> {
  const { rows } = await sql<FaultyRequest>`
    select
      r.id as "id", r.status as "status", r.account_id as "accountId", r.mode as "mode",
      r.cost as "cost", h.account_id as "holdAccountId", h.mode as "holdMode",
      e.kind as "resolution", e.amount as "resolutionAmount"
    from requests r
    left join transfers h on h.id = 'hold_' || r.id and h.kind = 'hold'
    left join transfers e on e.id = 'end_' || r.id
    where (r.status = 'running' and (h.id is null or e.id is not null))
      or (r.status <> 'running' and h.id is not null and e.id is null)
      or (r.status = 'completed' and (
        e.id is null or e.kind <> 'settle' or r.cost is null or r.cost <> e.amount))
      or h.account_id <> r.account_id
      or h.mode <> r.mode
    order by r.id
    limit ${FAULTS_MAX}`.execute(executor);
  return rows;
}
