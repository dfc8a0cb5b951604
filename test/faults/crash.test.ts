import assert from 'node:assert/strict';
import { after as afterAll, before as beforeAll, suite, test, type TestContext } from 'node:test';
import { formatUsd } from '../../src/base/money.ts';
import { ownCard, ownCards } from '../providers/upstreams-table.ts';
import {
  after,
  balanceOf,
  before,
  type KillPoint,
  type MortalHome,
  type MortalServer,
  openMortalHome,
  type Order,
} from '../support/crash.ts';
import { asArray, asString, at } from '../support/json.ts';
import { temporaryFolder } from '../support/process.ts';
import { type AllUpstreams, startAllUpstreams } from '../support/upstreams/all.ts';
import type { Simulator } from '../support/upstreams/simulator.ts';

/**
 * A server is killed (SIGKILL) at each step of a request that costs money; the next one on the same
 * home then keeps what ARCHITECTURE.md promises under "What is promised when a process dies". In
 * each suite the server that took up one crash is the one that is killed in the next.
 */

const FAST_POLLS_MS = 4;
const CARDS = ownCards(
  ownCard('fal-model', 'fal', 'fal-ai/flux/dev'),
  ownCard('local-model', 'sd-server', 'sd-cpp-local'),
);

const size = { width: 256, height: 256, response_format: 'b64_json' };
const OPENAI: Order = {
  mode: 'live',
  body: { model: 'gpt-image-2', prompt: 'a red boat', quality: 'low', size: '1024x1024' },
};
const BFL: Order = { mode: 'live', body: { model: 'flux-2-pro', prompt: 'a boat', ...size } };
const THREE_OF_BFL: Order = { mode: 'live', body: { ...BFL.body, n: 3 } };
const FAL: Order = { mode: 'live', body: { model: 'fal-model', prompt: 'a boat', ...size } };
const SD_SERVER: Order = {
  mode: 'live',
  body: { model: 'local-model', prompt: 'a boat', ...size },
};
const PAINTER: Order = {
  mode: 'test',
  body: { model: 'deepshi-banana-pro', prompt: 'a boat', seed: 7, ...size },
};

/** What a request without trouble gives. */
interface Undisturbed {
  readonly pictures: readonly string[];
  readonly cost: number;
}

/** Upstreams, a home, and the server that lives in it now. */
interface Chain extends AsyncDisposable {
  readonly upstreams: AllUpstreams;
  readonly home: MortalHome;
  server: MortalServer;
  /** Pictures that somebody was paid for. */
  readonly bought: () => number;
  readonly undisturbed: (order: Order) => Promise<Undisturbed>;
}

let compileCache: Awaited<ReturnType<typeof temporaryFolder>>;

async function startChain(yaml = ''): Promise<Chain> {
  const upstreams = await startAllUpstreams();
  const { openai, bfl, fal, sdServer } = upstreams;
  const home = await openMortalHome({
    environment: upstreams.environment,
    yaml: upstreams.yaml(FAST_POLLS_MS) + CARDS + yaml,
    compileCache: compileCache.path,
  });
  const known = new Map<Order, Promise<Undisturbed>>();
  const chain: Chain = {
    upstreams,
    home,
    server: await home.start(),
    bought: () =>
      [openai, bfl, fal, sdServer].reduce((sum, { upstream }) => sum + upstream.purchases, 0),
    undisturbed: (order) => {
      const found = known.get(order) ?? paint(chain.server, order);
      known.set(order, found);
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      await home[Symbol.asyncDispose]();
      const simulators = [openai, fal, sdServer].map(({ upstream }) => upstream);
      for (const simulator of [...simulators, bfl.upstream, bfl.cluster, bfl.delivery, fal.cdn]) {
        assert.deepEqual(simulator.problems, []);
      }
      await upstreams[Symbol.asyncDispose]();
    },
  };
  return chain;
}

async function paint(server: MortalServer, order: Order): Promise<Undisturbed> {
  const answer = await readAnswer(await server.post(order));
  return { pictures: picturesIn(answer), cost: Number(at(answer, 'usage.cost.total_cost')) };
}

