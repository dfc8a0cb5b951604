import { DatabaseAway } from '../store/postgres-failures.ts';
import type { Store } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';

/** What became of one of a group. */
export type GroupEnd<Result> = { readonly value: Result } | { readonly error: Error };

export interface GroupsOptions<Item, Result> {
  readonly store: Store;
  /**
   * Writes several in one transaction and says what became of each, in their order. One that ends with an error
   * has written nothing; if it throws, all of it is undone.
   */
  readonly together: (
    tx: Transaction,
    items: readonly Item[],
  ) => Promise<readonly GroupEnd<Result>[]>;
}

/** How many share the statements of one transaction, at most. */
const GROUP_MAX = 64;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (value: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What is asked for under one name, an account as a rule, while its last transaction is under way is written
 * together, by a few statements for all of it: a transaction for each would cost several exchanges with the
 * database, while nothing else of that name, in any process, could go on. One of a group that breaks it does not harm the others.
 */
export class Groups<Item, Result> {
  readonly #options: GroupsOptions<Item, Result>;
  /** By the name of the line; none where nobody waits. */
  readonly #waiting = new Map<string, Waiting<Item, Result>[]>();

  constructor(options: GroupsOptions<Item, Result>) {
    this.#options = options;
  }

  write(serial: string, item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const line = this.#waiting.get(serial) ?? [];
    line.push({ item, resolve, reject });
    if (line.length === 1) {
      this.#waiting.set(serial, line);
      void this.#writeNext(serial);
    }
    return promise;
  }

  /** Never throws: whatever happens is told to those that wait. */
  async #writeNext(serial: string): Promise<void> {
    const { store, together } = this.#options;
    let group: readonly Waiting<Item, Result>[] | undefined;
    const run = (tx: Transaction): Promise<readonly GroupEnd<Result>[]> => {
      // Whoever has come until now; and they again, should the database let it run twice.
      group ??= this.#take(serial);
      return together(
        tx,
        group.map(({ item }) => item),
      );
    };
    try {
      const ends = await store.transaction(run, { serial });
      for (const [index, waiting] of (group ?? []).entries()) {
        tell(waiting, ends[index]);
      }
    } catch (error) {
      await this.#fail(serial, group ?? this.#take(serial), error);
    }
  }

  #take(serial: string): readonly Waiting<Item, Result>[] {
    const line = this.#waiting.get(serial) ?? [];
    const group = line.splice(0, GROUP_MAX);
    if (line.length === 0) {
      this.#waiting.delete(serial);
    } else {
      void this.#writeNext(serial);
    }
    return group;
  }

  /** What one of them has broken is not the others' fault, unless nobody knows what was written. */
  async #fail(
    serial: string,
    group: readonly Waiting<Item, Result>[],
    error: unknown,
  ): Promise<void> {
    const { store, together } = this.#options;
    const isOver = group.length === 1 || error instanceof DatabaseAway;
    await Promise.all(
      group.map(async (waiting) => {
        if (isOver) {
          waiting.reject(error);
          return;
        }
        try {
          const alone = (tx: Transaction) => together(tx, [waiting.item]);
          const [end] = await store.transaction(alone, { serial });
          tell(waiting, end);
        } catch (failure) {
          waiting.reject(failure);
        }
      }),
    );
  }
}

function tell<Item, Result>(
  { resolve, reject }: Waiting<Item, Result>,
  end: GroupEnd<Result> | undefined,
): void {
  if (end === undefined) {
    reject(new Error('A group did not say what became of all of its members.'));
  } else if ('error' in end) {
    reject(end.error);
  } else {
    resolve(end.value);
  }
}
