import type { Log } from '../base/log.ts';
import { markDelivered, markOrphaned } from '../store/request-stages.ts';
import type { Store } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';

/** What became of the answers of requests, as the HTTP side sees it. */
export interface Marks {
  /** Somebody has got all of it: written down a moment later, many in one transaction. */
  readonly delivered: (id: string) => void;
  /** Its own client has left without it: a retry may join at any moment. */
  readonly orphaned: (id: string) => void;
  /** Resolves when all of it is written. */
  readonly flush: () => Promise<void>;
}

/** So long deliveries wait for others: being late costs a picture its time in the store, no money. */
const FLUSH_AFTER_MS = 100;

/** `leaseId`: of this process, whose marks share their COMMITs. */
export function openMarks(store: Store, log: Log, leaseId: string): Marks {
  let delivered: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  const write = (ids: readonly string[], mark: (tx: Transaction) => Promise<void>): void => {
    const work = store.transaction(mark, { serial: leaseId });
    const logged = work.catch((error: unknown) => {
      log.warn({ images: ids.length, err: error }, 'what became of answers was not written');
    });
    writing = Promise.all([writing, logged]).then(() => undefined);
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (delivered.length > 0) {
      const ids = delivered;
      delivered = [];
      write(ids, (tx) => markDelivered(tx, ids));
    }
  };
  return {
    delivered: (id) => {
      delivered.push(id);
      timer ??= setTimeout(flush, FLUSH_AFTER_MS);
    },
    orphaned: (id) => write([id], (tx) => markOrphaned(tx, id)),
    flush: async () => {
      flush();
      await writing;
    },
  };
}
