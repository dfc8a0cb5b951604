import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite, test, type TestContext } from 'node:test';
import { audit } from '../../src/ledger/audit.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { createTestDatabase, testServer } from '../../src/store/test-postgres.ts';
import { readAnswer } from '../support/answers.ts';
import { requesters } from '../support/harness.ts';
import { asObject, type JsonObject } from '../support/json.ts';
import { temporaryFolder } from '../support/process.ts';
import { type Replica, startReplica } from '../support/replicas.ts';
import { type OpenaiSimulator, startOpenai } from '../support/upstreams/openai.ts';

const server = testServer();
const skip = server === undefined ? 'replicas need a PostgreSQL server' : false;

const GENERATIONS = '/v1/images/generations';
const BODY = { model: 'gpt-image-2', quality: 'low', width: 1024, height: 1024 };
const KEY = `sk-easel-live-${'replica'.repeat(6)}1`;
const ADMIN_KEY = `sk-easel-admin-${'replica'.repeat(6)}1`;
/** A dead replica is missed after a second; and a machine that is busy with tests refuses nothing. */
const YAML =
  'time: { lease_seconds: 1, drain_seconds: 10 }\noverload: { max_event_loop_delay_ms: 60000 }\n';

/** OpenAI takes three calls at once, and no more. */
const THREE_PLACES = 'providers: { openai: { kind: openai, max_in_flight: 3 } }\n';

interface Fleet {
  readonly openai: OpenaiSimulator;
  readonly store: Store;
  readonly start: () => Promise<Replica & ReturnType<typeof requesters>>;
  readonly settled: () => Promise<void>;
}

