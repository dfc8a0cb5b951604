import { preparedRows, type Slot } from './prepared.ts';
import type { Executor, Transaction } from './transaction.ts';

/** A picture in the result store. */
export interface ResultRecord {
  readonly name: string;
  readonly requestId: string;
  readonly index: number;
  /** As it lies there. */
  readonly bytes: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly deliveredAt: number | undefined;
}

export type NewResult = Pick<ResultRecord, 'name' | 'requestId' | 'index' | 'bytes' | 'expiresAt'>;

const insert = preparedRows((db, slots: readonly Slot<NewResult & { createdAt: number }>[]) =>
  db
    .insertInto('results')
    .values(
      slots.map((slot) => ({
        name: slot('name'),
        request_id: slot('requestId'),
        image_index: slot('index'),
        bytes: slot('bytes'),
        created_at: slot('createdAt'),
        expires_at: slot('expiresAt'),
      })),
    )
    .onConflict((conflict) => conflict.column('name').doNothing()),
);

/** May be done again: a COMMIT that reported a failure may have been written all the same. */
export async function insertResults(tx: Transaction, results: readonly NewResult[]): Promise<void> {
  await insert(
    tx,
    results.map((result) => ({ ...result, createdAt: tx.startedAt })),
  );
}

/** The pictures of one request, in order. */
export async function listResults(executor: Executor, requestId: string): Promise<ResultRecord[]> {
  const rows = await executor
    .selectFrom('results')
    .selectAll()
    .where('request_id', '=', requestId)
    .orderBy('image_index')
    .execute();
  return rows.map(readResult);
}

/** Whose time is over, oldest first. */
export async function listExpiredResults(
  executor: Executor,
  nowMs: number,
  limit: number,
): Promise<ResultRecord[]> {
  const rows = await executor
    .selectFrom('results')
    .selectAll()
    .where('expires_at', '<=', BigInt(nowMs))
    .orderBy('expires_at')
    .limit(limit)
    .execute();
  return rows.map(readResult);
}

/** Those that somebody has got, oldest first: the ones to go when there is no room. */
export async function listDeliveredResults(
  executor: Executor,
  limit: number,
): Promise<ResultRecord[]> {
  const rows = await executor
    .selectFrom('results')
    .selectAll()
    .where('delivered_at', 'is not', null)
    .orderBy('created_at')
    .orderBy('name')
    .limit(limit)
    .execute();
  return rows.map(readResult);
}

/** The bytes of those that were there: of two who delete the same, one gets none. */
export async function deleteResults(tx: Transaction, names: readonly string[]): Promise<number> {
  if (names.length === 0) {
    return 0;
  }
  const rows = await tx
    .deleteFrom('results')
    .where('name', 'in', [...names])
    .returning('bytes')
    .execute();
  return rows.reduce((sum, { bytes }) => sum + Number(bytes), 0);
}

/** What all pictures take together. */
export async function sumResultBytes(executor: Executor): Promise<number> {
  const { bytes } = await executor
    .selectFrom('results')
    .select(({ fn }) => fn.sum<bigint | null>('bytes').as('bytes'))
    .executeTakeFirstOrThrow();
  return Number(bytes ?? 0n);
}

/** The names that are known, of these. */
export async function knownResults(
  executor: Executor,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  if (names.length === 0) {
    return new Set();
  }
  const rows = await executor
    .selectFrom('results')
    .select('name')
    .where('name', 'in', [...names])
    .execute();
  return new Set(rows.map(({ name }) => name));
}

function readResult(row: {
  readonly name: string;
  readonly request_id: string;
  readonly image_index: bigint;
  readonly bytes: bigint;
  readonly created_at: bigint;
  readonly expires_at: bigint;
  readonly delivered_at: bigint | null;
}): ResultRecord {
  return {
    name: row.name,
    requestId: row.request_id,
    index: Number(row.image_index),
    bytes: Number(row.bytes),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    deliveredAt: row.delivered_at === null ? undefined : Number(row.delivered_at),
  };
}
