import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { sql } from 'kysely';
import { findAccountByName, insertAccount, listAccounts } from './accounts.ts';
import { migrate, readMigrationState } from './migrate.ts';
import { openStore, type Store } from './store.ts';
import { makeTestFolder, openTestStore } from './test-store.ts';
import type { Transaction } from './transaction.ts';

async function namesOf(store: Store): Promise<string[]> {
  return (await listAccounts(store.db)).map((account) => account.name);
}

async function add(tx: Transaction, name: string): Promise<void> {
  await insertAccount(tx, { id: `acct_${name}`, name });
}

test('migrations run from empty, once', async (context) => {
  const { store } = await openTestStore(context);
  assert.deepEqual(await migrate(store), []);
  assert.deepEqual(await namesOf(store), []);
});

test('two stores may migrate the same new file at the same time', async (context) => {
  const file = join(makeTestFolder(context), 'deep', 'easel.db');
  const stores = await Promise.all([openStore({ file }), openStore({ file })]);
  context.after(async () => {
    await Promise.all(stores.map((store) => store.close()));
  });
  const [first, second] = await Promise.all(stores.map(migrate));
  const { applied, pending } = await readMigrationState(stores[0].db);
  assert.deepEqual([...(first ?? []), ...(second ?? [])], applied);
  assert.equal(applied[0], '0001_initial');
  assert.deepEqual(pending, []);
});

test('a database to which a newer Easel has added is fine; one that it has broken with is refused', async (context) => {
  const { store, file } = await openTestStore(context);
  const apply = (name: string): void => {
    const other = new DatabaseSync(file);
    other.exec(`insert into kysely_migration values ('${name}', '2030-01-01T00:00:00.000Z')`);
    other.close();
  };
  apply('9998_future');
  assert.deepEqual(await migrate(store), []);
  apply('9999_breaking_future');
  await assert.rejects(migrate(store), /newer Easel has changed this database \(9999_breaking_f/);
});

test('the settings of the connection are what durability promises', async (context) => {
  const synchronous = { full: 2n, normal: 1n };
  for (const durability of ['full', 'normal'] as const) {
    const { store } = await openTestStore(context, { durability });
    const settings = await store.transaction(async (tx) => {
      const level = await sql<{ synchronous: bigint }>`pragma synchronous`.execute(tx);
      const journal = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(tx);
      const keys = await sql<{ foreign_keys: bigint }>`pragma foreign_keys`.execute(tx);
      return { ...level.rows[0], ...journal.rows[0], ...keys.rows[0] };
    });
    assert.deepEqual(settings, {
      synchronous: synchronous[durability],
      journal_mode: 'wal',
      foreign_keys: 1n,
    });
  }
});

test('a member that throws undoes only itself, and gets its own error', async (context) => {
  const { store } = await openTestStore(context);
  const results = await Promise.allSettled([
    store.transaction((tx) => add(tx, 'first')),
    store.transaction(async (tx) => {
      await add(tx, 'second');
      throw new Error('second thoughts');
    }),
    store.transaction(async (tx) => {
      await add(tx, 'third');
      await sql`insert into accounts (id, name, created_at) values ('acct_first', 'again', 0)`.execute(
        tx,
      );
    }),
    store.transaction((tx) => add(tx, 'fourth')),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  );
  assert.match(String((results[1] as PromiseRejectedResult).reason), /second thoughts/);
  assert.deepEqual((await namesOf(store)).toSorted(), ['first', 'fourth']);
});

test('members run in the order asked for, and see each other', async (context) => {
  const { store } = await openTestStore(context);
  const seen: string[][] = [];
  const resolved: number[] = [];
  // More than one batch can hold.
  const count = 200;
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      await store.transaction(async (tx) => {
        await add(tx, `n${index}`);
        seen.push((await listAccounts(tx)).map((account) => account.name));
      });
      resolved.push(index);
    }),
  );
  assert.deepEqual(
    seen.map((names) => names.length),
    Array.from({ length: count }, (_, index) => index + 1),
  );
  assert.deepEqual(
    resolved,
    Array.from({ length: count }, (_, index) => index),
  );
});

test('promises resolve after the commit, and nobody sees a batch before', async (context) => {
  const { store, file } = await openTestStore(context);
  const other = new DatabaseSync(file);
  context.after(() => {
    other.close();
  });
  const countElsewhere = () => other.prepare('select count(*) as n from accounts').get()?.['n'];
  const inside: unknown[] = [];
  const first = store.transaction(async (tx) => {
    await add(tx, 'first');
    inside.push(countElsewhere(), (await namesOf(store)).length);
  });
  const second = store.transaction(async (tx) => {
    await add(tx, 'second');
    inside.push(countElsewhere(), (await namesOf(store)).length);
  });
  await first;
  // Both rows: the two shared one commit, and the first was not told before it.
  assert.equal(countElsewhere(), 2);
  assert.equal((await namesOf(store)).length, 2);
  await second;
  assert.deepEqual(inside, [0, 0, 0, 0]);
});

