import type { Config } from '../config/config.ts';
import type { Command } from './command.ts';
import {
  checkCatalogue,
  checkHome,
  checkRoutes,
  checkSettings,
  type Finding,
} from './doctor-checks.ts';
import { checkDatabase } from './doctor-database.ts';
import { checkResults } from './doctor-results.ts';
import { readConfig } from './settings.ts';
import type { Terminal } from './terminal.ts';

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Look for what is wrong, and say how to mend it.',
  options: { json: { type: 'boolean', summary: 'Print JSON.' } },
  notes: ['It changes nothing and may run beside a server. Exit code 1 when something is wrong.'],
  run: async (invocation) => {
    const { options, terminal } = invocation;
    const findings = await examine(() => readConfig(invocation));
    const problems = findings.filter(({ state }) => state === 'wrong').length;
    if (options.flag('json')) {
      terminal.printJson({ ok: problems === 0, findings });
    } else {
      printFindings(findings, terminal);
    }
    return problems === 0 ? 0 : 1;
  },
};

async function examine(readSettings: () => Config): Promise<Finding[]> {
  const { findings, config } = checkSettings(readSettings);
  findings.push(checkCatalogue(config));
  if (config === undefined) {
    return findings;
  }
  findings.push(...checkRoutes(config));
  findings.push(...checkHome(config.homeFolder));
  findings.push(...(await checkDatabase(config)), ...(await checkResults(config)));
  return findings;
}

function printFindings(findings: readonly Finding[], { print, style }: Terminal): void {
  const marks = {
    fine: style('green', '✔'),
    note: style('yellow', '!'),
    wrong: style('red', '✖'),
  } as const;
  for (const { what, state, says, mend } of findings) {
    print(`${marks[state]} ${what.padEnd(9)}  ${says[0] ?? ''}`);
    for (const line of says.slice(1)) {
      print(`             ${line}`);
    }
    if (mend !== undefined) {
      print(style('bold', `             → ${mend}`));
    }
  }
  const wrong = findings.filter(({ state }) => state === 'wrong').length;
  print('');
  print(
    wrong === 0 ? 'All is well.' : `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong.`,
  );
}
