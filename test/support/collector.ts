import { asArray, asObject } from './json.ts';
import { Simulator } from './upstreams/simulator.ts';

/** A span as it came. */
export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** 2: of a server; 3: of a client; 1: neither. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly isError: boolean;
}

export interface Collector extends AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  readonly spans: () => readonly CollectedSpan[];
  /** All that was received, as text. */
  readonly text: () => string;
}

/** A collector of traces by OTLP over HTTP, in JSON. */
export async function startCollector(): Promise<Collector> {
  const simulator = await Simulator.start({
    answer: ({ method, path }) =>
      method === 'POST' && path === '/v1/traces'
        ? { status: 200, body: {} }
        : { status: 404, body: {} },
    errorBody: () => ({}),
  });
  return {
    url: simulator.url,
    spans: () => simulator.requests.flatMap(({ json }) => spansIn(json)),
    text: () => simulator.requests.map(({ body }) => body.toString()).join('\n'),
    [Symbol.asyncDispose]: () => simulator.close(),
  };
}

function spansIn(json: unknown): CollectedSpan[] {
  return asArray(asObject(json)['resourceSpans'])
    .flatMap((resource) => asArray(asObject(resource)['scopeSpans']))
    .flatMap((scope) => asArray(asObject(scope)['spans']))
    .map((span) => readSpan(asObject(span)));
}

function readSpan(span: Readonly<Record<string, unknown>>): CollectedSpan {
  const attributes = asArray(span['attributes'] ?? []).map((attribute) => {
    const { key, value } = asObject(attribute);
    return [String(key), Object.values(asObject(value))[0]] as const;
  });
  return {
    name: String(span['name']),
    traceId: String(span['traceId']),
    spanId: String(span['spanId']),
    parentSpanId: typeof span['parentSpanId'] === 'string' ? span['parentSpanId'] : '',
    kind: Number(span['kind']),
    attributes: Object.fromEntries(attributes),
    startNs: BigInt(String(span['startTimeUnixNano'])),
    endNs: BigInt(String(span['endTimeUnixNano'])),
    isError: Number(asObject(span['status'] ?? {})['code'] ?? 0) === 2,
  };
}
