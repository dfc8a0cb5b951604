import { type Mode, MODES } from '../store/database.ts';
import { type OptionSpec, type Options, UsageError } from './command.ts';

export const MODE_OPTION = {
  type: 'string',
  placeholder: 'test|live',
  summary: 'Live keys reach the models; test keys, the painter (test).',
} as const satisfies OptionSpec;

/** The `--mode` that was given; test when none was. */
export function readMode(options: Options): Mode {
  const text = options.text('mode') ?? 'test';
  const mode = MODES.find((name) => name === text);
  if (mode === undefined) {
    throw new UsageError(`--mode is test or live, not ${text}.`);
  }
  return mode;
}
