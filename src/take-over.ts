import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { Lease } from './ledger/lease.ts';
import { sweep } from './ledger/sweep.ts';
import { startSweeping } from './ledger/sweeping.ts';
import type { Pipeline } from './pipeline/generate.ts';
import { recover } from './pipeline/recover.ts';
import type { Provider } from './providers/provider.ts';
import { adoptAbandoned, disown } from './requests/abandoned.ts';
import type { Store } from './store/store.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import type { OpenedWebhooks } from './webhooks.ts';

export interface TakeOverInputs {
  readonly store: Store;
  readonly log: Log;
  readonly clock: Clock;
  readonly lease: Lease;
  /** What takes up the jobs of an account. */
  readonly jobsOf: (account: string) => Provider | undefined;
  readonly pipeline: Pipeline;
  readonly telemetry: Telemetry;
  /** Told of each request whose process died and took it along. */
  readonly webhooks: Pick<OpenedWebhooks, 'tellLost' | 'nudge'>;
}

/**
 * What a server does with the requests of servers that died: what can be ended is ended, the rest
 * is lost, its holds given back. Goes on looking for what CLI runs leave behind. The caller has the
 * home's lock, so whatever server had a lease before is dead.
 */
export async function takeOver(
  inputs: TakeOverInputs,
): Promise<{ readonly stop: () => Promise<void> }> {
  const { store, log, clock, lease, jobsOf, pipeline, webhooks, telemetry } = inputs;
  const ownLeaseId = lease.id;
  if (pipeline.results !== undefined) {
    const adopting = { leaseId: ownLeaseId, deadServerLeases: true, nowMs: clock.now() };
    const records = await adoptAbandoned(store, adopting);
    const taken = await recover({ ...pipeline, engine: jobsOf }, records);
    await disown(
      store,
      records.map(({ id }) => id).filter((id) => !taken.includes(id)),
    );
  }
  const { tellLost, nudge: afterLost } = webhooks;
  const onLost: typeof tellLost = async (tx, id) => {
    await tellLost(tx, id);
    telemetry.requestsLost(1);
  };
  const sweeping = { clock, ownLeaseId, onLost, afterLost };
  await sweep(store, log, { ...sweeping, deadServerLeases: true });
  return startSweeping({ store, log, ...sweeping });
}
