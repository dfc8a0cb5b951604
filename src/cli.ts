import { runCommandLine } from './cli/run.ts';
import { openTerminal } from './cli/terminal.ts';
import { readEnvironment } from './config/env.ts';

/** A shell's convention: 128 and the number of the signal that ended the command. */
const EXIT_OF_SIGNALS = 128;

const environment = readEnvironment();
const terminal = openTerminal(environment);
const exitCode = await runCommandLine(process.argv.slice(2), { environment, terminal });
process.exitCode = exitCode;
if (exitCode > EXIT_OF_SIGNALS) {
  // All is tidied up: end as the signal would have, and without waiting for what still renders.
  process.kill(process.pid, exitCode - EXIT_OF_SIGNALS);
}
