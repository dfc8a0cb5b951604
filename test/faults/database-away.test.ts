import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPostgres } from '../../scripts/postgres.mjs';
import { testServer } from '../../src/store/test-postgres.ts';
import { startEasel } from '../support/harness.ts';

const GENERATIONS = '/v1/images/generations';
const BOAT = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
const CLIENTS = 8;
const SETTINGS = { fsync: 'off' };

/** `EASEL_AWAY_SECONDS=10` is the full run. */
const AWAY_MS = Number(process.env['EASEL_AWAY_SECONDS'] ?? 2) * 1000;

const skip = testServer() === undefined ? 'this is about a PostgreSQL server' : false;

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
