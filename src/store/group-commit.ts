import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { type BatchMember, batchMember, MEMBERS_MAX, runWithinLimit } from './batch-member.ts';
import { isBusy, type Sqlite } from './sqlite.ts';
import type { TransactionOptions } from './store.ts';
import { Transaction, type TransactionConnection } from './transaction.ts';

export interface GroupCommitOptions {
  readonly sqlite: Sqlite;
  readonly connection: TransactionConnection;
  readonly clock: Clock;
  /** A transaction that runs longer is rolled back: somebody awaits the network inside it. */
  readonly transactionLimitMs: number;
}

const LOCK_WAIT_MS = 5_000;
const LOCK_RETRY_MS = 5;

/**
 * Transactions of an embedded database, many to one COMMIT, because what a small transaction costs
 * is the wait for the disk. Those asked for within one turn of the event loop, or while a batch is
 * running, form the next batch: one BEGIN IMMEDIATE … COMMIT, each inside its own SAVEPOINT.
 *
 * Members run one after the other, in the order in which they were asked for. A member that throws
 * undoes only itself. Promises settle after the COMMIT; if that fails, every one of them rejects.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #waiting: BatchMember[] = [];
  #draining: Promise<void> | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const { member, promise } = batchMember(work, options);
    this.#waiting.push(member);
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Resolves when every transaction asked for so far has ended. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Whatever else arrives in this turn of the event loop shares the COMMIT; between two
      // batches it also lets sockets have their turn.
      await nextTurn();
      await this.#runBatch(this.#waiting.splice(0, MEMBERS_MAX));
    }
    this.#draining = undefined;
  }

  async #runBatch(batch: readonly BatchMember[]): Promise<void> {
    const failures = new Map<BatchMember, unknown>();
    try {
      await this.#begin();
      for (const member of batch) {
        const failure = await this.#runMember(member);
        if (failure !== undefined) {
          failures.set(member, failure.error);
        }
      }
      this.#execute('commit');
    } catch (error) {
      for (const member of batch) {
        member.fail(failures.has(member) ? failures.get(member) : error);
      }
      return;
    }
    for (const member of batch) {
      if (failures.has(member)) {
        member.fail(failures.get(member));
      } else {
        member.succeed();
      }
    }
  }

  /** Gives the member's own failure; throws when the whole batch is lost with it. */
  async #runMember(member: BatchMember): Promise<{ error: unknown } | undefined> {
    const { connection, clock } = this.#options;
    this.#execute('savepoint member');
    const tx = Transaction.start(connection, clock.now());
    let failure: { error: unknown } | undefined;
    try {
      await runWithinLimit(member, tx, this.#options.transactionLimitMs);
    } catch (error) {
      failure = { error };
    } finally {
      tx.end();
    }
    if (!this.#options.sqlite.database.isTransaction) {
      // A full disk or an I/O error makes SQLite roll back everything, earlier members included.
      throw new Error('The database rolled back the batch.', { cause: failure?.error });
    }
    if (failure !== undefined) {
      this.#execute('rollback to member');
    }
    this.#execute('release member');
    return failure;
  }

  /**
   * SQLite's own wait for a lock would stop the whole event loop while another process (the CLI)
   * writes, so the connection gives up after milliseconds and we wait here instead.
   */
  async #begin(): Promise<void> {
    const deadline = performance.now() + LOCK_WAIT_MS;
    for (;;) {
      try {
        if (this.#options.sqlite.database.isTransaction) {
          // What a batch that failed has left behind.
          this.#execute('rollback');
        }
        this.#execute('begin immediate');
        return;
      } catch (error) {
        if (!isBusy(error)) {
          throw error;
        }
        if (performance.now() > deadline) {
          const internal = `another process kept the database locked for ${LOCK_WAIT_MS} ms`;
          throw new Failure('overloaded', { internal, cause: error });
        }
      }
      await delay(LOCK_RETRY_MS);
    }
  }

  #execute(sql: string): void {
    this.#options.sqlite.database.exec(sql);
  }
}
