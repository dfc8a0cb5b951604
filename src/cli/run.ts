import { ConfigError } from '../config/config.ts';
import type { Environment } from '../config/env.ts';
import { type Command, CommandError, UsageError } from './command.ts';
import { COMMANDS } from './commands.ts';
import { describeError } from './errors.ts';
import { helpForAll, helpForCommand, helpForGroup } from './help.ts';
import { nearest } from './nearest.ts';
import { checkOperands, readArguments } from './options.ts';
import { plain, type Terminal } from './terminal.ts';

const EXIT_FAILED = 1;
const EXIT_BAD_CONFIG = 78;

export interface CommandLineParts {
  readonly environment: Environment;
  readonly terminal: Terminal;
}

/**
 * Runs one command line and gives its exit code: 0 when it did what was asked, 1 when it could not,
 * 2 when the command line makes no sense, 78 when the settings do not. Errors are told on standard
 * error.
 */
export async function runCommandLine(
  words: readonly string[],
  { environment, terminal }: CommandLineParts,
): Promise<number> {
  try {
    const [first = '--help'] = words;
    if (first === '-v' || first === '--version' || first === 'version') {
      const { readVersion } = await import('../package.ts');
      terminal.print(readVersion());
      return 0;
    }
    if (first === '-h' || first === '--help' || first === 'help') {
      return showHelp(words.slice(1), terminal);
    }
    const { command, rest } = findCommand(words);
    if (command === undefined) {
      return showGroup(words, terminal);
    }
    const { operands, options, wantsHelp } = readArguments(command, rest);
    if (wantsHelp) {
      terminal.print(helpForCommand(command, terminal.style));
      return 0;
    }
    checkOperands(command, operands);
    const operand = operands.join(' ').trim();
    return await command.run({ operand, operands, options, environment, terminal });
  } catch (error) {
    return tell(error, terminal);
  }
}

/** `easel help keys create` is `easel keys create --help`. */
function showHelp(words: readonly string[], terminal: Terminal): number {
  const { command } = findCommand(words);
  if (command !== undefined) {
    terminal.print(helpForCommand(command, terminal.style));
    return 0;
  }
  if (words.length > 0) {
    return showGroup([words[0] ?? '', '--help'], terminal);
  }
  terminal.print(helpForAll(COMMANDS, terminal.style));
  return 0;
}

function findCommand(words: readonly string[]): {
  readonly command: Command | undefined;
  readonly rest: readonly string[];
} {
  const [first = '', second = ''] = words;
  const pair = COMMANDS.find(({ name }) => name === `${first} ${second}`);
  if (pair !== undefined) {
    return { command: pair, rest: words.slice(2) };
  }
  return { command: COMMANDS.find(({ name }) => name === first), rest: words.slice(1) };
}

/** A first word that is no command: the commands below it, or the one that was meant. */
function showGroup(words: readonly string[], terminal: Terminal): number {
  const [first = '', second] = words;
  const members = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  if (members.length === 0) {
    throw unknownCommand(first, COMMANDS, first);
  }
  if (second === '-h' || second === '--help') {
    terminal.print(helpForGroup(first, members, terminal.style));
    return 0;
  }
  if (second === undefined || second.startsWith('-')) {
    const names = members.map(({ name }) => name.slice(first.length + 1)).join(', ');
    throw new UsageError(`${first} needs one of: ${names}.`);
  }
  throw unknownCommand(`${first} ${second}`, members, first);
}

function unknownCommand(typed: string, commands: readonly Command[], group: string): UsageError {
  const words = commands.map(({ name }) => name);
  const firsts = words.map((name) => name.split(' ', 1)[0] ?? name);
  const meant = nearest(typed, [...words, ...firsts]);
  const question = meant === undefined ? '' : ` Did you mean ${meant}?`;
  const help = commands === COMMANDS ? '' : `${group} `;
  return new UsageError(
    `There is no command ${plain(typed)}.${question}`,
    `npx easel ${help}--help lists the commands.`,
  );
}

function tell(error: unknown, terminal: Terminal): number {
  if (error instanceof ConfigError) {
    terminal.note(`Easel cannot work with these settings:\n${error.message}`);
    return EXIT_BAD_CONFIG;
  }
  const { message, hint } = describeError(error);
  terminal.note(`${terminal.styleNote('red', 'Error')}  ${message}`);
  if (hint !== undefined) {
    terminal.note(`       ${hint}`);
  }
  return error instanceof CommandError ? error.exitCode : EXIT_FAILED;
}