async function readAnswer(response: Response): Promise<unknown> {
  const text = await response.text();
  assert.equal(response.status, 200, text.slice(0, 500));
  return JSON.parse(text) as unknown;
}

function picturesIn(answer: unknown): string[] {
  return asArray(at(answer, 'data')).map((image) => asString(at(image, 'b64_json')));
}

/** How a server comes to its end in the midst of a request. */
interface Deed {
  /** The point at which it kills itself; else it is killed once something is `reached`. */
  readonly at?: KillPoint;
  readonly prepare?: (upstreams: AllUpstreams) => void;
  readonly reached?: (upstreams: AllUpstreams, sent: Promise<Response>) => Promise<unknown>;
  /** Lets the upstream go on afterwards. */
  readonly letGo?: (upstreams: AllUpstreams) => void;
  readonly headers?: Readonly<Record<string, string>>;
  /** The answer is asked for as a stream. */
  readonly stream?: true;
}

interface Death extends Deed {
  readonly name: string;
  readonly order?: Order;
  /** Further servers die here, while they take up what the one before left. */
  readonly next?: readonly KillPoint[];
  readonly promised: 'nothing' | 'lost' | 'completed';
  /** What was bought from the upstream, before the death and after it. */
  readonly bought: number;
  /** Completed with fewer pictures than asked for. */
  readonly pictures?: number;
}

/** Held back by a simulator, in the way of the fault: killed then. */
function heldBy(
  of: (upstreams: AllUpstreams) => Simulator,
  kind: 'slow_first_byte' | 'slow_mid_payload',
  count = 1,
): Required<Pick<Deed, 'prepare' | 'reached' | 'letGo'>> {
  return {
    prepare: (upstreams) => of(upstreams).next(...Array.from({ length: count }, () => kind)),
    reached: (upstreams) => of(upstreams).until(() => of(upstreams).heldAnswers === count),
    letGo: (upstreams) => of(upstreams).release(),
  };
}

/** Sends the order to the server, which dies of it. */
async function dieOf(chain: Chain, order: Order, deed: Deed, key?: string): Promise<void> {
  const { server, upstreams } = chain;
  await (deed.at === undefined ? undefined : server.arm(deed.at));
  deed.prepare?.(upstreams);
  const named = key === undefined ? {} : { 'idempotency-key': key };
  const body = deed.stream === undefined ? order.body : { ...order.body, stream: true };
  const sent = server.post({ ...order, body }, { ...deed.headers, ...named });
  const answer = sent.then((response) => response.text());
  const broken = assert.rejects(answer, 'no whole answer');
  if (deed.at === undefined) {
    await deed.reached?.(upstreams, sent);
    server.signal('SIGKILL');
  }
  await broken;
  await server.killed;
  deed.letGo?.(upstreams);
}

async function crash(chain: Chain, order: Order, death: Death): Promise<void> {
  const expected = await chain.undisturbed(order);
  const { home, server } = chain;
  const earlier = { bought: chain.bought(), ...(await balanceOf(server, order.mode)) };
  const key = death.name;
  await dieOf(chain, order, death, key);
  for (const point of death.next ?? []) {
    await home.startAndDie(point);
  }
  chain.server = await home.start();
  await home.settled(chain.server);
  const { spent } = await balanceOf(chain.server, order.mode);
  const charged = Number((spent - earlier.spent).toFixed(9));
  const requests = await home.requests({ idempotencyKey: key });
  const [request] = requests;
  assert.equal(requests.length, death.promised === 'nothing' ? 0 : 1);
  assert.equal(request?.status ?? 'nothing', death.promised);
  assert.equal(chain.bought() - earlier.bought, death.bought, 'bought');
  if (request === undefined || request.status === 'lost') {
    assert.equal(charged, 0);
    await assertFree(chain, order, { key, earlierId: request?.id });
  } else {
    const pictures = expected.pictures.slice(0, death.pictures);
    const share = pictures.length / expected.pictures.length;
    assert.equal(charged, Number((expected.cost * share).toFixed(9)));
    const answer = await assertKept(chain, order, { key, id: request.id, pictures });
    const warnings = asArray(at(answer, 'warnings') ?? []).map((warning) => at(warning, 'code'));
    const missing = expected.pictures.length - pictures.length;
    assert.deepEqual(
      warnings,
      Array.from({ length: missing }, () => 'image_failed'),
    );
  }
}

