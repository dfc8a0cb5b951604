import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import type { Clock } from '../base/clock.ts';
import { createLog, type Log } from '../base/log.ts';
import { listLeases, upsertLease } from '../store/leases.ts';
import { findRequest, insertRequest } from '../store/requests.ts';
import type { Store, StoreOptions } from '../store/store.ts';
import { openTestStore } from '../store/test-store.ts';
import { audit } from './audit.ts';
import { startLease } from './lease.ts';
import { hold, readBalance } from './ledger.ts';
import { sweep } from './sweep.ts';
import { addAccount } from './test-accounts.ts';
import { settle } from './test-settle.ts';

const KEY = { accountId: 'acct_1', mode: 'test' } as const;
const START = 1_700_000_000_000;

interface TestClock extends Clock {
  advance(milliseconds: number): void;
}

function testClock(): TestClock {
  let time = START;
  return {
    now: () => time,
    advance: (milliseconds) => {
      time += milliseconds;
    },
  };
}

/** A real log whose lines are kept. */
function keptLog(): { log: Log; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { log: createLog({ level: 'info', destination }), lines };
}

async function run(store: Store, id: string, leaseId: string | undefined): Promise<void> {
  await store.transaction(async (tx) => {
    const row = { operation: 'generate', model: 'gpt-image-1', n: 1, held: 10n, leaseId };
    await insertRequest(tx, { ...KEY, ...row, id, requestId: `req_${id}` });
    assert.ok(await hold(tx, { ...KEY, requestId: id, amount: 10n, leaseId }));
  });
}

async function statusOf(store: Store, id: string): Promise<string | undefined> {
  return (await findRequest(store.db, id))?.status;
}

test('holds are swept thirty seconds after the last heartbeat', async (context) => {
  const clock = testClock();
  const { store } = await openTestStore(context, { clock });
  const { log, lines } = keptLog();
  await addAccount(store, { ...KEY, amount: 100n });
  const lease = await startLease(store, { kind: 'cli', clock });
  await run(store, 'img_1', lease.id);
  clock.advance(20_000);
  await lease.beat();
  clock.advance(29_999);
  assert.deepEqual(await sweep(store, log, { clock }), { expiredHolds: 0, amount: 0n });
  assert.equal(await statusOf(store, 'img_1'), 'running');
  assert.deepEqual(lines, []);
  clock.advance(1);
  assert.deepEqual(await sweep(store, log, { clock }), { expiredHolds: 1, amount: 10n });
  const found = await findRequest(store.db, 'img_1');
  assert.equal(found?.status, 'lost');
  assert.equal(found.finishedAt, clock.now());
  assert.deepEqual(await listLeases(store.db), []);
  assert.equal((await readBalance(store.db, KEY)).held, 0n);
  assert.equal(lines.length, 2);
  assert.equal(lines[0]?.['imageId'], 'img_1');
  assert.equal(lines[0]?.['leaseId'], lease.id);
  assert.equal(lines[0]?.['usd'], '0.00000001');
  assert.equal(lines[1]?.['expiredHolds'], 1);
  // The process was only asleep: it can go on, but what was expired stays so.
  await lease.beat();
  assert.equal((await listLeases(store.db)).length, 1);
  const late = await store.transaction((tx) => settle(tx, { requestId: 'img_1', cost: 5n }));
  assert.equal(late, undefined);
  await lease.stop();
  assert.deepEqual((await audit(store)).problems, []);
});

test('a server that starts takes what servers left, not what a CLI runs', async (context) => {
  const clock = testClock();
  const { store } = await openTestStore(context, { clock });
  const { log } = keptLog();
  await addAccount(store, { ...KEY, amount: 100n });
  const lease = { pid: 1, startedAt: START, expiresAt: START + 30_000 };
  await store.transaction(async (tx) => {
    await upsertLease(tx, { ...lease, id: 'lease_server', kind: 'server' });
    await upsertLease(tx, { ...lease, id: 'lease_cli', kind: 'cli' });
  });
  await run(store, 'img_server', 'lease_server');
  await run(store, 'img_cli', 'lease_cli');
  await run(store, 'img_gone', 'lease_gone');
  await run(store, 'img_none', undefined);
  await sweep(store, log, { clock, deadServerLeases: true });
  assert.equal(await statusOf(store, 'img_server'), 'lost');
  assert.equal(await statusOf(store, 'img_gone'), 'lost');
  assert.equal(await statusOf(store, 'img_none'), 'lost');
  assert.equal(await statusOf(store, 'img_cli'), 'running');
  const leases = await listLeases(store.db);
  assert.deepEqual(
    leases.map(({ id }) => id),
    ['lease_cli'],
  );
  assert.deepEqual((await audit(store)).problems, []);
});

test('a lease that is renewed while the sweep looks keeps its holds', async (context) => {
  const clock = testClock();
  const { store } = await openTestStore(context, { clock });
  const { log } = keptLog();
  await addAccount(store, { ...KEY, amount: 100n });
  const lease = await startLease(store, { kind: 'cli', clock });
  await run(store, 'img_1', lease.id);
  clock.advance(60_000);
  // The sweep reads the lapsed lease at once; the heartbeat commits before the sweep can.
  const beating = lease.beat();
  const swept = await sweep(store, log, { clock });
  await beating;
  assert.equal(swept.expiredHolds, 0);
  assert.equal(await statusOf(store, 'img_1'), 'running');
  assert.equal((await listLeases(store.db)).length, 1);
  await lease.stop();
});

