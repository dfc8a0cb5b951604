import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { authenticate, type Caller } from './access/authenticate.ts';
import { bootstrap, type BootstrapResult } from './access/bootstrap.ts';
import { type Clock, systemClock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import { type ModelEntry, modelEntry } from './catalog/models.ts';
import { watchCatalog, type WatchedCatalog } from './catalog/watch.ts';
import { knownProviders } from './config/account.ts';
import type { Config } from './config/config.ts';
import { parseConfigFile } from './config/file.ts';
import { drainServer } from './drain.ts';
import type { ImageParts } from './http/answer-call.ts';
import { InFlight } from './http/inFlight.ts';
import { registerOpenApi } from './http/openapi.ts';
import { balanceRoute } from './http/routes/balance.ts';
import { documentRoutes } from './http/routes/documents.ts';
import { editsRoute } from './http/routes/edits.ts';
import { generationsRoute } from './http/routes/generations.ts';
import { healthRoutes } from './http/routes/health.ts';
import { modelRoutes } from './http/routes/models.ts';
import { quotesRoute } from './http/routes/quotes.ts';
import { createServer } from './http/server.ts';
import { createCallerUrls, type CallerUrls } from './egress/caller-urls.ts';
import { type Lease, startLease } from './ledger/lease.ts';
import { credit, readBalance } from './ledger/ledger.ts';
import { startSweeping } from './ledger/sweeping.ts';
import { sweep } from './ledger/sweep.ts';
import { fanOut } from './pipeline/fan-out.ts';
import { generate, type Pipeline } from './pipeline/generate.ts';
import { quoteCall } from './pipeline/quote.ts';
import { openRecords } from './pipeline/record.ts';
import { isInScope, scopeOf } from './pipeline/scope.ts';
import { PICTURE_BYTES_MAX } from './payload/receive-picture.ts';
import { arrivingPayload } from './payload/payload.ts';
import { createSpool } from './payload/spool.ts';
import { painter, warmUpPainter } from './providers/painter.ts';
import type { Provider } from './providers/provider.ts';
import { openRequestRows } from './requests/records.ts';
import { JobRegistry } from './requests/registry.ts';
import { lockHome } from './store/home-lock.ts';
import { migrate } from './store/migrate.ts';
import { openStore, type Store } from './store/store.ts';
import { openUpstreams } from './upstreams.ts';

const PACKAGE_FOLDER = fileURLToPath(new URL('..', import.meta.url));

/** The version of this package. */
export function readVersion(): string {
  const text = readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export interface EngineOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  /** `server`: the one server of its home. `cli`: a guest, maybe beside a running server. */
  readonly kind: 'server' | 'cli';
}

/** Everything but HTTP: what the server and the CLI both work with. */
export interface Engine {
  readonly store: Store;
  readonly catalog: WatchedCatalog;
  readonly pipeline: Pipeline;
  readonly bootstrapped: BootstrapResult;
  readonly models: (caller: Caller) => ModelEntry[];
  /** Waits for running jobs, then lets go of the database. */
  readonly close: () => Promise<void>;
}

/** Opens the home folder: database, keys, catalogue, engines. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { config, log, kind, clock = systemClock } = options;
  mkdirSync(config.homeFolder, { recursive: true, mode: 0o700 });
  const lock = kind === 'server' ? lockHome(config.homeFolder) : undefined;
  const store = await openStore({
    file: join(config.homeFolder, 'easel.db'),
    durability: config.file.durability,
    clock,
  });
  await migrate(store);
  const bootstrapped = await bootstrap(store, { ...config.bootstrap, credit });
  if (kind === 'server') {
    // What a process that died has left there belongs to nobody.
    rmSync(spoolFolder(config), { recursive: true, force: true });
    // This process has the home's lock, so whatever server had a lease before is dead.
    await sweep(store, log, { clock, deadServerLeases: true });
  }
  const lease = await startLease(store, { kind, clock, log });
  const sweeping =
    kind === 'server' ? startSweeping({ store, log, clock, ownLeaseId: lease.id }) : undefined;
  const catalog = openCatalog(config, log);
  const upstreams = openUpstreams(config, log);
  const { providers } = upstreams;
  const callerUrls = createCallerUrls({
    trustedHosts: config.fetchAllow,
    bytesMax: PICTURE_BYTES_MAX,
    log,
  });
  const parts = { config, log, clock, store, lease, catalog, providers, callerUrls };
  const pipeline = buildPipeline(parts);
  return {
    store,
    catalog,
    pipeline,
    bootstrapped,
    models: (caller) => {
      const scope = scopeOf(caller, pipeline.isConfigured, clock.now());
      const cards = catalog.current().list();
      return cards
        .filter((card) => isInScope(card, scope))
        .map((card) =>
          modelEntry(card, {
            ownedBy: config.file.owned_by,
            nowMs: scope.nowMs,
            // Test keys never reach the model itself, and the list says so.
            ...(scope.mode === 'test' ? { engine: painter.name } : {}),
          }),
        );
    },
    close: async () => {
      await pipeline.jobs.idle();
      catalog.close();
      await Promise.all([upstreams.close(), callerUrls.close()]);
      await sweeping?.stop();
      await lease.stop();
      await store.close();
      lock?.release();
    },
  };
}

/** The cards of this package with the operator's file over them, watched. */
function openCatalog({ filePath, providers }: Config, log: Log): WatchedCatalog {
  return watchCatalog(join(PACKAGE_FOLDER, 'catalog'), {
    log,
    providers: knownProviders(providers),
    ...(filePath === undefined
      ? {}
      : {
          operatorPath: filePath,
          checkOperatorText: (text: string) => void parseConfigFile(filePath, text),
        }),
  });
}

/** Payloads above this go to disk while they must be whole. */
const SPOOL_MEMORY_BYTES = 1024 * 1024;

function spoolFolder({ homeFolder }: Config): string {
  return join(homeFolder, 'spool');
}

interface PipelineInputs {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly store: Store;
  readonly lease: Lease;
  readonly catalog: WatchedCatalog;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly callerUrls: CallerUrls;
}

function buildPipeline(inputs: PipelineInputs): Pipeline {
  const { config, log, clock, store, lease, catalog, providers, callerUrls } = inputs;
  return {
    catalog: catalog.current,
    isConfigured: (provider) => providers.has(provider),
    route: ({ card }, caller) => {
      const provider = caller.mode === 'test' ? undefined : providers.get(card.provider);
      // The painter makes several pictures in one call, each by its own seed.
      return provider === undefined || provider === painter
        ? painter
        : fanOut(provider, card.imagesPerCall);
    },
    records: openRecords(openRequestRows(store, lease.id, log)),
    jobs: new JobRegistry(),
    clock,
    log,
    openSpool: () => createSpool({ folder: spoolFolder(config), memoryBytes: SPOOL_MEMORY_BYTES }),
    fetchPicture: async (url, signal) => {
      const { body } = await callerUrls.fetch(url, signal);
      return arrivingPayload('binary', body);
    },
    requestMs: config.file.time.request_seconds * 1000,
  };
}

export interface AppOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
}