/** The same key buys anew, and what is lost says so. */
async function assertFree(
  { server }: Chain,
  order: Order,
  { key, earlierId }: { readonly key: string; readonly earlierId: string | undefined },
): Promise<void> {
  if (earlierId !== undefined) {
    const lost = (await readAnswer(
      await server.get(order.mode, `/v1/images/${earlierId}`),
    )) as object;
    assert.equal(at(lost, 'status'), 'lost');
    assert.equal(at(lost, 'data'), undefined);
  }
  const response = await server.post(order, { 'idempotency-key': key });
  assert.equal(response.headers.get('idempotent-replayed'), null);
  assert.notEqual(at(await readAnswer(response), 'id'), earlierId);
}

/** The pictures can be fetched and the key replays them; neither costs anything. */
async function assertKept(
  chain: Chain,
  order: Order,
  kept: { readonly key: string; readonly id: string; readonly pictures: readonly string[] },
): Promise<unknown> {
  const { server } = chain;
  const earlier = [chain.bought(), await balanceOf(server, order.mode)];
  const fetched = await readAnswer(await server.get(order.mode, `/v1/images/${kept.id}`));
  assert.deepEqual(picturesIn(fetched), kept.pictures);
  const response = await server.post(order, { 'idempotency-key': kept.key });
  assert.equal(response.headers.get('idempotent-replayed'), 'true');
  const replayed = await readAnswer(response);
  assert.equal(at(replayed, 'id'), kept.id);
  assert.deepEqual(picturesIn(replayed), kept.pictures);
  assert.deepEqual([chain.bought(), await balanceOf(server, order.mode)], earlier);
  return replayed;
}

/** The deaths that look alike whatever paints. */
const EARLY: readonly Death[] = [
  { name: 'before the hold is committed', at: before('held'), promised: 'nothing', bought: 0 },
  { name: 'after the hold, nothing bought', at: after('held'), promised: 'lost', bought: 0 },
];

function late(bought: number): readonly Death[] {
  return [
    { name: 'after "stored"', at: after('stored'), promised: 'completed', bought },
    { name: 'before the settlement', at: before('settled'), promised: 'completed', bought },
    { name: 'before the tail of the answer', at: after('settled'), promised: 'completed', bought },
  ];
}

const AT_ONCE: readonly Death[] = [
  ...EARLY,
  {
    name: 'again while the next server gives the hold back',
    at: after('held'),
    next: [before('swept')],
    promised: 'lost',
    bought: 0,
  },
  {
    name: 'while the upstream thinks',
    ...heldBy(({ openai }) => openai.upstream, 'slow_first_byte'),
    promised: 'lost',
    bought: 1,
  },
  {
    name: 'in the middle of the payload',
    ...heldBy(({ openai }) => openai.upstream, 'slow_mid_payload'),
    promised: 'lost',
    bought: 1,
  },
  { name: 'picture whole, before "stored"', at: before('stored'), promised: 'lost', bought: 1 },
  ...late(1),
  {
    name: 'again while the next server settles',
    at: after('stored'),
    next: [after('adopted'), before('settled')],
    promised: 'completed',
    bought: 1,
  },
];