/** Easels that share a database and a folder for results, before one upstream. */
async function openFleet(context: TestContext, more = ''): Promise<Fleet> {
  const folder = await temporaryFolder();
  const { url, drop } = await createTestDatabase(server ?? '');
  const openai = await startOpenai();
  const store = await openStore({ url });
  const replicas: Replica[] = [];
  let started = 0;
  context.after(async () => {
    openai.upstream.release();
    await Promise.all(replicas.map(({ kill }) => kill()));
    await store.close();
    await drop();
    await openai[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const environment = {
    EASEL_DATABASE_URL: url,
    EASEL_RESULTS_URL: pathToFileURL(join(folder.path, 'results')).href,
    EASEL_BOOTSTRAP_KEY: KEY,
    EASEL_BOOTSTRAP_CREDIT_USD: '1000',
    EASEL_ADMIN_KEY: ADMIN_KEY,
    OPENAI_API_KEY: openai.apiKey,
    OPENAI_BASE_URL: openai.baseUrl,
    NODE_COMPILE_CACHE: join(folder.path, 'compiled'),
  };
  return {
    openai,
    store,
    start: async () => {
      started += 1;
      const own = join(folder.path, `replica-${started}`);
      const replica = await startReplica({ folder: own, environment, yaml: YAML + more });
      replicas.push(replica);
      return { ...replica, ...requesters(replica.url, KEY) };
    },
    settled: async () => {
      while ((await audit(store)).openHolds > 0) {
        // A sweep of one of them has yet to come.
      }
      assert.deepEqual((await audit(store)).problems, []);
    },
  };
}

suite('several Easels on one database', { skip }, () => {
  test('a retry that lands on another replica gets the first one’s picture', async (context) => {
    const { openai, start, settled } = await openFleet(context);
    const [first, second] = await Promise.all([start(), start()]);
    openai.upstream.next('slow_first_byte');
    const headers = { 'idempotency-key': 'once' };
    const body = { ...BODY, prompt: 'a boat' };
    const asked = first.post(GENERATIONS, body, headers);
    await openai.upstream.until(() => openai.upstream.heldAnswers === 1);
    const again = second.post(GENERATIONS, body, headers);
    // The second one waits for what only the first one knows.
    await second.get('/v1/models').then((response) => response.arrayBuffer());
    openai.upstream.release();
    const answers = await Promise.all([asked, again].map(async (one) => readAnswer(await one)));
    assert.equal(answers[0]?.id, answers[1]?.id);
    assert.deepEqual(answers[0]?.data, answers[1]?.data);
    assert.equal(openai.upstream.purchases, 1);
    await settled();
  });

  test('limits and money are one for all of them', async (context) => {
    const { start, settled, store } = await openFleet(context);
    const replicas = await Promise.all([start(), start()]);
    const admin = requesters(replicas[0].url, ADMIN_KEY);
    const ask = async (path: string, body: object): Promise<JsonObject> =>
      asObject(await (await admin.post(`/admin/v1${path}`, body)).json());
    /** How often each status came, of sixty requests at once by both replicas, and how long it took. */
    const flood = async (creditUsd: number, limits: object) => {
      const { id } = await ask('/accounts', { name: JSON.stringify(limits) });
      await ask(`/accounts/${String(id)}/credits`, { mode: 'test', amount_usd: creditUsd });
      const key = { account_id: id, mode: 'test', name: 'small', limits };
      const secret = String((await ask('/keys', key))['secret']);
      const startedAt = performance.now();
      const statuses = await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          const { url } = replicas[index % 2] ?? replicas[0];
          const body = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
          const response = await requesters(url, secret).post(GENERATIONS, body);
          await response.arrayBuffer();
          return response.status;
        }),
      );
      const count = (status: number): number => statuses.filter((one) => one === status).length;
      return { count, minutes: (performance.now() - startedAt) / 60_000 };
    };
    // A picture is 0.01 USD: money for ten, and nothing else in the way.
    const poor = await flood(0.1, {});
    assert.deepEqual([poor.count(200), poor.count(402)], [10, 50]);
    // Money for all, and fifteen a minute; the bucket fills while they run.
    const rich = await flood(10, { requests_per_minute: 15 });
    const most = 15 + Math.ceil(15 * rich.minutes);
    assert.ok(rich.count(200) >= 15 && rich.count(200) <= most, `${rich.count(200)} of ${most}`);
    assert.equal(rich.count(200) + rich.count(429), 60);
    const rows = await store.db.selectFrom('balances').selectAll().execute();
    assert.ok(rows.every(({ balance, held }) => balance >= 0n && held === 0n));
    await settled();
  });

  test('a replica that is killed: its holds go back, and another one serves the retry', async (context) => {
    const { openai, start, settled, store } = await openFleet(context);
    const [first, second] = await Promise.all([start(), start()]);
    openai.upstream.next('slow_first_byte');
    const headers = { 'idempotency-key': 'survives' };
    const body = { ...BODY, prompt: 'a boat' };
    const asked = first.post(GENERATIONS, body, headers).catch(() => undefined);
    await openai.upstream.until(() => openai.upstream.heldAnswers === 1);
    await first.kill();
    openai.upstream.release();
    assert.equal(await asked, undefined);
    // It waits until the dead one's lease has lapsed and its hold is given back, then buys anew.
    const answer = await readAnswer(await second.post(GENERATIONS, body, headers));
    assert.equal(answer.data.length, 1);
    await settled();
    const rows = await store.db.selectFrom('requests').select(['status', 'cost']).execute();
    const ended = rows.map(({ status, cost }) => `${status} ${String(cost)}`).toSorted();
    const cost = BigInt(Math.round(answer.usage.cost.total_cost * 1e9));
    assert.deepEqual(ended, [`completed ${cost}`, 'lost null']);
  });

  test('the places of an account are one for all of them, and a dead one gives its own back', async (context) => {
    const { openai, start, settled } = await openFleet(context, THREE_PLACES);
    const { upstream } = openai;
    const [first, second] = await Promise.all([start(), start()]);
    upstream.always('slow_first_byte');
    const ask = (replica: typeof first, index: number) =>
      replica
        .post(GENERATIONS, { ...BODY, prompt: `boat ${index}` })
        .then(async (response) => (await readAnswer(response)).id)
        .catch(() => 'died');
    const asked = [0, 1, 2, 3, 4, 5, 6, 7].map((index) =>
      ask([first, second][index % 2] ?? first, index),
    );
    await upstream.until(() => upstream.heldAnswers === 3);
    // Whoever could still come would have, while all of the others' rows were written.
    for (const replica of [first, second]) {
      while ((await replica.get('/v1/images?status=queued').then(countIn)) < 5) {
        // They wait in the queues of both.
      }
    }
    assert.equal(upstream.requests.length, 3);
    upstream.release();
    await upstream.until(() => upstream.requests.length === 6);
    await upstream.until(() => upstream.heldAnswers === 3);
    assert.equal(upstream.requests.length, 6);
    // What the dead one had taken is given out when its lease has lapsed.
    await first.kill();
    upstream.always(undefined);
    upstream.release();
    const ids = await Promise.all(asked);
    assert.ok(ids.filter((id) => id !== 'died').length >= 4, ids.join(' '));
    await settled();
  });
});

async function countIn(response: Response): Promise<number> {
  const { data } = asObject(await response.json());
  return Array.isArray(data) ? data.length : 0;
}
