import { join } from 'node:path';
import { recordSpend, takeLimits } from './access/limits.ts';
import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { WatchedCatalog } from './catalog/watch.ts';
import type { Config } from './config/config.ts';
import type { CallerUrls } from './egress/caller-urls.ts';
import type { Lease } from './ledger/lease.ts';
import { arrivingPayload } from './payload/payload.ts';
import { createSpool, type SpoolMeter } from './payload/spool.ts';
import { fanOut } from './pipeline/fan-out.ts';
import type { Pipeline } from './pipeline/generate.ts';
import { openRecords } from './pipeline/record.ts';
import type { Router } from './pipeline/router.ts';
import { painter } from './providers/painter.ts';
import type { Provider } from './providers/provider.ts';
import { openAnswers } from './requests/answers.ts';
import { openClaims } from './requests/claims.ts';
import { openRequestRows } from './requests/records.ts';
import type { JobRegistry } from './requests/registry.ts';
import type { Results } from './requests/results.ts';
import type { Store } from './store/store.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** Payloads above this go to disk while they must be whole. */
export const SPOOL_MEMORY_BYTES = 1024 * 1024;

export function spoolFolder({ homeFolder }: Config): string {
  return join(homeFolder, 'spool');
}

/** Without a store a key still keeps a second purchase from happening, for so long. */
const KEY_TTL_MS_LEAST = 3_600_000;

export interface PipelineInputs {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly store: Store;
  readonly lease: Lease;
  readonly catalog: WatchedCatalog;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly callerUrls: CallerUrls;
  readonly results: Results | undefined;
  readonly jobs: JobRegistry;
  readonly onWebhook: () => void;
  readonly router: Router;
  readonly telemetry: Telemetry;
  readonly spoolMeter: SpoolMeter;
}

/** The steps of a request, joined with all that they work with. */
export function buildPipeline(inputs: PipelineInputs): Pipeline {
  const { config, log, clock, store, lease, catalog, providers, callerUrls } = inputs;
  const { results, jobs, onWebhook, router } = inputs;
  const keyTtlMs = Math.max(config.results.ttlMs, KEY_TTL_MS_LEAST);
  const requestMs = config.file.time.request_seconds * 1000;
  return {
    catalog: catalog.current,
    isConfigured: (provider) => providers.has(provider),
    route: ({ card }, { mode, accountId }) => {
      const isPainted = card.routes.every(({ provider }) => provider === painter.name);
      // The painter makes several pictures in one call, each by its own seed.
      return mode === 'test' || isPainted
        ? painter
        : fanOut(router.engine(card, accountId), card.imagesPerCall);
    },
    routeStates: () => router.states(catalog.current().list()),
    records: openRecords(
      openRequestRows({
        store,
        leaseId: lease.id,
        log,
        keyTtlMs,
        onWebhook,
        onStored: async (bytes) => results?.count(bytes),
        takeLimits: (tx, request) => takeLimits(tx, { ...request, keyId: request.keyId ?? '' }),
        recordSpend,
      }),
    ),
    jobs,
    results,
    findEarlier: openClaims({ store, clock, ttlMs: keyTtlMs }),
    answerOf: openAnswers({ store, jobs, results, clock, waitMs: requestMs }),
    clock,
    log,
    telemetry: inputs.telemetry,
    openSpool: () =>
      createSpool({
        folder: spoolFolder(config),
        memoryBytes: SPOOL_MEMORY_BYTES,
        meter: inputs.spoolMeter,
      }),
    fetchPicture: async (url, signal) => {
      const { body } = await callerUrls.fetch(url, signal);
      return arrivingPayload('binary', body);
    },
    requestMs,
  };
}
