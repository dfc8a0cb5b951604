import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import { formatUsd, type Nanousd } from '../base/money.ts';
import { release, settleEach, type Settlement } from '../ledger/ledger.ts';
import type { Mode } from '../store/database.ts';
import { freeKey } from '../store/idempotency.ts';
import { DatabaseAway } from '../store/postgres-failures.ts';
import { markStored, markSubmitted } from '../store/request-stages.ts';
import { finishRequest } from '../store/request-ends.ts';
import { CANCELLED, findRequest, type NewRequest } from '../store/requests.ts';
import { insertResults, type NewResult } from '../store/results.ts';
import type { Store } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';
import { Groups } from './groups.ts';
import { type OpeningRequest, Openings, type OpeningsOptions } from './openings.ts';
import { type Ending, type StoredOutcome, writeOutcome } from './outcome-text.ts';
import { enqueueWebhook } from './webhooks.ts';

export { KeyTaken, type OpeningRequest } from './openings.ts';
export type { RequestRecord } from '../store/requests.ts';

export interface RequestRowsOptions extends OpeningsOptions {
  readonly log: Log;
  /** Told after a webhook was written down. */
  readonly onWebhook: () => void;
  /** Told once after pictures of so many bytes have come to their rows. */
  readonly onStored: (bytes: number) => Promise<void>;
  /** Told of each charge, in its transaction. */
  readonly recordSpend: (tx: Transaction, charge: Charge) => Promise<void>;
}

export interface Charge {
  readonly accountId: string;
  readonly keyId: string | undefined;
  readonly mode: Mode;
  readonly cost: Nanousd;
}

/** A request whose end is being written. */
export interface EndingRequest {
  readonly id: string;
  readonly accountId: string;
  readonly keyId: string | undefined;
  readonly mode: Mode;
  readonly webhookUrl?: string | undefined;
}

/** The rows of a request and its money, always written together in one transaction. */
export interface RequestRows {
  /**
   * Adds the request, claims its key, takes from its caller's limits and holds its money. Throws
   * `rate_limit_exceeded`, `insufficient_quota` or a KeyTaken, and leaves no trace then.
   */
  readonly open: (request: OpeningRequest) => Promise<void>;
  /** Notes that an upstream has taken it, and what takes it up again. */
  readonly submitted: (id: string, resume: string) => Promise<void>;
  /** Notes that its pictures are there, and what it will cost: from here on it is settled. */
  readonly stored: (
    id: string,
    stored: StoredOutcome,
    results: readonly NewResult[],
  ) => Promise<void>;
  /** Charges exactly this and marks the request completed. */
  readonly complete: (request: EndingRequest, cost: Nanousd, ending: Ending) => Promise<void>;
  /** Gives the hold back, marks the request failed and frees its key. */
  readonly fail: (request: EndingRequest, ending: Ending) => Promise<void>;
}

/** Waits before further tries: a minute in all, in which a full disk or a lock may clear. */
const RETRY_DELAYS_MS = [10, 100, 1_000, 5_000, 15_000, 40_000];

export function openRequestRows(options: RequestRowsOptions): RequestRows {
  const { store, leaseId, log } = options;
  const openings = new Openings(options);
  const storings = storingsOf(options);
  const completions = completionsOf(options);
  // Rows that are this process's alone: all that it writes at a time shares a COMMIT.
  const own = { serial: leaseId };
  const insistently = (id: string, write: () => Promise<void>): Promise<void> =>
    retry(write, (error, attempt) => {
      log.error(
        { image: id, attempt, err: error },
        'the state of a request could not be written yet',
      );
    });
  return {
    open: async (request) => {
      const { id, accountId } = request;
      await openings.open(request).catch((error: unknown) => {
        if (error instanceof DatabaseAway) {
          // The database went in the midst of it, and may have written it: nobody will work on it.
          void insistently(id, () => undoOpening(store, { id, accountId })).catch(() => undefined);
        }
        throw error;
      });
    },
    submitted: (id, resume) =>
      insistently(id, () => store.transaction((tx) => markSubmitted(tx, { id, resume }), own)),
    stored: async (id, stored, results) => {
      const storing = { id, outcome: writeOutcome(stored), results };
      await insistently(id, () => storings.write(leaseId, storing));
      // Not what the last try has added: an earlier one may have, though it reported a failure.
      await options.onStored(results.reduce((sum, { bytes }) => sum + bytes, 0));
    },
    complete: (request, cost, ending) =>
      insistently(request.id, () => complete(options, completions, { request, cost, ending })),
    fail: (request, ending) =>
      insistently(request.id, async () => {
        await store.transaction((tx) => failRequest(tx, request, ending), {
          serial: request.accountId,
        });
        store.announcements.announce(request.id);
        options.onWebhook();
      }),
  };
}

/** Gives back what an opening has held that was never confirmed. The next start would do the same. */
async function undoOpening(
  store: Store,
  { id, accountId }: Pick<NewRequest, 'id' | 'accountId'>,
): Promise<void> {
  const undo = async (tx: Transaction): Promise<void> => {
    if ((await findRequest(tx, id))?.status === 'running') {
      await release(tx, { requestId: id });
      await freeKey(tx, id);
      await finishRequest(tx, { id, status: 'failed', errorCode: 'overloaded', httpStatus: 503 });
    }
  };
  await store.transaction(undo, { serial: accountId });
}