/** The whole server, not listening yet. */
export interface App {
  readonly server: FastifyInstance;
  readonly engine: Engine;
  /** Takes no new requests, lets running ones finish until the deadline, and closes all. */
  readonly drain: () => Promise<void>;
}

export async function createApp({ config, log, clock }: AppOptions): Promise<App> {
  const kind = 'server';
  const engine = await openEngine({ config, log, kind, ...(clock === undefined ? {} : { clock }) });
  let draining = false;
  const isDraining = (): boolean => draining;
  const inFlight = new InFlight();
  const server = createServer({
    log,
    inFlight,
    clock: engine.pipeline.clock,
    authenticate: (credentials) => authenticate(engine.store, credentials, engine.pipeline.clock),
    isDraining,
    bodyLimitBytes: config.file.body_limits.generations_bytes,
  });
  const { publicUrl } = config;
  const documented = {
    version: readVersion(),
    ...(publicUrl === undefined ? {} : { url: publicUrl }),
  };
  await registerOpenApi(server, documented);
  addRoutes(server, { config, log, engine, isDraining });
  await warmUpPainter();
  return {
    server,
    engine,
    drain: async () => {
      draining = true;
      const deadlineMs = config.file.time.drain_seconds * 1000;
      await drainServer(server, { jobs: engine.pipeline.jobs, inFlight, log, deadlineMs });
      await engine.close();
    },
  };
}

interface RouteInputs {
  readonly config: Config;
  readonly log: Log;
  readonly engine: Engine;
  readonly isDraining: () => boolean;
}

function addRoutes(server: FastifyInstance, inputs: RouteInputs): void {
  const { config, log, engine, isDraining } = inputs;
  const { pipeline, store } = engine;
  const { body_limits: limits, time } = config.file;
  const images: ImageParts = {
    log,
    keepaliveMs: time.keepalive_seconds * 1000,
    generate: (caller, call, options) => generate(pipeline, caller, call, options),
  };
  generationsRoute(server, images);
  editsRoute(server, {
    ...images,
    openSpool: () =>
      createSpool({
        folder: spoolFolder(config),
        memoryBytes: SPOOL_MEMORY_BYTES,
        totalBytesMax: limits.edits_bytes,
      }),
    body: {
      bodyBytesMax: limits.edits_bytes,
      textBytesMax: limits.generations_bytes,
      idleMs: time.upload_idle_seconds * 1000,
    },
  });
  quotesRoute(server, {
    isPublic: config.file.public_catalogue,
    quote: (call, caller) =>
      quoteCall(
        pipeline.catalog(),
        call,
        scopeOf(caller, pipeline.isConfigured, pipeline.clock.now()),
      ),
  });
  modelRoutes(server, { models: engine.models });
  balanceRoute(server, { balance: (caller) => readBalance(store.db, caller) });
  healthRoutes(server, {
    notReady: async () => {
      if (isDraining()) {
        return 'draining';
      }
      await readBalance(store.db, { accountId: '', mode: 'test' });
      return undefined;
    },
  });
  documentRoutes(server);
}
