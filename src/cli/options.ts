import { parseArgs } from 'node:util';
import { type Command, type Options, type OptionSpecs, UsageError } from './command.ts';
import { nearest } from './nearest.ts';

export interface ReadArguments {
  readonly operands: readonly string[];
  readonly options: Options;
  readonly wantsHelp: boolean;
}

const HELP = { type: 'boolean', short: 'h', summary: 'Show this help.' } as const;

/** Reads what follows a command's name. Throws a UsageError that names what it does not know. */
export function readArguments(command: Command, words: readonly string[]): ReadArguments {
  const specs: OptionSpecs = { ...command.options, help: HELP };
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { type, short }]) => [
        name,
        short === undefined ? { type } : { type, short },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') {
      operands.push(token.value);
    } else if (token.kind === 'option') {
      const value = checkOption(command, specs, token);
      const before = specs[token.name]?.multiple === true ? (values.get(token.name) ?? []) : [];
      values.set(token.name, [...before, value]);
    }
  }
  return {
    operands,
    wantsHelp: values.has('help'),
    options: {
      text: (name) => values.get(name)?.at(-1),
      list: (name) => values.get(name) ?? [],
      flag: (name) => values.has(name),
    },
  };
}

/** Throws when the operands are not what the command takes. */
export function checkOperands(command: Command, operands: readonly string[]): void {
  const { operand, name } = command;
  if (operand?.required === true && operands.join('').trim() === '') {
    throw new UsageError(`${name} needs ${operand.placeholder}.`, helpOf(command));
  }
  const most = operand === undefined ? 0 : 1;
  if (command.manyOperands === undefined && operands.length > most) {
    throw new UsageError(`${name} does not take "${operands[most]}".`, helpOf(command));
  }
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
}

function checkOption(command: Command, specs: OptionSpecs, token: OptionToken): string {
  const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined;
  if (spec === undefined) {
    const meant = nearest(token.name, Object.keys(specs));
    const question = meant === undefined ? '' : ` Did you mean --${meant}?`;
    throw new UsageError(
      `${command.name} has no option ${token.rawName}.${question}`,
      helpOf(command),
    );
  }
  if (spec.type === 'boolean' && token.value !== undefined) {
    throw new UsageError(`${token.rawName} takes no value.`, helpOf(command));
  }
  if (spec.type === 'string' && token.value === undefined) {
    throw new UsageError(
      `${token.rawName} needs a value: ${token.rawName} ${spec.placeholder ?? 'VALUE'}.`,
      'A value that begins with a dash is written with an equals sign: --seed=-1.',
    );
  }
  return token.value ?? '';
}

function helpOf({ name }: Command): string {
  return `npx easel ${name} --help says what it takes.`;
}
