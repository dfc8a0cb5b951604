import { type Options, refuseSystems } from './options.ts';
import { watchOthers } from './others.ts';
import type { Outcome } from './payload.ts';
import { milliseconds, type Report, table } from './report.ts';
import { median, percentile } from './statistics.ts';
import { refusedTarget, result, type TargetResult } from './targets.ts';
import { type Stand, startStand } from './traffic/stand.ts';
import { trafficReport } from './traffic/traffic-report.ts';
import { runTraffic, SMALL_BODY, type TrafficResult, whatWasWrong } from './traffic/traffic.ts';

const ROUNDS = 5;
const ROUND_MS = 12_000;
const QUICK_ROUND_MS = 2_000;
/** As often as it takes. */
const WARM_UP_MS = 8_000;
const QUICK_WARM_UP_MS = 1_000;
const ORDINARY_PER_SECOND = 40;
const LIMIT_PER_MINUTE = 3_000;
/** A minute's worth is spent before anything is measured. */
const QUICK_LIMIT_PER_MINUTE = 600;
const TIMES_LIMIT = 20;
const CONNECTIONS = 200;
const RATIO_MAX = 1.3;

/** How hard the other key asks, of its limit. */
const FLOODS = [
  { name: 'nobody else', timesLimit: 0 },
  { name: 'another key at its limit', timesLimit: 1 },
  { name: `another key at ${TIMES_LIMIT} × its limit`, timesLimit: TIMES_LIMIT },
] as const;
type Flood = (typeof FLOODS)[number];

interface Lane {
  readonly flood: Flood;
  readonly ordinary: TrafficResult;
  readonly flooding: TrafficResult | undefined;
}

interface Run {
  readonly rounds: readonly (readonly Lane[])[];
  readonly limitPerMinute: number;
  readonly roundMs: number;
  readonly quick: boolean;
  readonly othersShare: number;
  readonly failures: readonly string[];
}

/** `npm run bench -- flood`: what one key's flood does to another key's ordinary requests. */
export async function floodBench(options: Options): Promise<Outcome> {
  refuseSystems(options);
  const { say, quick } = options;
  const othersShare = watchOthers();
  const stand = await startStand();
  const ordinary = await customerOf(stand, 'ordinary');
  const limitPerMinute = quick ? QUICK_LIMIT_PER_MINUTE : LIMIT_PER_MINUTE;
  const limit = { requests_per_minute: limitPerMinute };
  const flooder = { ...(await customerOf(stand, 'flooder', limit)), limitPerMinute };
  const roundMs = quick ? QUICK_ROUND_MS : ROUND_MS;
  const count = options.rounds ?? (quick ? 1 : ROUNDS);
  say('warming up, and spending the minute that the limit gives at once');
  await spendMinute(flooder, quick ? QUICK_WARM_UP_MS : WARM_UP_MS);
  const rounds: Lane[][] = [];
  for (let round = 0; round < count; round += 1) {
    const lanes: Lane[] = [];
    // Whatever grows with time falls on each of them in turn.
    for (const flood of rotated(FLOODS, round)) {
      say(`round ${round + 1} of ${count}: ${flood.name}`);
      lanes.push(await runLane(flood, { ordinary, flooder, durationMs: roundMs }));
    }
    rounds.push(lanes);
  }
  const problems = await stand.auditProblems();
  await stand.stop();
  const all = rounds
    .flat()
    .flatMap((lane) => [lane.ordinary, ...(lane.flooding ? [lane.flooding] : [])]);
  const failures = [...whatWasWrong(all), ...problems];
  const report = toReport({
    rounds,
    limitPerMinute,
    roundMs,
    quick,
    othersShare: othersShare(),
    failures,
  });
  return { report, failures };
}

type Customer = Pick<Parameters<typeof runTraffic>[0], 'target' | 'body' | 'payloadBytes'>;

async function customerOf(
  stand: Stand,
  name: string,
  limits?: Readonly<Record<string, number>>,
): Promise<Customer> {
  const target = await stand.customer(name, limits);
  return { target, body: SMALL_BODY, payloadBytes: stand.upstream.payloadBytes };
}

interface Flooder extends Customer {
  readonly limitPerMinute: number;
}

/** Until most of what it asks for is refused. */
async function spendMinute(flooder: Flooder, durationMs: number): Promise<void> {
  const perSecond = (TIMES_LIMIT * flooder.limitPerMinute) / 60;
  const flood = { ...flooder, connections: CONNECTIONS, perSecond, durationMs };
  for (let share = 0; share < 0.5;) {
    const { statuses } = await runTraffic(flood);
    const [served = 0, limited = 0] = [200, 429].map((status) => statuses.get(status));
    share = limited / (served + limited);
  }
}

