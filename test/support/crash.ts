import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ensureAccount } from '../../src/access/accounts.ts';
import { createKey } from '../../src/access/keys.ts';
import { parseUsd } from '../../src/base/money.ts';
import { audit } from '../../src/ledger/audit.ts';
import { credit } from '../../src/ledger/ledger.ts';
import { type Mode, MODES } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { listRequests } from '../../src/store/request-list.ts';
import { type RequestRecord } from '../../src/store/requests.ts';
import { listResults } from '../../src/store/results.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { requesters } from './harness.ts';
import { temporaryFolder } from './process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PRELOAD = new URL('kill-at.ts', import.meta.url).href;

/** Where a server dies: at the COMMIT of the first transaction that runs this. */
export interface KillPoint {
  readonly when: 'before' | 'after';
  /** A part of the statement's text. */
  readonly statement: string;
  /** It must be among the statement's values. */
  readonly value?: string;
}

/** What `kill-at.ts` reads a point from, for what happens at the start. */
const KILL_AT = 'EASEL_TEST_KILL_AT';

export type KillMessage = KillPoint | 'flush';

/** The transactions in a request's life, by what only they run. */
export const TRANSACTIONS = {
  held: { statement: 'insert into "requests"' },
  submitted: { statement: 'update "requests" set "stage"', value: 'submitted' },
  stored: { statement: 'update "requests" set "stage"', value: 'stored' },
  settled: { statement: 'insert into "transfers"', value: 'settle' },
  adopted: { statement: 'update "requests" set "lease_id"' },
  swept: { statement: 'insert into "transfers"', value: 'expire' },
} as const satisfies Record<string, Omit<KillPoint, 'when'>>;

/** `before('stored')`: the pictures are whole, and the database does not know it. */
export function before(transaction: keyof typeof TRANSACTIONS): KillPoint {
  return { when: 'before', ...TRANSACTIONS[transaction] };
}

export function after(transaction: keyof typeof TRANSACTIONS): KillPoint {
  return { when: 'after', ...TRANSACTIONS[transaction] };
}

