import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatUsd, type Nanousd } from '../base/money.ts';
import { hold, release, settle } from '../ledger/ledger.ts';
import {
  findRequest,
  finishRequest,
  insertRequest,
  type NewRequest,
  type RequestOutcome,
} from '../store/requests.ts';
import type { Store } from '../store/store.ts';

export type { NewRequest } from '../store/requests.ts';

type Ending = Omit<RequestOutcome, 'id' | 'status' | 'cost'>;

/** The rows of a request and its money, always written together in one transaction. */
export interface RequestRows {
  /** Adds the request and holds its money. Throws `insufficient_quota`, and leaves no trace. */
  readonly open: (request: Omit<NewRequest, 'leaseId'>) => Promise<void>;
  /** Charges exactly this and marks the request completed. */
  readonly complete: (id: string, cost: Nanousd, ending: Ending) => Promise<void>;
  /** Gives the hold back and marks the request failed. */
  readonly fail: (id: string, ending: Ending) => Promise<void>;
}

/** Waits before further tries: a minute in all, in which a full disk or a lock may clear. */
const RETRY_DELAYS_MS = [10, 100, 1_000, 5_000, 15_000, 40_000];

export function openRequestRows(store: Store, leaseId: string, log: Log): RequestRows {
  const insistently = (id: string, write: () => Promise<void>): Promise<void> =>
    retry(write, (error, attempt) => {
      log.error(
        { image: id, attempt, err: error },
        'the end of a request could not be written yet',
      );
    });
  return {
    open: (request) =>
      store.transaction(async (tx) => {
        await insertRequest(tx, { ...request, leaseId });
        const { id, accountId, mode, held } = request;
        const isHeld = await hold(tx, { requestId: id, accountId, mode, amount: held, leaseId });
        if (!isHeld) {
          throw new Failure('insufficient_quota');
        }
      }),
    complete: (id, cost, ending) =>
      insistently(id, async () => {
        const settlement = await store.transaction(async (tx) => {
          const posted = await settle(tx, { requestId: id, cost });
          await finishRequest(tx, { ...ending, id, status: 'completed', cost });
          return posted;
        });
        if (settlement === undefined && !(await isCompleted(store, id, cost))) {
          throw new HoldGone(id);
        }
        if (settlement !== undefined && settlement.overrun > 0n) {
          log.warn({ image: id, overrunUsd: formatUsd(settlement.overrun) }, 'cost above its hold');
        }
      }),
    fail: (id, ending) =>
      insistently(id, () =>
        store.transaction(async (tx) => {
          await release(tx, { requestId: id });
          await finishRequest(tx, { ...ending, id, status: 'failed' });
        }),
      ),
  };
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