interface Customers {
  readonly ordinary: Customer;
  readonly flooder: Flooder;
  readonly durationMs: number;
}

async function runLane(flood: Flood, { ordinary, flooder, durationMs }: Customers): Promise<Lane> {
  const perSecond = (flood.timesLimit * flooder.limitPerMinute) / 60;
  const paced = { connections: CONNECTIONS, durationMs };
  const [result, flooding] = await Promise.all([
    runTraffic({ ...ordinary, ...paced, perSecond: ORDINARY_PER_SECOND }),
    perSecond === 0 ? undefined : runTraffic({ ...flooder, ...paced, perSecond }),
  ]);
  return { flood, ordinary: result, flooding };
}

function rotated<T>(values: readonly T[], by: number): T[] {
  const at = by % values.length;
  return [...values.slice(at), ...values.slice(0, at)];
}

/** Of each round: that flood's p99 over the one without. */
function ratiosOf({ rounds }: Run, flood: Flood): number[] {
  return rounds.map((lanes) => p99Of(lanes, flood) / p99Of(lanes, FLOODS[0]));
}

function p99Of(lanes: readonly Lane[], flood: Flood): number {
  const lane = lanes.find((one) => one.flood === flood);
  return percentile(lane?.ordinary.servedMs ?? [], 0.99);
}

function toReport(run: Run): Report {
  const { rounds, limitPerMinute, roundMs, quick, othersShare, failures } = run;
  const refused = rounds.flat().reduce((sum, lane) => sum + lane.ordinary.refusedMs.length, 0);
  const ratios: TargetResult[] = FLOODS.slice(1).map((flood) =>
    result({
      what: `p99 beside ${flood.name}, of the p99 beside nobody: median of the rounds`,
      limit: RATIO_MAX,
      measured: median(ratiosOf(run, flood)),
      unit: '×',
    }),
  );
  return trafficReport({
    name: 'flood',
    title: 'One key floods, another does not',
    how:
      `Easel has its defaults. One key asks for ${ORDINARY_PER_SECOND} pictures a second; another, ` +
      `of another account, has a limit of ${limitPerMinute} requests a minute and asks at ` +
      `${limitPerMinute / 60} a second, or at ${TIMES_LIMIT} times that. ${rounds.length} ` +
      `interleaved rounds of ${roundMs / 1000} s each.`,
    quick,
    othersShare,
    targets: [...ratios, refusedTarget(refused)],
    tables: [
      table(
        [
          'The ordinary key, beside',
          'p50',
          'p99',
          'p99 ratio of each round',
          'the flood: served / s',
          'refused / s',
        ],
        FLOODS.map((flood) => row(run, flood)),
      ),
    ],
    failures,
    figures: {
      limitPerMinute,
      roundMs,
      rounds: rounds.map((lanes) =>
        lanes.map(({ flood, ordinary, flooding }) => ({
          flood: flood.name,
          ordinaryP50Ms: percentile(ordinary.servedMs, 0.5),
          ordinaryP99Ms: percentile(ordinary.servedMs, 0.99),
          ordinary: ordinary.servedMs.length,
          flooding: flooding && Object.fromEntries(flooding.statuses),
        })),
      ),
    },
  });
}

function row(run: Run, flood: Flood): string[] {
  const lanes = run.rounds.flat().filter((lane) => lane.flood === flood);
  const latencies = lanes.flatMap(({ ordinary }) => ordinary.servedMs);
  const seconds = lanes.reduce((sum, { ordinary }) => sum + ordinary.wallMs, 0) / 1000;
  const perSecond = (count: (result: TrafficResult) => number): string =>
    flood.timesLimit === 0
      ? '–'
      : (
          lanes.reduce((sum, lane) => sum + (lane.flooding ? count(lane.flooding) : 0), 0) / seconds
        ).toFixed(0);
  return [
    flood.name,
    milliseconds(percentile(latencies, 0.5)),
    milliseconds(percentile(latencies, 0.99)),
    flood.timesLimit === 0
      ? '–'
      : ratiosOf(run, flood)
          .map((ratio) => ratio.toFixed(2))
          .join(', '),
    perSecond(({ servedMs }) => servedMs.length),
    perSecond(({ refusedMs }) => refusedMs.length),
  ];
}
