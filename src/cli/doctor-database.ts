import { existsSync } from 'node:fs';
import { operatorText } from '../base/errors.ts';
import { formatUsd } from '../base/money.ts';
import type { Config } from '../config/config.ts';
import { databaseName, openDatabase } from '../database.ts';
import { audit } from '../ledger/audit.ts';
import { InstallationMoved } from '../moved.ts';
import { findDamage } from '../store/integrity.ts';
import { DatabaseAway } from '../store/postgres-failures.ts';
import { listLeases } from '../store/leases.ts';
import { readMigrationState } from '../store/migrate.ts';
import { listRequests } from '../store/request-list.ts';
import { listRouteStates } from '../store/route-states.ts';
import { type RequestRecord } from '../store/requests.ts';
import type { Store } from '../store/store.ts';
import { listOpenHolds } from '../store/transfers.ts';
import { type Finding, messageOf } from './doctor-checks.ts';

const SENTENCES_MAX = 12;
const LOST_DAYS = 7;
const DAY_MS = 86_400_000;
/** So many are counted at most. */
const LOST_MAX = 1000;

/** Looks at the database, from its pages up to its money. It changes nothing in it. */
export async function checkDatabase(config: Config): Promise<Finding[]> {
  const name = databaseName(config);
  if (config.database === undefined && !existsSync(name)) {
    const says = ['none yet; the first serve or generate makes it'];
    return [{ what: 'database', state: 'fine', says }];
  }
  let store: Store | undefined;
  try {
    store = await openDatabase(config);
    return await examine(store, name);
  } catch (error) {
    return [failed(name, error)];
  } finally {
    await store?.close();
  }
}

async function examine(store: Store, file: string): Promise<Finding[]> {
  // A server looks after its pages itself, and refuses what refers to nothing.
  const damage = store.kind === 'sqlite' ? await findDamage(store.db) : [];
  if (damage.length > 0) {
    return [damaged(file, damage)];
  }
  const { applied, pending, added, breaking } = await readMigrationState(store.db);
  const database: Finding = { what: 'database', state: 'fine', says: [`${file} is intact`] };
  if (breaking.length > 0) {
    const says = [`A newer Easel has changed this database: ${breaking.join(', ')}.`];
    const mend = 'Run that version, or restore the copy made before the update.';
    return [database, { what: 'schema', state: 'wrong', says, mend }];
  }
  if (pending.length > 0) {
    const says = [`${pending.join(', ')} not applied yet.`];
    const mend = 'npx easel migrate (or start the server, which does the same).';
    return [database, { what: 'schema', state: 'wrong', says, mend }];
  }
  const schema = schemaFinding(applied, added);
  const money = [await checkLedger(store), await checkHolds(store)];
  return [database, schema, ...money, await checkRoutes(store), ...(await findLost(store))];
}

function schemaFinding(applied: readonly string[], added: readonly string[]): Finding {
  const says = [applied.at(-1) ?? ''];
  return added.length === 0
    ? { what: 'schema', state: 'fine', says }
    : {
        what: 'schema',
        state: 'note',
        says: [
          ...says,
          `A newer Easel has added to it, and this one does without: ${added.join(', ')}.`,
        ],
        mend: 'Finish the update: run the newer version everywhere.',
      };
}

async function checkLedger(store: Store): Promise<Finding> {
  const { ok, problems, accounts, transfers } = await audit(store);
  if (ok) {
    const says = [`${accounts} balances agree with ${transfers} transfers`];
    return { what: 'ledger', state: 'fine', says };
  }
  return {
    what: 'ledger',
    state: 'wrong',
    says: atMost(problems),
    mend:
      'Something other than Easel has written here. Stop the server, keep a copy of the file, ' +
      'and restore a backup.',
  };
}

