import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../../scripts/servers.mjs';
import { audit } from '../../src/ledger/audit.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { createTestDatabase, testServer } from '../../src/store/test-postgres.ts';
import { askOnce, type Kind, KINDS, type Outcome, type TrafficOptions } from './fleet-traffic.ts';
import { skipWithoutNginx, startNginx } from './nginx.ts';
import { temporaryFolder } from './process.ts';
import { type Replica, startReplica } from './replicas.ts';
import { startBfl } from './upstreams/bfl.ts';
import { startOpenai } from './upstreams/openai.ts';
import { solidPicture } from './upstreams/solid-picture.ts';

/** Why no fleet can be started here, or false. */
export const skipWithoutFleet =
  testServer() === undefined ? 'replicas need a PostgreSQL server' : skipWithoutNginx;

export const REPLICAS = 3;
/** Of each kind of request. */
const CLIENTS = 2;
const UPSTREAM_MS = 150;
const KEY = `sk-easel-live-${'fleet'.repeat(8)}123`;
const NANO = 1e9;

interface Row {
  readonly id: string;
  readonly status: string;
  readonly cost: bigint | null;
  readonly mark: string;
}

/**
 * Three Easels behind nginx, before two upstreams: one answers at once, the other takes jobs. `main`: the
 * program of another version.
 */
export async function openFleet(context: TestContext, main?: string) {
  const folder = await temporaryFolder();
  const { url: database, drop } = await createTestDatabase(testServer() ?? '');
  const [openai, bfl] = await Promise.all([startOpenai(), startBfl()]);
  const picture = await solidPicture({ width: 1024, height: 1024, format: 'png' });
  openai.habits.picture = picture;
  openai.upstream.always({ kind: 'slow_first_byte', ms: UPSTREAM_MS });
  const store = await openStore({ url: database });
  const ports = await Promise.all(Array.from({ length: REPLICAS }, freePort));
  const replicas: (Replica | undefined)[] = [];
  const environment = {
    EASEL_DATABASE_URL: database,
    EASEL_RESULTS_URL: pathToFileURL(join(folder.path, 'results')).href,
    EASEL_BOOTSTRAP_KEY: KEY,
    // Of all of them, whichever version they are.
    EASEL_SECRET: 'fleet'.repeat(8),
    EASEL_BOOTSTRAP_CREDIT_USD: '100000',
    EASEL_FETCH_ALLOW: bfl.hosts.join(','),
    OPENAI_API_KEY: openai.apiKey,
    OPENAI_BASE_URL: openai.baseUrl,
    BFL_API_KEY: bfl.apiKey,
    BFL_BASE_URL: bfl.baseUrl,
    NODE_COMPILE_CACHE: join(folder.path, 'compiled'),
  };
  const polling = { poll_interval_ms: 100, polling_hosts: [bfl.clusterHost] };
  const yaml =
    'time: { lease_seconds: 2, drain_seconds: 10 }\n' +
    // A machine that is busy with tests refuses nothing.
    'overload: { max_event_loop_delay_ms: 60000 }\n' +
    `providers:\n  bfl: { kind: bfl, settings: ${JSON.stringify(polling)} }\n`;
  const start = async (index: number, main?: string): Promise<void> => {
    const own = join(folder.path, `replica-${index}`);
    const more = main === undefined ? {} : { main };
    replicas[index] = await startReplica({ folder: own, environment, yaml, ...more }, ports[index]);
  };
  context.after(async () => {
    for (const replica of replicas) {
      await replica?.kill();
    }
    await store.close();
    await drop();
    await Promise.all([openai, bfl].map((simulator) => simulator[Symbol.asyncDispose]()));
    await folder[Symbol.asyncDispose]();
  });
  // One first, so that its key is there for the others.
  await start(0, main);
  await Promise.all([start(1, main), start(2, main)]);
  const nginx = await startNginx(folder.path, ports);
  context.after(() => nginx[Symbol.asyncDispose]());
  const options: TrafficOptions = {
    url: nginx.url,
    key: KEY,
    picture,
    model: 'gpt-image-2',
    asyncModel: 'flux-2-pro',
  };
  return { openai, bfl, store, replicas, start, options };
}

export type Fleet = Awaited<ReturnType<typeof openFleet>>;