const WITH_JOBS: readonly Death[] = [
  ...EARLY,
  {
    name: 'while the job is being taken',
    ...heldBy(({ bfl }) => bfl.upstream, 'slow_first_byte'),
    promised: 'lost',
    bought: 1,
  },
  { name: 'job taken, before "submitted"', at: before('submitted'), promised: 'lost', bought: 1 },
  { name: 'after "submitted"', at: after('submitted'), promised: 'completed', bought: 1 },
  {
    name: 'while polling',
    ...heldBy(({ bfl }) => bfl.cluster, 'slow_first_byte'),
    promised: 'completed',
    bought: 1,
  },
  {
    name: 'in the middle of the download',
    ...heldBy(({ bfl }) => bfl.delivery, 'slow_mid_payload'),
    promised: 'completed',
    bought: 1,
  },
  {
    name: 'picture whole, before "stored"',
    at: before('stored'),
    promised: 'completed',
    bought: 1,
  },
  ...late(1),
  {
    name: 'again and again while the next servers take the job up',
    at: after('submitted'),
    next: [before('adopted'), after('adopted'), before('stored'), before('settled')],
    promised: 'completed',
    bought: 1,
  },
  {
    name: 'three jobs of one request, while polling',
    order: THREE_OF_BFL,
    ...heldBy(({ bfl }) => bfl.cluster, 'slow_first_byte', 3),
    promised: 'completed',
    bought: 3,
  },
  {
    name: 'three jobs of one request, one of them noted',
    order: THREE_OF_BFL,
    prepare: ({ bfl }) => {
      bfl.upstream.next({ kind: 'slow_first_byte', ms: 0 }, 'slow_first_byte', 'slow_first_byte');
      bfl.cluster.next('slow_first_byte');
    },
    reached: async ({ bfl: { upstream, cluster } }) => {
      await upstream.until(() => upstream.heldAnswers === 2);
      await cluster.until(() => cluster.heldAnswers === 1);
    },
    letGo: ({ bfl }) => {
      bfl.upstream.release();
      bfl.cluster.release();
    },
    promised: 'completed',
    bought: 3,
    pictures: 1,
  },
  {
    name: 'fal: while polling',
    order: FAL,
    ...heldBy(({ fal }) => fal.upstream, 'slow_first_byte'),
    prepare: ({ fal }) => {
      fal.faultsAt = 'status';
      fal.upstream.next('slow_first_byte');
    },
    promised: 'completed',
    bought: 1,
  },
  {
    name: 'fal: in the middle of the download',
    order: FAL,
    ...heldBy(({ fal }) => fal.cdn, 'slow_mid_payload'),
    promised: 'completed',
    bought: 1,
  },
  {
    name: 'sd-server: after "submitted"',
    order: SD_SERVER,
    at: after('submitted'),
    promised: 'completed',
    bought: 1,
  },
  {
    name: 'sd-server: in the middle of the payload',
    order: SD_SERVER,
    ...heldBy(({ sdServer }) => sdServer.upstream, 'slow_mid_payload'),
    prepare: ({ sdServer }) => {
      sdServer.faultsAt = 'poll';
      sdServer.nextJobs({ queuedPolls: 0, generatingPolls: 0 });
      sdServer.upstream.next('slow_mid_payload');
    },
    promised: 'completed',
    bought: 1,
  },
];

const OF_PAINTER: readonly Death[] = [
  ...EARLY,
  {
    name: 'while it paints',
    stream: true,
    headers: { 'x-easel-test': 'slow=3600' },
    // The head of a stream comes after its hold.
    reached: (_, sent) => sent,
    promised: 'lost',
    bought: 0,
  },
  { name: 'picture whole, before "stored"', at: before('stored'), promised: 'lost', bought: 0 },
  ...late(0),
];

suite('kill -9, restart', { concurrency: 4 }, () => {
  beforeAll(async () => {
    compileCache = await temporaryFolder();
  });
  afterAll(async () => {
    await compileCache[Symbol.asyncDispose]();
  });

  function deaths(order: Order, table: readonly Death[], retried?: Deed): void {
    let chain: Chain;
    beforeAll(async () => {
      chain = await startChain();
    });
    afterAll(() => chain[Symbol.asyncDispose]());
    for (const death of table) {
      test(death.name, () => crash(chain, death.order ?? order, death));
    }
    if (retried !== undefined) {
      test('a retry of an SDK gets what its first try has bought, once', () =>
        assertRetriesJoin(chain, order, retried));
    }
  }

  suite('an upstream that answers at once', { concurrency: false }, () => {
    deaths(OPENAI, AT_ONCE, { at: after('settled') });
  });

  suite('an upstream that takes jobs', { concurrency: false }, () => {
    deaths(
      BFL,
      WITH_JOBS,
      heldBy(({ bfl }) => bfl.cluster, 'slow_first_byte'),
    );
  });

  suite('a shutdown in good order', { concurrency: false }, () => {
    test('leaves a job of an upstream to the next server', () => handOver());
    test('waits for an upstream that answers at once', () => awaitAnswer());
    test('gives such a call up at its deadline, free of charge', () => giveUp());
  });

  suite('what cannot be taken up', { concurrency: false }, () => {
    test('a job of an account that is gone, and any job without a store', () => loseJobs());
  });

  suite('20 kills at random moments, under load', { concurrency: false }, () => {
    test('every request ends, and every charge is a picture', (context) => survive(20, context));
  });

  suite('the painter of test mode', { concurrency: false }, () => {
    deaths(PAINTER, OF_PAINTER);
  });
});

