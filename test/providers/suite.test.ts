import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { createLog } from '../../src/base/log.ts';
import { createEgress } from '../../src/egress/upstream.ts';
import { ADAPTERS } from '../../src/providers/index.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import { PATIENT_ROUTING } from '../support/routing.ts';
import { readEvents } from '../support/sse.ts';
import type { Fault, PlainFaultKind } from '../support/upstreams/faults.ts';
import { type StartedUpstream, type UpstreamRow, UPSTREAMS } from './upstreams-table.ts';

interface Answer {
  readonly size: string;
  readonly output_format: string;
  readonly data: readonly { readonly index: number; readonly b64_json: string }[];
  readonly usage: { readonly cost: { readonly total_cost: number } };
  readonly warnings?: readonly { readonly code: string; readonly param: string }[];
}

/** Easel with a live key in front of one simulated upstream. */
interface Bench extends AsyncDisposable {
  readonly easel: Easel;
  readonly started: StartedUpstream;
  readonly post: (
    fields?: object,
    signal?: AbortSignal,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Response>;
  readonly balance: () => Promise<{ readonly held: number; readonly spent: number }>;
}

async function openBench(
  row: UpstreamRow,
  more: Readonly<Record<string, string>> = {},
): Promise<Bench> {
  const started = await row.start();
  // What an adapter says of a failure, without what routes make of it: that has a suite of its own.
  const yaml = `${started.yaml ?? ''}\n${PATIENT_ROUTING}`;
  const easel = await startEasel({ environment: { ...started.environment, ...more }, yaml });
  const authorization = `Bearer ${await easel.liveKey()}`;
  const body = { model: row.model, prompt: 'a red boat', ...row.fields };
  return {
    easel,
    started,
    post: (fields = {}, signal, headers = {}) =>
      fetch(`${easel.url}/v1/images/generations`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ ...body, ...fields }),
        ...(signal === undefined ? {} : { signal }),
      }),
    balance: async () => {
      const response = await easel.get('/v1/balance', { headers: { authorization } });
      return (await response.json()) as { held: number; spent: number };
    },
    [Symbol.asyncDispose]: async () => {
      await easel.close();
      await started[Symbol.asyncDispose]();
      assert.deepEqual(started.upstream.problems, []);
    },
  };
}

/** What each fault of an upstream becomes for the caller. */
const REFUSALS: readonly { readonly fault: Fault | PlainFaultKind; readonly becomes: string }[] = [
  { fault: 'moderation', becomes: '400 moderation_blocked' },
  { fault: 'insufficient_quota', becomes: '502 upstream_error' },
  { fault: { kind: 'status', status: 400 }, becomes: '400 invalid_value' },
  { fault: { kind: 'status', status: 401 }, becomes: '502 upstream_error' },
  { fault: { kind: 'status', status: 402 }, becomes: '502 upstream_error' },
  { fault: { kind: 'status', status: 403 }, becomes: '502 upstream_error' },
  {
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    becomes: '503 overloaded',
  },
  { fault: { kind: 'status', status: 500 }, becomes: '502 upstream_error' },
  { fault: { kind: 'status', status: 503 }, becomes: '503 overloaded' },
  { fault: 'hang_up', becomes: '502 upstream_error' },
  { fault: 'garbage', becomes: '502 upstream_error' },
  { fault: 'html', becomes: '502 upstream_error' },
  { fault: { kind: 'html', status: 200 }, becomes: '502 upstream_error' },
  { fault: 'empty_data', becomes: '502 upstream_error' },
  { fault: 'redirect_private', becomes: '502 upstream_error' },
];

