import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type Options, refuseSystems } from './options.ts';
import { watchOthers } from './others.ts';
import type { Outcome } from './payload.ts';
import { processTree, rssBytesOf } from './proc.ts';
import { megabytes, milliseconds, type Report, table } from './report.ts';
import { percentile } from './statistics.ts';
import { result, type TargetResult } from './targets.ts';
import { type Stand, startStand } from './traffic/stand.ts';
import { trafficReport } from './traffic/traffic-report.ts';
import { runTraffic, SMALL_BODY, type TrafficResult, whatWasWrong } from './traffic/traffic.ts';

const CONNECTIONS = 1_000;
/** Enough to keep it busy; the more there are, the more of them are turned away. */
const CAPACITY_CONNECTIONS = [200, 300] as const;
const TIMES_CAPACITY = 2;
const LOST_SHARE_MAX = 0.1;
/** What a process may keep of a minute of overload. */
const KEPT_MB_MAX = 60;
const SAMPLE_MS = 100;

interface Times {
  readonly warmUpMs: number;
  readonly capacityMs: number;
  readonly overloadMs: number;
  readonly restMs: number;
}

const LONG: Times = { warmUpMs: 10_000, capacityMs: 20_000, overloadMs: 60_000, restMs: 30_000 };
const QUICK: Times = { warmUpMs: 1_000, capacityMs: 2_000, overloadMs: 4_000, restMs: 1_000 };

interface Figures {
  readonly capacityPerSecond: number;
  readonly capacity: TrafficResult;
  readonly overload: TrafficResult;
  readonly idleBytes: number;
  readonly peakBytes: number;
  readonly restBytes: number;
  readonly problems: readonly string[];
}

/** `npm run bench -- overload`: twice what one process can do, and what becomes of it. */
export async function overloadBench(options: Options): Promise<Outcome> {
  refuseSystems(options);
  const { say, quick } = options;
  const othersShare = watchOthers();
  const stand = await startStand();
  const times = quick ? QUICK : LONG;
  const figures = await measure({ stand, times, say });
  await stand.stop();
  const { capacity, overload, problems } = figures;
  const failures = [...whatWasWrong([capacity, overload]), ...problems];
  const report = toReport(figures, { quick, times, othersShare: othersShare(), failures });
  return { report, failures };
}

interface Measured {
  readonly stand: Stand;
  readonly times: Times;
  readonly say: Options['say'];
}

async function measure({ stand, times, say }: Measured): Promise<Figures> {
  const { easel, upstream } = stand;
  const traffic = { target: easel, body: SMALL_BODY, payloadBytes: upstream.payloadBytes };
  const pids = processTree(easel.pid);
  const perSecondOf = ({ servedInTime, wallMs }: TrafficResult): number =>
    (servedInTime / wallMs) * 1000;
  say('warming up');
  const [connections] = CAPACITY_CONNECTIONS;
  await runTraffic({ ...traffic, connections, durationMs: times.warmUpMs });
  let capacity: TrafficResult | undefined;
  for (const count of CAPACITY_CONNECTIONS) {
    say(`what it can do, asked by ${count} at once`);
    const found = await runTraffic({
      ...traffic,
      connections: count,
      durationMs: times.capacityMs,
    });
    capacity =
      capacity === undefined || perSecondOf(found) > perSecondOf(capacity) ? found : capacity;
  }
  assert.ok(capacity);
  const capacityPerSecond = perSecondOf(capacity);
  await delay(times.restMs);
  const idleBytes = rssBytesOf(pids);
  const perSecond = TIMES_CAPACITY * capacityPerSecond;
  say(`${capacityPerSecond.toFixed(0)} a second; now it is asked for ${perSecond.toFixed(0)}`);
  let peakBytes = 0;
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, rssBytesOf(pids));
  }, SAMPLE_MS);
  const durationMs = times.overloadMs;
  const overload = await runTraffic({
    ...traffic,
    connections: CONNECTIONS,
    perSecond,
    durationMs,
  });
  clearInterval(sampling);
  say('at rest');
  await delay(times.restMs);
  const restBytes = rssBytesOf(pids);
  const problems = await stand.auditProblems();
  return { capacityPerSecond, capacity, overload, idleBytes, peakBytes, restBytes, problems };
}

