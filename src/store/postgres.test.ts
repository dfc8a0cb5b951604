import assert from 'node:assert/strict';
import { type TestContext, suite, test } from 'node:test';
import { sql } from 'kysely';
import { Failure } from '../base/errors.ts';
import { findAccount, insertAccount, listAccounts } from './accounts.ts';
import { migrate, readMigrationState } from './migrate.ts';
import { openStore, type Store } from './store.ts';
import { createTestDatabase, testServer } from './test-postgres.ts';
import { openTestStore } from './test-store.ts';
import type { Transaction } from './transaction.ts';

const server = testServer();
const skip = server === undefined ? 'these tests are for a PostgreSQL server' : false;

async function add(tx: Transaction, name: string): Promise<void> {
  await insertAccount(tx, { id: `acct_${name}`, name });
}

async function namesOf(store: Store): Promise<string[]> {
  return (await listAccounts(store.db)).map(({ name }) => name).toSorted();
}

function isAway(error: unknown): boolean {
  assert.ok(error instanceof Failure, String(error));
  assert.equal(error.errorName, 'overloaded');
  assert.equal(error.retryAfterSeconds, 1);
  return true;
}

/** A table with one row, in which nothing guards what is read from what is written. */
async function makeCounter(store: Store, count: number): Promise<void> {
  await store.transaction(async (tx) => {
    await sql`create table counters (id bigint primary key, value bigint)`.execute(tx);
    for (let id = 0; id < count; id += 1) {
      await sql`insert into counters values (${id}, 0)`.execute(tx);
    }
  });
}

async function increase(tx: Transaction, id = 0): Promise<void> {
  const { rows } = await sql<{
    value: bigint;
  }>`select value from counters where id = ${id}`.execute(tx);
  await sql`update counters set value = ${Number(rows[0]?.value) + 1} where id = ${id}`.execute(tx);
}

async function valueOf(store: Store, id = 0): Promise<bigint | undefined> {
  const { rows } = await sql<{
    value: bigint;
  }>`select value from counters where id = ${id}`.execute(store.db);
  return rows[0]?.value;
}

suite('a database of a PostgreSQL server', { skip }, () => {
  test('two processes may migrate a new database at the same time', async (context) => {
    const { url, drop } = await createTestDatabase(server ?? '');
    const stores = await Promise.all([openStore({ url }), openStore({ url })]);
    context.after(async () => {
      await Promise.all(stores.map((store) => store.close()));
      await drop();
    });
    const [first, second] = await Promise.all(stores.map(migrate));
    const { applied, pending } = await readMigrationState(stores[0].db);
    assert.deepEqual([...(first ?? []), ...(second ?? [])], applied);
    assert.deepEqual(pending, []);
  });

  test('columns that a newer Easel adds meanwhile are in nobody’s way', async (context) => {
    const { store, openAgain } = await openTestStore(context);
    const newer = await openAgain();
    context.after(() => newer.close());
    await store.transaction((tx) => add(tx, 'one'));
    const everywhere = [
      () => findAccount(store.db, 'acct_one'),
      () => store.transaction((tx) => findAccount(tx, 'acct_one')),
      () => store.snapshot((db) => findAccount(db, 'acct_one')),
    ];
    for (const column of ['first', 'second', 'third']) {
      // Each connection has by now parsed the statement, which gives every column that there is.
      const found = await Promise.all(everywhere.flatMap((find) => [find(), find(), find()]));
      assert.ok(found.every((account) => account?.name === 'one'));
      await newer.transaction(async (tx) => {
        await sql`alter table accounts add column ${sql.id(column)} text`.execute(tx);
      });
      for (const find of everywhere) {
        assert.equal((await find())?.name, 'one');
      }
    }
  });

  test('of many at once one that throws undoes only itself', async (context) => {
    const { store } = await openTestStore(context);
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, index) =>
        store.transaction(
          async (tx) => {
            await add(tx, `a${index}`);
            if (index % 10 === 0) {
              throw new Error('on purpose');
            }
            if (index % 10 === 1) {
              // A failure of the database itself ends no transaction but its own.
              await sql`select 1 / 0`.execute(tx);
            }
            return index;
          },
          { serial: 'one' },
        ),
      ),
    );
    const done = results.filter(({ status }) => status === 'fulfilled');
    assert.equal(done.length, 80);
    assert.equal((await namesOf(store)).length, 80);
  });

  test('those of one name run one after the other, in all processes', async (context) => {
    const { store, openAgain } = await openTestStore(context);
    const other = await openAgain();
    context.after(() => other.close());
    await makeCounter(store, 1);
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        (index % 2 === 0 ? store : other).transaction((tx) => increase(tx), { serial: 'counter' }),
      ),
    );
    assert.equal(await valueOf(store), 200n);
  });

  test('two that wait for each other: the one that is given up runs again', async (context) => {
    const { store } = await openTestStore(context);
    await makeCounter(store, 2);
    let runs = 0;
    // Both have their first row.
    const both = Promise.withResolvers<void>();
    const crossing = (first: number, second: number): Promise<void> =>
      store.transaction(async (tx) => {
        await sql`update counters set value = value + 1 where id = ${first}`.execute(tx);
        runs += 1;
        if (runs === 2) {
          both.resolve();
        }
        await both.promise;
        await sql`update counters set value = value + 1 where id = ${second}`.execute(tx);
      });
    await Promise.all([crossing(0, 1), crossing(1, 0)]);
    assert.equal(runs, 3);
    assert.deepEqual([await valueOf(store, 0), await valueOf(store, 1)], [2n, 2n]);
  });

  test('one that awaits something else is undone, and holds up nobody for good', async (context) => {
    const { store } = await openTestStore(context, { transactionLimitMs: 1_000 });
    const never = Promise.withResolvers<never>();
    const stuck = store.transaction(
      async (tx) => {
        await add(tx, 'stuck');
        await never.promise;
      },
      { serial: 'one' },
    );
    await assert.rejects(stuck, /longer than 1000 ms/);
    await store.transaction((tx) => add(tx, 'next'), { serial: 'one' });
    assert.deepEqual(await namesOf(store), ['next']);
  });

  test('a forgotten await is loud, and reading cannot write', async (context) => {
    const { store } = await openTestStore(context);
    let kept: Transaction | undefined;
    await store.transaction(async (tx) => {
      kept = tx;
    });
    assert.ok(kept);
    await assert.rejects(add(kept, 'late'), /an await is missing/);
    await assert.rejects(sql`create table no (id bigint)`.execute(store.db));
    await store.close();
    await assert.rejects(
      store.transaction((tx) => add(tx, 'later')),
      /closed/,
    );
  });

  test('what one process announces another one hears', { timeout: 60_000 }, async (context) => {
    const { store, openAgain } = await openTestStore(context);
    const other = await openAgain();
    context.after(() => other.close());
    using wanted = store.announcements.hear('img_1');
    using unwanted = store.announcements.hear('img_2');
    const heard = new AbortController();
    void wanted.promise.then(() => heard.abort());
    // The connection that listens may not be there yet: whoever came too early says it again.
    while (!heard.signal.aborted) {
      other.announcements.announce('img_1');
      await namesOf(other);
    }
    const first = await Promise.race([unwanted.promise, wanted.promise.then(() => 'wanted')]);
    assert.equal(first, 'wanted');
  });

  test('a snapshot sees one state, whatever is written beside it', async (context) => {
    const { store } = await openTestStore(context);
    await store.transaction((tx) => add(tx, 'first'));
    const seen = await store.snapshot(async (db) => {
      const before = await listAccounts(db);
      await store.transaction((tx) => add(tx, 'second'));
      return [before.length, (await listAccounts(db)).length];
    });
    assert.deepEqual(seen, [1, 1]);
    assert.equal((await findAccount(store.db, 'acct_second'))?.name, 'second');
  });
});

