import { type Selectable, sql } from 'kysely';
import type { Limits, RateKind } from '../base/limits.ts';
import type { Nanousd } from '../base/money.ts';
import type { LimitsTable, Mode } from './database.ts';
import { prepared, type Slot } from './prepared.ts';
import type { Executor, Transaction } from './transaction.ts';

/** What is counted together: a key, or all keys of an account in one mode. */
export function accountSubject(accountId: string, mode: Mode): string {
  return `${accountId}/${mode}`;
}

/** The limits of a key or an account by its id; undefined when it has none of its own. */
export async function findLimits(executor: Executor, id: string): Promise<Limits | undefined> {
  const row = await executor
    .selectFrom('limits')
    .selectAll()
    .where('subject', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : readLimits(row);
}

/** Replaces them all; one that is absent falls back to the defaults. */
export async function writeLimits(tx: Transaction, id: string, limits: Limits): Promise<void> {
  const row = {
    requests_per_minute: limits.requestsPerMinute ?? null,
    images_per_minute: limits.imagesPerMinute ?? null,
    megapixels_per_minute: limits.megapixelsPerMinute ?? null,
    in_flight: limits.inFlight ?? null,
    monthly_budget: limits.monthlyBudget ?? null,
  };
  await tx
    .insertInto('limits')
    .values({ subject: id, ...row })
    .onConflict((conflict) => conflict.column('subject').doUpdateSet(row))
    .execute();
}

type LimitColumns = Omit<Selectable<LimitsTable>, 'subject'>;

export function readLimits(row: LimitColumns): Limits {
  return {
    requestsPerMinute: readNumber(row.requests_per_minute),
    imagesPerMinute: readNumber(row.images_per_minute),
    megapixelsPerMinute: readNumber(row.megapixels_per_minute),
    inFlight: readNumber(row.in_flight),
    monthlyBudget: row.monthly_budget ?? undefined,
  };
}

function readNumber(value: bigint | null): number | undefined {
  return value === null ? undefined : Number(value);
}

/** What to take from a rate. All times in microseconds; `nowUs` since 1970. */
export interface RateTake {
  readonly subject: string;
  readonly kind: RateKind;
  readonly nowUs: bigint;
  /** How long it takes to be paid back. */
  readonly costUs: bigint;
  /** `nowUs` and all that may be open. */
  readonly untilUs: bigint;
}

const upsertRate = prepared((db, slot: Slot<RateTake>) => {
  const later = sql<bigint>`case when rates.paid_back_at > ${slot('nowUs')}
    then rates.paid_back_at else cast(${slot('nowUs')} as bigint) end + ${slot('costUs')}`;
  return db
    .insertInto('rates')
    .values({
      subject: slot('subject'),
      kind: slot('kind'),
      paid_back_at: sql<bigint>`cast(${slot('nowUs')} as bigint) + ${slot('costUs')}`,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['subject', 'kind'])
        .doUpdateSet({ paid_back_at: later })
        .where(sql<boolean>`${later} <= ${slot('untilUs')}`),
    );
});

/**
 * Takes it if there is room; false, and nothing changed, if there is not. The guard stands in the
 * upsert itself, so no other writer can come between. The caller has seen to it that it fits at all.
 */
export async function takeRate(tx: Transaction, take: RateTake): Promise<boolean> {
  const { numAffectedRows } = await upsertRate(tx, take);
  return numAffectedRows === 1n;
}

export interface RateRecord {
  readonly subject: string;
  readonly kind: RateKind;
  readonly paidBackAtUs: bigint;
}

const selectRates = prepared((db, slot: Slot<{ key: string; account: string }>) =>
  db
    .selectFrom('rates')
    .selectAll()
    .where((row) =>
      row.or([row('subject', '=', slot('key')), row('subject', '=', slot('account'))]),
    ),
);

/** The rates of a key and of its account that were ever taken from. */
export async function listRates(
  executor: Executor,
  subjects: { readonly key: string; readonly account: string },
): Promise<RateRecord[]> {
  const { rows } = await selectRates(executor, subjects);
  return rows.map((row) => ({
    subject: row.subject,
    kind: row.kind,
    paidBackAtUs: row.paid_back_at,
  }));
}

/** `2026-11` */
export function monthOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 7);
}

const upsertSpend = prepared((db, slot: Slot<{ subject: string; month: string; cost: Nanousd }>) =>
  db
    .insertInto('spend_months')
    .values({ subject: slot('subject'), month: slot('month'), spent: slot('cost') })
    .onConflict((conflict) =>
      conflict
        .columns(['subject', 'month'])
        .doUpdateSet({ spent: sql<bigint>`spend_months.spent + ${slot('cost')}` }),
    )
    .returning('spent'),
);

/**
 * Adds to what was spent in the month of the transaction, and gives the sum. With 0 it is a look
 * that lets no other writer pass until the transaction ends.
 */
export async function addSpend(
  tx: Transaction,
  { subject, cost }: { readonly subject: string; readonly cost: Nanousd },
): Promise<Nanousd> {
  const month = monthOf(tx.startedAt);
  const { rows } = await upsertSpend(tx, { subject, month, cost });
  return rows[0]?.spent ?? 0n;
}
