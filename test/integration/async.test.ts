import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { ensureWebhookSecret } from '../../src/requests/webhook-secret.ts';
import { readError, warningsOf } from '../support/answers.ts';
import { ownCard, ownCards } from '../providers/upstreams-table.ts';
import { type Easel, type EaselOptions, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { startBfl } from '../support/upstreams/bfl.ts';
import { type FalJobPlan, startFal } from '../support/upstreams/fal.ts';

const GENERATIONS = '/v1/images/generations';
const BODY = { model: 'deepshi-banana-pro', prompt: 'a red boat' };
const ASYNC = { prefer: 'respond-async' };

interface Delivery {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A receiver of webhooks that answers with these statuses in turn, and then with 204. */
async function startReceiver(...statuses: readonly number[]) {
  const deliveries: Delivery[] = [];
  const arrived: (() => void)[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    void buffer(request).then((body) => {
      const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
      deliveries.push({ headers: Object.fromEntries(headers), body: body.toString() });
      response.writeHead(statuses[deliveries.length - 1] ?? 204).end();
      for (const wake of arrived.splice(0)) {
        wake();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}/hook`,
    deliveries,
    until: async (count: number) => {
      while (deliveries.length < count) {
        await new Promise<void>((resolve) => arrived.push(resolve));
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function balanceOf(
  easel: Easel,
  headers: Readonly<Record<string, string>> = {},
): Promise<[number, number]> {
  const { spent, held } = asObject(await (await easel.get('/v1/balance', { headers })).json());
  return [Number(spent), Number(held)];
}

async function accepted(response: Response): Promise<string> {
  assert.equal(response.status, 202);
  const { id, status } = asObject(await response.json());
  assert.equal(status, 'queued');
  assert.equal(response.headers.get('location'), `/v1/images/${String(id)}`);
  assert.equal(response.headers.get('preference-applied'), 'respond-async');
  assert.equal(response.headers.get('x-easel-image-id'), id);
  return String(id);
}

test('submitted, waited for, fetched; and told to a receiver that fails twice first', async () => {
  await using receiver = await startReceiver(500, 503);
  // The first wait after a failure is five seconds: the clock of the server is not waited for.
  const now = { ms: Date.now() };
  await using easel = await startEasel({
    environment: { EASEL_FETCH_ALLOW: receiver.host },
    clock: { now: () => now.ms },
  });
  const body = { ...BODY, seed: 7, webhook_url: receiver.url, metadata: { order: '17' } };
  const id = await accepted(await easel.post(GENERATIONS, body, ASYNC));
  const polled = await easel.get(`/v1/images/${id}`, { headers: { prefer: 'wait=60' } });
  const fetched = asObject(await polled.json());
  assert.equal(fetched['status'], 'completed');
  const direct = asObject(await (await easel.post(GENERATIONS, { ...BODY, seed: 7 })).json());
  assert.deepEqual(fetched['data'], direct['data']);

  await receiver.until(1);
  while (receiver.deliveries.length < 3) {
    // Any request that ends makes the server look for webhooks that are due by now.
    now.ms += 10_000;
    await (await easel.post(GENERATIONS, BODY)).arrayBuffer();
  }
  const secret = await easel.app.engine.store.transaction(async (tx) => {
    const { accountId } = await tx
      .selectFrom('requests')
      .select('account_id as accountId')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return ensureWebhookSecret(tx, accountId);
  });
  const ids = new Set<string>();
  for (const { headers, body: text } of receiver.deliveries) {
    const { type, data } = new Webhook(secret).verify(text, headers) as {
      type: string;
      data: Record<string, unknown>;
    };
    ids.add(headers['webhook-id'] ?? '');
    assert.equal(type, 'image.completed');
    assert.equal(data['id'], id);
    assert.equal(data['status'], 'completed');
    assert.deepEqual(data['metadata'], { order: '17' });
    assert.doesNotMatch(text, /b64_json/);
  }
  assert.equal(ids.size, 1);
  const [, held] = await balanceOf(easel);
  assert.equal(held, 0);
  assert.deepEqual(await easel.auditProblems(), []);
});

test('cancelling frees the hold, tells the receiver, and frees the key', async () => {
  await using receiver = await startReceiver();
  await using easel = await startEasel({ environment: { EASEL_FETCH_ALLOW: receiver.host } });
  const slow = { ...ASYNC, 'x-easel-test': 'slow=3600', 'idempotency-key': 'k' };
  const body = { ...BODY, webhook_url: receiver.url };
  const id = await accepted(await easel.post(GENERATIONS, body, slow));
  assert.deepEqual(await balanceOf(easel), [0, 0.01]);
  const cancelled = await easel.get(`/v1/images/${id}`, { method: 'DELETE' });
  assert.equal(cancelled.status, 200);
  assert.equal(asObject(await cancelled.json())['status'], 'cancelled');
  assert.deepEqual(await balanceOf(easel), [0, 0]);
  await receiver.until(1);
  const { type, data } = asObject(JSON.parse(receiver.deliveries[0]?.body ?? ''));
  assert.equal(type, 'image.cancelled');
  assert.equal(asObject(asObject(data)['error'])['code'], 'request_cancelled');
  const again = await easel.post(GENERATIONS, body, { 'idempotency-key': 'k' });
  assert.equal(again.status, 200);
  assert.notEqual(asObject(await again.json())['id'], id);
  assert.deepEqual(await easel.auditProblems(), []);
});

/** The server, ended after the upstream: it need not wait for a job that a failed test left. */
async function startBefore(
  t: TestContext,
  sim: AsyncDisposable,
  options: EaselOptions,
): Promise<Easel> {
  t.after(() => sim[Symbol.asyncDispose]());
  const easel = await startEasel(options);
  t.after(() => easel.close());
  return easel;
}

test('what an upstream has taken goes on where it cannot be cancelled there', async (t) => {
  const sim = await startBfl();
  const easel = await startBefore(t, sim, {
    environment: {
      BFL_API_KEY: sim.apiKey,
      BFL_BASE_URL: sim.baseUrl,
      EASEL_FETCH_ALLOW: sim.hosts.join(','),
    },
    yaml:
      'providers:\n  bfl:\n    kind: bfl\n' +
      `    settings: { poll_interval_ms: 1, polling_hosts: ["${sim.clusterHost}"] }\n`,
  });
  const headers = { authorization: `Bearer ${await easel.liveKey()}` };
  sim.cluster.next('slow_first_byte');
  const body = { model: 'flux-2-pro', prompt: 'a red boat' };
  const id = await accepted(await easel.post(GENERATIONS, body, { ...ASYNC, ...headers }));
  await sim.cluster.until(() => sim.cluster.heldAnswers === 1);
  // BFL cannot be told to stop.
  const removal = await easel.get(`/v1/images/${id}`, { method: 'DELETE', headers });
  assert.equal(removal.status, 202);
  assert.equal(asObject(await removal.json())['status'], 'running');
  sim.cluster.release();
  const ended = { ...headers, prefer: 'wait=60' };
  const fetched = asObject(await (await easel.get(`/v1/images/${id}`, { headers: ended })).json());
  assert.equal(fetched['status'], 'completed');
  assert.equal(sim.upstream.purchases, 1);
  assert.deepEqual(await balanceOf(easel, headers), [0.03, 0]);
  assert.deepEqual(await easel.auditProblems(), []);
});

/** A job at fal that was begun by a live key, and whose first poll has come. */
async function beginAtFal(t: TestContext, plan: FalJobPlan) {
  const sim = await startFal();
  const easel = await startBefore(t, sim, {
    environment: {
      FAL_KEY: sim.apiKey,
      FAL_BASE_URL: sim.baseUrl,
      EASEL_FETCH_ALLOW: sim.cdnHost,
    },
    yaml:
      'providers:\n  fal: { kind: fal, settings: { poll_interval_ms: 1 } }\n' +
      ownCards(ownCard('fal-model', 'fal', 'fal-ai/flux/dev')),
  });
  const headers = { authorization: `Bearer ${await easel.liveKey()}` };
  sim.nextJobs(plan);
  sim.faultsAt = 'status';
  sim.upstream.next('slow_first_byte');
  const body = { model: 'fal-model', prompt: 'a red boat' };
  const id = await accepted(await easel.post(GENERATIONS, body, { ...ASYNC, ...headers }));
  await sim.upstream.until(() => sim.upstream.heldAnswers === 1);
  assert.deepEqual(await balanceOf(easel, headers), [0, 0.025]);
  const remove = async (): Promise<readonly unknown[]> => {
    const removal = await easel.get(`/v1/images/${id}`, { method: 'DELETE', headers });
    const told = asObject(await removal.json());
    return [removal.status, told['id'], told['status']];
  };
  const wait = async (): Promise<ReturnType<typeof asObject>> => {
    const ended = { ...headers, prefer: 'wait=60' };
    return asObject(await (await easel.get(`/v1/images/${id}`, { headers: ended })).json());
  };
  const cancellations = (): number =>
    sim.upstream.requests.filter(({ method, path }) =>
      `${method} ${path}`.match(/^PUT .*\/cancel$/),
    ).length;
  return { sim, easel, headers, id, remove, wait, cancellations };
}

test('what waits in an upstream’s queue is cancelled there: nothing is charged', async (t) => {
  const { sim, easel, headers, id, remove, wait, cancellations } = await beginAtFal(t, {
    queuePolls: 1_000_000,
  });
  assert.deepEqual(await remove(), [200, id, 'cancelled']);
  assert.equal(cancellations(), 1);
  assert.deepEqual(await balanceOf(easel, headers), [0, 0]);
  const { status, error, data } = await wait();
  assert.equal(status, 'cancelled');
  assert.equal(asObject(error)['code'], 'request_cancelled');
  assert.equal(data, undefined);
  sim.upstream.release();
  assert.equal(sim.upstream.purchases, 1);
  assert.equal(sim.cdn.requests.length, 0);
  assert.deepEqual(sim.upstream.problems, []);
  assert.deepEqual(await easel.auditProblems(), []);
});

test('what an upstream has begun goes on, though it can be asked to stop', async (t) => {
  const { sim, easel, headers, id, remove, wait, cancellations } = await beginAtFal(t, {
    queuePolls: 0,
    progressPolls: 2,
  });
  assert.deepEqual(await remove(), [202, id, 'running']);
  assert.equal(cancellations(), 1);
  assert.deepEqual(await balanceOf(easel, headers), [0, 0.025]);
  sim.upstream.release();
  assert.equal((await wait())['status'], 'completed');
  assert.deepEqual(await balanceOf(easel, headers), [0.025, 0]);
  assert.equal(sim.upstream.purchases, 1);
  assert.deepEqual(sim.upstream.problems, []);
  assert.deepEqual(await easel.auditProblems(), []);
});

test('who is willing to wait gets the answer itself, if it comes in time', async () => {
  await using easel = await startEasel();
  const inTime = await easel.post(GENERATIONS, BODY, { prefer: 'respond-async, wait=60' });
  assert.equal(inTime.status, 200);
  assert.ok(Array.isArray(asObject(await inTime.json())['data']));
  const late = await easel.post(GENERATIONS, BODY, {
    prefer: 'respond-async; x=1, wait=1',
    'x-easel-test': 'slow=3600',
  });
  const id = await accepted(late);
  assert.equal((await easel.get(`/v1/images/${id}`, { method: 'DELETE' })).status, 200);
});

test('a stream, or a server without a store, answers at once and says so', async () => {
  await using easel = await startEasel();
  const stream = await easel.post(GENERATIONS, { ...BODY, stream: true }, ASYNC);
  assert.equal(stream.status, 200);
  assert.match(await stream.text(), /"param":"Prefer","code":"ignored"/);
  await using without = await startEasel({ environment: { EASEL_RESULT_TTL: '0' } });
  const body = { ...BODY, webhook_url: 'https://hooks.example/a' };
  const answer = asObject(await (await without.post(GENERATIONS, body, ASYNC)).json());
  assert.deepEqual(warningsOf(answer as Parameters<typeof warningsOf>[0]), [
    'Prefer ignored',
    'webhook_url ignored',
  ]);
});

for (const url of ['http://example.com/a', 'https://10.0.0.1/', 'https://localhost/', 'no URL']) {
  test(`the webhook ${url} is refused before anything is held`, async () => {
    await using easel = await startEasel();
    const response = await easel.post(GENERATIONS, { ...BODY, webhook_url: url }, ASYNC);
    await readError(response, { name: 'invalid_value', param: 'webhook_url' });
    assert.deepEqual(await balanceOf(easel), [0, 0]);
  });
}