suite('a PostgreSQL server that is away', { skip }, () => {
  test('is no fault of the request, and is found again when it is back', async (context) => {
    const own = await startServer(context);
    const store = await openStore({ url: own.url, connectMs: 500 });
    context.after(() => store.close());
    await migrate(store);
    await store.transaction((tx) => add(tx, 'before'));
    using heard = store.announcements.hear('img_1');
    await own.stop();
    // What was announced meanwhile nobody knows: whoever waits is told to look.
    await heard.promise;
    await assert.rejects(namesOf(store), isAway);
    await assert.rejects(
      store.transaction((tx) => add(tx, 'meanwhile'), { serial: 'one' }),
      isAway,
    );
    await own.start();
    await store.transaction((tx) => add(tx, 'after'));
    assert.deepEqual(await namesOf(store), ['after', 'before']);
  });

  test('one that does not answer in time is away, too', async (context) => {
    const { store, openAgain } = await openTestStore(context);
    const slow = await openAgain({ statementMs: 100, connectMs: 300, connectionsMax: 2 });
    context.after(() => slow.close());
    await assert.rejects(sql`select pg_sleep(10)`.execute(slow.db), isAway);
    // All of its connections are taken.
    const held = Promise.withResolvers<void>();
    const taken = Promise.withResolvers<void>();
    const hold = (): Promise<void> => {
      taken.resolve();
      return held.promise;
    };
    const holding = store.transaction(hold, { serial: 'taken' });
    await taken.promise;
    await assert.rejects(
      slow.transaction((tx) => add(tx, 'waits'), { serial: 'taken' }),
      isAway,
    );
    held.resolve();
    await holding;
  });
});

interface OwnServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/** A server that may be stopped and started again, with what it holds. */
async function startServer(context: TestContext): Promise<OwnServer> {
  const { startPostgres } = await import('../../scripts/postgres.mjs');
  const settings = { fsync: 'off' };
  let running = await startPostgres({ settings });
  context.after(() => running.stop());
  const { url, port, folder } = running;
  return {
    url,
    stop: () => running.stop({ keep: true }),
    start: async () => {
      running = await startPostgres({ settings, port, folder });
    },
  };
}
