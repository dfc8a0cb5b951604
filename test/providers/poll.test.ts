import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { UpstreamFailure } from '../../src/base/upstream-failure.ts';
import type { EgressAnswer } from '../../src/egress/egress.ts';
import { poll, type PollOptions, type Verdict } from '../../src/providers/poll.ts';

interface Script {
  /** Statuses of the answers, one by one; `broken`: the connection breaks. */
  readonly answers: readonly (number | 'broken')[];
  readonly headers?: EgressAnswer['headers'];
}

/** Plays a script; 200 settles, 202 is pending. Returns what was waited for. */
async function play(script: Script, options: Partial<PollOptions<string>> = {}) {
  const waits: number[] = [];
  const answers = [...script.answers];
  const result = poll<string>({
    provider: 'simulated',
    signal: new AbortController().signal,
    log: createLog({ level: 'silent' }),
    intervalMs: 250,
    wait: async (delayMs) => {
      waits.push(delayMs);
    },
    ask: async () => {
      const status = answers.shift() ?? 200;
      if (status === 'broken') {
        throw new UpstreamFailure('overloaded', { billed: 'no', internal: 'refused' });
      }
      return { status, headers: script.headers ?? {}, body: nothing() };
    },
    judge: async ({ status }): Promise<Verdict<string>> =>
      status === 200 ? { state: 'settled', result: 'made' } : { state: 'pending' },
    ...options,
  });
  return { result: await result.catch((error: unknown) => error), waits, answers };
}

async function* nothing(): AsyncGenerator<Buffer> {}

test('pauses grow from the interval to eight times it, each a little uneven', async () => {
  const { result, waits } = await play({ answers: Array.from({ length: 20 }, () => 202) });
  assert.equal(result, 'made');
  let expected = 250;
  for (const waitMs of waits) {
    assert(waitMs >= expected * 0.8 && waitMs <= expected * 1.2, `${waitMs} for ${expected}`);
    expected = Math.min(expected * 1.5, 2000);
  }
  assert(new Set(waits.slice(-8)).size > 1, 'the pauses are all the same');
});

test('trouble is put up with ten times in a row, again and again', async () => {
  const trouble = [503, 429, 'broken', 500, 502, 504, 'broken', 503, 503, 503] as const;
  const { result } = await play({ answers: [...trouble, 202, ...trouble, 200] });
  assert.equal(result, 'made');
});

test('the eleventh trouble in a row ends it, and is never said to be unbilled', async () => {
  const answers = Array.from({ length: 20 }, () => 'broken' as const);
  const { result, answers: left } = await play({ answers });
  assert(result instanceof UpstreamFailure);
  assert.deepEqual([result.errorName, result.billed], ['upstream_error', 'unknown']);
  assert.equal(left.length, 9);
});

test('an upstream that asks for a pause gets it, but none of an hour', async () => {
  const { waits } = await play({ answers: [429], headers: { 'retry-after': '3' } });
  assert(Number(waits[1]) >= 2400 && Number(waits[1]) <= 3600, String(waits));
  const { waits: longer } = await play({ answers: [503], headers: { 'retry-after': '3600' } });
  assert(Number(longer[1]) <= 12_000, String(longer));
});

test('what is no trouble of the upstream is thrown as it is', async () => {
  const bug = new TypeError('x is not a function');
  const { result } = await play({ answers: [] }, { judge: () => Promise.reject(bug) });
  assert.equal(result, bug);
});

test('the signal ends a pause at once, with its own reason', async () => {
  const controller = new AbortController();
  const reason = new Error('given up');
  const polling = poll({
    provider: 'simulated',
    signal: controller.signal,
    log: createLog({ level: 'silent' }),
    intervalMs: 3_600_000,
    ask: () => Promise.reject(new Error('nobody asks')),
    judge: async () => ({ state: 'pending' }),
  });
  controller.abort(reason);
  await assert.rejects(polling, (error) => error === reason);
});