test('when the commit fails, every member rejects and nothing stays', async (context) => {
  const { store } = await openTestStore(context);
  const results = await Promise.allSettled([
    store.transaction((tx) => add(tx, 'innocent')),
    store.transaction(async (tx) => {
      // A foreign key that is looked at only by the COMMIT.
      await sql`pragma defer_foreign_keys = on`.execute(tx);
      await sql`insert into balances (account_id, mode) values ('nobody', 'test')`.execute(tx);
    }),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual(await namesOf(store), []);
  await store.transaction((tx) => add(tx, 'later'));
  assert.deepEqual(await namesOf(store), ['later']);
});

test('when the database itself rolls back, nobody is told of success', async (context) => {
  const { store } = await openTestStore(context);
  const results = await Promise.allSettled([
    store.transaction((tx) => add(tx, 'before')),
    store.transaction(async (tx) => {
      await sql`rollback`.execute(tx);
      // Must not be written on its own, although the error is swallowed.
      await assert.rejects(add(tx, 'stray'), /rolled this transaction back/);
    }),
    store.transaction((tx) => add(tx, 'after')),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['rejected', 'rejected', 'rejected'],
  );
  assert.deepEqual(await namesOf(store), []);
  await store.transaction((tx) => add(tx, 'later'));
  assert.deepEqual(await namesOf(store), ['later']);
});

test('a handle that is used after its end throws', async (context) => {
  const { store } = await openTestStore(context);
  const leaked = await store.transaction((tx) => Promise.resolve({ tx }));
  await assert.rejects(add(leaked.tx, 'late'), /transaction that has ended/);
  let failed: Transaction | undefined;
  await assert.rejects(
    store.transaction((tx) => {
      failed = tx;
      return Promise.reject(new Error('no'));
    }),
    /^Error: no$/,
  );
  assert.ok(failed);
  await assert.rejects(add(failed, 'late'), /transaction that has ended/);
  // Also while a later transaction runs on the same connection.
  await store.transaction(async () => {
    await assert.rejects(add(leaked.tx, 'late'), /transaction that has ended/);
  });
  assert.deepEqual(await namesOf(store), []);
});

test('a transaction that awaits something else for too long is undone', async (context) => {
  const { store } = await openTestStore(context, { transactionLimitMs: 20 });
  let inner: Promise<void> | undefined;
  await assert.rejects(
    store.transaction(async (tx) => {
      await add(tx, 'outer');
      // Can never be run while the outer one is waiting for it.
      inner = store.transaction((other) => add(other, 'inner'));
      await inner;
    }),
    /ran longer than 20 ms/,
  );
  await inner;
  assert.deepEqual(await namesOf(store), ['inner']);
});

test('writing outside of a transaction fails', async (context) => {
  const { store } = await openTestStore(context);
  const write =
    sql`insert into accounts (id, name, created_at) values ('acct_1', 'one', 0)`.execute(store.db);
  await assert.rejects(write, /readonly/);
});

test('a lock held elsewhere delays a transaction, not the event loop', async (context) => {
  const { store, file } = await openTestStore(context);
  const other = new DatabaseSync(file);
  context.after(() => {
    other.close();
  });
  other.exec('begin immediate');
  const order: string[] = [];
  const waiting = store.transaction((tx) => add(tx, 'patient')).then(() => order.push('added'));
  await new Promise((resolve) => setTimeout(resolve, 30));
  order.push('turns went on');
  assert.deepEqual(await namesOf(store), []);
  other.exec('commit');
  await waiting;
  assert.deepEqual(order, ['turns went on', 'added']);
});

test('a snapshot keeps to one state while others write', async (context) => {
  const { store } = await openTestStore(context);
  await store.snapshot(async (db) => {
    assert.deepEqual(await listAccounts(db), []);
    await store.transaction((tx) => add(tx, 'new'));
    assert.deepEqual(await listAccounts(db), []);
    assert.deepEqual(await namesOf(store), ['new']);
  });
});

test('closing waits for what was asked for, and refuses the rest', async (context) => {
  const { store, file } = await openTestStore(context);
  const last = store.transaction((tx) => add(tx, 'last'));
  await store.close();
  await last;
  await assert.rejects(
    store.transaction((tx) => add(tx, 'too late')),
    /closed/,
  );
  const again = await openStore({ file });
  assert.deepEqual(await namesOf(again), ['last']);
  await again.close();
});

test('the rows of a transaction have its time', async (context) => {
  const { store } = await openTestStore(context, { clock: { now: () => 1_700_000_000_123 } });
  await store.transaction((tx) => add(tx, 'timed'));
  const account = await findAccountByName(store.db, 'timed');
  assert.equal(account?.createdAt, 1_700_000_000_123);
});
