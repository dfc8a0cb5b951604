import type { PixelSize } from '../../../src/base/image.ts';
import { asObject, type JsonObject } from '../json.ts';
import { type ReadPicture, readPicture } from './read-picture.ts';
import { dataUriBytes, type ReceivedEdit } from './received-edit.ts';

export interface FalModelRules {
  /** Where pictures stand; absent for a model that takes none. */
  readonly images?: { readonly field: 'image_url' | 'image_urls'; readonly max: number };
  /** Whether `mask_url` may be sent. */
  readonly mask?: true;
}

/** What a model says of a body that it cannot read. */
export interface FalRefusal {
  readonly field: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

export type FalReading = { readonly edit?: ReceivedEdit } | { readonly wrong: FalRefusal };

/** Paths as fal has them (2026), but for the last, which stands for models that take all of it. */
export const FAL_MODELS: Readonly<Record<string, FalModelRules>> = {
  'fal-ai/flux/dev': {},
  'fal-ai/fast-sdxl': {},
  'fal-ai/flux-2/edit': { images: { field: 'image_urls', max: 4 } },
  'fal-ai/flux/dev/image-to-image': { images: { field: 'image_url', max: 1 } },
  'fal-ai/flux-general/inpainting': { images: { field: 'image_url', max: 1 }, mask: true },
  'fal-ai/simulated/edit': { images: { field: 'image_urls', max: 16 }, mask: true },
};

const FIELDS = [
  'prompt',
  'image_size',
  'num_images',
  'seed',
  'output_format',
  'sync_mode',
  'enable_safety_checker',
  'num_inference_steps',
  'guidance_scale',
  'negative_prompt',
  'loras',
];
const PRESETS: Readonly<Record<string, readonly [number, number]>> = {
  square_hd: [1024, 1024],
  square: [512, 512],
  landscape_4_3: [1024, 768],
};

/** Looks at a body as strictly as the model does. */
export async function readFalBody(json: unknown, rules: FalModelRules): Promise<FalReading> {
  const body = typeof json === 'object' && json !== null ? asObject(json) : {};
  const { prompt, num_images: count = 1, image_size: size = 'square_hd' } = body;
  if (typeof prompt !== 'string') {
    return wrong(['prompt'], 'Field required', 'missing');
  }
  const known = [...FIELDS, rules.images?.field, rules.mask === true ? 'mask_url' : undefined];
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return wrong([unknown], 'Extra inputs are not permitted', 'extra_forbidden');
  }
  if (!(Number.isInteger(count) && Number(count) >= 1 && Number(count) <= 4)) {
    return wrong(['num_images'], 'Input should be less than or equal to 4', 'less_than_equal');
  }
  const isSize = typeof size === 'string' ? size in PRESETS : Number.isInteger(sizeOf(size).width);
  if (!isSize) {
    return wrong(['image_size'], 'Input should be a valid size', 'enum');
  }
  return rules.images === undefined ? {} : readEdit(body, rules.images);
}

export function sizeOf(size: unknown): PixelSize {
  if (typeof size === 'object' && size !== null) {
    const { width, height } = asObject(size);
    return { width: Number(width), height: Number(height) };
  }
  const [width, height] = PRESETS[String(size)] ?? [1024, 1024];
  return { width, height };
}

async function readEdit(
  body: JsonObject,
  { field, max }: NonNullable<FalModelRules['images']>,
): Promise<FalReading> {
  const value = body[field];
  if (value === undefined) {
    return wrong([field], 'Field required', 'missing');
  }
  const isList = field === 'image_urls';
  if (Array.isArray(value) !== isList) {
    const kind = isList ? 'list' : 'string';
    return wrong([field], `Input should be a valid ${kind}`, `${kind}_type`);
  }
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.length === 0 || items.length > max) {
    const msg = `List should have 1 to ${max} items after validation, not ${items.length}`;
    return wrong([field], msg, items.length === 0 ? 'too_short' : 'too_long');
  }
  const pictures: ReadPicture[] = [];
  for (const [index, item] of items.entries()) {
    const picture = await readDataUri(item);
    if (picture === undefined) {
      const place = isList ? [field, index] : [field];
      return wrong(place, 'Failed to load the image', 'image_load_error');
    }
    pictures.push(picture);
  }
  return readMask(body, pictures);
}

async function readMask(body: JsonObject, pictures: readonly ReadPicture[]): Promise<FalReading> {
  const images = pictures.map(({ bytes }) => bytes);
  if (body['mask_url'] === undefined) {
    return { edit: { images } };
  }
  const mask = await readDataUri(body['mask_url']);
  if (mask === undefined) {
    return wrong(['mask_url'], 'Failed to load the image', 'image_load_error');
  }
  const [first] = pictures;
  return mask.width === first?.width && mask.height === first.height
    ? { edit: { images, mask: mask.bytes } }
    : wrong(['mask_url'], 'The mask must have the size of the image', 'value_error');
}

/** fal would fetch an address; nothing here does. */
async function readDataUri(text: unknown): Promise<ReadPicture | undefined> {
  return dataUriBytes(text) === undefined ? undefined : readPicture(text);
}

function wrong(field: FalRefusal['field'], msg: string, type: string): FalReading {
  return { wrong: { field, msg, type } };
}
