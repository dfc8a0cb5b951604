import { createHash } from 'node:crypto';
import type { Dialect } from 'kysely';
import type { Pool } from 'pg';
import type { Clock } from '../base/clock.ts';
import {
  type BatchMember,
  batchMember,
  MEMBERS_MAX,
  OverLimit,
  runWithinLimit,
} from './batch-member.ts';
import type { TransactionOptions } from './store.ts';
import { type PostgresConnection, takeConnection } from './postgres.ts';
import { DatabaseAway, isLostRace } from './postgres-failures.ts';
import { Transaction, type TransactionConnection } from './transaction.ts';

export interface PostgresCommitsOptions {
  readonly pool: Pool;
  /** For transactions that may take their time: its statements have no limit. */
  readonly patientPool: Pool;
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** Batches that run at once: never more than the pool has connections. */
  readonly batchesMax: number;
  /** A transaction that runs longer is undone: somebody awaits something else inside it. */
  readonly transactionLimitMs: number;
}

/** Those that wait for each other: all of one name, or one that has no name. */
interface Line {
  readonly serial: string | undefined;
  waiting: BatchMember[];
  isRunning: boolean;
}

const TRIES_MAX = 4;
/** A migration beside running servers asks for tables that all of them use. */
const LONG_TRIES_MAX = 60;

/**
 * Transactions on a PostgreSQL server. Those of one name (an account, as a rule) run one after the
 * other, in this process and in all others: each batch of them holds an advisory lock. So nobody
 * sees half of what another one does with an account's money, two of them cannot wait for each other
 * in a ring, and what waits meanwhile shares the next COMMIT: what a small transaction costs is the
 * wait for the server's disk, as it is with `GroupCommit`.
 *
 * A member that throws undoes only itself. Promises settle after the COMMIT; if that fails, every
 * one of them rejects, and nobody knows whether it was written.
 */
export class PostgresCommits {
  readonly #options: PostgresCommitsOptions;
  readonly #parts: Pick<TransactionConnection, 'dialect' | 'driver' | 'compiler' | 'adapter'>;
  readonly #lines = new Map<string, Line>();
  /** Lines with members that wait, in the order in which they began to. */
  readonly #ready: Line[] = [];
  readonly #batches = new Set<Promise<void>>();

  constructor(options: PostgresCommitsOptions) {
    this.#options = options;
    const { dialect } = options;
    this.#parts = {
      dialect,
      driver: dialect.createDriver(),
      compiler: dialect.createQueryCompiler(),
      adapter: dialect.createAdapter(),
    };
  }

  transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const { member, promise } = batchMember(work, options);
    const { serial } = options;
    const line = this.#lineOf(serial);
    line.waiting.push(member);
    this.#makeReady(line);
    this.#runReady();
    return promise;
  }

  /** Resolves when every transaction asked for so far has ended. */
  async idle(): Promise<void> {
    while (this.#batches.size > 0) {
      await Promise.all(this.#batches);
    }
  }

  #lineOf(serial: string | undefined): Line {
    if (serial === undefined) {
      return { serial, waiting: [], isRunning: false };
    }
    const known = this.#lines.get(serial);
    const line = known ?? { serial, waiting: [], isRunning: false };
    this.#lines.set(serial, line);
    return line;
  }

  #makeReady(line: Line): void {
    if (!line.isRunning && line.waiting.length === 1) {
      this.#ready.push(line);
    }
  }

  #runReady(): void {
    while (this.#batches.size < this.#options.batchesMax) {
      const line = this.#ready.shift();
      if (line === undefined) {
        return;
      }
      line.isRunning = true;
      const batch = this.#runLine(line).finally(() => {
        this.#batches.delete(batch);
        this.#runReady();
      });
      this.#batches.add(batch);
    }
  }

  async #runLine(line: Line): Promise<void> {
    // Whatever else is asked for in this turn of the event loop shares the COMMIT.
    await Promise.resolve();
    const members = line.waiting.splice(0, MEMBERS_MAX);
    await this.#runBatch(members, line.serial);
    line.isRunning = false;
    if (line.waiting.length > 0) {
      this.#ready.push(line);
    } else if (line.serial !== undefined) {
      this.#lines.delete(line.serial);
    }
  }

  /** Never throws: whatever happens is told to the members. */
  async #runBatch(members: readonly BatchMember[], serial: string | undefined): Promise<void> {
    const isLong = members.some((member) => member.isLong);
    const triesMax = isLong ? LONG_TRIES_MAX : TRIES_MAX;
    for (let tries = 1; ; tries += 1) {
      const failures = new Map<BatchMember, unknown>();
      try {
        const { pool, patientPool } = this.#options;
        const connection = await takeConnection(isLong ? patientPool : pool);
        await this.#onConnection(connection, { members, serial, failures });
      } catch (error) {
        if (isLostRace(error) && tries < triesMax) {
          continue;
        }
        for (const member of members) {
          member.fail(error);
        }
        return;
      }
      for (const member of members) {
        if (failures.has(member)) {
          member.fail(failures.get(member));
        } else {
          member.succeed();
        }
      }
      return;
    }
  }

  async #onConnection(
    connection: PostgresConnection,
    batch: {
      readonly members: readonly BatchMember[];
      readonly serial: string | undefined;
      readonly failures: Map<BatchMember, unknown>;
    },
  ): Promise<void> {
    const { members, serial, failures } = batch;
    let isWhole = false;
    try {
      const lock = serial === undefined ? '' : `; select pg_advisory_xact_lock(${lockId(serial)})`;
      await connection.execute(`begin${lock}`);
      for (const [index, member] of members.entries()) {
        // The COMMIT ends the last one's savepoint.
        const isLast = index === members.length - 1;
        const failure = await this.#runMember(connection, member);
        if (failure !== undefined) {
          failures.set(member, failure.error);
          await connection.execute('rollback to savepoint member');
        }
        if (!isLast) {
          await connection.execute('release savepoint member');
        }
      }
      await connection.execute('commit');
      isWhole = true;
    } finally {
      // What is unsure is closed; the server undoes what was not committed.
      connection.release({ isUnsure: !isWhole });
    }
  }

  /** Gives the member's own failure; throws when the whole batch is lost with it. */
  async #runMember(
    connection: PostgresConnection,
    member: BatchMember,
  ): Promise<{ error: unknown } | undefined> {
    await connection.execute('savepoint member');
    const on = { connection, isInTransaction: () => true, ...this.#parts };
    const tx = Transaction.start(on, this.#options.clock.now());
    try {
      await runWithinLimit(member, tx, this.#options.transactionLimitMs);
      return undefined;
    } catch (error) {
      if (isLostRace(error) || error instanceof DatabaseAway || error instanceof OverLimit) {
        throw error;
      }
      return { error };
    } finally {
      tx.end();
    }
  }
}

/** A name as the 64 bits that an advisory lock goes by. */
function lockId(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigInt64BE();
}
