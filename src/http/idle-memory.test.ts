import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../base/log.ts';
import { giveBackWhenIdle } from './idle-memory.ts';

const GARBAGE_OBJECTS = 1_500_000;

interface Told {
  readonly msg: string;
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/** Old objects by the time that they are let go: V8 has no reason to look at them again. */
function makeGarbage(): void {
  const kept = Array.from({ length: GARBAGE_OBJECTS }, (_, a) => ({ a }));
  assert.equal(kept.length, GARBAGE_OBJECTS);
}

test('what a busy time has left is given back at rest, once', async () => {
  const told: Told[] = [];
  const first = Promise.withResolvers<void>();
  const log = createLog({
    level: 'debug',
    destination: {
      write: (line) => {
        told.push(JSON.parse(line) as Told);
        first.resolve();
      },
    },
  });
  let isIdle = false;
  let looks = 0;
  const later = Promise.withResolvers<void>();
  const stop = giveBackWhenIdle({
    log,
    isIdle: () => {
      looks += isIdle ? 1 : 0;
      if (looks === 20) {
        later.resolve();
      }
      return isIdle;
    },
    idleMs: 20,
    growthBytes: 20e6,
  });
  makeGarbage();
  isIdle = true;
  const waiting = setTimeout(() => undefined, 60_000);
  await first.promise;
  await later.promise;
  clearTimeout(waiting);
  stop();
  assert.deepEqual(
    told.map(({ msg }) => msg),
    ['idle: memory was given back'],
  );
  const [{ beforeBytes, afterBytes }] = told as [Told];
  assert.ok(beforeBytes - afterBytes > 20e6, `${beforeBytes} -> ${afterBytes}`);
});
