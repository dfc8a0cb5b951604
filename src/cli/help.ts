import type { Command, OptionSpec } from './command.ts';
import type { Terminal } from './terminal.ts';

type Style = Terminal['style'];

/** What `easel --help` prints. */
export function helpForAll(commands: readonly Command[], style: Style): string {
  return [
    `${style('bold', 'easel')}: one image API in front of every image model, with an exact bill.`,
    '',
    `Usage  easel <command> [options]`,
    '',
    style('bold', 'Commands'),
    ...listCommands(commands),
    '',
    style('bold', 'Options'),
    ...twoColumns([
      ['-h, --help', 'Show help; after a command, the help of that command.'],
      ['-v, --version', 'Show the version.'],
    ]),
    '',
    style('bold', 'First steps'),
    '  easel generate "a red boat" -o boat.png   no server and no set-up needed',
    '  easel serve                               the API, on http://127.0.0.1:8080',
    '',
    'The data lies in EASEL_HOME (./.easel). README lists all settings.',
  ].join('\n');
}

/** What `easel keys` prints: the commands that begin with that word. */
export function helpForGroup(group: string, commands: readonly Command[], style: Style): string {
  return [
    `Usage  easel ${group} <command> [options]`,
    '',
    style('bold', 'Commands'),
    ...listCommands(commands),
  ].join('\n');
}

/** What `easel <command> --help` prints. */
export function helpForCommand(command: Command, style: Style): string {
  const { name, summary, operand, options, notes = [], examples = [] } = command;
  const placeholder = operand?.placeholder ?? '';
  const shown = operand?.required === false ? `[${placeholder}]` : placeholder;
  const rows = [
    ...Object.entries(options).map(
      ([option, spec]) => [flags(option, spec), spec.summary] as const,
    ),
    ['-h, --help', 'Show this help.'] as const,
  ];
  return [
    summary,
    '',
    `Usage  easel ${name} ${shown === '' ? '' : `${shown} `}[options]`,
    '',
    style('bold', 'Options'),
    ...twoColumns(rows),
    ...(notes.length === 0 ? [] : ['', ...notes]),
    ...(examples.length === 0
      ? []
      : ['', style('bold', 'Examples'), ...examples.map((example) => `  ${example}`)]),
  ].join('\n');
}

function listCommands(commands: readonly Command[]): string[] {
  return twoColumns(commands.map(({ name, summary }) => [name, summary] as const));
}

function flags(name: string, { short, placeholder }: OptionSpec): string {
  const value = placeholder === undefined ? '' : ` ${placeholder}`;
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value}`;
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`);
}
