import type { Catalog } from '../catalog/catalog.ts';
import { formatUsd, type Nanousd, parseUsd, usdNumber } from '../base/money.ts';
import { ImageQuote } from '../contract/answers.ts';
import { toQuotedCall } from '../contract/generations.ts';
import { jsonBody } from '../egress/streamed-body.ts';
import { quoteCall } from '../pipeline/quote.ts';
import { scopeOf } from '../pipeline/scope.ts';
import { openCatalog, suggestModel } from './catalogue.ts';
import type { Command } from './command.ts';
import { openRemote, readAnswer, type Remote } from './remote.ts';
import {
  EDITING_MODEL,
  modelOption,
  PAINTING_MODEL,
  REQUEST_OPTIONS,
  requestBody,
} from './request-body.ts';
import { readConfig, SERVER_OPTIONS } from './settings.ts';
import { plain, type Terminal } from './terminal.ts';
import { noteWarnings, type WireWarning } from './warnings.ts';

export const quoteCommand: Command = {
  name: 'quote',
  summary: 'Say what a picture would cost; nothing is painted.',
  operand: { placeholder: '"PROMPT"', required: false },
  manyOperands: true,
  options: {
    model: modelOption(PAINTING_MODEL),
    ...REQUEST_OPTIONS,
    references: {
      type: 'string',
      placeholder: 'N',
      summary: `As an edit of N pictures (by ${EDITING_MODEL}).`,
    },
    ...SERVER_OPTIONS,
    json: { type: 'boolean', summary: 'Print JSON.' },
  },
  examples: ['easel quote "a red boat" -m gpt-image-2 --quality high --size 2048x2048'],
  run: async (invocation) => {
    const { operand, options, terminal } = invocation;
    const references = options.text('references');
    const body = {
      ...requestBody(operand, options, references === undefined ? PAINTING_MODEL : EDITING_MODEL),
      ...(references === undefined ? {} : { reference_images: Number(references) }),
    };
    const remote = openRemote(invocation, { needsKey: false });
    const quoted =
      remote === undefined
        ? quoteHere(body, openCatalog(readConfig(invocation)))
        : await quoteThere(remote, body);
    if (options.flag('json')) {
      terminal.printJson({
        estimated_cost: usdNumber(quoted.estimated),
        max_cost: usdNumber(quoted.max),
        currency: 'USD',
        lines: quoted.lines.map(({ description, usd }) => ({ description, usd: usdNumber(usd) })),
        warnings: quoted.warnings,
      });
      return 0;
    }
    noteWarnings(quoted.warnings, terminal);
    printQuote(quoted, terminal);
    return 0;
  },
};

interface Quoted {
  readonly estimated: Nanousd;
  readonly max: Nanousd;
  readonly lines: readonly { readonly description: string; readonly usd: Nanousd }[];
  readonly warnings: readonly WireWarning[];
}

function quoteHere(body: Record<string, unknown>, catalog: Catalog): Quoted {
  const scope = scopeOf(undefined, () => true, Date.now());
  try {
    return quoteCall(catalog, toQuotedCall(body), scope);
  } catch (error) {
    throw suggestModel(error, body['model'], catalog);
  }
}

async function quoteThere(remote: Remote, body: Record<string, unknown>): Promise<Quoted> {
  const answer = await remote.post('/v1/images/quotes', jsonBody(body));
  const quote = readAnswer(ImageQuote, answer, remote);
  return {
    estimated: parseUsd(quote.estimated_cost),
    max: parseUsd(quote.max_cost),
    lines: quote.lines.map(({ description, usd }) => ({ description, usd: parseUsd(usd) })),
    warnings: quote.warnings,
  };
}

function printQuote({ estimated, max, lines }: Quoted, { print, style }: Terminal): void {
  const rows = [
    ...lines.map(({ description, usd }) => [plain(description), formatUsd(usd)] as const),
    ['Estimated', formatUsd(estimated)] as const,
    ['At most, held while it runs', formatUsd(max)] as const,
  ];
  const width = Math.max(...rows.map(([description]) => description.length));
  const amountWidth = Math.max(...rows.map(([, amount]) => amount.length));
  rows.forEach(([description, amount], index) => {
    const line = `${description.padEnd(width)}  ${amount.padEnd(amountWidth)} USD`;
    print(index === lines.length ? style('bold', line) : line);
  });
}
