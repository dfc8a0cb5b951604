import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { testBucket } from '../../src/blobs/test-s3.ts';
import { createTestDatabase, testServer } from '../../src/store/test-postgres.ts';
import { readAnswer } from '../support/answers.ts';
import { type Easel, requesters, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { temporaryFolder } from '../support/process.ts';
import { startReplica } from '../support/replicas.ts';
import { pictureEnvironment } from '../support/stored-pictures.ts';
import { startOpenai } from '../support/upstreams/openai.ts';

const server = testServer();
const skip =
  server === undefined || testBucket() === undefined
    ? 'this is about several Easels with one bucket, on PostgreSQL'
    : false;

const GENERATIONS = '/v1/images/generations';
const BOAT = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256 };
const KEY = `sk-easel-live-${'replica'.repeat(6)}1`;

/** Settings that all of them have. */
async function shared(context: TestContext): Promise<Record<string, string>> {
  const { url, drop } = await createTestDatabase(server ?? '');
  context.after(drop);
  return { EASEL_DATABASE_URL: url, EASEL_BOOTSTRAP_KEY: KEY, ...pictureEnvironment() };
}

const withKey = ({ url }: Pick<Easel, 'url'>): ReturnType<typeof requesters> =>
  requesters(url, KEY);

suite('several Easels with one bucket and no disk in common', { skip, timeout: 120_000 }, () => {
  test('one stores, the other serves: in part, by its link, and as a repeat', async (context) => {
    const environment = { ...(await shared(context)), EASEL_BOOTSTRAP_CREDIT_USD: '10' };
    const file = { results: { hosted_urls: true } } as object;
    await using first = await startEasel({ environment, file });
    await using second = await startEasel({ environment, file });
    const headers = { 'idempotency-key': 'once' };
    const body = { ...BOAT, response_format: 'url' };
    const answer = await readAnswer(await withKey(first).post(GENERATIONS, body, headers));
    const link = new URL(answer.data[0].url ?? '');
    const whole = Buffer.from(await (await fetch(link)).arrayBuffer());
    assert.equal(link.origin, first.url);
    // No EASEL_SECRET is set: what signs links is the database's.
    const elsewhere = new URL(link.pathname + link.search, second.url);
    const part = await fetch(elsewhere, { headers: { range: 'bytes=7-4007' } });
    assert.equal(part.status, 206);
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(7, 4008)));
    const again = await withKey(second).post(GENERATIONS, body, headers);
    assert.equal(again.headers.get('idempotent-replayed'), 'true');
    assert.equal((await readAnswer(again)).id, answer.id);
    const removed = await withKey(second).get(`/v1/images/${answer.id}`, { method: 'DELETE' });
    assert.equal(removed.status, 200);
    assert.equal((await fetch(link)).status, 410);
    assert.deepEqual(await first.stored.list(), []);
  });

  test('a start and its sweep take nothing of a request that runs elsewhere', async (context) => {
    await using openai = await startOpenai();
    const environment = {
      ...(await shared(context)),
      EASEL_BOOTSTRAP_CREDIT_USD: '1000',
      OPENAI_API_KEY: openai.apiKey,
      OPENAI_BASE_URL: openai.baseUrl,
    };
    await using first = await startEasel({ environment });
    // A picture that is whole in the bucket and has no row: its request has a second one to wait for.
    const { results } = first.app.engine.pipeline;
    const early = results?.keep('img_running', 0, {
      form: 'binary',
      peek: async () => Buffer.alloc(0),
      async *chunks() {
        yield Buffer.from('a picture');
      },
    });
    assert.ok((await early?.finished)?.isKept);
    context.mock.timers.enable({ apis: ['setInterval'] });
    await using second = await startEasel({ environment });
    context.mock.timers.tick(15_000);
    // Closing waits for the sweep that the tick has begun.
    await second.app.engine.pipeline.results?.close();
    assert.equal((await first.stored.list()).length, 1);
    // The longest request and an hour later nobody can be waiting for its row.
    const clock = { now: () => Date.now() + 600_000 + 3_660_000 };
    await using later = await startEasel({ environment, clock });
    context.mock.timers.tick(15_000);
    await later.app.engine.pipeline.results?.close();
    assert.deepEqual(await first.stored.list(), []);
  });

  test('a process that is killed in mid-upload leaves nothing that others would serve', async (context) => {
    await using openai = await startOpenai();
    await using folder = await temporaryFolder();
    const environment = {
      ...(await shared(context)),
      EASEL_BOOTSTRAP_CREDIT_USD: '1000',
      OPENAI_API_KEY: openai.apiKey,
      OPENAI_BASE_URL: openai.baseUrl,
    };
    const yaml = 'time: { lease_seconds: 1 }\n';
    const dying = await startReplica({ folder: join(folder.path, 'dying'), environment, yaml });
    await using living = await startEasel({ environment, yaml });
    openai.upstream.next('slow_mid_payload');
    const body = { model: 'gpt-image-2', prompt: 'a boat', quality: 'low' };
    const headers = { 'idempotency-key': 'survives' };
    const asked = requesters(dying.url, KEY)
      .post(GENERATIONS, body, headers)
      .then((response) => response.text())
      .catch(() => undefined);
    await openai.upstream.until(() => openai.upstream.heldAnswers === 1);
    await dying.kill();
    openai.upstream.release();
    await asked;
    assert.deepEqual(await living.stored.list(), []);
    const answer = await readAnswer(await withKey(living).post(GENERATIONS, body, headers));
    assert.equal(answer.data.length, 1);
    assert.equal((await living.stored.list()).length, 1);
    const content = await withKey(living).get(`/v1/images/${answer.id}/content/0`);
    assert.equal(content.status, 200);
    await content.body?.cancel();
    assert.deepEqual(asObject(await (await living.get('/readyz')).json()), { status: 'ready' });
  });
});