interface Storing {
  readonly id: string;
  /** JSON. */
  readonly outcome: string;
  readonly results: readonly NewResult[];
}

/** Rows of this process alone: one line for all of its requests. */
function storingsOf({ store }: RequestRowsOptions): Groups<Storing, undefined> {
  return new Groups({
    store,
    together: async (tx, storings) => {
      await insertResults(
        tx,
        storings.flatMap(({ results }) => results),
      );
      for (const storing of storings) {
        await markStored(tx, storing);
      }
      return storings.map(() => ({ value: undefined }));
    },
  });
}

interface Completion {
  readonly request: EndingRequest;
  readonly cost: Nanousd;
  readonly ending: Ending;
}

type Completions = Groups<Completion, Settlement | undefined>;

/** Completes requests of one account: charges them, and marks them. Undefined: resolved before. */
function completionsOf({ store, recordSpend }: RequestRowsOptions): Completions {
  return new Groups({
    store,
    together: async (tx, completions) => {
      const settled = new Map<Completion, Settlement>();
      const balances = Map.groupBy(completions, ({ request }) => request.mode);
      for (const [mode, those] of balances) {
        for (const [completion, settlement] of await settleThose(tx, mode, those, recordSpend)) {
          settled.set(completion, settlement);
        }
      }
      for (const { request, cost, ending } of settled.keys()) {
        const { id } = request;
        if (await finishRequest(tx, { ...ending, id, status: 'completed', cost })) {
          await tell(tx, request, 'image.completed');
        }
      }
      return completions.map((completion) => ({ value: settled.get(completion) }));
    },
  });
}

async function settleThose(
  tx: Transaction,
  mode: Mode,
  completions: readonly Completion[],
  recordSpend: RequestRowsOptions['recordSpend'],
): Promise<ReadonlyMap<Completion, Settlement>> {
  const [accountId = ''] = completions.map(({ request }) => request.accountId);
  const wanted = completions.map((completion) => {
    const { request, cost } = completion;
    return { completion, requestId: request.id, cost };
  });
  const settled = await settleEach(tx, { accountId, mode }, wanted, async (charged) => {
    const keys = Map.groupBy(charged, ({ completion }) => completion.request.keyId);
    for (const [keyId, those] of keys) {
      const cost = those.reduce((sum, one) => sum + one.cost, 0n);
      await recordSpend(tx, { accountId, keyId, mode, cost });
    }
  });
  return new Map([...settled].map(([{ completion }, settlement]) => [completion, settlement]));
}

async function complete(
  { store, log, onWebhook }: RequestRowsOptions,
  completions: Completions,
  completion: Completion,
): Promise<void> {
  const { request, cost } = completion;
  const { id, accountId } = request;
  const settlement = await completions.write(accountId, completion);
  if (settlement === undefined && !(await isCompleted(store, id, cost))) {
    throw new HoldGone(id);
  }
  if (settlement !== undefined && settlement.overrun > 0n) {
    log.warn({ image: id, overrunUsd: formatUsd(settlement.overrun) }, 'cost above its hold');
  }
  store.announcements.announce(id);
  onWebhook();
}

async function failRequest(tx: Transaction, request: EndingRequest, ending: Ending): Promise<void> {
  const { id } = request;
  await release(tx, { requestId: id });
  await freeKey(tx, id);
  if (await finishRequest(tx, { ...ending, id, status: 'failed' })) {
    const isCancelled = ending.errorCode === CANCELLED;
    await tell(tx, request, isCancelled ? 'image.cancelled' : 'image.failed');
  }
}

async function tell(
  tx: Transaction,
  { id, accountId, webhookUrl }: EndingRequest,
  event: 'image.completed' | 'image.failed' | 'image.cancelled',
): Promise<void> {
  if (webhookUrl !== undefined) {
    await enqueueWebhook(tx, { requestId: id, accountId, url: webhookUrl, event });
  }
}

/** A COMMIT that reported a failure may have been written all the same: then all is well. */
async function isCompleted(store: Store, id: string, cost: Nanousd): Promise<boolean> {
  const row = await findRequest(store.db, id);
  return row?.status === 'completed' && row.cost === cost;
}

/** A sweep took the hold while this process was too stuck to keep its lease: no try can help. */
class HoldGone extends Error {
  override readonly name = 'HoldGone';

  constructor(id: string) {
    super(`the hold of ${id} was resolved by another process`);
  }
}

/** A write that ends a request is tried again: a settlement must not be lost to a busy disk. */
async function retry(
  write: () => Promise<void>,
  onError: (error: unknown, attempt: number) => void,
): Promise<void> {
  for (const [attempt, delayMs] of RETRY_DELAYS_MS.entries()) {
    try {
      await write();
      return;
    } catch (error) {
      if (error instanceof HoldGone) {
        throw error;
      }
      onError(error, attempt + 1);
      await wait(delayMs);
    }
  }
  await write();
}
