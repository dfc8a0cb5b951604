import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { Nanousd } from '../base/money.ts';
import { watchGauges } from './gauges.ts';
import type { EndedCall, EndedExchange, EndedRequest, Gauges } from './telemetry.ts';

/** From a millisecond to the ten minutes that a large picture may take. */
const SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 90, 180, 300, 600];
const NANOS_PER_USD = 1e9;
const PIXELS_PER_MEGAPIXEL = 1e6;

export interface Metrics {
  readonly exchangeEnded: (exchange: EndedExchange) => void;
  readonly requestEnded: (request: EndedRequest) => void;
  readonly callEnded: (call: EndedCall) => void;
  readonly requestsLost: (count: number) => void;
  readonly watch: (gauges: Gauges) => void;
  /** The Prometheus text of all of them. */
  readonly text: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

/** Every metric has its unit in its name; labels are names out of the catalogue and of settings. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const http = httpMetrics(registry);
  const images = imageMetrics(registry);
  const calls = callMetrics(registry);
  return {
    exchangeEnded: http.ended,
    requestEnded: images.ended,
    callEnded: calls.ended,
    requestsLost: images.lost,
    watch: (gauges) => watchGauges(registry, gauges),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function httpMetrics(registry: Registry) {
  const registers = [registry];
  const requests = new Counter({
    name: 'easel_http_requests_total',
    help: 'HTTP requests that were answered, by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'easel_http_request_duration_seconds',
    help: 'Seconds from a request to the last byte of its answer.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers,
  });
  const firstByte = new Histogram({
    name: 'easel_http_first_byte_seconds',
    help: 'Seconds from a request to the first byte of its pictures or of its stream.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers,
  });
  const errors = new Counter({
    name: 'easel_errors_total',
    help: 'Errors that callers were answered with, by the name of the error table.',
    labelNames: ['error'],
    registers,
  });
  const received = new Counter({
    name: 'easel_http_received_bytes_total',
    help: 'Bytes that callers sent, heads included.',
    registers,
  });
  const sent = new Counter({
    name: 'easel_http_sent_bytes_total',
    help: 'Bytes that callers were sent, heads included: nearly all of them are payload.',
    registers,
  });
  return {
    ended: (exchange: EndedExchange): void => {
      const { route, method, status } = exchange;
      requests.inc({ route, method, status });
      seconds.observe({ route }, exchange.durationMs / 1000);
      if (exchange.firstByteMs !== undefined) {
        firstByte.observe({ route }, exchange.firstByteMs / 1000);
      }
      if (exchange.error !== undefined) {
        errors.inc({ error: exchange.error });
      }
      received.inc(exchange.receivedBytes);
      sent.inc(exchange.sentBytes);
    },
  };
}

function imageMetrics(registry: Registry) {
  const registers = [registry];
  const labelNames = ['model', 'mode'] as const;
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames, registers });
  const ended = new Counter({
    name: 'easel_image_requests_total',
    help: 'Requests for pictures that came to their end, by model, mode and how they ended.',
    labelNames: ['model', 'mode', 'status'],
    registers,
  });
  const images = counter('easel_images_total', 'Pictures that were made.');
  const megapixels = counter(
    'easel_megapixels_total',
    'Megapixels of the pictures that were made.',
  );
  const seconds = new Histogram({
    name: 'easel_image_request_duration_seconds',
    help: 'Seconds from a request for pictures to its end, whoever waited for it.',
    labelNames,
    buckets: SECONDS,
    registers,
  });
  const charged = new UsdCounter(registry, {
    name: 'easel_charged_usd_total',
    help: 'USD that accounts were charged.',
  });
  const upstream = new UsdCounter(registry, {
    name: 'easel_upstream_cost_usd_total',
    help: 'USD that upstreams said their work cost; those that name no price are not in it.',
  });
  const warnings = new Counter({
    name: 'easel_warnings_total',
    help: 'Warnings in answers, by code.',
    labelNames: ['code'],
    registers,
  });
  const overruns = new Counter({
    name: 'easel_overruns_total',
    help: 'Charges that exceeded their hold.',
    registers,
  });
  const lost = new Counter({
    name: 'easel_lost_requests_total',
    help: 'Requests whose process died with them; their holds were given back.',
    registers,
  });
  return {
    ended: (request: EndedRequest): void => {
      const { model, mode, status } = request;
      ended.inc({ model, mode, status });
      seconds.observe({ model, mode }, request.durationMs / 1000);
      if (request.images > 0) {
        images.inc({ model, mode }, request.images);
        megapixels.inc({ model, mode }, request.pixels / PIXELS_PER_MEGAPIXEL);
      }
      charged.add(model, mode, request.charged);
      upstream.add(model, mode, request.upstreamCost);
      for (const code of request.warnings) {
        warnings.inc({ code });
      }
      if (request.isOverrun) {
        overruns.inc();
      }
    },
    lost: (count: number): void => lost.inc(count),
  };
}

/** Sums are kept as integers and become floats only when they are read: nothing adds up to drift. */
class UsdCounter {
  readonly #sums = new Map<string, { model: string; mode: string; sum: Nanousd }>();

  constructor(registry: Registry, { name, help }: { name: string; help: string }) {
    const sums = this.#sums;
    // A counter could only add floats to floats.
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames: ['model', 'mode'],
        registers: [],
        collect() {
          this.reset();
          for (const { model, mode, sum } of sums.values()) {
            this.inc({ model, mode }, Number(sum) / NANOS_PER_USD);
          }
        },
      }),
    );
  }

  add(model: string, mode: string, amount: Nanousd): void {
    const key = `${mode} ${model}`;
    const known = this.#sums.get(key);
    if (known === undefined) {
      this.#sums.set(key, { model, mode, sum: amount });
    } else {
      known.sum += amount;
    }
  }
}

function callMetrics(registry: Registry) {
  const registers = [registry];
  const calls = new Counter({
    name: 'easel_upstream_calls_total',
    help: 'Calls to upstreams that are over, retries included, by route and outcome.',
    labelNames: ['route', 'outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: 'easel_upstream_call_duration_seconds',
    help: 'Seconds that a call to an upstream took, its pictures included.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers,
  });
  const firstByte = new Histogram({
    name: 'easel_upstream_first_byte_seconds',
    help: 'Seconds from a call to an upstream to the first thing that came of it.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers,
  });
  return {
    ended: ({ route, outcome, durationMs, firstByteMs }: EndedCall): void => {
      calls.inc({ route, outcome });
      seconds.observe({ route }, durationMs / 1000);
      if (firstByteMs !== undefined) {
        firstByte.observe({ route }, firstByteMs / 1000);
      }
    },
  };
}
