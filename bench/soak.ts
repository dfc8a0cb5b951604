import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { requestText } from './connection.ts';
import { type Options, refuseSystems } from './options.ts';
import { watchOthers } from './others.ts';
import type { Outcome } from './payload.ts';
import { processTree, rssBytesOf } from './proc.ts';
import { megabytes, milliseconds, type Report, table } from './report.ts';
import { median, percentile, slope } from './statistics.ts';
import { result } from './targets.ts';
import { type Stand, startStand } from './traffic/stand.ts';
import { trafficReport } from './traffic/traffic-report.ts';
import { runTraffic, SMALL_BODY, type TrafficResult, whatWasWrong } from './traffic/traffic.ts';

const CAPACITY_CONNECTIONS = 300;
const CONNECTIONS = 400;
const HANG_UPS_PER_SECOND = 5;
const HANG_UP_MS = 100;
/** Pictures expire meanwhile, so that what is stored comes to a level, too. */
const RESULT_TTL_SECONDS = 120;
const SLOPE_MB_PER_HOUR_MAX = 24;
const DESCRIPTORS_MAX = 10;

interface Times {
  readonly capacityMs: number;
  readonly soakMs: number;
  readonly sampleMs: number;
  readonly restMs: number;
}

const LONG: Times = {
  capacityMs: 20_000,
  soakMs: 1_800_000,
  sampleMs: 10_000,
  restMs: 30_000,
};
const QUICK: Times = { capacityMs: 1_000, soakMs: 6_000, sampleMs: 500, restMs: 1_000 };

interface Sample {
  readonly seconds: number;
  readonly rssBytes: number;
  readonly descriptors: number;
}

interface Run {
  readonly capacityPerSecond: number;
  readonly traffic: TrafficResult;
  readonly hangUps: number;
  readonly before: Sample;
  readonly samples: readonly Sample[];
  readonly after: Sample;
  readonly spoolFilesLeft: number;
  readonly problems: readonly string[];
  readonly times: Times;
}

/** `npm run bench -- soak`: half of what it can do, for half an hour, and what grows. */
export async function soakBench(options: Options): Promise<Outcome> {
  refuseSystems(options);
  const { say, quick } = options;
  const othersShare = watchOthers();
  const stand = await startStand({ EASEL_RESULT_TTL: String(RESULT_TTL_SECONDS) });
  const run = await soak(stand, { say, times: quick ? QUICK : LONG });
  await stand.stop();
  const failures = [...whatWasWrong([run.traffic]), ...run.problems];
  return { report: toReport(run, { quick, othersShare: othersShare(), failures }), failures };
}

interface Soaked {
  readonly say: Options['say'];
  readonly times: Times;
}

async function soak(stand: Stand, { say, times }: Soaked): Promise<Run> {
  const { easel, upstream, home } = stand;
  const ordinary = { target: easel, body: SMALL_BODY, payloadBytes: upstream.payloadBytes };
  const closed = { ...ordinary, connections: CAPACITY_CONNECTIONS, durationMs: times.capacityMs };
  say('what it can do');
  await runTraffic(closed);
  const capacity = await runTraffic(closed);
  const capacityPerSecond = (capacity.servedInTime / capacity.wallMs) * 1000;
  const perSecond = capacityPerSecond / 2;
  await delay(times.restMs);
  const startedAt = performance.now();
  const sample = (): Sample => takeSample(easel.pid, startedAt);
  const before = sample();
  const samples: Sample[] = [];
  say(`${capacityPerSecond.toFixed(0)} a second; now ${perSecond.toFixed(0)} for a long time`);
  const sampling = setInterval(() => {
    samples.push(sample());
    if (samples.length % 6 === 0) {
      const { seconds, rssBytes, descriptors } = samples.at(-1) ?? before;
      say(`${seconds.toFixed(0)} s: ${megabytes(rssBytes)}, ${descriptors} descriptors`);
    }
  }, times.sampleMs);
  let hangUps = 0;
  const hanging = setInterval(() => {
    hangUps += 1;
    hangUp(easel.url, requestText(easel, SMALL_BODY));
  }, 1000 / HANG_UPS_PER_SECOND);
  const durationMs = times.soakMs;
  const traffic = await runTraffic({
    ...ordinary,
    connections: CONNECTIONS,
    perSecond,
    durationMs,
  });
  clearInterval(sampling);
  clearInterval(hanging);
  await delay(times.restMs);
  return {
    capacityPerSecond,
    traffic,
    hangUps,
    before,
    samples,
    after: sample(),
    spoolFilesLeft: countFiles(join(home, 'spool')),
    problems: await stand.auditProblems(),
    times,
  };
}