/** Calls of an SDK that has sent the same before, without a key of its own. */
async function assertRetriesJoin(chain: Chain, similar: Order, deed: Deed): Promise<void> {
  const { pictures } = await chain.undisturbed(similar);
  const order = { ...similar, body: { ...similar.body, prompt: 'asked for by an SDK' } };
  const { home, bought } = chain;
  const earlier = bought();
  await dieOf(chain, order, deed);
  const next = await home.start();
  chain.server = next;
  const retry = { 'x-stainless-retry-count': '1' };
  const joined = await next.post(order, retry);
  assert.equal(joined.headers.get('idempotent-replayed'), 'true');
  assert.deepEqual(picturesIn(await readAnswer(joined)), pictures);
  assert.equal(bought() - earlier, 1);
  // Somebody has it now: the next one is another picture.
  const another = await next.post(order, retry);
  assert.equal(another.headers.get('idempotent-replayed'), null);
  await readAnswer(another);
  assert.equal(bought() - earlier, 2);
  await home.settled(next);
}

const SHORT_DRAIN = 'time: { drain_seconds: 0.2 }\n';

async function handOver(): Promise<void> {
  await using chain = await startChain(SHORT_DRAIN);
  const { home, upstreams } = chain;
  const { pictures, cost } = await chain.undisturbed(BFL);
  const keyed = { 'idempotency-key': 'handed over' };
  const fromSdk = { ...BFL, body: { ...BFL.body, prompt: 'asked for by an SDK' } };
  const held = heldBy(({ bfl }) => bfl.cluster, 'slow_first_byte', 2);
  const stop = async (server: MortalServer): Promise<void> => {
    server.signal('SIGTERM');
    assert.equal(await server.ended, 0);
    held.letGo(upstreams);
  };
  held.prepare(upstreams);
  const sent = [chain.server.post(BFL, keyed), chain.server.post(fromSdk)] as const;
  await held.reached(upstreams, sent[0]);
  await stop(chain.server);
  assert.deepEqual(
    await Promise.all(sent.map(async (answer) => (await answer).status)),
    [503, 503],
  );
  // The next one is stopped, too, while it waits for the jobs.
  held.prepare(upstreams);
  const second = await home.start();
  await held.reached(upstreams, sent[0]);
  await stop(second);
  chain.server = await home.start();
  await home.settled(chain.server);
  const [request] = await home.requests({ idempotencyKey: 'handed over' });
  assert.equal(request?.status, 'completed');
  assert.equal((await balanceOf(chain.server, 'live')).spent, Number((cost * 3).toFixed(9)));
  await assertKept(chain, BFL, { key: 'handed over', id: request.id, pictures });
  const joined = await chain.server.post(fromSdk, { 'x-stainless-retry-count': '1' });
  assert.deepEqual(picturesIn(await readAnswer(joined)), pictures);
  assert.equal(chain.bought(), 3);
}

