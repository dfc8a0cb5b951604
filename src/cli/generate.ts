import { formatUsd, usdNumber } from '../base/money.ts';
import { type Command, CommandError, type Invocation } from './command.ts';
import { generateHere } from './generate-here.ts';
import { generateThere } from './generate-there.ts';
import type { Generated } from './generated.ts';
import { formatOf, OutputFiles, outputName } from './output-files.ts';
import { openRemote } from './remote.ts';
import { REQUEST_OPTIONS, requestBody } from './request-body.ts';
import { SERVER_OPTIONS } from './settings.ts';
import { plain, type Terminal } from './terminal.ts';
import { noteWarnings } from './warnings.ts';

export const generateCommand: Command = {
  name: 'generate',
  summary: 'Paint a picture into a file.',
  operand: { placeholder: '"PROMPT"', required: true },
  manyOperands: true,
  options: {
    output: {
      type: 'string',
      short: 'o',
      placeholder: 'FILE',
      summary: 'Where to (a name made of the prompt).',
    },
    ...REQUEST_OPTIONS,
    ...SERVER_OPTIONS,
    json: { type: 'boolean', summary: 'Print the answer as JSON, without the picture.' },
  },
  notes: [
    'Without a server it works by itself, with the test balance of the account default:',
    'every model is painted by the built-in painter. A live key of a server reaches them.',
    '',
    'The extension of FILE chooses the format. With -n 2 the files are out-1.png and',
    'out-2.png. A file that is there is overwritten.',
  ],
  examples: [
    'easel generate "a red boat" -o boat.png',
    'easel generate "a red boat" -m nano-banana-pro -p aspect_ratio=16:9 -o boat.jpg',
    'easel generate "a red boat" --server http://127.0.0.1:8080 --key "$EASEL_API_KEY"',
  ],
  run: async (invocation) => {
    const { operand: prompt, options, terminal } = invocation;
    const asJson = options.flag('json');
    const name = outputName(options.text('output'), prompt);
    const format = formatOf(name.extension);
    const body: Record<string, unknown> = {
      ...(format === undefined ? {} : { output_format: format }),
      ...requestBody(prompt, options),
    };
    const count = typeof body['n'] === 'number' ? body['n'] : 1;
    const files = await OutputFiles.reserve(name, count);
    try {
      const stop = asJson ? (): void => undefined : terminal.progress(`painting ${plain(prompt)}`);
      const generated = await generateInterruptibly(invocation, body, files).finally(stop);
      const names = await files.keep(generated.pictures.map(({ format }) => format));
      noteWarnings(generated.warnings, terminal);
      if (asJson) {
        terminal.printJson(toJson(generated, names));
      } else {
        printGenerated(generated, names, terminal);
      }
      return 0;
    } finally {
      await files.discard();
    }
  },
};

const EXIT_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** Ctrl-C gives the picture up in good order: nothing is charged, no file stays. */
async function generateInterruptibly(
  invocation: Invocation,
  body: Record<string, unknown>,
  files: OutputFiles,
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
      ? await generateHere(invocation, { body, files, signal })
      : await generateThere(remote, { body, files, signal });
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
