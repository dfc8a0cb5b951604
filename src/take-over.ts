import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { Lease } from './ledger/lease.ts';
import { sortLeases } from './ledger/sort-leases.ts';
import { sweep } from './ledger/sweep.ts';
import { startSweeping } from './ledger/sweeping.ts';
import type { Pipeline } from './pipeline/generate.ts';
import { recover } from './pipeline/recover.ts';
import type { Provider } from './providers/provider.ts';
import { adoptAbandoned, disown } from './requests/abandoned.ts';
import { hasOrphans } from './store/leases.ts';
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
 * What a server does with the requests of processes that died: what can be ended is ended, the rest
 * is lost, its holds given back. Once for all that there is, and then from time to time for whatever
 * lease has lapsed: of a command line, or of another server of the same database.
 */
export async function takeOver(
  inputs: TakeOverInputs,
): Promise<{ readonly stop: () => Promise<void> }> {
  const { store, log, clock, lease, webhooks, telemetry } = inputs;
  const { tellLost: onLost, nudge: afterLost } = webhooks;
  const pass = async (deadServerLeases: boolean): Promise<void> => {
    if (deadServerLeases || (await hasAbandoned(inputs))) {
      await adopt(inputs, deadServerLeases);
    }
    const rules = { clock, ownLeaseId: lease.id, deadServerLeases, onLost, afterLost };
    const { expiredHolds } = await sweep(store, log, rules);
    telemetry.requestsLost(expiredHolds);
  };
  // Whoever has the lock of the home is the only server of the database in it. Of a database that many
  // share, other servers may be alive and well.
  if (store.kind === 'sqlite') {
    await pass(true);
  }
  return startSweeping(
    async () => {
      // After a time without the database every lease has lapsed, and all that live need a moment.
      if (store.kind === 'sqlite' || lease.unbrokenMs() >= lease.leaseMs) {
        await pass(false);
      }
    },
    { intervalMs: lease.leaseMs / 2, log },
  );
}

/** By a process that died, or by one that was stopped while an upstream had its job. */
async function hasAbandoned({ store, clock, lease }: TakeOverInputs): Promise<boolean> {
  const { lapsed } = await sortLeases(store.db, { nowMs: clock.now(), ownLeaseId: lease.id });
  return lapsed.length > 0 || hasOrphans(store.db);
}

/** Nothing can be taken up where no picture is kept. */
async function adopt(
  { store, clock, lease, jobsOf, pipeline }: TakeOverInputs,
  deadServerLeases: boolean,
): Promise<void> {
  if (pipeline.results === undefined) {
    return;
  }
  const adopting = { leaseId: lease.id, deadServerLeases, nowMs: clock.now() };
  const records = await adoptAbandoned(store, adopting);
  const taken = await recover({ ...pipeline, engine: jobsOf }, records);
  await disown(
    store,
    records.map(({ id }) => id).filter((id) => !taken.includes(id)),
  );
}
