import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureAccount } from '../../src/access/accounts.ts';
import { createKey, type KeySettings } from '../../src/access/keys.ts';
import { type App, createApp } from '../../src/app.ts';
import type { Clock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { parseUsd } from '../../src/base/money.ts';
import { loadConfig, type Config } from '../../src/config/config.ts';
import { audit } from '../../src/ledger/audit.ts';
import { credit } from '../../src/ledger/ledger.ts';
import { createTestDatabase, testServer } from '../../src/store/test-postgres.ts';
import { pictureEnvironment, type StoredPictures, storedPictures } from './stored-pictures.ts';

export interface EaselOptions {
  /** Sections of `easel.yaml`, over the defaults. */
  readonly file?: Partial<Config['file']>;
  /** The text of an `easel.yaml`. */
  readonly yaml?: string;
  readonly clock?: Clock;
  /** More environment variables: credentials and base URLs of simulated upstreams. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Credit of the bootstrap key's test balance, in USD; 10 by default. */
  readonly creditUsd?: string;
}

export type LogLine = Readonly<Record<string, unknown>>;

/** The real server on a free port with a real database in a folder of its own. */
export interface Easel {
  readonly url: string;
  /** A test key with 10 USD. */
  readonly key: string;
  readonly app: App;
  readonly home: string;
  /** What a command of the same home needs to be told. */
  readonly place: Readonly<Record<string, string>>;
  /** The result store, from behind. */
  readonly stored: StoredPictures;
  readonly logLines: readonly LogLine[];
  /** A live key on an account of its own with 1,000 USD; made when it is first asked for. */
  readonly liveKey: () => Promise<string>;
  /** `fetch` with the key, on a path of this server. */
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  /** Posts JSON with the key. */
  readonly post: (
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ) => Promise<Response>;
  /** Another key, on an account of that name with that credit. */
  readonly makeKey: (options: MakeKeyOptions) => Promise<{ secret: string; keyId: string }>;
  /** Problems that the audit of the ledger finds: none, always. */
  readonly auditProblems: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

export interface MakeKeyOptions extends Partial<
  Pick<KeySettings, 'mode' | 'allowedModels' | 'expiresAt'>
> {
  readonly account?: string;
  readonly creditUsd?: string;
}

/** Starts a server; whoever starts it closes it, in `after` or with `await using`. */
export async function startEasel(options: EaselOptions = {}): Promise<Easel & AsyncDisposable> {
  const home = await mkdtemp(join(tmpdir(), 'easel-test-'));
  const yaml = join(home, 'easel.yaml');
  await writeFile(yaml, options.yaml ?? '');
  const server =
    options.environment?.['EASEL_DATABASE_URL'] === undefined ? testServer() : undefined;
  const database = server === undefined ? undefined : await createTestDatabase(server);
  const place = {
    EASEL_HOME: home,
    ...(database === undefined ? {} : { EASEL_DATABASE_URL: database.url }),
    ...pictureEnvironment(options.environment),
  };
  const base = loadConfig({
    EASEL_CONFIG: yaml,
    ...place,
    PORT: '0',
    EASEL_BOOTSTRAP_CREDIT_USD: options.creditUsd ?? '10',
    ...options.environment,
  });
  const file = { ...base.file, ...options.file };
  const config: Config = { ...base, file: { ...file, overload: patient(options, file.overload) } };
  const logLines: LogLine[] = [];
  const log = createLog({
    level: 'debug',
    destination: {
      write: (line) => {
        logLines.push(JSON.parse(line) as LogLine);
      },
    },
  });
  const app = await createApp({
    config,
    log,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  const url = await app.server.listen(config.listen);
  const key = app.engine.bootstrapped.secret ?? '';
  const stored = storedPictures(config);
  const close = async (): Promise<void> => {
    await app.drain();
    await stored.close();
    await database?.drop();
    await rm(home, { recursive: true, force: true });
  };
  return {
    url,
    key,
    app,
    home,
    place,
    stored,
    logLines,
    ...requesters(url, key),
    liveKey: once(async () => {
      const made = await makeKey(app, { account: 'live', mode: 'live', creditUsd: '1000' });
      return made.secret;
    }),
    makeKey: (wanted) => makeKey(app, wanted),
    auditProblems: async () => (await audit(app.engine.store)).problems,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Clients and upstreams live in this process, too: its turns say nothing of the server. */
function patient(
  { yaml = '' }: EaselOptions,
  overload: Config['file']['overload'],
): Config['file']['overload'] {
  const isToldHow = yaml.includes('max_event_loop_delay_ms');
  return isToldHow ? overload : { ...overload, max_event_loop_delay_ms: 60_000 };
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => (made ??= make());
}

/** What makes requests to a server with a key. */
export function requesters(url: string, key: string): Pick<Easel, 'get' | 'post'> {
  const authorization = `Bearer ${key}`;
  return {
    get: (path, init) => {
      const headers = new Headers({ authorization });
      new Headers(init?.headers).forEach((value, name) => headers.set(name, value));
      return fetch(`${url}${path}`, { ...init, headers });
    },
    post: (path, body, extra) => {
      const headers = new Headers({ authorization, 'content-type': 'application/json' });
      new Headers(extra).forEach((value, name) => headers.set(name, value));
      return fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    },
  };
}

async function makeKey(
  app: App,
  options: MakeKeyOptions,
): Promise<{ secret: string; keyId: string }> {
  const { account = 'another', creditUsd = '10', mode = 'test' } = options;
  return app.engine.store.transaction(async (tx) => {
    const accountId = await ensureAccount(tx, account);
    await credit(tx, { accountId, mode, amount: parseUsd(creditUsd) });
    const { record, secret } = await createKey(tx, {
      accountId,
      mode,
      name: 'test',
      ...(options.allowedModels === undefined ? {} : { allowedModels: options.allowedModels }),
      ...(options.expiresAt === undefined ? {} : { expiresAt: options.expiresAt }),
    });
    return { secret, keyId: record.id };
  });
}
