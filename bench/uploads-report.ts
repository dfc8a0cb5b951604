import type { UploadsResult } from './lanes/uploads.ts';
import type { Machine } from './machine.ts';
import { othersSentence } from './others.ts';
import { machineList, megabytes, type Report, table, targetTable } from './report.ts';
import { result, type TargetResult } from './targets.ts';
import { UPLOAD_ENGINES, type UploadEngine } from './upload-engines.ts';

export interface UploadRow {
  readonly engine: UploadEngine;
  readonly figures: UploadsResult;
}

export interface UploadsRun {
  readonly rows: readonly UploadRow[];
  /** Engines without figures, and why. */
  readonly failures: readonly string[];
  readonly edits: number;
  /** Of each picture that an edit brings. */
  readonly pictureBytes: readonly number[];
  readonly idleSeconds: number;
  readonly laterSeconds: number;
  readonly quick: boolean;
  readonly othersShare: number;
  readonly machine: Machine;
}

/** The target's own; what a short run kept stands in the table only. */
const TARGET_LATER_SECONDS = 30;
const PEAK_MB_MAX = 400;
const KEPT_MB_MAX = 60;

/** The page and the figures of `uploads`. */
export function uploadsReport(run: UploadsRun): Report {
  const { rows, failures, edits, pictureBytes, quick, othersShare } = run;
  // Nothing here is sent by nginx.
  const { nginx: _nginx, ...machine } = run.machine;
  const targets = UPLOAD_ENGINES.flatMap((engine) => targetsOf(engine, run));
  const date = new Date().toISOString();
  const markdown = [
    '# Many large edits at once',
    introduction(run, date.slice(0, 10)),
    explanation(run),
    othersSentence(othersShare),
    targetTable(targets),
    table(
      [
        'Engine',
        'started',
        'idle',
        'peak',
        `${run.laterSeconds} s later`,
        'sent',
        'took',
        'spool files open, at most',
        'open later',
        'in the folder later',
      ],
      rows.map(tableRow),
    ),
    ...failures.map((failure) => `Without figures: ${failure}`),
    '## Settings',
    settings(),
    '## Machine',
    machineList(machine),
  ];
  return {
    name: 'uploads',
    markdown: `${markdown.join('\n\n')}\n`,
    json: {
      bench: 'uploads',
      date,
      quick,
      edits,
      pictureBytes,
      idleSeconds: run.idleSeconds,
      laterSeconds: run.laterSeconds,
      othersShare,
      machine,
      engines: UPLOAD_ENGINES,
      targets,
      rows: rows.map(({ engine, figures }) => ({ engine: engine.name, ...figures })),
      failures,
    },
  };
}

function introduction({ edits, pictureBytes, quick }: UploadsRun, day: string): string {
  const size = (Math.max(...pictureBytes) / 1e6).toFixed(1);
  return (
    `\`npm run bench -- uploads${quick ? ' --quick' : ''}\`, ${day}` +
    `${quick ? ', **too short to be published**' : ''}. ${edits} clients send an edit each, all ` +
    `at once: a form of ${pictureBytes.length} PNGs of noise, ${size} MB each, over loopback as ` +
    'fast as Easel takes it. Two engines in turn, each behind a freshly started Easel.'
  );
}

function explanation({ idleSeconds, laterSeconds }: UploadsRun): string {
  return (
    'RSS of Easel, in MB of a million bytes. “Idle” is ' +
    `${idleSeconds} s after one edit of the same kind; the peak is the highest of samples every ` +
    '20 ms and of the kernel’s own high-water mark; “later” is ' +
    `${laterSeconds} s after the last answer. A spool file has no name from the moment that it ` +
    'is open, so that those which are left would show among the descriptors. Every answer is ' +
    'checked: status, picture and end; the upstream must have read every picture. One that is ' +
    'wrong makes the run void.'
  );
}

function settings(): string {
  return [
    '- Easel: src/main.ts with its defaults, on a core of its own; memory settled at the start ' +
      'as in [decision 0008](../decisions/0008-memory-is-settled-at-the-start.md)',
    ...UPLOAD_ENGINES.map(({ title, setup }) => `- ${title}: ${setup}`),
    '- clients and upstream: together on the other core',
  ].join('\n');
}

function targetsOf({ name, title }: UploadEngine, run: UploadsRun): TargetResult[] {
  const { rows, edits, laterSeconds } = run;
  const figures = rows.find(({ engine }) => engine.name === name)?.figures;
  const isLateEnough = laterSeconds >= TARGET_LATER_SECONDS;
  return [
    result({
      what: `${title}: peak RSS, ${edits} edits at once`,
      limit: PEAK_MB_MAX,
      measured: figures && figures.peakBytes / 1e6,
      unit: ' MB',
    }),
    result({
      what: `${title}: RSS ${TARGET_LATER_SECONDS} s later, over idle`,
      limit: KEPT_MB_MAX,
      measured:
        figures && isLateEnough ? (figures.laterBytes - figures.idleBytes) / 1e6 : undefined,
      unit: ' MB',
    }),
    result({
      what: `${title}: spool files left, open or in the folder`,
      limit: 0,
      measured: figures && figures.spoolDescriptorsLeft + figures.spoolFilesLeft,
      unit: '',
      digits: 0,
    }),
  ];
}

function tableRow({ engine, figures }: UploadRow): string[] {
  const { startBytes, idleBytes, peakBytes, laterBytes, sentBytes, seconds } = figures;
  return [
    engine.title,
    ...[startBytes, idleBytes, peakBytes, laterBytes, sentBytes].map(megabytes),
    `${seconds.toFixed(1)} s`,
    String(figures.spoolDescriptorsMost),
    String(figures.spoolDescriptorsLeft),
    String(figures.spoolFilesLeft),
  ];
}
