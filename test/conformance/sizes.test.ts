import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { z } from 'zod';
import { parseSize, type PixelSize } from '../../src/base/image.ts';
import type { CustomSizeEntry } from '../../src/catalog/models.ts';
import { type Model, ModelList } from '../../src/contract/models.ts';
import { firstPicture, readAnswer } from '../support/answers.ts';
import { concurrently } from '../support/concurrently.ts';
import { type Easel, startEasel } from '../support/harness.ts';
import type { JsonObject } from '../support/json.ts';
import { decodePicture } from '../support/pictures.ts';

// `size` is what the picture really measures, for every value of every sizing field of every card,
// as GET /v1/models lists them. Of the 4K tier, which costs a second a picture, every ratio is
// tried on one card (nano-banana-2) and three ratios on the others.

type ModelEntry = z.output<typeof Model>;
type Parameter = ModelEntry['parameters'][string];

const CONCURRENCY = 4;
const CARD_WITH_EVERY_4K_RATIO = 'nano-banana-2';
const FEW_RATIOS = ['1:1', '16:9', '9:16'];
/** What OpenAI's own clients send as `size`. */
const OPENAI_SIZES = ['256x256', '1024x1024', '1792x1024', '1024x1792', 'auto'];

let easel: Easel;
let models: readonly ModelEntry[];

before(async () => {
  easel = await startEasel({ creditUsd: '1000' });
  models = ModelList.parse(await (await easel.get('/v1/models')).json()).data;
});

after(async () => {
  const problems = await easel.auditProblems();
  await easel.close();
  assert.deepEqual(problems, []);
});

interface Case {
  readonly fields: JsonObject;
  /** Exactly these pixels. */
  readonly exact?: PixelSize;
  /** This shape, within what a grid of 16 pixels allows. */
  readonly ratio?: number;
}

test('the table covers every card and every value of its sizing fields', () => {
  assert(models.length >= 18, `${models.length} models`);
  for (const model of models) {
    const cases = casesOf(model);
    assert(cases.length > OPENAI_SIZES.length, model.id);
    for (const name of ['aspect_ratio', 'resolution', 'image_size']) {
      for (const value of model.parameters[name]?.values ?? []) {
        assert(
          cases.some(({ fields }) => fields[name] === value),
          `${model.id} ${name} ${value}`,
        );
      }
    }
  }
});

test('the size in an answer is the size of its picture', async (t) => {
  for (const model of models) {
    await t.test(model.id, async () => {
      const wrong: string[] = [];
      await concurrently(CONCURRENCY, casesOf(model), async (sizing) => {
        const problem = await whyWrong(model, sizing).catch(String);
        if (problem !== undefined) {
          wrong.push(`${JSON.stringify(sizing.fields)}: ${problem}`);
        }
      });
      assert.deepEqual(wrong, []);
    });
  }
});

/** Makes the picture and looks at it; undefined when it is what the answer says it is. */
async function whyWrong(
  model: ModelEntry,
  { fields, exact, ratio }: Case,
): Promise<string | undefined> {
  const quality = model.parameters['quality'] === undefined ? {} : { quality: 'low' };
  const body = { model: model.id, prompt: 'a plain', ...quality, ...fields };
  const answer = await readAnswer(await easel.post('/v1/images/generations', body));
  const { size, format, width, height } = await decodePicture(firstPicture(answer));
  if (answer.size !== size) {
    return `the answer says ${answer.size}, the picture is ${size}`;
  }
  if (answer.output_format !== format) {
    return `the answer says ${answer.output_format}, the picture is a ${format}`;
  }
  if (exact !== undefined && (width !== exact.width || height !== exact.height)) {
    return `the picture is ${size}, not ${exact.width}x${exact.height}`;
  }
  const isOff = ratio !== undefined && Math.abs(Math.log(width / height / ratio)) > 0.04;
  return isOff ? `${size} has not the ratio ${ratio}` : undefined;
}

