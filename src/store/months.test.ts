import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import { newId } from '../base/ids.ts';
import { audit } from '../ledger/audit.ts';
import { insertAccount } from './accounts.ts';
import { makeMonths } from './months.ts';
import { finishRequest } from './request-ends.ts';
import { findRequest, insertRequest } from './requests.ts';
import type { Store } from './store.ts';
import { testServer } from './test-postgres.ts';
import { openTestStore } from './test-store.ts';

const skip = testServer() === undefined ? 'months are divided on a PostgreSQL server' : false;

const DAY_MS = 86_400_000;
const NOW = Date.now();

async function openMonths(context: TestContext) {
  const { store } = await openTestStore(context);
  await store.transaction((tx) => insertAccount(tx, { id: 'acct_1', name: 'one' }));
  const insertAt = async (timeMs: number): Promise<string> => {
    const id = newId('img', timeMs);
    await store.transaction((tx) =>
      insertRequest(tx, {
        id,
        requestId: `req_${id}`,
        accountId: 'acct_1',
        mode: 'test',
        operation: 'generate',
        model: 'm',
        n: 1,
        held: 0n,
        createdAt: timeMs,
      }),
    );
    return id;
  };
  return { store, insertAt };
}

async function tableOf(store: Store, id: string): Promise<string | undefined> {
  const { rows } = await sql<{ table: string }>`
    select tableoid::regclass::text as "table" from requests where id = ${id}`.execute(store.db);
  return rows[0]?.table;
}

/** `requests_2027_01` for so many months after this one. */
function monthTable(after: number, now = new Date(NOW)): string {
  const start = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + after));
  return `requests_${start.toISOString().slice(0, 7).replace('-', '_')}`;
}

function middleOf(after: number): number {
  const now = new Date(NOW);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + after) + 10 * DAY_MS;
}

suite('requests by the month, on PostgreSQL', { skip }, () => {
  test('each request lies in the table of its month, and is found and ended there', async (context) => {
    const { store, insertAt } = await openMonths(context);
    const made = await store.transaction((tx) => makeMonths(tx, NOW));
    assert.deepEqual(made, [monthTable(1), monthTable(2)]);
    const ids = await Promise.all([-5, 0, 1, 2, 3].map((after) => insertAt(middleOf(after))));
    const tables = await Promise.all(ids.map((id) => tableOf(store, id)));
    const until = monthTable(1).replace('requests_', 'requests_until_');
    assert.deepEqual(tables, [until, until, monthTable(1), monthTable(2), 'requests_rest']);
    for (const id of ids) {
      const isEnded = await store.transaction((tx) => finishRequest(tx, { id, status: 'failed' }));
      assert.ok(isEnded);
      assert.equal((await findRequest(store.db, id))?.status, 'failed');
    }
    // Made once; a month later one more, with what has come for it meanwhile.
    assert.deepEqual(await store.transaction((tx) => makeMonths(tx, NOW)), []);
    const later = await store.transaction((tx) => makeMonths(tx, middleOf(1)));
    assert.deepEqual(later, [monthTable(3)]);
    assert.equal(await tableOf(store, ids[4] ?? ''), monthTable(3));
  });

  test('a request is looked for in the table of its month alone', async (context) => {
    const { store, insertAt } = await openMonths(context);
    await store.transaction((tx) => makeMonths(tx, NOW));
    const id = await insertAt(middleOf(1));
    const { rows } = await sql<{ 'QUERY PLAN': string }>`
      explain update requests set status = 'lost' where id = ${sql.lit(id)}`.execute(store.db);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(plan, new RegExp(monthTable(1)));
    assert.doesNotMatch(plan, new RegExp(`${monthTable(2)}|until|rest`));
  });

  test('a month that is taken away leaves the ledger whole', async (context) => {
    const { store, insertAt } = await openMonths(context);
    await store.transaction((tx) => makeMonths(tx, NOW));
    const [gone, kept] = [await insertAt(middleOf(1)), await insertAt(middleOf(2))];
    for (const id of [gone, kept]) {
      await store.transaction((tx) => finishRequest(tx, { id, status: 'failed' }));
    }
    await store.transaction(async (tx) => {
      await sql`drop table ${sql.id(monthTable(1))}`.execute(tx);
    });
    assert.equal(await findRequest(store.db, gone), undefined);
    assert.equal((await findRequest(store.db, kept))?.status, 'failed');
    assert.deepEqual((await audit(store)).problems, []);
  });

  test('text sorts by its bytes in every column', async (context) => {
    const { store } = await openMonths(context);
    const { rows } = await sql<{ column: string }>`
      select c.relname || '.' || a.attname as "column"
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
        and c.relname not like 'kysely%' and a.attnum > 0 and not a.attisdropped
        and a.atttypid = 'text'::regtype and a.attcollation <> '"C"'::regcollation
      order by 1`.execute(store.db);
    assert.deepEqual(rows, []);
  });
});
