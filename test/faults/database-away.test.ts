import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startPostgres } from '../../scripts/postgres.mjs';
import { ensureAccount } from '../../src/access/accounts.ts';
import { audit } from '../../src/ledger/audit.ts';
import { hold } from '../../src/ledger/ledger.ts';
import { type LeaseRecord, upsertLease } from '../../src/store/leases.ts';
import { insertRequest } from '../../src/store/requests.ts';
import type { Store } from '../../src/store/store.ts';
import { createTestDatabase, testServer } from '../../src/store/test-postgres.ts';
import { readAnswer } from '../support/answers.ts';
import { startCuttingProxy } from '../support/cut-commits.ts';
import { type Easel, startEasel } from '../support/harness.ts';

const GENERATIONS = '/v1/images/generations';
const BOAT = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
const CLIENTS = 8;
const SETTINGS = { fsync: 'off' };

/** Resolves when no hold is open any more. */
async function nothingHeld(easel: Easel): Promise<void> {
  const { store } = easel.app.engine;
  const held = async (): Promise<bigint> =>
    (await store.db.selectFrom('balances').select('held').execute()).reduce(
      (sum, row) => sum + row.held,
      0n,
    );
  while ((await held()) > 0n) {
    await easel.get('/healthz').then((response) => response.arrayBuffer());
  }
  assert.deepEqual(await easel.auditProblems(), []);
}

/** `EASEL_AWAY_SECONDS=10` is the full run. */
const AWAY_MS = Number(process.env['EASEL_AWAY_SECONDS'] ?? 2) * 1000;

const skip = testServer() === undefined ? 'this is about a PostgreSQL server' : false;
/** What waits for something that never comes is red, too. */
const HARD = { skip, timeout: 120_000 };

test(
  'the database goes away under load: 503s, then as before, and no money is lost',
  {
    skip,
  },
  async () => {
    let server = await startPostgres({ settings: SETTINGS });
    const { url, port, folder } = server;
    try {
      await using easel = await startEasel({
        environment: { EASEL_DATABASE_URL: url },
        yaml: 'database: { connect_seconds: 0.5 }',
        creditUsd: '1000',
      });
      const statuses = new Map<number, number>();
      const over = new AbortController();
      const client = async (): Promise<void> => {
        while (!over.signal.aborted) {
          const response = await easel.post(GENERATIONS, BOAT);
          const text = await response.text();
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
          if (response.status !== 200) {
            assert.equal(response.status, 503, text);
            assert.ok(Number(response.headers.get('retry-after')) >= 1);
          }
        }
      };
      const load = Promise.all(Array.from({ length: CLIENTS }, client));
      while ((statuses.get(200) ?? 0) < CLIENTS) {
        await easel.get('/healthz').then((response) => response.arrayBuffer());
      }
      await server.stop({ keep: true });
      const until = performance.now() + AWAY_MS;
      while (performance.now() < until || (statuses.get(503) ?? 0) === 0) {
        const ready = await easel.get('/readyz');
        assert.equal(ready.status, 503, await ready.text());
      }
      const before = statuses.get(200) ?? 0;
      server = await startPostgres({ settings: SETTINGS, port, folder });
      while ((statuses.get(200) ?? 0) < before + 2 * CLIENTS) {
        await easel.get('/readyz').then((response) => response.arrayBuffer());
      }
      over.abort();
      await load;
      // What was running when it went is ended by tries that go on, and what was never sure is undone.
      const { store } = easel.app.engine;
      const held = async (): Promise<bigint> =>
        (await store.db.selectFrom('balances').select('held').execute()).reduce(
          (sum, row) => sum + row.held,
          0n,
        );
      while ((await held()) > 0n) {
        await easel.get('/healthz').then((response) => response.arrayBuffer());
      }
      assert.deepEqual(await easel.auditProblems(), []);
      const { images } = await store.db
        .selectFrom('requests')
        .select(({ fn }) => fn.countAll<bigint>().as('images'))
        .where('status', '=', 'completed')
        .executeTakeFirstOrThrow();
      // Each answer with a picture is one charge; a picture may be paid whose answer said 503 never.
      assert.equal(Number(images), statuses.get(200));
    } finally {
      await server.stop();
    }
  },
);