function casesOf(model: ModelEntry): Case[] {
  const own = { pixels: pixelCases, tier: tierCases, ratio: ratioCases, preset: presetCases };
  return [
    { fields: {} },
    ...own[model.sizing](model),
    ...OPENAI_SIZES.map((size) => ({ fields: { size } })),
  ];
}

/** The corners of what a card sized in pixels takes, and sizes that have to be snapped. */
function pixelCases({ parameters }: ModelEntry): Case[] {
  const { minimum = 64, maximum, multiple_of: step = 1 } = parameter(parameters, 'width');
  // Cards without a longest edge have only their 4,194,304 pixels as a bound.
  const longest = maximum ?? 4_194_304 / minimum;
  const square = Math.min(longest, 2048);
  const corners: [number, number][] = [
    [minimum, minimum],
    [square, square],
    [longest, minimum],
    [minimum, longest],
    [1024, 512],
    [512 + step, 512],
  ];
  const [few, many] = [512 + Math.floor(step / 2) - 1, 768 + Math.ceil(step / 2)];
  const snapped = { width: 512, height: 768 + step };
  return [
    ...corners.map(([width, height]) => ({ fields: { width, height }, exact: { width, height } })),
    { fields: { width: few, height: many }, exact: snapped },
    { fields: { width: 512 }, exact: { width: 512, height: 1024 } },
    { fields: { height: 512 }, exact: { width: 1024, height: 512 } },
  ];
}

function tierCases(model: ModelEntry): Case[] {
  const { values: tiers = [] } = parameter(model.parameters, 'resolution');
  return tiers.flatMap((resolution) =>
    ratioCases(model)
      .filter(({ fields }) => {
        const isFew = FEW_RATIOS.includes(String(fields['aspect_ratio']));
        return resolution !== '4K' || isFew || model.id === CARD_WITH_EVERY_4K_RATIO;
      })
      .map(({ fields, ...expected }) => ({ fields: { resolution, ...fields }, ...expected })),
  );
}

function ratioCases({ parameters }: ModelEntry): Case[] {
  const { values = [] } = parameter(parameters, 'aspect_ratio');
  return values.map((aspect_ratio) => {
    const [width, height] = aspect_ratio.split(':').map(Number);
    const isRatio = width !== undefined && height !== undefined;
    return { fields: { aspect_ratio }, ...(isRatio ? { ratio: width / height } : {}) };
  });
}

/** Every named size, and where any size is taken, the corners of what is. */
function presetCases({ parameters }: ModelEntry): Case[] {
  const imageSize = parameter(parameters, 'image_size');
  return [...(imageSize.values ?? []), ...customSizes(imageSize)].map((image_size) => {
    const exact = parseSize(image_size);
    return { fields: { image_size }, ...(exact === undefined ? {} : { exact }) };
  });
}

function customSizes(imageSize: Parameter): string[] {
  const bounds = imageSize['custom_size'];
  if (bounds === undefined) {
    return [];
  }
  const { multiple_of, min_pixels, max_pixels, max_ratio, max_edge } = bounds as CustomSizeEntry;
  const onGrid = (edge: number): number => Math.ceil(edge / multiple_of) * multiple_of;
  const smallest = onGrid(Math.sqrt(min_pixels));
  // One step inside the extreme ratio, so that rounding the edges up does not leave it.
  const short = onGrid(Math.sqrt(min_pixels / max_ratio)) + multiple_of;
  const long = onGrid(min_pixels / short);
  const middle = onGrid(Math.sqrt(min_pixels * 1.5));
  const inside = (edge: number): number => Math.floor(edge / multiple_of) * multiple_of;
  const longest = inside(Math.min(max_edge, Math.sqrt(max_pixels * max_ratio)));
  const across = inside(max_pixels / longest);
  return [
    `${smallest}x${smallest}`,
    `${long}x${short}`,
    `${short}x${long}`,
    `${middle}x${smallest}`,
    `${longest}x${across}`,
    `${across}x${longest}`,
  ];
}

function parameter(parameters: ModelEntry['parameters'], name: string): Parameter {
  const found = parameters[name];
  assert(found !== undefined, `the card has no ${name}`);
  return found;
}
