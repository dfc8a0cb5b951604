import type { FastifyInstance } from 'fastify';
import { adminActions } from './admin/actions.ts';
import { type HomeAdminKey, homeAdminKey, isAdminKey } from './admin/admin-key.ts';
import { adminLookups } from './admin/lookups.ts';
import { linkSecret } from './access/home-secret.ts';
import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { Config } from './config/config.ts';
import { drainServer } from './drain.ts';
import { SPOOL_MEMORY_BYTES, spoolFolder } from './build-pipeline.ts';
import { type Engine, openEngine } from './engine.ts';
import { whyNoWebhook } from './egress/webhook-sender.ts';
import type { ImageParts } from './http/answer-call.ts';
import { giveBackWhenIdle } from './http/idle-memory.ts';
import { InFlight } from './http/inFlight.ts';
import { registerOpenApi } from './http/openapi.ts';
import { adminAccountRoutes } from './http/routes/admin-accounts.ts';
import { adminKeyRoutes } from './http/routes/admin-keys.ts';
import { adminRecordRoutes } from './http/routes/admin-records.ts';
import { balanceRoute } from './http/routes/balance.ts';
import { documentRoutes } from './http/routes/documents.ts';
import { editsRoute } from './http/routes/edits.ts';
import { generationsRoute } from './http/routes/generations.ts';
import { healthRoutes } from './http/routes/health.ts';
import { type ImagesParts, imagesRoutes } from './http/routes/images.ts';
import { metricsRoute } from './http/routes/metrics.ts';
import { modelRoutes } from './http/routes/models.ts';
import { quotesRoute } from './http/routes/quotes.ts';
import { createServer } from './http/server.ts';
import { Shedder, type SheddingRules } from './http/shedding.ts';
import { type SignedLinks, signedLinks } from './http/signed-links.ts';
import { readBalance } from './ledger/ledger.ts';
import { sumHolds } from './store/running.ts';
import type { HoldsGauge } from './telemetry/telemetry.ts';
import { readVersion } from './package.ts';
import { createSpool } from './payload/spool.ts';
import { generate } from './pipeline/generate.ts';
import { quoteCall } from './pipeline/quote.ts';
import { scopeOf } from './pipeline/scope.ts';
import { warmUpPainter } from './providers/painter.ts';

export interface AppOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
}

/** The whole server, not listening yet. */
export interface App {
  readonly server: FastifyInstance;
  readonly engine: Engine;
  /** Made just now, and to be shown once. */
  readonly newAdminKey?: string;
  /** Takes no new requests, lets running ones finish until the deadline, and closes all. */
  readonly drain: () => Promise<void>;
}

export async function createApp({ config, log, clock }: AppOptions): Promise<App> {
  const kind = 'server';
  const engine = await openEngine({ config, log, kind, ...(clock === undefined ? {} : { clock }) });
  let draining = false;
  const isDraining = (): boolean => draining;
  const inFlight = new InFlight();
  const { overload, time, body_limits: bodyLimits, cors } = config.file;
  const { jobs } = engine.pipeline;
  const shedder = new Shedder(sheddingRules(config), { log, running: () => jobs.size });
  const admin = adminKeyOf(config);
  const server = await createServer({
    log,
    inFlight,
    clock: engine.pipeline.clock,
    authenticate: engine.authenticate,
    isAdmin: (sent) => isAdminKey(sent, admin.key),
    allowances: engine.allowances,
    telemetry: engine.telemetry,
    isDraining,
    shedder,
    body: {
      bytesMax: bodyLimits.generations_bytes,
      idleMs: time.upload_idle_seconds * 1000,
      bytesPerSecondMin: overload.min_body_bytes_per_second,
    },
    origins: cors.origins,
    headMs: time.head_seconds * 1000,
  });
  const { publicUrl } = config;
  const documented = {
    version: readVersion(),
    ...(publicUrl === undefined ? {} : { url: publicUrl }),
  };
  await registerOpenApi(server, documented);
  const secret = config.secret ?? (await linkSecret(engine.store, config.homeFolder));
  addRoutes(server, { config, log, engine, isDraining, secret });
  watchGauges(engine, shedder);
  const stopGivingBack = giveBackWhenIdle({
    log,
    isIdle: () => inFlight.count === 0 && jobs.size === 0,
  });
  server.addHook('onClose', async () => stopGivingBack());
  await warmUpPainter();
  return {
    server,
    engine,
    ...(admin.isNew ? { newAdminKey: admin.key } : {}),
    drain: async () => {
      draining = true;
      const deadlineMs = config.file.time.drain_seconds * 1000;
      await drainServer(server, { jobs: engine.pipeline.jobs, inFlight, log, deadlineMs });
      await engine.close();
    },
  };
}

const HOLDS_KEPT_MS = 2_000;

