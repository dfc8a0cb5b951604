import type { z } from 'zod';
import { formatUsd, type Nanousd, parseUsd } from '../base/money.ts';
import { modelEntry } from '../catalog/models.ts';
import { Model, ModelList } from '../contract/models.ts';
import { openCatalog } from './catalogue.ts';
import type { Command, Invocation } from './command.ts';
import { openRemote, readAnswer } from './remote.ts';
import { readConfig, SERVER_OPTIONS } from './settings.ts';
import { type Column, formatTable, plain } from './terminal.ts';

type ModelBody = z.output<typeof Model>;

export const modelsCommand: Command = {
  name: 'models',
  summary: 'List the models, their sizes and prices.',
  options: { ...SERVER_OPTIONS, json: { type: 'boolean', summary: 'Print JSON.' } },
  notes: ['npx easel quote says what one picture costs.'],
  run: async (invocation) => {
    const models = await listModels(invocation);
    if (invocation.options.flag('json')) {
      invocation.terminal.printJson({ object: 'list', data: models });
      return 0;
    }
    const rows = models.map((model) => [
      plain(model.id),
      model.sizing,
      ...describeSizes(model),
      describeEdits(model),
      describePrice(model),
    ]);
    invocation.terminal.print(formatTable(COLUMNS, rows, invocation.terminal.style));
    return 0;
  },
};

const COLUMNS: readonly Column[] = [
  { title: 'MODEL' },
  { title: 'SIZED BY' },
  { title: 'DEFAULT' },
  { title: 'SIZES' },
  { title: 'EDITS' },
  { title: 'PRICE IN USD' },
];

async function listModels(invocation: Invocation): Promise<readonly ModelBody[]> {
  const remote = openRemote(invocation, { needsKey: true });
  if (remote !== undefined) {
    return readAnswer(ModelList, await remote.get('/v1/models'), remote).data;
  }
  const config = readConfig(invocation);
  const ownedBy = config.file.owned_by;
  const entries = openCatalog(config)
    .list()
    .map((card) => modelEntry(card, { ownedBy }));
  // By way of the wire's own form: what is printed here is what a server would send.
  return ModelList.parse({ object: 'list', data: entries }).data;
}

const SHOWN_MAX = 3;

/** The default size and the choice, by the parameter that decides the pixels. */
function describeSizes({ parameters, sizing }: ModelBody): [string, string] {
  const { width, height, resolution, image_size: preset, aspect_ratio: ratio } = parameters;
  if (sizing === 'pixels' && width !== undefined) {
    const { minimum = 1, maximum } = width;
    const range = maximum === undefined ? `from ${minimum} px` : `${minimum}–${maximum} px`;
    return [`${width.default}x${height?.default ?? width.default}`, range];
  }
  const decisive = { pixels: width, tier: resolution, preset, ratio }[sizing];
  const { values = [], default: chosen = '' } = decisive ?? {};
  const isFree = decisive?.['custom_size'] !== undefined;
  const named = values.length <= SHOWN_MAX ? values.join(' ') : `${values.length} ${NOUNS[sizing]}`;
  return [plain(String(chosen)), plain(`${named}${isFree ? ' or any' : ''}`)];
}

const NOUNS = { pixels: 'sizes', tier: 'tiers', preset: 'sizes', ratio: 'ratios' } as const;

function describeEdits({ edit, successor, shutdown_at: end }: ModelBody): string {
  if (end !== undefined && Date.parse(end) <= Date.now() && successor !== undefined) {
    return `now ${plain(successor)}`;
  }
  if (!edit.supported) {
    return 'no';
  }
  return `${edit.max_reference_images ?? 1}${edit.mask === true ? ' + mask' : ''}`;
}

/** The price of a picture, or of what it is made of. */
function describePrice({ pricing }: ModelBody): string {
  const pricesOf = (unit: string): Nanousd[] =>
    pricing.filter((entry) => entry.unit === unit).map(({ usd }) => parseUsd(usd));
  const [first] = pricesOf('first_megapixel');
  const [further] = pricesOf('further_megapixel');
  const [output] = pricesOf('million_image_output_tokens');
  const images = pricesOf('image').toSorted((one, other) => (one < other ? -1 : 1));
  const [cheapest] = images;
  const dearest = images.at(-1);
  if (cheapest !== undefined && dearest !== undefined) {
    const range = cheapest === dearest ? '' : `–${formatUsd(dearest)}`;
    return `${formatUsd(cheapest)}${range} an image`;
  }
  if (first !== undefined) {
    const more = further === undefined ? '' : `, then ${formatUsd(further)}`;
    return `${formatUsd(first)} a megapixel${more}`;
  }
  return output === undefined ? '' : `${formatUsd(output)} a million image tokens`;
}
