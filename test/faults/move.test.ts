import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after as afterAll, before as beforeAll, suite, test, type TestContext } from 'node:test';
import { runEasel } from '../../src/cli/test-command.ts';
import { audit } from '../../src/ledger/audit.ts';
import { openStore } from '../../src/store/store.ts';
import { createTestDatabase, testServer } from '../../src/store/test-postgres.ts';
import {
  after,
  balanceOf,
  type MortalHome,
  type MortalServer,
  openMortalHome,
  type Order,
} from '../support/crash.ts';
import { asArray, asObject, asString, at } from '../support/json.ts';
import { temporaryFolder } from '../support/process.ts';
import { type AllUpstreams, startAllUpstreams } from '../support/upstreams/all.ts';

const databases = testServer();
const skip = databases === undefined ? 'a move needs a PostgreSQL server' : false;
/** What waits for something that never comes is red, too. */
const HARD = { skip, timeout: 120_000 };
const FAST_POLLS_MS = 4;
/** What a dead process left is taken up within three seconds. */
const YAML = 'time: { lease_seconds: 1, drain_seconds: 0 }\n';

const size = { width: 256, height: 256, response_format: 'b64_json' };
const OPENAI: Order = {
  mode: 'live',
  body: { model: 'gpt-image-2', prompt: 'a red boat', quality: 'low', size: '1024x1024' },
};
const BFL: Order = { mode: 'live', body: { model: 'flux-2-pro', prompt: 'a boat', ...size } };
const PAINTER: Order = {
  mode: 'test',
  body: { model: 'deepshi-banana-pro', prompt: 'a boat', seed: 7, ...size },
};
const key = (name: string): Record<string, string> => ({ 'idempotency-key': name });

let compileCache: Awaited<ReturnType<typeof temporaryFolder>>;

interface Scene {
  readonly upstreams: AllUpstreams;
  readonly mortal: MortalHome;
  readonly bought: () => number;
  /** Moves the home, and starts a server on what came of it. */
  readonly moveOn: () => Promise<MortalServer>;
  readonly problems: () => Promise<readonly string[]>;
}

async function openScene(context: TestContext, allowed = ''): Promise<Scene> {
  const upstreams = await startAllUpstreams();
  const { url, drop } = await createTestDatabase(databases ?? '');
  const allow = [upstreams.environment['EASEL_FETCH_ALLOW'], allowed].filter(Boolean).join(',');
  const mortal = await openMortalHome({
    environment: { ...upstreams.environment, EASEL_FETCH_ALLOW: allow },
    yaml: upstreams.yaml(FAST_POLLS_MS) + YAML,
    compileCache: compileCache.path,
  });
  context.after(async () => {
    upstreams.bfl.cluster.release();
    upstreams.openai.upstream.release();
    await mortal[Symbol.asyncDispose]();
    await upstreams[Symbol.asyncDispose]();
    await drop();
  });
  const { openai, bfl } = upstreams;
  const place = { EASEL_HOME: mortal.home };
  return {
    upstreams,
    mortal,
    bought: () => openai.upstream.purchases + bfl.upstream.purchases,
    moveOn: async () => {
      const environment = { ...place, EASEL_DATABASE_URL: url };
      const moved = await runEasel(['move'], { folder: mortal.home, environment });
      assert.equal(moved.exitCode, 0, moved.stderr);
      return mortal.start({ EASEL_DATABASE_URL: url });
    },
    problems: async () => {
      const store = await openStore({ url });
      try {
        return (await audit(store)).problems;
      } finally {
        await store.close();
      }
    },
  };
}

