import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FirstByteRow } from './lanes/first-byte.ts';
import type { Machine } from './machine.ts';
import type { LaneSummary, RowSummary } from './summary.ts';
import type { TargetResult } from './targets.ts';

/** One run's outcome: a page for people, and the same with every round for programs. */
export interface Report {
  /** The file's name, without its end. */
  readonly name: string;
  readonly markdown: string;
  readonly json: unknown;
}

const FOLDER = fileURLToPath(new URL('../docs/benchmarks/', import.meta.url));

/** Prints both; writes them into `docs/benchmarks/` when told so. */
export function publish({ name, markdown, json }: Report, { write }: { write: boolean }): void {
  const text = `${JSON.stringify(json, undefined, 2)}\n`;
  process.stdout.write(`${markdown}\n\`\`\`json\n${text}\`\`\`\n`);
  if (write) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, `${name}.md`), markdown);
    writeFileSync(join(FOLDER, `${name}.json`), text);
    process.stderr.write(`Written to docs/benchmarks/${name}.md and ${name}.json\n`);
  }
}

/** A Markdown table whose first column is text and whose others are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

export function machineList(machine: Machine): string {
  return Object.entries(machine)
    .map(([name, value]) => `- ${name}: ${value}`)
    .join('\n');
}

export function targetTable(targets: readonly TargetResult[]): string {
  return table(
    ['Target', 'limit', 'measured', ''],
    targets.map(({ what, limit, measured, isMet }) => [
      what,
      limit,
      measured ?? 'not measured',
      isMet === undefined ? '' : isMet ? 'met' : '**missed**',
    ]),
  );
}

const LANE_HEAD = [
  'System',
  'CPU / request',
  '× nginx tuned',
  'core used',
  'peak RSS',
  'requests / s',
  '× direct',
  'p50',
  'p99',
] as const;

/** A lane's table; a system without figures says why it has none. */
export function laneTable(lane: LaneSummary): string {
  return table(LANE_HEAD, lane.rows.map(laneRow));
}

function laneRow(row: RowSummary): string[] {
  const { median: middle, cpuOfNginx, speedOfDirect, title, reason } = row;
  if (middle === undefined) {
    return [title, escapeCell(reason ?? 'not measured'), ...LANE_HEAD.slice(2).map(() => '')];
  }
  const { gateway } = middle;
  const isOwnPeak = gateway?.peakIsOwn === true;
  return [
    title,
    gateway === undefined ? '–' : milliseconds(gateway.cpuMsPerRequest),
    cpuOfNginx === undefined ? '–' : cpuOfNginx.toFixed(2),
    gateway === undefined ? '–' : `${(gateway.coreShare * 100).toFixed(0)} %`,
    gateway === undefined ? '–' : `${megabytes(gateway.peakRssBytes)}${isOwnPeak ? '' : ' (life)'}`,
    middle.requestsPerSecond.toFixed(middle.requestsPerSecond < 100 ? 1 : 0),
    speedOfDirect === undefined ? '–' : speedOfDirect.toFixed(2),
    milliseconds(middle.p50Ms),
    milliseconds(middle.p99Ms),
  ];
}

export function firstByteTable(rows: readonly FirstByteRow[]): string {
  return table(
    ['System', 'p50', 'p99', 'requests'],
    rows.map(({ system, p50Ms, p99Ms, delaysMs, reason }) =>
      reason === undefined
        ? [system.title, milliseconds(p50Ms), milliseconds(p99Ms), String(delaysMs.length)]
        : [system.title, escapeCell(reason), '', ''],
    ),
  );
}

export function milliseconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function escapeCell(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 300);
}
