import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { startProxy } from '../../src/blobs/test-proxy.ts';
import { testBucket } from '../../src/blobs/test-s3.ts';
import { readAnswer, readError } from '../support/answers.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { spawnEasel, temporaryFolder } from '../support/process.ts';
import { pictureEnvironment } from '../support/stored-pictures.ts';

const place = testBucket();
const skip = place === undefined ? 'this is about a bucket' : false;

const GENERATIONS = '/v1/images/generations';
const BOAT = { model: 'deepshi-banana-pro', prompt: 'a boat', width: 256, height: 256, seed: 7 };

async function startBehindProxy(context: TestContext) {
  const proxy = await startProxy(context, place?.endpoint ?? '');
  const environment = { ...pictureEnvironment(), EASEL_S3_ENDPOINT: proxy.url };
  return { proxy, easel: await startEasel({ environment }) };
}

async function spentOf(easel: Easel): Promise<unknown[]> {
  const balance = asObject(await (await easel.get('/v1/balance')).json());
  return [balance['spent'], balance['held']];
}

suite('a bucket that goes away', { skip, timeout: 120_000 }, () => {
  test('who waits gets the picture, the rest costs nothing, and reading is a 503', async (t) => {
    const { proxy, easel } = await startBehindProxy(t);
    await using _ = easel;
    const kept = await readAnswer(await easel.post(GENERATIONS, BOAT));
    const path = `/v1/images/${kept.id}/content/0`;
    const whole = Buffer.from(await (await easel.get(path)).arrayBuffer());
    assert.ok(whole.equals(Buffer.from(kept.data[0].b64_json ?? '', 'base64')));
    const [spent] = await spentOf(easel);

    proxy.away();
    const waited = await readAnswer(await easel.post(GENERATIONS, BOAT));
    assert.equal(waited.data[0].b64_json, kept.data[0].b64_json);
    assert.deepEqual(
      waited.warnings?.map(({ code }) => code),
      ['not_kept'],
    );
    await readError(await easel.get(`/v1/images/${waited.id}`), { name: 'result_expired' });
    const sent = await easel.post(GENERATIONS, BOAT, { prefer: 'respond-async' });
    const { id } = asObject(await sent.json());
    const headers = { prefer: 'wait=60' };
    const ended = asObject(await (await easel.get(`/v1/images/${String(id)}`, { headers })).json());
    assert.equal(ended['status'], 'failed');
    // Two pictures were delivered, and the third costs nothing.
    assert.deepEqual(await spentOf(easel), [Number(spent) * 2, 0]);
    for (const asked of [path, `/v1/images/${kept.id}`]) {
      const refused = await easel.get(asked);
      assert.equal(refused.headers.get('retry-after'), '1');
      await readError(refused, { name: 'overloaded' });
    }
    const removed = await easel.get(`/v1/images/${kept.id}`, { method: 'DELETE' });
    await readError(removed, { name: 'overloaded' });
    // Requests can still be served, by every server alike: none would be better than another.
    assert.equal((await easel.get('/readyz')).status, 200);

    proxy.back();
    const again = await easel.get(path, { headers: { range: 'bytes=5-99' } });
    assert.equal(again.status, 206);
    assert.ok(Buffer.from(await again.arrayBuffer()).equals(whole.subarray(5, 100)));
    assert.deepEqual(await easel.auditProblems(), []);
  });

  test('a start that cannot keep pictures ends with a sentence', async () => {
    await using folder = await temporaryFolder();
    const right = pictureEnvironment();
    for (const [wrong, says] of [
      [{ EASEL_S3_ENDPOINT: 'http://127.0.0.1:9' }, /cannot be reached: 127\.0\.0\.1:9: /],
      [{ AWS_SECRET_ACCESS_KEY: 'another' }, /SignatureDoesNotMatch/],
      [{ EASEL_RESULTS_URL: 's3://not-there' }, /the bucket not-there at .*NoSuchBucket/],
      [{ AWS_ACCESS_KEY_ID: '' }, /AWS_ACCESS_KEY_ID: the bucket of EASEL_RESULTS_URL needs it/],
    ] as const) {
      const started = spawnEasel(folder.path, { ...right, ...wrong });
      await assert.rejects(started, (error: Error) => {
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /^ +at /m, 'a stack is no sentence');
        assert.ok(!error.message.includes('another'), error.message);
        return true;
      });
    }
  });
});
