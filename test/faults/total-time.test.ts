import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Easel, startEasel } from '../support/harness.ts';
import { asObject } from '../support/json.ts';
import { startBfl } from '../support/upstreams/bfl.ts';
import type { PlainFaultKind } from '../support/upstreams/faults.ts';
import { startOpenai } from '../support/upstreams/openai.ts';

const GENERATIONS = '/v1/images/generations';

async function post(easel: Easel, body: object): Promise<Response> {
  const authorization = `Bearer ${await easel.liveKey()}`;
  return easel.post(GENERATIONS, { prompt: 'a boat', ...body }, { authorization });
}

async function assertNothingCharged(easel: Easel): Promise<void> {
  const headers = { authorization: `Bearer ${await easel.liveKey()}` };
  const { spent, held } = asObject(await (await easel.get('/v1/balance', { headers })).json());
  assert.deepEqual([spent, held], [0, 0]);
  assert.deepEqual(await easel.auditProblems(), []);
}

/** Why the last call to an upstream failed, as the log has it. */
function reasons({ logLines }: Easel): string[] {
  return logLines.map((line) => JSON.stringify(line)).filter((line) => /took longer/.test(line));
}

suite('a call to an account has a time of its own in all', () => {
  for (const fault of ['slow_first_byte', 'slow_mid_payload'] as PlainFaultKind[]) {
    test(`${fault}: it ends, is not asked for again, and is not charged`, async () => {
      await using openai = await startOpenai();
      await using easel = await startEasel({
        environment: { OPENAI_API_KEY: openai.apiKey, OPENAI_BASE_URL: openai.baseUrl },
        yaml: 'providers: { openai: { time: { total_seconds: 0.3 } } }',
      });
      openai.upstream.next(fault);
      const response = await post(easel, { model: 'gpt-image-2', quality: 'low' });
      const answer: unknown = await response.json().catch(() => undefined);
      if (fault === 'slow_first_byte') {
        assert.equal(response.status, 504);
        assert.equal(asObject(asObject(answer)['error'])['code'], 'upstream_timeout');
      } else {
        // It had begun: all that is left is to break it off.
        assert.equal(answer, undefined);
      }
      openai.upstream.release();
      assert.equal(openai.upstream.requests.length, 1);
      assert.ok(reasons(easel).length > 0);
      await assertNothingCharged(easel);
      // The next call has all of its time.
      const next = await post(easel, { model: 'gpt-image-2', quality: 'low' });
      assert.equal(next.status, 200, await next.text());
    });
  }

  test('a job that is never ready, however quickly each question is answered', async () => {
    await using bfl = await startBfl();
    await using easel = await startEasel({
      environment: {
        BFL_API_KEY: bfl.apiKey,
        BFL_BASE_URL: bfl.baseUrl,
        EASEL_FETCH_ALLOW: bfl.hosts.join(','),
      },
      yaml: `providers:
  bfl:
    time: { total_seconds: 1.5 }
    settings: { polling_hosts: ['${bfl.clusterHost}'] }
`,
    });
    bfl.nextJobs({ pendingPolls: 1_000_000 });
    const response = await post(easel, { model: 'flux-2-pro', width: 512, height: 512 });
    assert.equal(response.status, 504, await response.text());
    assert.equal(bfl.upstream.purchases, 1);
    assert.ok(bfl.cluster.requests.length > 0);
    await assertNothingCharged(easel);
  });
});