/** Asks for every kind of picture, without a pause, until it is over or one answer was wrong. */
export async function runTraffic(
  { options }: Fleet,
  over: AbortSignal,
  more: Pick<TrafficOptions, 'mayDrain'> = {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const wrong = new AbortController();
  const client = async (kind: Kind, name: string): Promise<void> => {
    for (let turn = 0; !over.aborted && !wrong.signal.aborted; turn += 1) {
      const mark = `${kind}-${name}-${turn}`;
      outcomes.push(await askOnce({ ...options, ...more, giveUp: wrong.signal }, kind, mark));
    }
  };
  const clients = KINDS.flatMap((kind) =>
    Array.from({ length: CLIENTS }, (_, index) => client(kind, String(index))),
  );
  try {
    await Promise.all(clients);
  } finally {
    wrong.abort();
    await Promise.allSettled(clients);
  }
  return outcomes;
}

async function settled(store: Store): Promise<void> {
  while ((await audit(store)).openHolds > 0) {
    // What the last dead one has left is taken over when its lease has lapsed.
    await wait(100);
  }
  assert.deepEqual((await audit(store)).problems, []);
}

async function readRows(store: Store): Promise<Map<string, Row[]>> {
  const rows = await store.db
    .selectFrom('requests')
    .select(['id', 'status', 'cost', 'metadata'])
    .execute();
  return Map.groupBy(
    rows.map(({ metadata, ...row }) => ({
      ...row,
      mark: (JSON.parse(metadata ?? '{}') as { readonly mark: string }).mark,
    })),
    ({ mark }) => mark,
  );
}

/** Nobody has paid twice, no charge is without its picture, and no picture without its charge. */
async function checkOutcome(
  outcome: Outcome,
  rows: readonly Row[],
  { options }: Fleet,
): Promise<void> {
  const { mark, hasDied, id, cost } = outcome;
  const completed = rows.filter(({ status }) => status === 'completed');
  const others = rows.filter(({ status }) => status !== 'completed');
  assert.ok(completed.length <= 1, `${mark} was charged ${completed.length} times`);
  assert.ok(
    others.every((row) => row.cost === null && ['failed', 'lost'].includes(row.status)),
    `${mark}: ${JSON.stringify(others.map(({ status }) => status))}`,
  );
  if (cost !== undefined) {
    const [row] = completed;
    assert.equal(row?.id, id, mark);
    assert.equal(Number(row?.cost), Math.round(cost * NANO), mark);
  } else if (hasDied) {
    // Who asked once and lost the line can fetch what was charged.
    await Promise.all(completed.map((row) => fetchContent(options, row.id)));
  } else {
    assert.equal(completed.length, 0, `${mark} was charged, and its client was told otherwise`);
  }
}

async function fetchContent({ url, key }: TrafficOptions, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${url}/v1/images/${id}/content/0`, { headers });
  const bytes = await response.arrayBuffer();
  assert.equal(response.status, 200, id);
  assert.ok(bytes.byteLength > 0);
}

/**
 * Waits until nothing is held, and holds every outcome to the rows and to the upstreams' counts. Gives a
 * sentence about it all.
 */
export async function checkFleet(fleet: Fleet, outcomes: readonly Outcome[]): Promise<string> {
  const { openai, bfl, store } = fleet;
  await settled(store);
  const rows = await readRows(store);
  const marks = new Set(outcomes.map(({ mark }) => mark));
  assert.deepEqual(
    [...rows.keys()].filter((mark) => !marks.has(mark)),
    [],
  );
  for (const outcome of outcomes) {
    await checkOutcome(outcome, rows.get(outcome.mark) ?? [], fleet);
  }
  const bought = [...openai.upstream.bought, ...bfl.upstream.bought];
  const byMark = Map.groupBy(bought, ({ body }) => markIn(body.toString('latin1')));
  for (const [mark, requests] of byMark) {
    const most = rows.get(mark)?.length ?? 0;
    assert.ok(requests.length <= most, `${mark}: ${requests.length} purchases, ${most} requests`);
  }
  const died = outcomes.filter(({ hasDied }) => hasDied).length;
  const lost = outcomes.filter(({ cost, hasDied }) => cost === undefined && !hasDied).length;
  return (
    `${outcomes.length} requests, ${bought.length} purchases; ${died} died with their replica, ` +
    `${lost} asynchronous ones were told that they are lost`
  );
}

function markIn(body: string): string {
  return /(?:once|keyed|edit|stream|async)-\d+-\d+/.exec(body)?.[0] ?? '';
}
