import {
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  isSpanContextValid,
  ROOT_CONTEXT,
  trace as api,
  TraceFlags,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TracerProvider,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import type { OpenSpan, SpanAttributes, Trace } from '../base/trace.ts';
import type { TraceBegin } from './telemetry.ts';

export interface TracesOptions {
  /** Where spans go: `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How many of the traces that begin here are kept: 0 to 1. */
  readonly ratio: number;
  readonly version: string;
  readonly log: Log;
}

const TELL_EVERY_MS = 60_000;
/** How long the end of the process waits for the last spans to be taken. */
const CLOSE_MS = 3_000;

export interface Traces {
  readonly begin: (begin: TraceBegin) => Trace;
  /** Sends what is left. */
  readonly close: () => Promise<void>;
}

/** Traces by OTLP over HTTP. Loaded only where it is configured. */
export function openTraces({ url, headers, ratio, version, log }: TracesOptions): Traces {
  const exporter = told(new OTLPTraceExporter({ url, headers: { ...headers } }), log);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'easel', 'service.version': version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('easel', version);
  return {
    begin: (begin) => traceOf(tracer, begin),
    close: async () => {
      const late = wait(CLOSE_MS, undefined, { ref: false });
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
}

/** A collector that is away is said, once a minute; what it did not get is gone. */
function told(exporter: SpanExporter, log: Log): SpanExporter {
  let toldAt = -Infinity;
  return {
    export: (spans, done) => {
      exporter.export(spans, (result) => {
        if (result.error !== undefined && performance.now() - toldAt > TELL_EVERY_MS) {
          toldAt = performance.now();
          log.warn({ spans: spans.length, reason: result.error.message }, 'traces were not taken');
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async (...options) => exporter.forceFlush?.(...options),
  };
}

function traceOf(tracer: Tracer, { name, startMs, traceparent }: TraceBegin): Trace {
  const root = tracer.startSpan(
    name,
    { kind: SpanKind.SERVER, startTime: startMs },
    contextOf(traceparent),
  );
  const context = api.setSpan(ROOT_CONTEXT, root);
  return {
    span: (facts) => {
      const span = tracer.startSpan(facts.name, { startTime: facts.startMs }, context);
      finish(span, facts.attributes ?? {}, facts.error);
      span.end(facts.endMs);
    },
    call: (callName, attributes): OpenSpan => {
      const span = tracer.startSpan(callName, { kind: SpanKind.CLIENT }, context);
      finish(span, attributes, undefined);
      return {
        traceparent: headerOf(span),
        end: (more = {}, error) => {
          finish(span, more, error);
          span.end();
        },
      };
    },
    end: (attributes, error) => {
      finish(root, attributes, error);
      root.end();
    },
  };
}

function finish(span: Span, attributes: SpanAttributes, error: string | undefined): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      span.setAttribute(name, value);
    }
  }
  if (error !== undefined) {
    span.setAttribute('error.type', error);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** What the caller says that this is part of; a trace of its own where that cannot be read. */
function contextOf(traceparent: string | undefined): Context {
  const [, traceId = '', spanId = '', flags = '00'] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(parent) ? api.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}

function headerOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const sampled = (traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01';
  return `00-${traceId}-${spanId}-${sampled}`;
}
