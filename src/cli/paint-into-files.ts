import { formatUsd, usdNumber } from '../base/money.ts';
import { CommandError, type Invocation, type OptionSpecs } from './command.ts';
import { generateHere } from './generate-here.ts';
import { generateThere } from './generate-there.ts';
import type { Generated, GenerateTask } from './generated.ts';
import type { InputPictures } from './input-pictures.ts';
import { formatOf, OutputFiles, outputName } from './output-files.ts';
import { openRemote } from './remote.ts';
import { modelOption, REQUEST_OPTIONS, requestBody } from './request-body.ts';
import { SERVER_OPTIONS } from './settings.ts';
import { plain, type Terminal } from './terminal.ts';
import { noteWarnings } from './warnings.ts';

/** The options of the commands that leave pictures in files. */
export function paintOptions(defaultModel: string): OptionSpecs {
  return {
    output: {
      type: 'string',
      short: 'o',
      placeholder: 'FILE',
      summary: 'Where to (a name made of the prompt).',
    },
    model: modelOption(defaultModel),
    ...REQUEST_OPTIONS,
    ...SERVER_OPTIONS,
    json: { type: 'boolean', summary: 'Print the answer as JSON, without the picture.' },
  };
}

export interface PaintIntoFiles {
  readonly prompt: string;
  readonly defaultModel: string;
  /** The pictures of an edit. */
  readonly inputs?: InputPictures;
}

/**
 * Has pictures made, here or by a server, and leaves them in files: all of them, or none and an
 * error. Says on the terminal what was made and what it cost.
 */
export async function paintIntoFiles(
  invocation: Invocation,
  { prompt, defaultModel, inputs }: PaintIntoFiles,
): Promise<void> {
  const { options, terminal } = invocation;
  const asJson = options.flag('json');
  const name = outputName(options.text('output'), prompt);
  const format = formatOf(name.extension);
  const body: GenerateTask['body'] = {
    ...(format === undefined ? {} : { output_format: format }),
    ...requestBody(prompt, options, defaultModel),
  };
  const count = typeof body['n'] === 'number' ? body['n'] : 1;
  const files = await OutputFiles.reserve(name, count);
  try {
    const stop = asJson ? (): void => undefined : terminal.progress(`painting ${plain(prompt)}`);
    const task = { body, files, ...(inputs === undefined ? {} : { inputs }) };
    const generated = await generateInterruptibly(invocation, task).finally(stop);
    const names = await files.keep(generated.pictures.map(({ format }) => format));
    noteWarnings(generated.warnings, terminal);
    if (asJson) {
      terminal.printJson(toJson(generated, names));
    } else {
      printGenerated(generated, names, terminal);
    }
  } finally {
    await files.discard();
  }
}

const EXIT_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** Ctrl-C gives the picture up in good order: nothing is charged, no file stays. */
async function generateInterruptibly(
  invocation: Invocation,
  task: Omit<GenerateTask, 'signal'>,
): Promise<Generated> {
  const interruption = new AbortController();
  const interrupt = (signal: keyof typeof EXIT_OF_SIGNAL): void => {
    interruption.abort(new CommandError('Stopped.', { exitCode: EXIT_OF_SIGNAL[signal] }));
  };
  // Not `once`: npm and the terminal may both send the signal.
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const { signal } = interruption;
  const remote = openRemote(invocation, { needsKey: true });
  try {
    return remote === undefined
      ? await generateHere(invocation, { ...task, signal })
      : await generateThere(remote, { ...task, signal });
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

function toJson(generated: Generated, names: readonly string[]): Record<string, unknown> {
  const { id, created, model, size, pictures, cost, warnings, extra } = generated;
  return {
    id,
    created,
    model,
    size,
    output_format: pictures[0]?.format,
    ...extra,
    files: names,
    cost: usdNumber(cost),
    currency: 'USD',
    warnings,
  };
}

function printGenerated(
  { id, pictures, cost }: Generated,
  names: readonly string[],
  { print, style }: Terminal,
): void {
  const lines = pictures.map(
    ({ width, height, format }, index) =>
      `${style('bold', names[index] ?? '')}  ${width}x${height} ${format}`,
  );
  const bill = `${formatUsd(cost)} USD  ${style('dim', id)}`;
  if (lines.length === 1) {
    print(`${lines.join('')}  ${bill}`);
    return;
  }
  print([...lines, `${lines.length} pictures  ${bill}`].join('\n'));
}