for (const row of UPSTREAMS) {
  suite(`${row.name}: ${row.model}`, () => {
    test('a prompt in, a picture out, at the price of the card', async () => {
      await using bench = await openBench(row);
      const response = await bench.post();
      const answer = (await response.json()) as Answer;
      assert.equal(response.status, 200, JSON.stringify(answer));
      const [item] = answer.data;
      const bytes = Buffer.from(item?.b64_json ?? '', 'base64');
      const { width, height, format } = await sharp(bytes).metadata();
      assert.equal(answer.size, `${width}x${height}`);
      assert.equal(answer.output_format, format);
      assert.equal(answer.usage.cost.total_cost, row.cost);
      assert.deepEqual(await spentAndHeld(bench), [row.cost, 0]);
      assert.equal(bench.started.upstream.purchases, 1);
      assert.equal('test' in answer, false);
    });

    test('three pictures come in order and cost three times as much', async () => {
      await using bench = await openBench(row);
      const response = await bench.post({ n: 3 });
      const answer = (await response.json()) as Answer;
      assert.equal(response.status, 200, JSON.stringify(answer));
      assert.deepEqual(
        answer.data.map(({ index }) => index),
        [0, 1, 2],
      );
      // The prompt's tokens count once where one call makes them all.
      const few = 0.0001;
      assert.ok(Math.abs(answer.usage.cost.total_cost - 3 * row.cost) < few);
      assert.deepEqual(await spentAndHeld(bench), [answer.usage.cost.total_cost, 0]);
    });

    test('a stream ends with the completed event and the same cost', async () => {
      await using bench = await openBench(row);
      const events = await Array.fromAsync(readEvents(await bench.post({ stream: true })));
      const last = events.at(-1);
      assert.ok(last !== undefined && 'event' in last, JSON.stringify(last));
      assert.equal(last.data['type'], 'image_generation.completed', last.text.slice(-300));
      const usage = last.data['usage'] as Answer['usage'];
      assert.equal(usage.cost.total_cost, row.cost);
    });

    test('a stream of several pictures has one event for each, the bill in the last', async () => {
      await using bench = await openBench(row);
      const pieces = await Array.fromAsync(readEvents(await bench.post({ stream: true, n: 3 })));
      const events = pieces.filter((piece) => 'event' in piece);
      assert.deepEqual(
        events.map(({ data }) => [data['type'], data['index'], 'usage' in data]),
        [
          ['image_generation.completed', 0, false],
          ['image_generation.completed', 1, false],
          ['image_generation.completed', 2, true],
        ],
      );
      for (const { data } of events) {
        const bytes = Buffer.from(String(data['b64_json']), 'base64');
        const { width, height } = await sharp(bytes).metadata();
        assert.equal(data['size'], `${width}x${height}`);
      }
      const usage = events.at(-1)?.data['usage'] as Answer['usage'];
      assert.deepEqual(await spentAndHeld(bench), [usage.cost.total_cost, 0]);
    });

    const { heldBack } = row;
    if (heldBack !== undefined) {
      test('a field that is not passed on is named in the warnings', async () => {
        await using bench = await openBench(row);
        const response = await bench.post({ [heldBack]: 'x', negative_prompt: 'rain' });
        const answer = (await response.json()) as Answer;
        assert.equal(response.status, 200);
        assert.deepEqual(
          answer.warnings?.map(({ param, code }) => [param, code]),
          [[heldBack, 'ignored']],
        );
        const order = bench.started.upstream.requests.find(({ method }) => method === 'POST');
        assert.ok(order !== undefined);
        const sent = order.json as Readonly<Record<string, unknown>>;
        assert.deepEqual([sent[heldBack], sent['negative_prompt']], [undefined, 'rain']);
      });
    }

    for (const { fault, becomes } of REFUSALS) {
      const kind = typeof fault === 'string' ? fault : JSON.stringify(fault);
      if (row.without?.[kind] !== undefined) {
        continue;
      }
      const expected = row.becomes?.[kind] ?? becomes;
      test(`${kind} becomes ${expected}, costs nothing, and spoils nothing`, async () => {
        await using bench = await openBench(row);
        bench.started.upstream.next(fault);
        const response = await bench.post();
        const { error } = (await response.json()) as { error: { code: string; message: string } };
        assert.equal(`${response.status} ${error.code}`, expected, error.message);
        assert.equal(response.headers.has('retry-after'), response.status === 503);
        await assertUntouched(bench);
      });
    }

    test('what is no picture is an upstream error', async () => {
      await using bench = await openBench(row);
      const isApart = bench.started.delivery !== bench.started.upstream;
      bench.started.delivery.next(isApart ? 'garbage' : 'not_a_picture');
      const response = await bench.post();
      assert.equal(response.status, 502, await response.text());
      await assertUntouched(bench);
    });

    test('an upstream that breaks off in its answer never looks like one', async () => {
      await using bench = await openBench(row);
      const { upstream, delivery } = bench.started;
      const faults = [
        { place: delivery, fault: 'die_mid_payload', stream: false },
        { place: delivery, fault: 'die_mid_payload', stream: true },
        { place: upstream, fault: 'half_json', stream: false },
        { place: upstream, fault: 'half_json', stream: true },
      ] as const;
      for (const { place, fault, stream } of faults) {
        place.next(fault);
        const outcome = await bench
          .post({ stream })
          .then(
            async (response) => `${response.status} ${await response.text()}`,
            (error: unknown) => String(error),
          )
          .catch((error: unknown) => String(error));
        if (stream) {
          assert.match(outcome, /"type":"error","error":\{.*"code":"upstream_error"/);
          assert.doesNotMatch(outcome, /"type":"image_generation\.completed"/);
        } else {
          assert.match(outcome, row.isLive ? /TypeError|upstream_error/ : /^502 /);
        }
      }
      await assertUntouched(bench);
    });

    test('without a store a caller that leaves while the upstream thinks pays nothing', async () => {
      await using bench = await openBench(row, { EASEL_RESULT_TTL: '0' });
      await leaveWhileItThinks(bench);
      await bench.easel.app.engine.pipeline.jobs.idle();
      bench.started.upstream.release();
      await assertUntouched(bench);
    });

    test('a caller that leaves finds its picture later, bought and paid once', async () => {
      await using bench = await openBench(row);
      await leaveWhileItThinks(bench);
      bench.started.upstream.release();
      await bench.easel.app.engine.pipeline.jobs.idle();
      assert.deepEqual(await spentAndHeld(bench), [row.cost, 0]);
      assert.equal(bench.started.upstream.purchases, 1);
      // The same once more, as an SDK sends it by itself: it gets what was bought.
      const again = await bench.post({}, undefined, { 'x-stainless-retry-count': '1' });
      const answer = (await again.json()) as Answer;
      assert.equal(again.status, 200, JSON.stringify(answer));
      assert.equal(again.headers.get('idempotent-replayed'), 'true');
      const bytes = Buffer.from(answer.data[0]?.b64_json ?? '', 'base64');
      const { width, height } = await sharp(bytes).metadata();
      assert.equal(answer.size, `${width}x${height}`);
      assert.equal(answer.usage.cost.total_cost, row.cost);
      assert.deepEqual(await spentAndHeld(bench), [row.cost, 0]);
      assert.equal(bench.started.upstream.purchases, 1);
      assert.deepEqual(await bench.easel.auditProblems(), []);
    });
  });
}

async function leaveWhileItThinks({ started, post }: Bench): Promise<void> {
  started.upstream.next('slow_first_byte');
  const controller = new AbortController();
  const sent = post({}, controller.signal).catch(() => undefined);
  await started.upstream.until(() => started.upstream.heldAnswers === 1);
  controller.abort();
  await sent;
}

test('every kind of upstream has its row in the suite', () => {
  assert.deepEqual(UPSTREAMS.map(({ name }) => name).toSorted(), Object.keys(ADAPTERS).toSorted());
});

test('a setting that an adapter does not read is refused in words, by every kind', async () => {
  const log = createLog({ level: 'silent' });
  const baseUrl = 'https://upstream.example';
  const egress = createEgress({ baseUrl, trustedHosts: new Set(), log });
  for (const [kind, { create }] of Object.entries(ADAPTERS)) {
    const account = { name: 'mine', egress, baseUrl, apiKey: 'k', settings: { pol_interval: 1 } };
    assert.throws(() => create(account), /mine.*pol_interval/, kind);
  }
  await egress.close();
});

async function spentAndHeld(bench: Bench): Promise<[number, number]> {
  const { spent, held } = await bench.balance();
  return [spent, held];
}

/** Nothing charged, nothing held, the books right, and the next request works. */
async function assertUntouched(bench: Bench): Promise<void> {
  assert.deepEqual(await spentAndHeld(bench), [0, 0]);
  assert.deepEqual(await bench.easel.auditProblems(), []);
  const next = await bench.post();
  assert.equal(next.status, 200, await next.text());
}
