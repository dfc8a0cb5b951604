import { describeMachine } from '../machine.ts';
import { othersSentence } from '../others.ts';
import { machineList, type Report, targetTable } from '../report.ts';
import { UPSTREAM_MS } from '../slow-upstream.ts';
import type { TargetResult } from '../targets.ts';

export interface TrafficRun {
  /** Of the bench. */
  readonly name: string;
  readonly title: string;
  /** How it was measured: sentences after those that all of these benches have in common. */
  readonly how: string;
  readonly quick: boolean;
  readonly othersShare: number;
  readonly targets: readonly TargetResult[];
  readonly tables: readonly string[];
  /** What was answered wrongly, and what the audit found: nothing, always. */
  readonly failures: readonly string[];
  /** For programs. */
  readonly figures: Readonly<Record<string, unknown>>;
}

/** The page and the figures of a bench that sends Easel ordinary requests before a slow upstream. */
export function trafficReport(run: TrafficRun): Report {
  const { name, title, how, quick, othersShare, targets, tables, failures, figures } = run;
  const machine = describeMachine();
  const date = new Date().toISOString();
  const markdown = [
    `# ${title}`,
    `\`npm run bench -- ${name}${quick ? ' --quick' : ''}\`, ${date.slice(0, 10)}` +
      `${quick ? ', **too short to be published**' : ''}. Easel on one core; clients and upstream ` +
      `on the other. The upstream takes ${UPSTREAM_MS} ms for each picture, however many are ` +
      `asked for at once. ${how}`,
    othersSentence(othersShare),
    ...(targets.length === 0 ? [] : [targetTable(targets)]),
    ...tables,
    ...failures.map((failure) => `Wrong: ${failure}`),
    '## Machine',
    machineList(machine),
  ];
  return {
    name,
    markdown: `${markdown.join('\n\n')}\n`,
    json: { bench: name, date, quick, othersShare, machine, targets, ...figures, failures },
  };
}