function takeSample(root: number, startedAt: number): Sample {
  const pids = processTree(root);
  return {
    seconds: (performance.now() - startedAt) / 1000,
    rssBytes: rssBytesOf(pids),
    descriptors: pids.reduce((sum, pid) => sum + countFiles(`/proc/${pid}/fd`), 0),
  };
}

/** None where nobody has made the folder. */
function countFiles(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}

/** Asks for a picture and leaves before it has come. */
function hangUp(url: string, request: string): void {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  socket.write(request);
  setTimeout(() => socket.destroy(), HANG_UP_MS);
}

interface Told {
  readonly quick: boolean;
  readonly othersShare: number;
  readonly failures: readonly string[];
}

function toReport(run: Run, { quick, othersShare, failures }: Told): Report {
  const { capacityPerSecond, traffic, hangUps, before, samples, after, times } = run;
  const parts = inParts(samples, 6);
  const row = (name: string, read: (sample: Sample) => number, show: (value: number) => string) => [
    name,
    show(read(before)),
    ...parts.map((part) => show(median(part.map(read)))),
    show(read(after)),
  ];
  return trafficReport({
    name: 'soak',
    title: 'Half an hour at half its capacity',
    how:
      `Easel has its defaults but \`EASEL_RESULT_TTL=${RESULT_TTL_SECONDS}\`, so that pictures ` +
      'expire meanwhile. What it can do is measured first: ' +
      `${capacityPerSecond.toFixed(0)} pictures a second. Then requests are due at half that pace ` +
      `for ${(times.soakMs / 60_000).toFixed(0)} minutes, and ${HANG_UPS_PER_SECOND} more a second ` +
      'of clients that leave before their picture has come. “Before” and “after” are ' +
      `${times.restMs / 1000} s of rest before and after it; RSS and descriptors every ` +
      `${times.sampleMs / 1000} s.`,
    quick,
    othersShare,
    targets: targetsOf(run),
    tables: [
      table(
        ['Asked', 'served', 'refused', 'p50', 'p99', 'left by their clients'],
        [
          [
            String(traffic.servedMs.length + traffic.refusedMs.length + traffic.unsent),
            String(traffic.servedMs.length),
            String(traffic.refusedMs.length),
            milliseconds(percentile(traffic.servedMs, 0.5)),
            milliseconds(percentile(traffic.servedMs, 0.99)),
            String(hangUps),
          ],
        ],
      ),
      table(
        ['', 'before', ...parts.map((_, index) => `sixth ${index + 1}`), 'after'],
        [
          row('RSS, median', ({ rssBytes }) => rssBytes, megabytes),
          row(
            'descriptors, median',
            ({ descriptors }) => descriptors,
            (value) => value.toFixed(0),
          ),
        ],
      ),
    ],
    failures,
    figures: {
      times,
      capacityPerSecond,
      statuses: Object.fromEntries(traffic.statuses),
      unsent: traffic.unsent,
      hangUps,
      before,
      samples,
      after,
    },
  });
}

function targetsOf({ samples, before, after, spoolFilesLeft }: Run): ReturnType<typeof result>[] {
  // What the first part takes is V8 finding its level.
  const level = samples.slice(Math.floor(samples.length / 3));
  const points = level.map(({ seconds, rssBytes }) => ({ x: seconds / 3600, y: rssBytes / 1e6 }));
  return [
    result({
      what: 'slope of RSS over the last two thirds',
      limit: SLOPE_MB_PER_HOUR_MAX,
      measured: slope(points),
      unit: ' MB/h',
    }),
    result({
      what: 'descriptors after, over before',
      limit: DESCRIPTORS_MAX,
      measured: after.descriptors - before.descriptors,
      unit: '',
      digits: 0,
    }),
    result({
      what: 'files left in the spool folder',
      limit: 0,
      measured: spoolFilesLeft,
      unit: '',
      digits: 0,
    }),
  ];
}

function inParts<T>(values: readonly T[], count: number): T[][] {
  const size = Math.ceil(values.length / count);
  return Array.from({ length: count }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
