import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker, type BreakerRules } from './breaker.ts';

const RULES: BreakerRules = { failuresMax: 3, openMs: 1000, slowMs: 60_000 };

/** A breaker whose clock the test moves. */
function startBreaker(rules: Partial<BreakerRules> = {}) {
  const changes: string[] = [];
  const clock = { ms: 0 };
  const breaker = new Breaker({
    ...RULES,
    ...rules,
    now: () => clock.ms,
    random: () => 0.5,
    onChange: (circuit) => changes.push(circuit),
  });
  const call = (end: 'succeeded' | 'failed'): void => {
    const { [end]: tell, ended } = breaker.begin();
    tell();
    ended();
  };
  return { breaker, changes, clock, call };
}

test('failures in a row open the circuit, and a success in between counts them anew', () => {
  const { breaker, call } = startBreaker();
  for (const end of ['failed', 'failed', 'succeeded', 'failed', 'failed'] as const) {
    call(end);
    assert.equal(breaker.circuit, 'closed');
  }
  call('failed');
  assert.deepEqual([breaker.circuit, breaker.waitMs], ['open', 1000]);
});

test('after its time one call tries it: a success closes it, a failure doubles the time', () => {
  const { breaker, changes, clock, call } = startBreaker();
  ['failed', 'failed', 'failed'].forEach(() => call('failed'));
  clock.ms = 999;
  assert.equal(breaker.waitMs, 1);
  clock.ms = 1000;
  assert.equal(breaker.waitMs, 0);
  const probe = breaker.begin();
  assert.equal(breaker.circuit, 'half_open');
  assert.ok(breaker.waitMs > 0, 'a second call goes through beside the probe');
  probe.failed();
  probe.ended();
  assert.deepEqual([breaker.circuit, breaker.waitMs], ['open', 2000]);
  clock.ms += 2000;
  call('succeeded');
  assert.deepEqual([breaker.circuit, breaker.waitMs], ['closed', 0]);
  assert.deepEqual(changes, ['open', 'half_open', 'open', 'half_open', 'closed']);
  // The times begin anew.
  ['failed', 'failed', 'failed'].forEach(() => call('failed'));
  assert.equal(breaker.waitMs, 1000);
});

test('a probe that says nothing leaves the circuit to the next one', () => {
  const { breaker, clock, call } = startBreaker();
  ['failed', 'failed', 'failed'].forEach(() => call('failed'));
  clock.ms = 1000;
  breaker.begin().ended();
  assert.deepEqual([breaker.circuit, breaker.waitMs], ['half_open', 0]);
  call('succeeded');
  assert.equal(breaker.circuit, 'closed');
});

test('what began before the circuit opened says nothing of it later', () => {
  const { breaker, clock, call } = startBreaker();
  const old = breaker.begin();
  const older = breaker.begin();
  ['failed', 'failed', 'failed'].forEach(() => call('failed'));
  old.succeeded();
  assert.equal(breaker.circuit, 'open');
  clock.ms = 1000;
  const probe = breaker.begin();
  older.failed();
  older.ended();
  assert.equal(breaker.circuit, 'half_open');
  // It was not the probe that ended: another one must not go through beside it.
  assert.ok(breaker.waitMs > 0);
  probe.succeeded();
  assert.equal(breaker.circuit, 'closed');
});

test('an overload is no failure: the route rests as long as it was told, or longer each time', () => {
  const { breaker, clock } = startBreaker();
  const refuse = (pauseMs?: number): number => {
    const call = breaker.begin();
    call.refused(pauseMs);
    call.ended();
    return breaker.waitMs;
  };
  assert.equal(refuse(7000), 7000);
  // One that says less does not shorten it.
  assert.equal(refuse(1000), 7000);
  clock.ms = 7000;
  assert.equal(breaker.waitMs, 0);
  const pauses = Array.from({ length: 8 }, () => {
    const pause = refuse();
    clock.ms += pause;
    return pause;
  });
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.equal(breaker.circuit, 'closed');
});

test('a slow call counts as a failure, even if it ends well', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { breaker } = startBreaker();
  const calls = [breaker.begin(), breaker.begin(), breaker.begin()];
  context.mock.timers.tick(59_999);
  assert.equal(breaker.circuit, 'closed');
  context.mock.timers.tick(1);
  assert.equal(breaker.circuit, 'open');
  calls.forEach(({ succeeded }) => succeeded());
  assert.equal(breaker.circuit, 'open');
});

test('an unproven route is trusted with no more calls than failures open it', () => {
  const { breaker, call } = startBreaker();
  const calls = [breaker.begin(), breaker.begin()];
  assert.equal(breaker.isTrusted, true);
  calls.push(breaker.begin());
  assert.equal(breaker.isTrusted, false);
  calls[0]?.succeeded();
  assert.equal(breaker.isTrusted, true);
  call('failed');
  assert.equal(breaker.isTrusted, false);
  calls.forEach(({ ended }) => ended());
  assert.equal(breaker.running, 0);
  assert.equal(breaker.isTrusted, true);
});

test('calls that have chosen a route count before they begin: many choose at once', () => {
  const { breaker } = startBreaker();
  const arrivals = Array.from({ length: RULES.failuresMax }, () => breaker.expect());
  assert.equal(breaker.isTrusted, false);
  const [first] = arrivals;
  first?.();
  first?.();
  assert.equal(breaker.isTrusted, true);
  // Where it went is where it counts now.
  breaker.begin();
  assert.equal(breaker.isTrusted, false);
});