interface Told {
  readonly quick: boolean;
  readonly times: Times;
  readonly othersShare: number;
  readonly failures: readonly string[];
}

function toReport(figures: Figures, { quick, times, othersShare, failures }: Told): Report {
  const { capacityPerSecond, capacity, overload, idleBytes, peakBytes, restBytes } = figures;
  return trafficReport({
    name: 'overload',
    title: 'Twice what it can do',
    how:
      'What Easel can do, with its defaults, is measured first: the best of ' +
      `${CAPACITY_CONNECTIONS.join(' and ')} clients of which each sends its next request when it ` +
      `has its picture, ${times.capacityMs / 1000} s each. Then requests are due at twice that ` +
      `pace, whatever becomes of those before, over ${CONNECTIONS} connections, ` +
      `${times.overloadMs / 1000} s long. A request's time begins when it is due. “Idle” and ` +
      `“later” are ${times.restMs / 1000} s after the last answer before and after it.`,
    quick,
    othersShare,
    targets: targetsOf(figures),
    tables: [
      table(
        ['', 'asked / s', 'served / s', 'p50', 'p99', 'refused / s', 'p50', 'p99', 'never sent'],
        [
          trafficRow('what it can do', capacity),
          trafficRow(`${TIMES_CAPACITY} × of that`, overload),
        ],
      ),
      table(
        ['RSS', 'idle', 'peak', 'later'],
        [['Easel', ...[idleBytes, peakBytes, restBytes].map(megabytes)]],
      ),
    ],
    failures,
    figures: {
      times,
      capacityPerSecond,
      idleBytes,
      peakBytes,
      restBytes,
      capacity: summaryOf(capacity),
      overload: summaryOf(overload),
    },
  });
}

function targetsOf(figures: Figures): TargetResult[] {
  const { capacityPerSecond, overload, idleBytes, restBytes } = figures;
  const servedPerSecond = (overload.servedInTime / overload.wallMs) * 1000;
  const servedP50 = percentile(overload.servedMs, 0.5);
  const wrong = [...overload.wrong.values()].reduce((sum, count) => sum + count, 0);
  return [
    result({
      what: 'answers that are neither a picture nor a 503 with retry-after',
      limit: 0,
      measured: wrong,
      unit: '',
      digits: 0,
    }),
    result({
      what: 'capacity that was lost',
      limit: LOST_SHARE_MAX,
      measured: Math.max(0, 1 - servedPerSecond / capacityPerSecond),
      unit: '',
    }),
    result({
      what: 'p99 of the refused, of the served ones’ p50',
      limit: 1,
      measured: percentile(overload.refusedMs, 0.99) / servedP50,
      unit: '×',
    }),
    result({
      what: 'RSS later, over idle',
      limit: KEPT_MB_MAX,
      measured: (restBytes - idleBytes) / 1e6,
      unit: ' MB',
    }),
  ];
}

function trafficRow(name: string, traffic: TrafficResult): string[] {
  const { servedMs, refusedMs, servedInTime, unsent, wallMs } = traffic;
  const perSecond = (count: number): string => ((count / wallMs) * 1000).toFixed(0);
  return [
    name,
    perSecond(servedMs.length + refusedMs.length + unsent),
    perSecond(servedInTime),
    milliseconds(percentile(servedMs, 0.5)),
    milliseconds(percentile(servedMs, 0.99)),
    perSecond(refusedMs.length),
    ...[0.5, 0.99].map((share) =>
      refusedMs.length === 0 ? '–' : milliseconds(percentile(refusedMs, share)),
    ),
    String(unsent),
  ];
}

function summaryOf(traffic: TrafficResult): Record<string, unknown> {
  const { servedMs, refusedMs, statuses, wrong, unsent, wallMs, servedInTime } = traffic;
  return {
    wallMs,
    served: servedMs.length,
    servedInTime,
    servedP50Ms: percentile(servedMs, 0.5),
    servedP99Ms: percentile(servedMs, 0.99),
    refused: refusedMs.length,
    refusedP50Ms: percentile(refusedMs, 0.5),
    refusedP99Ms: percentile(refusedMs, 0.99),
    unsent,
    statuses: Object.fromEntries(statuses),
    wrong: Object.fromEntries(wrong),
  };
}
