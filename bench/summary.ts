import type { LaneRow, LoadLane } from './lanes/load-lane.ts';
import type { Measurement } from './measure.ts';
import { median } from './statistics.ts';

/** A lane's figures, a row a system. */
export interface LaneSummary {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  readonly payloadBytes: number;
  readonly rows: readonly RowSummary[];
}

export interface RowSummary {
  readonly system: string;
  readonly title: string;
  /** Of the rounds, figure by figure; the peak of memory is the highest of all rounds. */
  readonly median?: Measurement;
  /** Requests per second, of `direct`'s. */
  readonly speedOfDirect?: number;
  /** CPU per request, of tuned nginx's. */
  readonly cpuOfNginx?: number;
  readonly rounds: readonly Measurement[];
  readonly reason?: string;
}

/** Medians, and what they are beside the two systems that all are held against. */
export function summarize(
  lane: LoadLane,
  payloadBytes: number,
  rows: readonly LaneRow[],
): LaneSummary {
  const medians = new Map(rows.map((row) => [row.system.name, medianOf(row.rounds)]));
  const direct = medians.get('direct');
  const nginx = medians.get('nginx-tuned')?.gateway;
  return {
    name: lane.name,
    title: lane.title,
    connections: lane.connections,
    payloadBytes,
    rows: rows.map(({ system, rounds, reason }) => {
      const middle = medians.get(system.name);
      return {
        system: system.name,
        title: system.title,
        ...(middle === undefined ? {} : { median: middle }),
        ...(middle === undefined || direct === undefined
          ? {}
          : { speedOfDirect: middle.requestsPerSecond / direct.requestsPerSecond }),
        ...(middle?.gateway === undefined || nginx === undefined
          ? {}
          : { cpuOfNginx: middle.gateway.cpuMsPerRequest / nginx.cpuMsPerRequest }),
        rounds,
        ...(reason === undefined ? {} : { reason }),
      };
    }),
  };
}

function medianOf(rounds: readonly Measurement[]): Measurement | undefined {
  if (rounds.length === 0) {
    return undefined;
  }
  const gateways = rounds.flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway]));
  return {
    requests: rounds.reduce((sum, { requests }) => sum + requests, 0),
    requestsPerSecond: median(rounds.map((round) => round.requestsPerSecond)),
    p50Ms: median(rounds.map((round) => round.p50Ms)),
    p99Ms: median(rounds.map((round) => round.p99Ms)),
    ...(gateways.length === 0
      ? {}
      : {
          gateway: {
            cpuMsPerRequest: median(gateways.map((gateway) => gateway.cpuMsPerRequest)),
            coreShare: median(gateways.map((gateway) => gateway.coreShare)),
            peakRssBytes: Math.max(...gateways.map((gateway) => gateway.peakRssBytes)),
            peakIsOwn: gateways.every((gateway) => gateway.peakIsOwn),
          },
        }),
  };
}
