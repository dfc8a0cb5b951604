import type { Nanousd } from '../base/money.ts';
import type { Trace } from '../base/trace.ts';

/** One HTTP exchange that is over. */
export interface EndedExchange {
  /** The pattern of the route, never the path: `/v1/images/:id`. */
  readonly route: string;
  readonly method: string;
  /** 499 for a client that left before there was an answer. */
  readonly status: number;
  readonly firstByteMs: number | undefined;
  readonly durationMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** A name of the error table. */
  readonly error: string | undefined;
}

/** One request for pictures that has come to its end, from its settlement. */
export interface EndedRequest {
  /** The id of a card of the catalogue. */
  readonly model: string;
  readonly mode: string;
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly durationMs: number;
  readonly images: number;
  readonly pixels: number;
  readonly charged: Nanousd;
  readonly upstreamCost: Nanousd;
  readonly warnings: readonly string[];
  /** The charge exceeded the hold. */
  readonly isOverrun: boolean;
}

/** One call to an upstream that is over. */
export interface EndedCall {
  readonly route: string;
  readonly outcome: 'ok' | 'failed' | 'overloaded' | 'refused' | 'given_up';
  readonly durationMs: number;
  /** To the first thing that came of it. */
  readonly firstByteMs: number | undefined;
}

/** What can be looked at at any time. */
export interface Gauges {
  readonly running: () => number;
  readonly connections: () => number;
  readonly loopDelayMs: () => number;
  readonly bodyBytes: () => number;
  readonly shed: () => Readonly<Record<string, number>>;
  readonly storedBytes: () => number;
  readonly spoolBytes: () => number;
  readonly routes: () => readonly RouteGauge[];
  readonly holds: () => Promise<readonly HoldsGauge[]>;
}

export interface RouteGauge {
  readonly route: string;
  readonly account: string;
  readonly circuit: string;
  readonly running: number;
  readonly queued: number;
  readonly limit?: number;
  readonly pausedMs?: number;
}

export interface HoldsGauge {
  readonly mode: string;
  readonly count: number;
  readonly amount: Nanousd;
}

/** Who is told of everything that is worth counting. Nothing in it may throw. */
export interface Telemetry {
  readonly exchangeEnded: (exchange: EndedExchange) => void;
  readonly requestEnded: (request: EndedRequest) => void;
  readonly callEnded: (call: EndedCall) => void;
  /** The work of a process that died, given back by the sweep. */
  readonly requestsLost: (count: number) => void;
  /** Begins the trace of a request; absent where none are made. */
  readonly trace?: ((begin: TraceBegin) => Trace) | undefined;
}

export interface TraceBegin {
  readonly name: string;
  readonly startMs: number;
  /** The caller's W3C header, if it sent one. */
  readonly traceparent: string | undefined;
}