async function awaitAnswer(): Promise<void> {
  await using chain = await startChain();
  const { home, server, upstreams } = chain;
  const { pictures } = await chain.undisturbed(OPENAI);
  const { prepare, reached, letGo } = heldBy(({ openai }) => openai.upstream, 'slow_first_byte');
  prepare(upstreams);
  const sent = server.post(OPENAI);
  await reached(upstreams, sent);
  server.signal('SIGTERM');
  await server.logged('"draining"');
  letGo(upstreams);
  assert.deepEqual(picturesIn(await readAnswer(await sent)), pictures);
  assert.equal(await server.ended, 0);
  const statuses = (await home.requests()).map(({ status }) => status);
  assert.deepEqual(statuses, ['completed', 'completed']);
}

async function giveUp(): Promise<void> {
  await using chain = await startChain(SHORT_DRAIN);
  const { home, server, upstreams } = chain;
  const { prepare, reached, letGo } = heldBy(({ openai }) => openai.upstream, 'slow_first_byte');
  prepare(upstreams);
  const sent = server.post(OPENAI, { 'idempotency-key': 'given up' });
  await reached(upstreams, sent);
  server.signal('SIGTERM');
  assert.equal((await sent).status, 503);
  assert.equal(await server.ended, 0);
  letGo(upstreams);
  const next = await home.start();
  chain.server = next;
  await home.settled(next);
  const [request] = await home.requests({ idempotencyKey: 'given up' });
  assert.equal(request?.status, 'failed');
  assert.equal((await balanceOf(next, 'live')).spent, 0);
  await readAnswer(await next.post(OPENAI, { 'idempotency-key': 'given up' }));
}

async function loseJobs(): Promise<void> {
  await using chain = await startChain();
  const { home } = chain;
  const gone = { EASEL_CONFIG: '', BFL_API_KEY: '', BFL_BASE_URL: '' };
  for (const [name, environment] of Object.entries({
    gone,
    storeless: { EASEL_RESULT_TTL: '0' },
  })) {
    await dieOf(chain, BFL, { at: after('submitted') }, name);
    const next = await home.start(environment);
    await home.settled(next);
    assert.equal((await balanceOf(next, 'live')).spent, 0);
    const [request] = await home.requests({ idempotencyKey: name });
    assert.equal(request?.status, 'lost');
    // What the operator can ask the upstream with.
    assert.equal(asArray(request.upstreamIds).length, 1);
    next.signal('SIGTERM');
    assert.equal(await next.ended, 0);
    chain.server = await home.start();
    // It is not bought a second time for the same request.
    assert.equal(chain.bought(), name === 'gone' ? 1 : 2);
  }
}

/** The same numbers each time, from 0 up to 1. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

const LOAD = 8;
/** Somewhat more than the load makes: then its end is the last event. */
const EVENTS_MOST = 48;

async function survive(kills: number, context: TestContext): Promise<void> {
  await using chain = await startChain();
  const { home, upstreams } = chain;
  const random = seededRandom(2611);
  const deaths: DeathUnderLoad[] = [];
  for (let round = 0; round < kills; round += 1) {
    deaths.push(await killUnderLoad(chain, round, random));
    chain.server = await home.start();
  }
  await home.settled(chain.server);
  const requests = await home.requests();
  const counts = Object.groupBy(requests, ({ status }) => status);
  const { completed = [], lost = [] } = counts;
  const interrupted = new Set(deaths.flatMap(({ running }) => running));
  const takenUp = completed.filter(({ id }) => interrupted.has(id)).length;
  const inMidst = deaths.filter(({ running }) => running.length > 0).length;
  const cutOff = deaths.filter(({ brokenAnswers }) => brokenAnswers > 0).length;
  const numbers = Object.entries(counts).map(([status, rows]) => `${rows.length} ${status}`);
  context.diagnostic(
    `${numbers.join(', ')}; ${kills} deaths: ${inMidst} with requests running ` +
      `(${interrupted.size}, of which ${takenUp} were taken up and completed), ` +
      `${cutOff} with clients that waited`,
  );
  // Else what follows would hold of a server that did nothing, or was killed at rest.
  assert.ok(completed.length - takenUp > 0, 'some were completed by the server that took them');
  assert.ok(takenUp > 0, 'some were completed by a later one');
  assert.ok(
    lost.some(({ id }) => interrupted.has(id)),
    'some were lost with their server',
  );
  assert.ok(inMidst >= kills / 2, `${inMidst} deaths with requests running`);
  assert.ok(cutOff >= kills / 2, `${cutOff} deaths with clients that waited`);
  assert.ok(requests.every(({ status }) => status !== 'running'));
  let pictures = 0;
  for (const { id, images, mode } of completed) {
    const answer = await readAnswer(await chain.server.get(mode, `/v1/images/${id}`));
    assert.equal(picturesIn(answer).length, images);
    pictures += images;
  }
  assert.equal(pictures, completed.length);
  const charged = requests.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);
  assert.equal(
    charged,
    completed.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n),
  );
  assert.ok(completed.every(({ cost = 0n }) => cost > 0n));
  const { spent } = await balanceOf(chain.server, 'live');
  assert.equal(spent, Number(formatUsd(charged)));
  const { openai, bfl } = upstreams;
  assert.ok(chain.bought() >= completed.length && chain.bought() <= requests.length);
  // Each asks for something else, so that a second purchase for one of them would be seen.
  const asked = [openai, bfl].flatMap(({ upstream }) =>
    upstream.requests.map(({ json }) => asString(at(json, 'prompt'))),
  );
  assert.equal(new Set(asked).size, asked.length);
}

