import { AsyncLocalStorage } from 'node:async_hooks';

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanFacts {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes?: SpanAttributes;
  /** A name of the error table: what went wrong. */
  readonly error?: string | undefined;
}

/** A part of a trace that has not ended yet. */
export interface OpenSpan {
  /** The W3C header by which others make their spans children of this one. */
  readonly traceparent: string;
  readonly end: (attributes?: SpanAttributes, error?: string) => void;
}

/** The trace of one request. It may be added to after the request was answered. */
export interface Trace {
  /** Adds a span for a step that is over. */
  readonly span: (facts: SpanFacts) => void;
  /** Begins a call to somebody else. */
  readonly call: (name: string, attributes: SpanAttributes) => OpenSpan;
  /** Ends the span of the whole. */
  readonly end: (attributes: SpanAttributes, error?: string) => void;
}

const contexts = new AsyncLocalStorage<string>();

/** Runs it so that calls to upstreams within can carry this context on. */
export function withTraceparent<T>(traceparent: string | undefined, run: () => T): T {
  return traceparent === undefined ? run() : contexts.run(traceparent, run);
}

/** The W3C `traceparent` of the call that this is part of; undefined where nothing is traced. */
export function currentTraceparent(): string | undefined {
  return contexts.getStore();
}