suite('a COMMIT whose answer is lost', () => {
  const cases = [
    {
      name: 'of a hold: 503, and it is given back',
      statement: 'insert into "requests"',
      status: 503,
    },
    { name: 'of a settlement: charged once', statement: 'end_img_', status: 200 },
  ];
  for (const { name, statement, status } of cases) {
    test(name, HARD, async () => {
      const { url, drop } = await createTestDatabase(testServer() ?? '');
      try {
        await using proxy = await startCuttingProxy(url);
        await using easel = await startEasel({ environment: { EASEL_DATABASE_URL: proxy.url } });
        // The statements are known by their text once they have been asked for.
        const cut = proxy.cutNext(statement);
        const [response] = await Promise.all([easel.post(GENERATIONS, BOAT), cut]);
        const text = await response.text();
        assert.equal(response.status, status, text);
        await nothingHeld(easel);
        const rows = await easel.app.engine.store.db
          .selectFrom('requests')
          .select(['status', 'cost'])
          .execute();
        const ended = rows.map((row) => `${row.status} ${String(row.cost)}`);
        assert.deepEqual(ended, [status === 200 ? 'completed 10000000' : 'failed null']);
        await readAnswer(await easel.post(GENERATIONS, BOAT));
      } finally {
        await drop();
      }
    });
  }
});

test(
  'whoever lives is not taken for dead because nobody could say that he lives',
  HARD,
  async () => {
    let server = await startPostgres({ settings: SETTINGS });
    const { url, port, folder } = server;
    try {
      await using easel = await startEasel({
        environment: { EASEL_DATABASE_URL: url },
        yaml: `time: { lease_seconds: ${LEASE_MS / 1000} }\ndatabase: { connect_seconds: 0.5 }`,
      });
      const { store } = easel.app.engine;
      // Another process with a running request, whose lease lapses while there is no database.
      const other = (forMs: number): Promise<void> =>
        store.transaction((tx) => upsertLease(tx, leaseOf('lease_other', Date.now() + forMs)));
      await other(LEASE_MS / 6);
      await holdFor(store, 'lease_other');
      await server.stop({ keep: true });
      await wait(LEASE_MS / 2);
      server = await startPostgres({ settings: SETTINGS, port, folder });
      // It has another third of a lease to say so; whoever looks before that finds it lapsed.
      await wait((LEASE_MS * 3) / 4);
      await other(20 * LEASE_MS);
      await wait(2 * LEASE_MS);
      const { status } = await store.db
        .selectFrom('requests')
        .select('status')
        .executeTakeFirstOrThrow();
      assert.equal(status, 'running');
      // One that says nothing any more is dead, with and without such a time before.
      await other(0);
      while ((await audit(store)).openHolds > 0) {
        await easel.get('/healthz').then((response) => response.arrayBuffer());
      }
      assert.deepEqual(await easel.auditProblems(), []);
    } finally {
      await server.stop();
    }
  },
);

/** Easel looks for dead ones every half of it. */
const LEASE_MS = 3_000;

function leaseOf(id: string, expiresAt: number): LeaseRecord {
  return { id, kind: 'server', pid: 1, startedAt: 0, expiresAt };
}

async function holdFor(store: Store, leaseId: string): Promise<void> {
  await store.transaction(async (tx) => {
    const accountId = await ensureAccount(tx, 'default');
    const request = { id: 'img_other', accountId, mode: 'test', leaseId } as const;
    const facts = { requestId: 'req_other', operation: 'generation', model: 'any', n: 1, held: 1n };
    await insertRequest(tx, { ...request, ...facts });
    const wanted = { requestId: request.id, accountId, mode: 'test', amount: 1n, leaseId } as const;
    assert.ok(await hold(tx, wanted));
  });
}
