import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { authenticate, type Caller, type Credentials } from './access/authenticate.ts';
import { bootstrap, type BootstrapResult } from './access/bootstrap.ts';
import { type Clock, systemClock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import { type Allowance, readAllowances } from './access/limits.ts';
import { buildPipeline, spoolFolder } from './build-pipeline.ts';
import { type ModelEntry, modelEntry } from './catalog/models.ts';
import { watchCatalog, type WatchedCatalog } from './catalog/watch.ts';
import { knownProviders } from './config/account.ts';
import { migrateDatabase, openDatabase } from './database.ts';
import type { Config } from './config/config.ts';
import { defaultLimits } from './config/limits.ts';
import { parseConfigFile } from './config/file.ts';
import { createCallerUrls } from './egress/caller-urls.ts';
import { startLease } from './ledger/lease.ts';
import { credit } from './ledger/ledger.ts';
import { PACKAGE_FOLDER, readVersion } from './package.ts';
import { PICTURE_BYTES_MAX } from './payload/receive-picture.ts';
import type { SpoolMeter } from './payload/spool.ts';
import type { Pipeline } from './pipeline/generate.ts';
import { isInScope, scopeOf } from './pipeline/scope.ts';
import { painter } from './providers/painter.ts';
import { type Lookup, openLookup } from './requests/lookup.ts';
import { type Marks, openMarks } from './requests/marks.ts';
import { JobRegistry } from './requests/registry.ts';
import { openResults, type Results } from './requests/results.ts';
import { isShared, openResultBlobs } from './result-blobs.ts';
import { openRoutes } from './routes.ts';
import { lockHome } from './store/home-lock.ts';
import { keepMonthsAhead } from './store/months.ts';
import type { Store } from './store/store.ts';
import { takeOver, type TakeOverInputs } from './take-over.ts';
import { NO_TELEMETRY, type OpenedTelemetry, openTelemetry } from './telemetry/open.ts';
import type { TracesOptions } from './telemetry/traces.ts';
import { openUpstreams } from './upstreams.ts';
import { openWebhooks } from './webhooks.ts';

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
  readonly lookup: Lookup;
  readonly marks: Marks;
  readonly telemetry: OpenedTelemetry;
  /** What spools keep, all together. */
  readonly spoolMeter: SpoolMeter;
  readonly bootstrapped: BootstrapResult;
  readonly models: (caller: Caller) => ModelEntry[];
  /** Who is asking; throws the failure that the caller shall read. */
  readonly authenticate: (credentials: Credentials) => Promise<Caller>;
  /** How the caller's limits by the minute stand. */
  readonly allowances: (caller: Caller) => Promise<readonly Allowance[]>;
  /** Waits for running jobs, then lets go of the database. */
  readonly close: () => Promise<void>;
}

