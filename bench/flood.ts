import { describeMachine } from './machine.ts';
import { type Options, refuseSystems } from './options.ts';
import { othersSentence, watchOthers } from './others.ts';
import type { Outcome } from './payload.ts';
import { machineList, milliseconds, type Report, table, targetTable } from './report.ts';
import { UPSTREAM_MS } from './slow-upstream.ts';
import { median, percentile } from './statistics.ts';
import { result, type TargetResult } from './targets.ts';
import { type Stand, startStand } from './traffic/stand.ts';
import { runTraffic, SMALL_BODY, type TrafficResult, whatWasWrong } from './traffic/traffic.ts';

const ROUNDS = 5;
const ROUND_MS = 12_000;
const QUICK_ROUND_MS = 2_000;
const WARM_UP_MS = 8_000;
const QUICK_WARM_UP_MS = 5_000;
const ORDINARY_PER_SECOND = 40;
const LIMIT_PER_MINUTE = 3_000;
const LIMIT_PER_SECOND = LIMIT_PER_MINUTE / 60;
const TIMES_LIMIT = 20;
const CONNECTIONS = 200;
const RATIO_MAX = 1.3;

/** How hard the other key asks, in requests a second. */
const FLOODS = [
  { name: 'nobody else', perSecond: 0 },
  { name: 'another key at its limit', perSecond: LIMIT_PER_SECOND },
  { name: `another key at ${TIMES_LIMIT} × its limit`, perSecond: TIMES_LIMIT * LIMIT_PER_SECOND },
] as const;
type Flood = (typeof FLOODS)[number];

interface Lane {
  readonly flood: Flood;
  readonly ordinary: TrafficResult;
  readonly flooding: TrafficResult | undefined;
}

interface Run {
  readonly rounds: readonly (readonly Lane[])[];
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
  const flooder = await customerOf(stand, 'flooder', { requests_per_minute: LIMIT_PER_MINUTE });
  const roundMs = quick ? QUICK_ROUND_MS : ROUND_MS;
  const count = options.rounds ?? (quick ? 1 : ROUNDS);
  say('warming up, and spending the minute that the limit gives at once');
  const durationMs = quick ? QUICK_WARM_UP_MS : WARM_UP_MS;
  const perSecond = TIMES_LIMIT * LIMIT_PER_SECOND;
  await runTraffic({ ...flooder, connections: CONNECTIONS, perSecond, durationMs });
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
  const refused = rounds.flat().reduce((sum, lane) => sum + lane.ordinary.refusedMs.length, 0);
  const failures = [
    ...whatWasWrong(all),
    ...problems,
    ...(refused === 0 ? [] : [`${refused} ordinary requests were refused`]),
  ];
  const report = toReport({ rounds, roundMs, quick, othersShare: othersShare(), failures });
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

interface Customers {
  readonly ordinary: Customer;
  readonly flooder: Customer;
  readonly durationMs: number;
}

async function runLane(flood: Flood, { ordinary, flooder, durationMs }: Customers): Promise<Lane> {
  const { perSecond } = flood;
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
  const { rounds, roundMs, quick, othersShare, failures } = run;
  const machine = describeMachine();
  const date = new Date().toISOString();
  const targets: TargetResult[] = FLOODS.slice(1).map((flood) =>
    result({
      what: `p99 beside ${flood.name}, of the p99 beside nobody: median of the rounds`,
      limit: RATIO_MAX,
      measured: median(ratiosOf(run, flood)),
      unit: '×',
    }),
  );
  const markdown = [
    '# One key floods, another does not',
    `\`npm run bench -- flood${quick ? ' --quick' : ''}\`, ${date.slice(0, 10)}` +
      `${quick ? ', **too short to be published**' : ''}. Easel on one core, with its defaults; ` +
      `clients and upstream on the other, which takes ${UPSTREAM_MS} ms for each picture. One key ` +
      `asks for ${ORDINARY_PER_SECOND} pictures a second; another, of another account, has a limit ` +
      `of ${LIMIT_PER_MINUTE} requests a minute and asks at ${LIMIT_PER_SECOND} a second, or at ` +
      `${TIMES_LIMIT} times that. ${rounds.length} interleaved rounds of ${roundMs / 1000} s each.`,
    othersSentence(othersShare),
    targetTable(targets),
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
    ...failures.map((failure) => `Wrong: ${failure}`),
    '## Machine',
    machineList(machine),
  ];
  return {
    name: 'flood',
    markdown: `${markdown.join('\n\n')}\n`,
    json: {
      bench: 'flood',
      date,
      quick,
      roundMs,
      othersShare,
      machine,
      targets,
      rounds: rounds.map((lanes) =>
        lanes.map(({ flood, ordinary, flooding }) => ({
          flood: flood.name,
          ordinaryP50Ms: percentile(ordinary.servedMs, 0.5),
          ordinaryP99Ms: percentile(ordinary.servedMs, 0.99),
          ordinary: ordinary.servedMs.length,
          flooding: flooding && Object.fromEntries(flooding.statuses),
        })),
      ),
      failures,
    },
  };
}

function row(run: Run, flood: Flood): string[] {
  const lanes = run.rounds.flat().filter((lane) => lane.flood === flood);
  const latencies = lanes.flatMap(({ ordinary }) => ordinary.servedMs);
  const seconds = lanes.reduce((sum, { ordinary }) => sum + ordinary.wallMs, 0) / 1000;
  const perSecond = (count: (result: TrafficResult) => number): string =>
    flood.perSecond === 0
      ? '–'
      : (
          lanes.reduce((sum, lane) => sum + (lane.flooding ? count(lane.flooding) : 0), 0) / seconds
        ).toFixed(0);
  return [
    flood.name,
    milliseconds(percentile(latencies, 0.5)),
    milliseconds(percentile(latencies, 0.99)),
    flood.perSecond === 0
      ? '–'
      : ratiosOf(run, flood)
          .map((ratio) => ratio.toFixed(2))
          .join(', '),
    perSecond(({ servedMs }) => servedMs.length),
    perSecond(({ refusedMs }) => refusedMs.length),
  ];
}
