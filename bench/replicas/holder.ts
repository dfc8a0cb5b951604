import { setTimeout as delay } from 'node:timers/promises';
import { recordSpend, takeLimits } from '../../src/access/limits.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Failure } from '../../src/base/errors.ts';
import { newId } from '../../src/base/ids.ts';
import { createLog } from '../../src/base/log.ts';
import { openRequestRows } from '../../src/requests/records.ts';
import { openStore } from '../../src/store/store.ts';
import { startLease } from '../../src/ledger/lease.ts';
import type { HolderOrder, HolderResult } from '../holds.ts';

/**
 * What one replica does when requests are admitted, and nothing else: the row of a request, its
 * limits and its hold, in the transaction that all requests go through.
 * Argument: a HolderOrder as JSON. It writes a HolderResult as JSON.
 */
const order = JSON.parse(process.argv[2] ?? '') as HolderOrder;
const store = await openStore({ url: order.url });
const log = createLog({ level: 'silent' });
const lease = await startLease(store, { kind: 'server', clock: systemClock, log });
const rows = openRequestRows({
  store,
  log,
  leaseId: lease.id,
  keyTtlMs: 3_600_000,
  onWebhook: () => undefined,
  onStored: () => Promise.resolve(),
  takeLimits: (tx, request) => takeLimits(tx, { ...request, keyId: request.keyId ?? '' }),
  recordSpend,
});

const result: HolderResult = { held: 0, refused: 0, failed: 0, errors: [], endedAt: 0 };
const tookMs: number[] = [];
await delay(Math.max(0, order.startAt - Date.now()));
const endAt = performance.now() + order.durationMs;
let left = order.requests ?? Number.POSITIVE_INFINITY;
await Promise.all(
  Array.from({ length: order.atOnce }, async (_, index) => {
    for (let turn = index; performance.now() < endAt && left > 0; turn += order.atOnce) {
      left -= 1;
      const account = order.accounts[turn % order.accounts.length];
      const startedAt = performance.now();
      await admit(account?.id ?? '', account?.keyId ?? '');
      tookMs.push(performance.now() - startedAt);
    }
  }),
);
result.endedAt = Date.now();
await lease.stop();
await store.close();
tookMs.sort((one, other) => one - other);
result.p50Ms = tookMs[Math.floor(tookMs.length * 0.5)];
result.p99Ms = tookMs[Math.floor(tookMs.length * 0.99)];
process.stdout.write(`${JSON.stringify(result)}\n`);

async function admit(accountId: string, keyId: string): Promise<void> {
  try {
    await rows.open({
      id: newId('img'),
      requestId: newId('req'),
      accountId,
      keyId,
      mode: 'live',
      operation: 'generate',
      model: 'gpt-image-2',
      provider: 'openai',
      n: 1,
      held: BigInt(order.amount),
      pixels: 1024 * 1024,
      fingerprint: 'f'.repeat(64),
    });
    result.held += 1;
  } catch (error) {
    if (error instanceof Failure && error.errorName === 'insufficient_quota') {
      result.refused += 1;
    } else {
      result.failed += 1;
      result.errors.push(String(error));
    }
  }
}
