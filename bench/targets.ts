import type { FirstByteRow } from './lanes/first-byte.ts';
import type { LaneSummary } from './summary.ts';

/** A promise of ours, beside what came of it. */
export interface TargetResult {
  readonly what: string;
  readonly limit: string;
  /** Undefined when it was not measured. */
  readonly measured: string | undefined;
  readonly isMet: boolean | undefined;
}

const CPU_OF_PARSING_MAX = 0.4;
const CPU_OF_NGINX_MAX = 4.5;
const PEAK_RSS_MB_MAX = 400;
const FIRST_BYTE_MS_MAX = 3;

/** The targets of `payload` (issue 3, Must show 4). */
export function payloadTargets(
  lanes: readonly LaneSummary[],
  firstByte: readonly FirstByteRow[],
): TargetResult[] {
  const cpuOf = (system: string): number | undefined =>
    rowOf(lanes, '4mb', system)?.gateway?.cpuMsPerRequest;
  const peak = rowOf(lanes, '27mb', 'easel')?.gateway?.peakRssBytes;
  const delayMs = firstByte.find(({ system }) => system.name === 'easel')?.p99Ms;
  return [
    result({
      what: 'CPU per request at 4 MB, of parse-and-stringify’s',
      limit: CPU_OF_PARSING_MAX,
      measured: ratio(cpuOf('easel'), cpuOf('parse-and-stringify')),
      unit: '×',
    }),
    result({
      what: 'CPU per request at 4 MB, of tuned nginx’s',
      limit: CPU_OF_NGINX_MAX,
      measured: ratio(cpuOf('easel'), cpuOf('nginx-tuned')),
      unit: '×',
    }),
    result({
      what: 'peak RSS at 27 MB, 32 in flight',
      limit: PEAK_RSS_MB_MAX,
      measured: peak === undefined ? undefined : peak / 1e6,
      unit: ' MB',
    }),
    result({
      what: 'first payload byte passed on, p99, idle',
      limit: FIRST_BYTE_MS_MAX,
      measured: delayMs,
      unit: ' ms',
    }),
  ];
}

/** That what others do gets nobody refused who asks as ever. */
export function refusedTarget(refused: number): TargetResult {
  return result({
    what: 'ordinary requests that were refused',
    limit: 0,
    measured: refused,
    unit: '',
    digits: 0,
  });
}

interface Compared {
  readonly what: string;
  readonly limit: number;
  readonly measured: number | undefined;
  readonly unit: string;
  /** After the point; 2 by default. */
  readonly digits?: number;
}

/** A measured value beside the most that it may be. */
export function result({ what, limit, measured, unit, digits = 2 }: Compared): TargetResult {
  const isMeasured = measured !== undefined && Number.isFinite(measured);
  return {
    what,
    limit: `≤ ${limit}${unit}`,
    measured: isMeasured ? `${measured.toFixed(digits)}${unit}` : undefined,
    isMet: isMeasured ? measured <= limit : undefined,
  };
}

/** A measured value beside the least that it may be. */
export function atLeast({ what, limit, measured, unit, digits = 2 }: Compared): TargetResult {
  const isMeasured = measured !== undefined && Number.isFinite(measured);
  return {
    what,
    limit: `≥ ${limit}${unit}`,
    measured: isMeasured ? `${measured.toFixed(digits)}${unit}` : undefined,
    isMet: isMeasured ? measured >= limit : undefined,
  };
}

function rowOf(
  lanes: readonly LaneSummary[],
  lane: string,
  system: string,
): LaneSummary['rows'][number]['median'] {
  const rows = lanes.find(({ name }) => name === lane)?.rows;
  return rows?.find((row) => row.system === system)?.median;
}

function ratio(value: number | undefined, base: number | undefined): number | undefined {
  return value === undefined || base === undefined || base === 0 ? undefined : value / base;
}
