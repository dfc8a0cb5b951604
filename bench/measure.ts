import { type LoadResult, runLoad } from './load.ts';
import type { LoadLane } from './lanes/load-lane.ts';
import { cpuMs, peakRssBytes, resetPeak } from './proc.ts';
import { percentile } from './statistics.ts';
import type { RunningSystem } from './systems/system.ts';

/** One system under one load, once. */
export interface Measurement {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** What a gateway cost; absent for `direct`. */
  readonly gateway?: GatewayCost;
}

export interface GatewayCost {
  readonly cpuMsPerRequest: number;
  /** Share of its core: near 1 when it was the gateway that set the pace. */
  readonly coreShare: number;
  readonly peakRssBytes: number;
  /** Whether the peak is this measurement's, and not the whole process's so far. */
  readonly peakIsOwn: boolean;
}

/** A run in which something was answered wrongly: its figures mean nothing. */
export class VoidRun extends Error {
  override readonly name = 'VoidRun';
}

/** Warms up, then measures. Throws a VoidRun on the first wrong answer. */
export async function measure(
  system: RunningSystem,
  lane: LoadLane,
  payloadBytes: number,
): Promise<Measurement> {
  const load = { target: system, body: lane.body, payloadBytes };
  refuseWrong(await runLoad({ ...load, ...lane.warmUp }));
  const { connections, durationMs } = lane;
  const { pid } = system;
  const peakIsOwn = pid === undefined ? false : resetPeak(pid);
  const before = pid === undefined ? 0 : cpuMs(pid);
  const result = refuseWrong(await runLoad({ ...load, connections, durationMs }));
  const requests = result.latenciesMs.length;
  const usedMs = pid === undefined ? 0 : cpuMs(pid) - before;
  return {
    requests,
    requestsPerSecond: (requests / result.wallMs) * 1000,
    p50Ms: percentile(result.latenciesMs, 0.5),
    p99Ms: percentile(result.latenciesMs, 0.99),
    ...(pid === undefined
      ? {}
      : {
          gateway: {
            cpuMsPerRequest: usedMs / requests,
            coreShare: usedMs / result.wallMs,
            peakRssBytes: peakRssBytes(pid),
            peakIsOwn,
          },
        }),
  };
}

function refuseWrong(result: LoadResult): LoadResult {
  const [first] = result.wrong;
  if (first !== undefined) {
    throw new VoidRun(first);
  }
  if (result.latenciesMs.length === 0) {
    throw new VoidRun('no answer came');
  }
  return result;
}