/** Holds that nobody works on any more, and processes that died. */
async function checkHolds(store: Store): Promise<Finding> {
  const now = Date.now();
  const leases = await listLeases(store.db);
  const holds = await listOpenHolds(store.db);
  const alive = leases.filter(({ expiresAt }) => expiresAt > now);
  const lapsed = leases.filter(({ expiresAt }) => expiresAt <= now);
  const orphans = holds.filter(({ leaseId }) => !alive.some(({ id }) => id === leaseId));
  const working = holds.length - orphans.length;
  if (orphans.length === 0 && lapsed.length === 0) {
    const processes = alive.map(({ kind, pid }) => `${kind} ${pid}`).join(', ');
    const by = processes === '' ? 'no process is running' : `running: ${processes}`;
    return { what: 'holds', state: 'fine', says: [`${working} open, ${by}`] };
  }
  const says = [
    ...lapsed.map(
      ({ kind, pid, expiresAt }) =>
        `The ${kind} process ${pid} ended without a farewell; its lease lapsed at ` +
        `${new Date(expiresAt).toISOString()}.`,
    ),
    ...orphans.map(
      ({ requestId, amount, accountId, mode }) =>
        `${requestId} holds ${formatUsd(amount)} USD of the ${mode} balance of ${accountId}, ` +
        'but nobody works on it.',
    ),
  ];
  const mend = 'Start the server: it gives such holds back at once.';
  return { what: 'holds', state: 'wrong', says: atMost(says), mend };
}

/** Routes that a running server has taken out of use. */
async function checkRoutes(store: Store): Promise<Finding> {
  const states = await listRouteStates(store.db);
  if (states.length === 0) {
    return { what: 'circuits', state: 'fine', says: ['no route is out of use'] };
  }
  const says = states.map(({ route, circuit, changedAt, leaseId }) => {
    const since = new Date(changedAt).toISOString();
    const state = circuit === 'open' ? 'out of use' : 'being tried again';
    return `${route} is ${state} since ${since} (process ${leaseId}).`;
  });
  const mend = 'Look for its failures in the log; the server tries it again by itself.';
  return { what: 'circuits', state: 'note', says: atMost(says), mend };
}

/** Requests whose process died with them: nothing was charged, but upstreams may bill them. */
async function findLost(store: Store): Promise<Finding[]> {
  const sinceMs = Date.now() - LOST_DAYS * DAY_MS;
  const newest = await listRequests(store.db, { status: 'lost', limit: LOST_MAX });
  const lost = newest.filter(({ createdAt }) => createdAt >= sinceMs);
  if (lost.length === 0) {
    return [];
  }
  const counted = lost.length === 1 ? '1 request' : `${lost.length} requests`;
  const says = [
    `${counted} of the last ${LOST_DAYS} days died with the server; nothing was charged:`,
    ...atMost(lost.map(describeLost)),
  ];
  const mend = 'Ask the upstream for what it has made and billed, by these ids or by the time.';
  return [{ what: 'lost', state: 'note', says, mend }];
}

function describeLost({ id, provider, upstreamIds, mode, createdAt }: RequestRecord): string {
  const ids = Array.isArray(upstreamIds) ? upstreamIds.map(String) : [];
  const theirs = ids.length === 0 ? 'it gave no id' : `its ids: ${ids.join(', ')}`;
  const upstream = `${provider ?? 'no upstream'}${mode === 'test' ? ' (test)' : ''}`;
  return `${id} of ${new Date(createdAt).toISOString()}, ${upstream}, ${theirs}`;
}

function failed(name: string, error: unknown): Finding {
  if (error instanceof InstallationMoved) {
    return { what: 'database', state: 'wrong', says: [messageOf(error)] };
  }
  return error instanceof DatabaseAway ? away(name, error) : damaged(name, [messageOf(error)]);
}

function away(name: string, error: DatabaseAway): Finding {
  return {
    what: 'database',
    state: 'wrong',
    says: [`${name}:`, operatorText(error)],
    mend: 'Start it, or correct EASEL_DATABASE_URL. A running server finds it again by itself.',
  };
}

function damaged(file: string, damage: readonly string[]): Finding {
  return {
    what: 'database',
    state: 'wrong',
    says: [`${file} is damaged:`, ...atMost(damage)],
    mend: 'Stop the server and restore a backup; sqlite3 .recover may save some of it.',
  };
}

function atMost(sentences: readonly string[]): string[] {
  const shown = sentences.slice(0, SENTENCES_MAX);
  const more = sentences.length - shown.length;
  return more > 0 ? [...shown, `… and ${more} more.`] : shown;
}