/** What the metrics look at whenever somebody asks. */
function watchGauges({ telemetry, pipeline, store, spoolMeter }: Engine, shedder: Shedder): void {
  let looked: { readonly atMs: number; readonly holds: Promise<HoldsGauge[]> } | undefined;
  telemetry.watch({
    running: () => pipeline.jobs.size,
    connections: () => shedder.connections,
    loopDelayMs: () => shedder.loopDelayMs,
    bodyBytes: () => shedder.bodyBytes,
    shed: () => shedder.counts,
    storedBytes: () => pipeline.results?.bytes() ?? 0,
    spoolBytes: () => spoolMeter.bytes,
    routes: pipeline.routeStates,
    holds: () => {
      const atMs = performance.now();
      if (looked === undefined || atMs - looked.atMs > HOLDS_KEPT_MS) {
        looked = { atMs, holds: sumHolds(store.db) };
      }
      return looked.holds;
    },
  });
}

function sheddingRules({ file: { overload } }: Config): SheddingRules {
  return {
    connectionsMax: overload.max_connections,
    requestsMax: overload.max_requests,
    bodyBytesMax: overload.max_body_bytes,
    loopDelayMsMax: overload.max_event_loop_delay_ms,
  };
}

interface RouteInputs {
  readonly config: Config;
  readonly log: Log;
  readonly engine: Engine;
  readonly isDraining: () => boolean;
  /** Signs links. */
  readonly secret: string;
}

function addRoutes(server: FastifyInstance, inputs: RouteInputs): void {
  const { config, log, engine, isDraining } = inputs;
  const { pipeline, store } = engine;
  const { body_limits: limits, time } = config.file;
  const links = openLinks(server, inputs);
  const images: ImageParts = {
    log,
    ...(isHosted(inputs) ? { linkTo: links.linkTo } : {}),
    keepaliveMs: time.keepalive_seconds * 1000,
    generate: (caller, call, options) => generate(pipeline, caller, call, options),
    marks: engine.marks,
    allowances: engine.allowances,
    keeps: pipeline.results !== undefined,
    whyNoWebhook: (url) => whyNoWebhook(url, config.fetchAllow),
  };
  generationsRoute(server, images);
  editsRoute(server, {
    ...images,
    openSpool: () =>
      createSpool({
        folder: spoolFolder(config),
        memoryBytes: SPOOL_MEMORY_BYTES,
        totalBytesMax: limits.edits_bytes,
        meter: engine.spoolMeter,
      }),
    body: {
      bodyBytesMax: limits.edits_bytes,
      textBytesMax: limits.generations_bytes,
      idleMs: time.upload_idle_seconds * 1000,
      bytesPerSecondMin: config.file.overload.min_body_bytes_per_second,
    },
  });
  imagesRoutes(server, keptParts(inputs, links));
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
  addAdminRoutes(server, engine);
  documentRoutes(server);
  if (config.file.telemetry.metrics === 'on') {
    metricsRoute(server, {
      token: config.metricsToken,
      isProxied: config.publicUrl !== undefined,
      text: engine.telemetry.metricsText,
    });
  }
}

function adminKeyOf({ adminKey, homeFolder }: Config): HomeAdminKey {
  return adminKey === undefined ? homeAdminKey(homeFolder) : { key: adminKey, isNew: false };
}

function addAdminRoutes(server: FastifyInstance, { store, catalog, pipeline }: Engine): void {
  const parts = {
    actions: adminActions(store),
    lookups: adminLookups(store),
    isModel: (id: string) => catalog.current().find(id) !== undefined,
    routeStates: pipeline.routeStates,
    nowMs: () => pipeline.clock.now(),
  };
  adminAccountRoutes(server, parts);
  adminKeyRoutes(server, parts);
  adminRecordRoutes(server, parts);
}

/** Where links to pictures lead is known once the server listens. */
function openLinks(server: FastifyInstance, { config, engine, secret }: RouteInputs): SignedLinks {
  const { publicUrl, results } = config;
  const listening = (): string =>
    server.listeningOrigin.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
  return signedLinks({
    secret,
    clock: engine.pipeline.clock,
    ttlMs: results.ttlMs,
    baseUrl: () => publicUrl ?? listening(),
  });
}

/** Whether `response_format: url` gives links: there must be something to fetch, too. */
function isHosted({ config, engine }: RouteInputs): boolean {
  return config.file.results.hosted_urls && engine.pipeline.results !== undefined;
}

function keptParts(inputs: RouteInputs, links: SignedLinks): ImagesParts {
  const { config, log, engine } = inputs;
  const { pipeline, lookup, marks } = engine;
  const { clock } = pipeline;
  return {
    log,
    lookup,
    marks,
    clock,
    links,
    authenticate: engine.authenticate,
    ...(isHosted(inputs)
      ? {
          keptLink: (id, index, endedAtMs) =>
            links.linkTo(id, index, endedAtMs + config.results.ttlMs),
        }
      : {}),
  };
}
