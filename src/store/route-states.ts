import type { CircuitState } from './database.ts';
import type { Executor, Transaction } from './transaction.ts';

/** A route whose circuit is not closed, in one process. */
export interface RouteStateRecord {
  readonly leaseId: string;
  readonly route: string;
  readonly circuit: CircuitState;
  readonly changedAt: number;
}

/** Notes how a route stands; one that is closed leaves no row. */
export async function writeRouteState(
  tx: Transaction,
  {
    leaseId,
    route,
    circuit,
  }: Omit<RouteStateRecord, 'circuit' | 'changedAt'> & {
    readonly circuit: CircuitState | 'closed';
  },
): Promise<void> {
  if (circuit === 'closed') {
    await tx
      .deleteFrom('route_states')
      .where('lease_id', '=', leaseId)
      .where('route', '=', route)
      .execute();
    return;
  }
  const changed = { circuit, changed_at: tx.startedAt };
  await tx
    .insertInto('route_states')
    .values({ lease_id: leaseId, route, ...changed })
    .onConflict((conflict) => conflict.columns(['lease_id', 'route']).doUpdateSet(changed))
    .execute();
}

/** Those of processes that have a lease; what one that died has left counts for nothing. */
export async function listRouteStates(executor: Executor): Promise<RouteStateRecord[]> {
  const rows = await executor
    .selectFrom('route_states')
    .innerJoin('leases', 'leases.id', 'route_states.lease_id')
    .selectAll('route_states')
    .orderBy('route_states.route')
    .orderBy('route_states.lease_id')
    .execute();
  return rows.map((row) => ({
    leaseId: row.lease_id,
    route: row.route,
    circuit: row.circuit,
    changedAt: Number(row.changed_at),
  }));
}

/** Removes what processes have left whose lease is gone. */
export async function deleteStaleRouteStates(tx: Transaction): Promise<void> {
  await tx
    .deleteFrom('route_states')
    .where('lease_id', 'not in', tx.selectFrom('leases').select('id'))
    .execute();
}