test('the own lease is never taken, however late its heartbeat', async (context) => {
  const clock = testClock();
  const { store } = await openTestStore(context, { clock });
  const { log } = keptLog();
  await addAccount(store, { ...KEY, amount: 100n });
  const lease = await startLease(store, { kind: 'server', clock });
  await run(store, 'img_1', lease.id);
  clock.advance(3_600_000);
  await sweep(store, log, { clock, ownLeaseId: lease.id });
  await sweep(store, log, { clock, ownLeaseId: lease.id, deadServerLeases: true });
  assert.equal(await statusOf(store, 'img_1'), 'running');
  await lease.stop();
});

test('what a server that was stopped has left is swept, though no lease has lapsed', async (context) => {
  const clock = testClock();
  const { store } = await openTestStore(context, { clock });
  const { log } = keptLog();
  await addAccount(store, { ...KEY, amount: 100n });
  const stopped = await startLease(store, { kind: 'server', clock });
  const other = await startLease(store, { kind: 'server', clock });
  await run(store, 'img_left', stopped.id);
  await run(store, 'img_running', other.id);
  assert.equal((await sweep(store, log, { clock })).expiredHolds, 0);
  await stopped.stop();
  assert.equal((await sweep(store, log, { clock })).expiredHolds, 1);
  assert.equal(await statusOf(store, 'img_left'), 'lost');
  assert.equal(await statusOf(store, 'img_running'), 'running');
  await other.stop();
});

test('a stopped lease is gone and does not come back', async (context) => {
  const clock = testClock();
  const { store } = await openTestStore(context, { clock });
  const lease = await startLease(store, { kind: 'server', clock });
  const late = lease.beat();
  await lease.stop();
  await late;
  await lease.beat();
  assert.deepEqual(await listLeases(store.db), []);
});

test('two sweeps at once expire each hold once', async (context) => {
  const clock = testClock();
  const { store } = await openTestStore(context, { clock });
  const { log, lines } = keptLog();
  await addAccount(store, { ...KEY, amount: 10_000n });
  for (let index = 0; index < 450; index += 1) {
    await run(store, `img_${index}`, 'lease_gone');
  }
  const options = { clock, deadServerLeases: true } as const;
  const results = await Promise.all([sweep(store, log, options), sweep(store, log, options)]);
  assert.equal(
    results.reduce((total, result) => total + result.expiredHolds, 0),
    450,
  );
  assert.equal(lines.filter((line) => line['imageId'] !== undefined).length, 450);
  assert.deepEqual((await audit(store)).problems, []);
});

test('a server that is killed loses only its running requests', async (context) => {
  const { store, options } = await openTestStore(context);
  const { log } = keptLog();
  await addAccount(store, { ...KEY, amount: 1_000_000n });
  const child = spawn(process.execPath, ['--input-type=module', '--eval', childScript(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  const acknowledged = new Set<string>();
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.split('\n').length > 60) {
      child.kill('SIGKILL');
    }
  }
  if (child.exitCode === null && child.signalCode === null) {
    await once(child, 'exit');
  }
  assert.equal(child.signalCode, 'SIGKILL');
  for (const line of text.split('\n').slice(0, -1)) {
    acknowledged.add(line);
  }
  const before = await audit(store);
  assert.deepEqual(before.problems, []);
  assert.ok(before.openHolds > 0, 'it was killed with holds open');
  const clock = { now: () => Date.now() };
  const swept = await sweep(store, log, { clock, deadServerLeases: true });
  assert.equal(swept.expiredHolds, before.openHolds);
  for (const id of acknowledged) {
    assert.equal(await statusOf(store, id), 'completed', `${id} was answered`);
  }
  const after = await audit(store);
  assert.deepEqual(after.problems, []);
  assert.equal(after.openHolds, 0);
  assert.equal((await readBalance(store.db, KEY)).held, 0n);
  assert.deepEqual(await listLeases(store.db), []);
});

/** Runs requests without end, some never settled, and prints each id that it has completed. */
function childScript(options: StoreOptions): string {
  const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  return `
    const { openStore } = await import(${module('../store/store.ts')});
    const { insertRequest } = await import(${module('../store/requests.ts')});
    const { finishRequest } = await import(${module('../store/request-ends.ts')});
    const { hold } = await import(${module('./ledger.ts')});
    const { settle } = await import(${module('./test-settle.ts')});
    const { startLease } = await import(${module('./lease.ts')});
    const store = await openStore(${JSON.stringify(options)});
    const lease = await startLease(store, { kind: 'server', clock: { now: () => Date.now() } });
    const key = { accountId: 'acct_1', mode: 'test', leaseId: lease.id };
    async function runForEver(worker) {
      for (let index = 0; ; index += 1) {
        const id = 'img_' + worker + '_' + index;
        await store.transaction(async (tx) => {
          await insertRequest(tx, { ...key, id, requestId: 'req_' + id, operation: 'generate',
            model: 'gpt-image-1', n: 1, held: 10n });
          await hold(tx, { ...key, requestId: id, amount: 10n });
        });
        if (index % 5 !== 4) {
          await store.transaction(async (tx) => {
            await settle(tx, { requestId: id, cost: 9n });
            await finishRequest(tx, { id, status: 'completed', cost: 9n });
          });
          process.stdout.write(id + '\\n');
        }
      }
    }
    await Promise.all([1, 2, 3, 4].map(runForEver));`;
}
