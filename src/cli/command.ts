import type { Environment } from '../config/env.ts';
import type { Terminal } from './terminal.ts';

/** One option of a command; its name is the key in the command's table. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** One letter. */
  readonly short?: string;
  /** May be given more than once. */
  readonly multiple?: true;
  /** What help shows for the value: `FILE`. */
  readonly placeholder?: string;
  readonly summary: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** One command; help, checks and dispatch are all made from this table. */
export interface Command {
  /** One word, or two: `keys create`. */
  readonly name: string;
  readonly summary: string;
  /** What stands after the command's name, as help shows it. */
  readonly operand?: { readonly placeholder: string; readonly required: boolean };
  /** Several words may stand there: those of a prompt, or files. */
  readonly manyOperands?: true;
  readonly options: OptionSpecs;
  /** Sentences below the options. */
  readonly notes?: readonly string[];
  readonly examples?: readonly string[];
  /**
   * Does the work and gives the exit code. Throws a CommandError, a Failure or an ApiError to say
   * why not.
   */
  readonly run: (invocation: Invocation) => Promise<number>;
}

/** A command line that has been read. */
export interface Invocation {
  /** The words after the command's name, joined by a space; empty when there are none. */
  readonly operand: string;
  /** The same words, one by one as the shell handed them over. */
  readonly operands: readonly string[];
  readonly options: Options;
  readonly environment: Environment;
  readonly terminal: Terminal;
}

/** The options as they were given. */
export interface Options {
  readonly text: (name: string) => string | undefined;
  readonly list: (name: string) => readonly string[];
  readonly flag: (name: string) => boolean;
}

/** What went wrong, for the person who typed the command. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly exitCode: number;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(
    message: string,
    options: { readonly exitCode?: number; readonly hint?: string } = {},
  ) {
    super(message);
    this.exitCode = options.exitCode ?? 1;
    this.hint = options.hint;
  }
}

/** The command line itself makes no sense: exit code 2. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';

  constructor(message: string, hint?: string) {
    super(message, { exitCode: 2, ...(hint === undefined ? {} : { hint }) });
  }
}