interface DeathUnderLoad {
  /** The ids of the requests that it interrupted. */
  readonly running: readonly string[];
  /** Clients that got no whole answer. */
  readonly brokenAnswers: number;
}

/**
 * Kills the server at a random one of the events that are seen from outside: a request reached an
 * upstream, a client got the head or the end of an answer.
 */
async function killUnderLoad(
  chain: Chain,
  round: number,
  random: () => number,
): Promise<DeathUnderLoad> {
  const { home, server, upstreams } = chain;
  const { openai, bfl } = upstreams;
  const simulators = [openai.upstream, bfl.upstream, bfl.cluster, bfl.delivery];
  const received = (): number => simulators.reduce((sum, { requests }) => sum + requests.length, 0);
  const last = received() + 1 + Math.floor(random() * EVENTS_MOST);
  const answers = { events: 0, due: Promise.withResolvers<void>() };
  const isDue = (): boolean => received() + answers.events >= last;
  const answered = (): void => {
    answers.events += 1;
    if (isDue()) {
      answers.due.resolve();
    }
  };
  const due = [answers.due.promise, ...simulators.map((simulator) => simulator.until(isDue))];
  const load = Array.from({ length: LOAD }, (_, index) =>
    askAtRandom(chain, { prompt: `a boat, ${round}.${index}`, random, answered }),
  );
  await Promise.race([...due, Promise.all(load)]);
  // It stands still while what it was about is read, and dies without another step.
  server.signal('SIGSTOP');
  const requests = await home.requests();
  server.signal('SIGKILL');
  await server.killed;
  const areWhole = await Promise.all(load);
  return {
    running: requests.filter(({ status }) => status === 'running').map(({ id }) => id),
    brokenAnswers: areWhole.filter((isWhole) => !isWhole).length,
  };
}

interface RandomAsk {
  readonly prompt: string;
  readonly random: () => number;
  /** Called at the head of the answer, and at its end. */
  readonly answered: () => void;
}

/**
 * As JSON, as a stream, or for later; of either upstream; perhaps given up again. False when the
 * answer did not come whole.
 */
async function askAtRandom({ server }: Chain, ask: RandomAsk): Promise<boolean> {
  const { prompt, random, answered } = ask;
  const { mode, body } = random() < 0.5 ? OPENAI : BFL;
  const kind = ['json', 'stream', 'async'][Math.floor(random() * 3)];
  const order = { mode, body: { ...body, prompt, stream: kind === 'stream' } };
  const isCancelled = random() < 0.2;
  try {
    const response = await server.post(order, kind === 'async' ? { prefer: 'respond-async' } : {});
    answered();
    const text = await response.text();
    answered();
    if (kind === 'async' && isCancelled) {
      await server.remove(mode, `/v1/images/${asString(at(JSON.parse(text), 'id'))}`);
    }
    return true;
  } catch {
    // The connection died with the process.
    return false;
  }
}
