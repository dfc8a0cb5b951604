import { runFirstByteLane, type FirstByteRow } from './lanes/first-byte.ts';
import { runLoadLane } from './lanes/load-lane.ts';
import { PAYLOAD_LANES, shortened } from './lanes/payload-sizes.ts';
import { describeMachine, type Machine } from './machine.ts';
import { FIRST_BYTE, type Options } from './options.ts';
import { othersSentence, watchOthers } from './others.ts';
import { temporaryFolder } from './processes.ts';
import { firstByteTable, laneTable, machineList, type Report, targetTable } from './report.ts';
import { type LaneSummary, summarize } from './summary.ts';
import { DEFAULT_SYSTEMS } from './systems/all.ts';
import type { System } from './systems/system.ts';
import { payloadTargets, type TargetResult } from './targets.ts';
import { startUpstream } from './upstream.ts';

const ROUNDS = 5;
/** No round begins later than this, so that the whole stays under four minutes. */
const LAST_ROUND_MS = 195_000;
const FIRST_BYTE_REQUESTS = 200;
/** nginx says what a C program needs; parse-and-stringify what not streaming costs. */
const FIRST_BYTE_SYSTEMS = new Set(['direct', 'nginx-tuned', 'parse-and-stringify', 'easel']);

export interface Outcome {
  readonly report: Report;
  /** Systems without figures, and why. */
  readonly failures: readonly string[];
}

/** `npm run bench -- payload`: pictures of three sizes through every system, in one run. */
export async function payloadBench(options: Options): Promise<Outcome> {
  const { say, quick } = options;
  const startedAt = performance.now();
  const othersShare = watchOthers();
  const systems = options.systems ?? DEFAULT_SYSTEMS;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS);
  const lanes = PAYLOAD_LANES.filter(({ name }) => isWanted(options, name));
  const folder = temporaryFolder();
  const firstByte = isWanted(options, FIRST_BYTE)
    ? await runFirstByteLane({
        systems: options.systems ?? systems.filter(({ name }) => FIRST_BYTE_SYSTEMS.has(name)),
        folder,
        body: PAYLOAD_LANES[0]?.body ?? '',
        requests: quick ? FIRST_BYTE_REQUESTS / 4 : FIRST_BYTE_REQUESTS,
        say,
      })
    : [];
  say('making the canned answers');
  const answers = lanes.map(({ answer }) => answer);
  const upstream = await startUpstream(folder, answers);
  const summaries: LaneSummary[] = [];
  const deadlineMs = options.rounds === undefined ? startedAt + LAST_ROUND_MS : Infinity;
  for (const lane of lanes) {
    const timed = quick ? shortened(lane) : lane;
    const laneOptions = { systems, upstream, folder, rounds, deadlineMs, say };
    const rows = await runLoadLane(timed, laneOptions);
    summaries.push(summarize(timed, upstream.writtenOf(lane.answer).payloadBytes, rows));
  }
  await upstream.stop();
  const wallMs = performance.now() - startedAt;
  const targets = payloadTargets(summaries, firstByte);
  const run = {
    summaries,
    firstByte,
    targets,
    systems,
    rounds,
    quick,
    seconds: wallMs / 1000,
    othersShare: othersShare(),
  };
  return {
    report: toReport(run, describeMachine()),
    failures: failuresOf(summaries, firstByte),
  };
}

function isWanted({ lanes }: Options, name: string): boolean {
  return lanes?.has(name) ?? true;
}

interface Run {
  readonly summaries: readonly LaneSummary[];
  readonly firstByte: readonly FirstByteRow[];
  readonly targets: readonly TargetResult[];
  readonly systems: readonly System[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly seconds: number;
  /** Of the machine's CPU time during the run, what went to other programs. */
  readonly othersShare: number;
}

function toReport(run: Run, machine: Machine): Report {
  const { summaries, firstByte, targets, systems, rounds, quick, seconds, othersShare } = run;
  const sections = summaries.flatMap((lane) => [
    `## ${lane.title}`,
    laneTable(lane),
    laneNote(lane, rounds),
  ]);
  const date = new Date().toISOString();
  const markdown = [
    '# Pictures through gateways',
    `\`npm run bench -- payload${quick ? ' --quick' : ''}\`, ${date.slice(0, 10)}, ` +
      `${seconds.toFixed(0)} s. Medians of ${rounds} interleaved round${rounds === 1 ? '' : 's'}` +
      `${quick ? ': **too few to be published**' : ''}; the peak of memory is the highest ` +
      'of all. What is measured, and what not to conclude: ' +
      '[bench/README.md](../../bench/README.md).',
    othersSentence(othersShare),
    targetTable(targets),
    ...sections,
    '## First byte of the picture passed on, idle',
    firstByteTable(firstByte),
    '## Systems',
    systems.map(({ title, setup }) => `- ${title}: ${setup}`).join('\n'),
    '## Machine',
    machineList(machine),
  ];
  return {
    name: 'payload',
    markdown: `${markdown.filter((part) => part !== '').join('\n\n')}\n`,
    json: {
      bench: 'payload',
      date,
      quick,
      rounds,
      seconds,
      othersShare,
      machine,
      systems: systems.map(({ name, title, setup }) => ({ name, title, setup })),
      targets,
      lanes: summaries,
      firstByte: firstByte.map(({ system, ...row }) => ({ system: system.name, ...row })),
    },
  };
}

/** Whether a lane had to do with fewer rounds; usually nothing. */
function laneNote({ rows }: LaneSummary, rounds: number): string {
  const done = Math.max(...rows.map((row) => row.rounds.length));
  return done === rounds ? '' : `**${done} of ${rounds} rounds**: there was no time for more.`;
}

function failuresOf(
  summaries: readonly LaneSummary[],
  firstByte: readonly FirstByteRow[],
): string[] {
  const inLanes = summaries.flatMap(({ title, rows }) =>
    rows.flatMap((row) => (row.reason === undefined ? [] : [`${title}: ${row.title}`])),
  );
  const inFirstByte = firstByte.flatMap(({ system, reason }) =>
    reason === undefined ? [] : [`first byte: ${system.title}`],
  );
  return [...inLanes, ...inFirstByte];
}
