import { ANSWER_64_MB } from './answers.ts';
import { runSlowReaderLane, type SlowReaderResult } from './lanes/slow-reader.ts';
import { PAYLOAD_LANES } from './lanes/payload-sizes.ts';
import { describeMachine } from './machine.ts';
import type { Options } from './options.ts';
import type { Outcome } from './payload.ts';
import { temporaryFolder } from './processes.ts';
import { machineList, megabytes, table, targetTable } from './report.ts';
import { easel } from './systems/easel.ts';
import type { System } from './systems/system.ts';
import { result, type TargetResult } from './targets.ts';
import { startUpstream } from './upstream.ts';

const BYTES_PER_SECOND = 1e6;
const QUICK_BYTES_PER_SECOND = 8e6;
/** A fresh process grows by some megabytes with its first request, whatever that is. */
const GROWTH_MB_MAX = 24;
const DRIFT_MB_MAX = 8;

/** `npm run bench -- slow-reader`: whether a client that reads slowly costs memory. */
export async function slowReaderBench(options: Options): Promise<Outcome> {
  const { say, quick } = options;
  const folder = temporaryFolder();
  say('making the canned answer');
  const upstream = await startUpstream(folder, [ANSWER_64_MB]);
  const bytesPerSecond = quick ? QUICK_BYTES_PER_SECOND : BYTES_PER_SECOND;
  const body = PAYLOAD_LANES[0]?.body ?? '';
  const rows: Row[] = [];
  const failures: string[] = [];
  for (const system of options.systems ?? [easel]) {
    say(`${system.title}: 64 MB at ${bytesPerSecond / 1e6} MB/s`);
    try {
      const lane = { system, upstream, folder, body, bytesPerSecond };
      rows.push({ system, figures: await runSlowReaderLane(lane) });
    } catch (error) {
      failures.push(`${system.title}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await upstream.stop();
  const targets = targetsOf(rows);
  const machine = describeMachine();
  const date = new Date().toISOString();
  const markdown = [
    '# A client that reads slowly',
    `\`npm run bench -- slow-reader${quick ? ' --quick' : ''}\`, ${date.slice(0, 10)}. One ` +
      `client reads an answer of 64 MB at ${bytesPerSecond / 1e6} MB/s; the upstream would ` +
      'give it in a fraction of a second. RSS of the process tree, every quarter of a second; ' +
      '“before” is after eight such answers at full speed.',
    targetTable(targets),
    table(
      ['System', 'before', 'first quarter', 'last quarter', 'peak', 'growth', 'took'],
      rows.map(tableRow),
    ),
    ...failures.map((failure) => `Without figures: ${failure}`),
    '## Machine',
    machineList(machine),
  ];
  return {
    report: {
      name: 'slow-reader',
      markdown: `${markdown.join('\n\n')}\n`,
      json: {
        bench: 'slow-reader',
        date,
        quick,
        machine,
        targets,
        rows: rows.map(({ system, figures }) => ({ system: system.name, ...figures })),
        failures,
      },
    },
    failures,
  };
}

interface Row {
  readonly system: System;
  readonly figures: SlowReaderResult;
}

function targetsOf(rows: readonly Row[]): TargetResult[] {
  const figures = rows.find(({ system }) => system === easel)?.figures;
  return [
    result({
      what: 'growth of Easel’s RSS, peak over before',
      limit: GROWTH_MB_MAX,
      measured: figures && (figures.peakBytes - figures.beforeBytes) / 1e6,
      unit: ' MB',
    }),
    result({
      what: 'drift of Easel’s RSS, last quarter over first',
      limit: DRIFT_MB_MAX,
      measured: figures && (figures.lastQuarterBytes - figures.firstQuarterBytes) / 1e6,
      unit: ' MB',
    }),
  ];
}

function tableRow({ system, figures }: Row): string[] {
  const { beforeBytes, firstQuarterBytes, lastQuarterBytes, peakBytes, seconds } = figures;
  return [
    system.title,
    ...[beforeBytes, firstQuarterBytes, lastQuarterBytes, peakBytes].map(megabytes),
    megabytes(peakBytes - beforeBytes),
    `${seconds.toFixed(0)} s`,
  ];
}