/** Opens the home folder: database, keys, catalogue, engines. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { config, log, kind, clock = systemClock } = options;
  const { lock, store, bootstrapped } = await openHome(config, kind, clock);
  const telemetry = await telemetryOf(options);
  const lease = await startLease(store, { kind, clock, log, leaseMs: leaseMsOf(config) });
  const catalog = openCatalog(config, log);
  const upstreams = openUpstreams(config, log);
  const callerUrls = createCallerUrls({
    trustedHosts: config.fetchAllow,
    bytesMax: PICTURE_BYTES_MAX,
    log,
  });
  const results = await openResultStore({ config, log, clock, store, kind });
  const jobs = new JobRegistry();
  const spoolMeter: SpoolMeter = { bytes: 0 };
  const lookup = openLookup({ store, jobs, results, clock });
  const webhooks = openWebhooks({ config, log, clock, store, lookup, kind });
  const { providers } = upstreams;
  const router = openRoutes({ config, log, store, lease, providers, telemetry });
  const inputs = {
    config,
    log,
    clock,
    store,
    lease,
    catalog,
    providers,
    callerUrls,
    router,
    telemetry,
  };
  const pipeline = buildPipeline({
    ...inputs,
    results,
    jobs,
    spoolMeter,
    onWebhook: webhooks.nudge,
  });
  const marks = openMarks(store, log, lease.id);
  const rules = { now: () => clock.now(), defaultLimits: defaultLimits(config.file) };
  const upkeep =
    kind === 'server'
      ? await startUpkeep({ ...inputs, jobsOf: router.jobsOf, pipeline, webhooks })
      : undefined;
  return {
    store,
    catalog,
    pipeline,
    lookup,
    marks,
    telemetry,
    spoolMeter,
    bootstrapped,
    authenticate: (credentials) => authenticate(store, credentials, rules),
    allowances: (caller) => readAllowances(store.db, caller, clock.now()),
    models: (caller) => listModels(caller, { config, catalog, pipeline }),
    close: async () => {
      await jobs.idle();
      catalog.close();
      await Promise.all([upstreams.close(), callerUrls.close(), webhooks.close()]);
      await upkeep?.stop();
      await marks.flush();
      await results?.close();
      await telemetry.close();
      await lease.stop();
      await store.close();
      lock?.release();
    },
  };
}

/** What a server does beside its requests: for those that others left, and for the months to come. */
async function startUpkeep(
  inputs: TakeOverInputs,
): Promise<{ readonly stop: () => Promise<void> }> {
  const sweeping = await takeOver(inputs);
  const months = keepMonthsAhead(inputs.store, inputs);
  return {
    stop: async () => {
      await Promise.all([sweeping.stop(), months.stop()]);
    },
  };
}

function leaseMsOf({ file }: Config): number {
  return file.time.lease_seconds * 1000;
}

/** The folder with its lock, its database, and its first key. */
async function openHome(config: Config, kind: EngineOptions['kind'], clock: Clock) {
  mkdirSync(config.homeFolder, { recursive: true, mode: 0o700 });
  const lock = kind === 'server' ? lockHome(config.homeFolder) : undefined;
  const store = await openDatabase(config, clock);
  await migrateDatabase(store, config);
  const bootstrapped = await bootstrap(store, { ...config.bootstrap, credit });
  if (kind === 'server') {
    // What a process that died has left there belongs to nobody.
    rmSync(spoolFolder(config), { recursive: true, force: true });
  }
  return { lock, store, bootstrapped };
}

/** The models that the caller may use, as the list shows them. */
function listModels(
  caller: Caller,
  inputs: {
    readonly config: Config;
    readonly catalog: WatchedCatalog;
    readonly pipeline: Pipeline;
  },
): ModelEntry[] {
  const { config, catalog, pipeline } = inputs;
  const scope = scopeOf(caller, pipeline.isConfigured, pipeline.clock.now());
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
}

/** A command that runs once counts nothing. */
async function telemetryOf({ config, log, kind }: EngineOptions): Promise<OpenedTelemetry> {
  return kind === 'server' ? openTelemetry(log, tracesOptions(config, log)) : NO_TELEMETRY;
}

function tracesOptions({ traces, file }: Config, log: Log): TracesOptions | undefined {
  const { trace_ratio: ratio } = file.telemetry;
  return traces === undefined ? undefined : { ...traces, ratio, version: readVersion(), log };
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

/**
 * How much older than the longest request a picture must be that no row knows: for its settlement, and
 * for clocks that do not agree.
 */
const STRAY_MS = 3_600_000;

interface ResultStoreInputs {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly store: Store;
  readonly kind: EngineOptions['kind'];
}

/** Undefined where nothing is kept: by the operator's wish, and where the CLI takes it at once. */
async function openResultStore(inputs: ResultStoreInputs): Promise<Results | undefined> {
  const { config, log, clock, store, kind } = inputs;
  const { ttlMs, bytesMax } = config.results;
  if (ttlMs === 0 || kind === 'cli') {
    return undefined;
  }
  const blobs = await openResultBlobs(config);
  const strayAfterMs = config.file.time.request_seconds * 1000 + STRAY_MS;
  return openResults({
    store,
    blobs,
    clock,
    log,
    ttlMs,
    bytesMax,
    ...(isShared(config) ? { strayAfterMs } : {}),
  });
}