/** What is asked for, by which kind of key. */
export interface Order {
  readonly mode: Mode;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that will not live long. */
export interface MortalServer {
  readonly url: string;
  readonly post: (order: Order, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  readonly get: (mode: Mode, path: string) => Promise<Response>;
  readonly remove: (mode: Mode, path: string) => Promise<Response>;
  /** Lets it die at that point from here on. */
  readonly arm: (point: KillPoint) => Promise<void>;
  /** Resolves when it has been killed; rejects when it ended in another way. */
  readonly killed: Promise<void>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Resolves when its log has it. */
  readonly logged: (text: string) => Promise<void>;
}

/** A home whose servers are killed, one after the other. */
export interface MortalHome extends AsyncDisposable {
  /** The folder. */
  readonly home: string;
  /** With further settings, or without some: those that are empty. */
  readonly start: (environment?: Readonly<Record<string, string>>) => Promise<MortalServer>;
  /** Starts a server that dies at that point before anybody asks it for anything. */
  readonly startAndDie: (point: KillPoint) => Promise<void>;
  /**
   * Waits until the server has nothing to do, then holds the home to what must always be true: the
   * audit is clean, nothing is held, and the result store has the pictures that its rows name and
   * no other file.
   */
  readonly settled: (server: MortalServer) => Promise<void>;
  /** The rows of requests, newest first. */
  readonly requests: (filter?: { readonly idempotencyKey?: string }) => Promise<RequestRecord[]>;
}

export interface MortalHomeOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** The text of an `easel.yaml`. */
  readonly yaml?: string;
  /** Where compiled code is kept: starting is most of what these tests do. */
  readonly compileCache: string;
}

/** A home with a test key and a live key, each with 1,000 USD. */
export async function openMortalHome(options: MortalHomeOptions): Promise<MortalHome> {
  const folder = await temporaryFolder();
  const home = join(folder.path, 'home');
  const yaml = join(folder.path, 'easel.yaml');
  await writeFile(yaml, options.yaml ?? '');
  const look = async <T>(work: (store: Store) => Promise<T>): Promise<T> => {
    const store = await openStore({ file: join(home, 'easel.db') });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };
  const keys = await look(makeKeys);
  const environment = {
    ...options.environment,
    EASEL_HOME: home,
    EASEL_CONFIG: yaml,
    NODE_COMPILE_CACHE: options.compileCache,
  };
  const children = new Set<ChildProcess>();
  const spawnServer = (more: Readonly<Record<string, string>> = {}): SpawnedServer => {
    const spawned = spawnMortal({ ...environment, ...more }, keys);
    children.add(spawned.child);
    void spawned.server.ended.then(() => children.delete(spawned.child));
    return spawned;
  };
  return {
    home,
    start: (more) => spawnServer(more).listening,
    startAndDie: async (point) => {
      const { server, listening } = spawnServer({ [KILL_AT]: JSON.stringify(point) });
      listening.catch(() => undefined);
      await server.killed;
    },
    settled: async (server) => {
      await untilIdle(server);
      await look((store) => checkHome(store, home));
    },
    requests: (filter) =>
      look((store) => listRequests(store.db, { ...filter, limit: Number.MAX_SAFE_INTEGER })),
    [Symbol.asyncDispose]: async () => {
      for (const child of children) {
        const end = once(child, 'exit');
        child.kill('SIGKILL');
        await end;
      }
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function makeKeys(store: Store): Promise<Readonly<Record<Mode, string>>> {
  await migrate(store);
  return store.transaction(async (tx) => {
    const accountId = await ensureAccount(tx, 'default');
    const secrets: string[] = [];
    for (const mode of MODES) {
      await credit(tx, { accountId, mode, amount: parseUsd('1000') });
      const { secret } = await createKey(tx, { accountId, mode, name: mode });
      secrets.push(secret);
    }
    const [test = '', live = ''] = secrets;
    return { test, live };
  });
}

interface SpawnedServer {
  readonly child: ChildProcess;
  readonly server: Pick<MortalServer, 'ended' | 'killed'>;
  readonly listening: Promise<MortalServer>;
}

function spawnMortal(
  environment: Readonly<Record<string, string>>,
  keys: Readonly<Record<Mode, string>>,
): SpawnedServer {
  const child = spawn(process.execPath, ['--import', PRELOAD, 'src/main.ts'], {
    cwd: ROOT,
    // A chosen allocator: it does not start itself anew, which would lose the channel.
    env: { ...process.env, ...environment, PORT: '0', MALLOC_ARENA_MAX: '2' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = watchOutput(child);
  const ended = once(child, 'exit').then(
    ([code, signal]) => (code ?? signal ?? 1) as number | NodeJS.Signals,
  );
  const killed = ended.then((end) => assert.equal(end, 'SIGKILL', output.text()));
  killed.catch(() => undefined);
  const start = async (): Promise<MortalServer> => {
    const early = ended.then((end) => {
      throw new Error(`the server ended with ${end}: ${output.text()}`);
    });
    early.catch(() => undefined);
    await Promise.race([output.has('\nAPI playground'), early]);
    child.send('flush' satisfies KillMessage);
    const url = /^Listening {2}(\S+)$/m.exec(output.text())?.[1] ?? '';
    return {
      url,
      post: ({ mode, body, headers = {} }, more = {}) =>
        requesters(url, keys[mode]).post('/v1/images/generations', body, { ...headers, ...more }),
      get: (mode, path) => requesters(url, keys[mode]).get(path),
      remove: (mode, path) => requesters(url, keys[mode]).get(path, { method: 'DELETE' }),
      arm: async (point) => {
        const armed = once(child, 'message');
        child.send(point satisfies KillMessage);
        await armed;
      },
      killed,
      signal: (name) => {
        child.kill(name);
      },
      ended,
      logged: output.has,
    };
  };
  return { child, server: { ended, killed }, listening: start() };
}

interface Output {
  readonly text: () => string;
  /** Resolves when it has been written. */
  readonly has: (part: string) => Promise<void>;
}

function watchOutput({ stdout, stderr }: ChildProcess): Output {
  let text = '';
  let waiting: (() => void)[] = [];
  for (const stream of [stdout, stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const woken = waiting;
      waiting = [];
      for (const wake of woken) {
        wake();
      }
    });
  }
  return {
    text: () => text,
    has: async (part) => {
      while (!text.includes(part)) {
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}

const POLL_MS = 15;

/** What is held is held for a request that runs. */
async function untilIdle(server: MortalServer): Promise<void> {
  for (const mode of MODES) {
    while ((await balanceOf(server, mode)).held > 0) {
      await wait(POLL_MS);
    }
  }
}

export interface WireBalance {
  readonly held: number;
  readonly spent: number;
}

export async function balanceOf(server: MortalServer, mode: Mode): Promise<WireBalance> {
  const response = await server.get(mode, '/v1/balance');
  assert.equal(response.status, 200);
  return (await response.json()) as WireBalance;
}

async function checkHome(store: Store, home: string): Promise<void> {
  const { problems, openHolds } = await audit(store);
  assert.deepEqual(problems, []);
  assert.equal(openHolds, 0);
  assert.deepEqual(await listRequests(store.db, { status: 'running', limit: 1 }), []);
  const requests = await listRequests(store.db, { limit: Number.MAX_SAFE_INTEGER });
  const results = await Promise.all(requests.map(({ id }) => listResults(store.db, id)));
  assert.deepEqual(
    (await filesBelow(join(home, 'results'))).map((name) => name.replace(/\.(b64|bin)$/, '')),
    results.flatMap((records) => records.map(({ name }) => name)).toSorted(),
  );
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .toSorted();
}
