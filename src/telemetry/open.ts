import type { Log } from '../base/log.ts';
import type { Gauges, Telemetry } from './telemetry.ts';
import type { TracesOptions } from './traces.ts';

export interface OpenedTelemetry extends Telemetry {
  /** What is read whenever somebody asks for the metrics. */
  readonly watch: (gauges: Gauges) => void;
  readonly metricsText: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Sends what is left of traces. */
  readonly close: () => Promise<void>;
}

/** Counts for a server; its libraries are loaded only here, those of traces only if asked for. */
export async function openTelemetry(
  log: Log,
  traces: TracesOptions | undefined,
): Promise<OpenedTelemetry> {
  const { openMetrics } = await import('./metrics.ts');
  const metrics = openMetrics();
  const opened = traces && (await import('./traces.ts')).openTraces(traces);
  return {
    exchangeEnded: safely(log, metrics.exchangeEnded),
    requestEnded: safely(log, metrics.requestEnded),
    callEnded: safely(log, metrics.callEnded),
    requestsLost: safely(log, metrics.requestsLost),
    trace: opened?.begin,
    watch: metrics.watch,
    metricsText: metrics.text,
    close: async () => opened?.close(),
  };
}

/** What cannot be counted must not undo what it counts. */
function safely<Told>(log: Log, tell: (told: Told) => void): (told: Told) => void {
  return (told) => {
    try {
      tell(told);
    } catch (error) {
      log.error({ err: error }, 'telemetry: not counted');
    }
  };
}

/** For a command that runs once: nobody ever asks it. */
export const NO_TELEMETRY: OpenedTelemetry = {
  exchangeEnded: () => undefined,
  requestEnded: () => undefined,
  callEnded: () => undefined,
  requestsLost: () => undefined,
  watch: () => undefined,
  metricsText: async () => ({ contentType: 'text/plain', body: '' }),
  close: async () => undefined,
};
