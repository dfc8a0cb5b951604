import { type Selectable, sql } from 'kysely';
import type { Nanousd } from '../base/money.ts';
import type { Mode, TransferKind, TransfersTable } from './database.ts';
import { afterRow } from './pages.ts';
import { preparedRows, type Slot } from './prepared.ts';
import type { Executor, Transaction } from './transaction.ts';

export interface TransferRecord {
  readonly id: string;
  readonly accountId: string;
  readonly mode: Mode;
  readonly kind: TransferKind;
  readonly amount: Nanousd;
  /** By how much a settlement exceeds its hold; zero on every other kind. */
  readonly overrun: Nanousd;
  /** The `img_…` id of the request; null on credits. */
  readonly requestId: string | null;
  readonly leaseId: string | null;
  readonly note: string | null;
}

const insert = preparedRows(
  (db, slots: readonly Slot<TransferRecord & { readonly createdAt: number }>[]) =>
    db
      .insertInto('transfers')
      .values(
        slots.map((slot) => ({
          id: slot('id'),
          account_id: slot('accountId'),
          mode: slot('mode'),
          kind: slot('kind'),
          amount: slot('amount'),
          overrun: slot('overrun'),
          request_id: slot('requestId'),
          lease_id: slot('leaseId'),
          note: slot('note'),
          created_at: slot('createdAt'),
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .returning('id'),
);

/** The ids of those that were added: one whose id is there already changes nothing. */
export async function insertTransfers(
  tx: Transaction,
  transfers: readonly TransferRecord[],
): Promise<ReadonlySet<string>> {
  const rows = transfers.map((transfer) => ({ ...transfer, createdAt: tx.startedAt }));
  return new Set((await insert(tx, rows)).map(({ id }) => id));
}

/** False, and nothing changed, when there is a transfer with this id already. */
export async function insertTransfer(tx: Transaction, transfer: TransferRecord): Promise<boolean> {
  return (await insertTransfers(tx, [transfer])).size === 1;
}

export interface HoldRecord {
  readonly accountId: string;
  readonly mode: Mode;
  readonly amount: Nanousd;
  readonly leaseId: string | null;
}

const selectHolds = preparedRows((db, slots: readonly Slot<{ readonly id: string }>[]) =>
  db
    .selectFrom('transfers')
    .select(['id', 'account_id as accountId', 'mode', 'amount', 'lease_id as leaseId'])
    .where(
      'id',
      'in',
      slots.map((slot) => slot('id')),
    )
    .where('kind', '=', 'hold'),
);

/** Holds by their transfer ids, resolved or not. */
export async function findHolds(
  executor: Executor,
  ids: readonly string[],
): Promise<ReadonlyMap<string, HoldRecord>> {
  const rows = await selectHolds(
    executor,
    ids.map((id) => ({ id })),
  );
  return new Map(rows.map(({ id, ...hold }) => [id, hold]));
}

/** A hold by its transfer id, resolved or not. */
export async function findHold(executor: Executor, id: string): Promise<HoldRecord | undefined> {
  return (await findHolds(executor, [id])).get(id);
}

export interface OpenHold {
  readonly requestId: string;
  readonly accountId: string;
  readonly mode: Mode;
  readonly amount: Nanousd;
  readonly leaseId: string | null;
}

/**
 * Every hold without a resolution, oldest first. It walks the whole table (half a second for a
 * million holds), so it is for start-up and repair, not for every minute. `requestIds`: of these only.
 */
export async function listOpenHolds(
  executor: Executor,
  requestIds?: readonly string[],
): Promise<OpenHold[]> {
  let query = executor
    .selectFrom('transfers as hold')
    .leftJoin('requests as request', 'request.id', 'hold.request_id')
    .select(({ fn }) => [
      'hold.request_id as requestId',
      'hold.account_id as accountId',
      'hold.mode',
      'hold.amount',
      // A request that another process has taken over is that one's.
      fn.coalesce('request.lease_id', 'hold.lease_id').as('leaseId'),
    ])
    .$narrowType<{ requestId: string }>()
    .where('hold.kind', '=', 'hold')
    .where((hold) =>
      hold.not(
        hold.exists(
          hold
            .selectFrom('transfers as end')
            .select('end.id')
            .where('end.id', '=', sql<string>`'end_' || ${sql.ref('hold.request_id')}`),
        ),
      ),
    )
    .orderBy('hold.created_at')
    .orderBy('hold.id');
  if (requestIds !== undefined) {
    query = query.where(
      'hold.id',
      'in',
      requestIds.map((id) => `hold_${id}`),
    );
  }
  return query.execute();
}

/** A transfer as operators see it. */
export interface TransferEntry extends TransferRecord {
  readonly createdAt: number;
}

export interface TransferFilter {
  readonly accountId?: string | undefined;
  readonly mode?: Mode | undefined;
  readonly requestId?: string | undefined;
  /** The id of the last one of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Newest first. An `after` that is not there gives an empty page. */
export async function listTransfers(
  executor: Executor,
  { accountId, mode, requestId, after, limit }: TransferFilter,
): Promise<TransferEntry[]> {
  let query = executor.selectFrom('transfers').selectAll();
  if (accountId !== undefined) {
    query = query.where('account_id', '=', accountId);
  }
  if (mode !== undefined) {
    query = query.where('mode', '=', mode);
  }
  if (requestId !== undefined) {
    query = query.where('request_id', '=', requestId);
  }
  if (after !== undefined) {
    const last = await findTransfer(executor, after);
    if (last === undefined) {
      return [];
    }
    query = query.where(afterRow(last));
  }
  const rows = await query
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(readTransfer);
}

/** A transfer by its id. */
export async function findTransfer(
  executor: Executor,
  id: string,
): Promise<TransferEntry | undefined> {
  const row = await executor
    .selectFrom('transfers')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : readTransfer(row);
}

function readTransfer(row: Selectable<TransfersTable>): TransferEntry {
  return {
    id: row.id,
    accountId: row.account_id,
    mode: row.mode,
    kind: row.kind,
    amount: row.amount,
    overrun: row.overrun,
    requestId: row.request_id,
    leaseId: row.lease_id,
    note: row.note,
    createdAt: Number(row.created_at),
  };
}
