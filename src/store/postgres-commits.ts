import { createHash } from 'node:crypto';
import type { Dialect, DialectAdapter, QueryCompiler } from 'kysely';
import type { Pool } from 'pg';
import type { Clock } from '../base/clock.ts';
import { type PostgresConnection, takeConnection } from './postgres.ts';
import { isDatabaseAway, isLostRace } from './postgres-failures.ts';
import { Transaction, type TransactionConnection } from './transaction.ts';

export interface PostgresCommitsOptions {
  readonly pool: Pool;
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** Batches that run at once: never more than the pool has connections. */
  readonly batchesMax: number;
  /** A transaction that runs longer is undone: somebody awaits something else inside it. */
  readonly transactionLimitMs: number;
}

interface Member {
  readonly run: (tx: Transaction) => Promise<void>;
  readonly succeed: () => void;
  readonly fail: (error: unknown) => void;
}

/** Those that wait for each other: all of one name, or one that has no name. */
interface Line {
  readonly serial: string | undefined;
  waiting: Member[];
  isRunning: boolean;
}

const MEMBERS_MAX = 64;
const TRIES_MAX = 4;

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
  readonly #parts: { readonly compiler: QueryCompiler; readonly adapter: DialectAdapter };
  readonly #lines = new Map<string, Line>();
  /** Lines with members that wait, in the order in which they began to. */
  readonly #ready: Line[] = [];
  readonly #batches = new Set<Promise<void>>();

  constructor(options: PostgresCommitsOptions) {
    this.#options = options;
    const { dialect } = options;
    this.#parts = {
      compiler: dialect.createQueryCompiler(),
      adapter: dialect.createAdapter(),
    };
  }

  transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    { serial }: { readonly serial?: string | undefined } = {},
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let succeed: () => void;
    const line = this.#lineOf(serial);
    line.waiting.push({
      run: async (tx) => {
        const value = await work(tx);
        succeed = () => {
          resolve(value);
        };
      },
      succeed: () => {
        succeed();
      },
      fail: reject,
    });
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
  async #runBatch(members: readonly Member[], serial: string | undefined): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const failures = new Map<Member, unknown>();
      try {
        const connection = await takeConnection(this.#options.pool);
        await this.#onConnection(connection, { members, serial, failures });
      } catch (error) {
        if (isLostRace(error) && tries < TRIES_MAX) {
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
      readonly members: readonly Member[];
      readonly serial: string | undefined;
      readonly failures: Map<Member, unknown>;
    },
  ): Promise<void> {
    const { members, serial, failures } = batch;
    let isWhole = false;
    try {
      const lock = serial === undefined ? '' : `; select pg_advisory_xact_lock(${lockId(serial)})`;
      await connection.execute(`begin${lock}`);
      for (const [index, member] of members.entries()) {
        // Each but the first is parted from the one before by its savepoint.
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
      connection.client.release(!isWhole);
    }
  }

  /** Gives the member's own failure; throws when the whole batch is lost with it. */
  async #runMember(
    connection: PostgresConnection,
    member: Member,
  ): Promise<{ error: unknown } | undefined> {
    await connection.execute('savepoint member');
    const { dialect, clock } = this.#options;
    const on: TransactionConnection = {
      connection,
      isInTransaction: () => true,
      dialect,
      driver: dialect.createDriver(),
      ...this.#parts,
    };
    const tx = Transaction.start(on, clock.now());
    try {
      await this.#withinLimit(member.run(tx));
      return undefined;
    } catch (error) {
      if (isLostRace(error) || isDatabaseAway(error) || error instanceof OverLimit) {
        throw error;
      }
      return { error };
    } finally {
      tx.end();
    }
  }

  async #withinLimit(work: Promise<void>): Promise<void> {
    const { transactionLimitMs: limitMs } = this.#options;
    const limit = Promise.withResolvers<never>();
    const timer = setTimeout(() => limit.reject(new OverLimit(limitMs)), limitMs);
    try {
      await Promise.race([work, limit.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

class OverLimit extends Error {
  constructor(limitMs: number) {
    super(`A transaction ran longer than ${limitMs} ms and was undone.`);
  }
}

/** A name as the 64 bits that an advisory lock goes by. */
function lockId(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigInt64BE();
}
