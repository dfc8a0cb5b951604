import { asObject, type JsonObject } from '../json.ts';
import { type ReadPicture, readPicture } from './read-picture.ts';

export interface BflModelRules {
  readonly firstCredits: number;
  /** For each further megapixel of the picture, and each of an input picture. */
  readonly furtherCredits: number;
  readonly imagesMax: number;
  readonly fields: readonly string[];
}

/** A request that would be taken, or what the vendor's 422 says of it. */
export type BflReading =
  | { readonly body: JsonObject; readonly pictures: readonly ReadPicture[] }
  | { readonly wrong: FieldError };

export interface FieldError {
  readonly loc: readonly string[];
  readonly msg: string;
  readonly type: string;
}

const PIXELS_MAX = 4 * 1024 * 1024;
const FIELDS = ['prompt', 'width', 'height', 'seed', 'safety_tolerance', 'output_format'];

/** docs.bfl.ai and PROVIDERS §3.2, §3.5 (November 2026). */
export const BFL_MODELS: Readonly<Record<string, BflModelRules>> = {
  'flux-2-pro': { firstCredits: 3, furtherCredits: 1.5, imagesMax: 8, fields: FIELDS },
  'flux-2-max': { firstCredits: 7, furtherCredits: 3, imagesMax: 8, fields: FIELDS },
  'flux-2-flex': {
    firstCredits: 5,
    furtherCredits: 5,
    imagesMax: 8,
    fields: [...FIELDS, 'steps', 'guidance'],
  },
  'flux-2-klein-9b': { firstCredits: 1.5, furtherCredits: 0.2, imagesMax: 4, fields: FIELDS },
};

/** Bounds of numbers, both included; `true`: whole numbers only. */
const NUMBERS: Readonly<Record<string, readonly [number, number, boolean]>> = {
  width: [64, 65_536, true],
  height: [64, 65_536, true],
  seed: [0, Number.MAX_SAFE_INTEGER, true],
  safety_tolerance: [0, 5, true],
  steps: [1, 50, true],
  guidance: [1.5, 10, false],
};

/** Looks at a request's body as strictly as the vendor does. */
export async function readBflBody(json: unknown, rules: BflModelRules): Promise<BflReading> {
  if (typeof json !== 'object' || json === null) {
    return { wrong: { loc: ['body'], msg: 'JSON decode error', type: 'json_invalid' } };
  }
  const body = asObject(json);
  const { prompt, output_format: format = 'jpeg' } = body;
  if (typeof prompt !== 'string' || prompt === '') {
    return at('prompt', 'Field required', 'missing');
  }
  const imageFields = imageFieldsOf(rules);
  const unknown = Object.keys(body).find(
    (name) => !rules.fields.includes(name) && !imageFields.includes(name),
  );
  if (unknown !== undefined) {
    return at(unknown, 'Extra inputs are not permitted', 'extra_forbidden');
  }
  const wrongNumber = wrongNumberOf(body);
  if (wrongNumber !== undefined) {
    return wrongNumber;
  }
  if (format !== 'jpeg' && format !== 'png') {
    return at('output_format', "Input should be 'jpeg' or 'png'", 'enum');
  }
  return readPictures(body, imageFields);
}

/** `width` × `height` in the vendor's megapixels: exact, and as they are billed. */
export function megapixelsOf({ width = 1024, height = 1024 }: JsonObject | ReadPicture): {
  exact: number;
  billed: number;
} {
  const exact = (Number(width) * Number(height)) / 2 ** 20;
  return { exact, billed: Math.max(1, Math.ceil(exact)) };
}

function imageFieldsOf({ imagesMax }: BflModelRules): string[] {
  return Array.from({ length: imagesMax }, (_, index) =>
    index === 0 ? 'input_image' : `input_image_${index + 1}`,
  );
}

function wrongNumberOf(body: JsonObject): BflReading | undefined {
  for (const [name, [least, most, isWhole]] of Object.entries(NUMBERS)) {
    const value = body[name];
    if (value === undefined) {
      continue;
    }
    if (typeof value !== 'number' || (isWhole && !Number.isInteger(value))) {
      return at(name, 'Input should be a valid integer', 'int_type');
    }
    if (value < least || value > most) {
      return at(name, `Input should be between ${least} and ${most}`, 'out_of_range');
    }
  }
  const { width = 1024, height = 1024 } = body;
  for (const [name, value] of Object.entries({ width, height })) {
    if (Number(value) % 16 !== 0) {
      return at(name, 'Input should be a multiple of 16', 'multiple_of');
    }
  }
  return Number(width) * Number(height) > PIXELS_MAX
    ? at('width', 'The picture would have more than 4 megapixels', 'value_error')
    : undefined;
}

async function readPictures(body: JsonObject, fields: readonly string[]): Promise<BflReading> {
  const pictures: ReadPicture[] = [];
  for (const [index, field] of fields.entries()) {
    if (body[field] === undefined) {
      continue;
    }
    if (pictures.length < index) {
      return at(field, 'The input images before this one are missing', 'value_error');
    }
    const picture = await readPicture(body[field]);
    if (picture === undefined || !['png', 'jpeg', 'webp'].includes(picture.format)) {
      return at(field, 'Input should be a valid image', 'value_error');
    }
    pictures.push(picture);
  }
  return { body, pictures };
}

function at(field: string, msg: string, type: string): { readonly wrong: FieldError } {
  return { wrong: { loc: ['body', field], msg, type } };
}