/** A receiver of webhooks that refuses the first one. */
async function startReceiver() {
  const requests: (string | undefined)[] = [];
  const second = Promise.withResolvers<void>();
  const receiver = createServer((request, response) => {
    request.resume();
    requests.push(String(request.headers['webhook-id']));
    response.writeHead(requests.length === 1 ? 500 : 204).end();
    if (requests.length === 2) {
      second.resolve();
    }
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const host = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}/hook`,
    requests,
    second: second.promise,
    [Symbol.asyncDispose]: async () => {
      receiver.closeAllConnections();
      receiver.close();
      await once(receiver, 'close');
    },
  };
}

async function read(response: Response, status = 200): Promise<Record<string, unknown>> {
  const text = await response.text();
  assert.equal(response.status, status, text.slice(0, 500));
  return asObject(JSON.parse(text));
}

function pictures(answer: unknown): string[] {
  return asArray(at(answer, 'data')).map((image) => asString(at(image, 'b64_json')));
}

/** The request of this key, once it has ended. */
async function ended(server: MortalServer, id: string): Promise<Record<string, unknown>> {
  for (;;) {
    const answer = await read(await server.get('live', `/v1/images/${id}`));
    if (!['queued', 'running'].includes(String(answer['status']))) {
      return answer;
    }
  }
}

async function idOf({ mortal }: Scene, idempotencyKey: string): Promise<string> {
  const [request] = await mortal.requests({ idempotencyKey });
  return request?.id ?? '';
}

suite('a server is moved', { skip }, () => {
  beforeAll(async () => {
    compileCache = await temporaryFolder();
  });
  afterAll(() => compileCache[Symbol.asyncDispose]());

  test(
    'after kill -9 in the midst of everything: it goes on, and nothing is paid twice',
    HARD,
    async (context) => {
      await using receiver = await startReceiver();
      const scene = await openScene(context, receiver.host);
      const { upstreams, mortal, bought } = scene;
      const { openai, bfl } = upstreams;
      const first = await mortal.start();
      const done = await read(await first.post(OPENAI, key('done')));
      const painted = await read(await first.post(PAINTER, key('painted')));
      openai.upstream.next('moderation');
      await read(await first.post(OPENAI, key('failed')), 400);
      const hooked = { ...PAINTER, body: { ...PAINTER.body, webhook_url: receiver.url } };
      const told = await read(await first.post(hooked, { prefer: 'respond-async' }), 202);
      while (receiver.requests.length === 0) {
        await first.get('test', '/v1/models').then((response) => response.arrayBuffer());
      }
      // Three that run when it dies: a job that BFL has, a call that answers nothing yet, and one whose
      // pictures are there and not charged.
      bfl.cluster.next('slow_first_byte');
      const lost = [first.post(BFL, key('submitted'))];
      await bfl.cluster.until(() => bfl.cluster.heldAnswers === 1);
      openai.upstream.next('slow_first_byte');
      lost.push(first.post(OPENAI, key('held')));
      await openai.upstream.until(() => openai.upstream.heldAnswers === 1);
      await first.arm(after('stored'));
      lost.push(first.post(OPENAI, key('stored')));
      const broken = lost.map((answer) =>
        assert.rejects(answer.then((response) => response.text())),
      );
      await Promise.all(broken);
      await first.killed;
      bfl.cluster.release();
      openai.upstream.release();
      const purchases = bought();
      const ids = await Promise.all(
        ['submitted', 'held', 'stored'].map(async (name) => idOf(scene, name)),
      );

      const second = await scene.moveOn();
      const [submitted, held, stored] = await Promise.all(ids.map(async (id) => ended(second, id)));
      assert.equal(submitted?.['status'], 'completed');
      assert.equal(stored?.['status'], 'completed');
      assert.equal(held?.['status'], 'lost');
      assert.equal(pictures(submitted).length, 1);
      assert.deepEqual(pictures(stored), pictures(done));
      // A retry gets what was bought before, and nobody pays again.
      for (const [order, name, answer] of [
        [OPENAI, 'done', done],
        [PAINTER, 'painted', painted],
        [OPENAI, 'stored', stored],
        [BFL, 'submitted', submitted],
      ] as const) {
        const response = await second.post(order, key(name));
        assert.equal(response.headers.get('idempotent-replayed'), 'true', name);
        const replayed = await read(response);
        assert.equal(replayed['id'], answer?.['id']);
        assert.deepEqual(pictures(replayed), pictures(answer));
      }
      assert.equal(bought(), purchases);
      const cost = (answer: unknown): number => Number(at(answer, 'usage.cost.total_cost'));
      const { held: open, spent } = await balanceOf(second, 'live');
      assert.equal(open, 0);
      const sum = [done, stored, submitted].reduce((total, answer) => total + cost(answer), 0);
      assert.equal(Number(spent.toFixed(9)), Number(sum.toFixed(9)));
      // What failed, and what was lost, freed its key.
      await read(await second.post(OPENAI, key('held')));
      assert.equal(bought(), purchases + 1);
      // The webhook that waited for its second try is sent from there, with the same id.
      await receiver.second;
      assert.equal(receiver.requests[0], receiver.requests[1]);
      const fetched = await read(await second.get('test', `/v1/images/${String(told['id'])}`));
      assert.equal(fetched['status'], 'completed');
      assert.deepEqual(await scene.problems(), []);
      // Without the database it does not start, so that there are not two of it.
      second.signal('SIGTERM');
      assert.equal(await second.ended, 0);
      await assert.rejects(mortal.start(), /This installation was moved to postgres:/);
    },
  );

  test(
    'after an orderly stop: the job that the upstream has is waited for there',
    HARD,
    async (context) => {
      const scene = await openScene(context);
      const { upstreams, mortal, bought } = scene;
      const { bfl } = upstreams;
      const first = await mortal.start();
      bfl.cluster.next('slow_first_byte');
      const asked = first.post(BFL, key('submitted'));
      await bfl.cluster.until(() => bfl.cluster.heldAnswers === 1);
      first.signal('SIGTERM');
      await read(await asked, 503);
      assert.equal(await first.ended, 0);
      bfl.cluster.release();
      const id = await idOf(scene, 'submitted');
      const second = await scene.moveOn();
      const answer = await ended(second, id);
      assert.equal(answer['status'], 'completed');
      assert.equal(pictures(answer).length, 1);
      assert.equal(bought(), 1);
      const { held, spent } = await balanceOf(second, 'live');
      assert.deepEqual([held, spent], [0, Number(at(answer, 'usage.cost.total_cost'))]);
      assert.deepEqual(await scene.problems(), []);
    },
  );
});
