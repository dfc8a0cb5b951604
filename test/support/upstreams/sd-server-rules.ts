import { asObject, type JsonObject } from '../json.ts';
import { type ReadPicture, readPicture } from './read-picture.ts';
import type { ReceivedEdit } from './received-edit.ts';

/** Fields without the pictures, as paths (`examples/server/api.md`, August 2026). */
const FIELDS: ReadonlySet<string> = new Set([
  'prompt',
  'negative_prompt',
  'clip_skip',
  'width',
  'height',
  'strength',
  'seed',
  'batch_count',
  'embed_image_metadata',
  'output_format',
  'output_compression',
  'sample_params.scheduler',
  'sample_params.sample_method',
  'sample_params.sample_steps',
  'sample_params.guidance.txt_cfg',
  'sample_params.guidance.img_cfg',
  'sample_params.guidance.distilled_guidance',
]);

/**
 * What a request for pictures holds; undefined where the server would call its parameters invalid.
 * It is stricter with masks, which the server would bend to the size and channel that it needs.
 */
export async function readImgGen(
  body: JsonObject,
): Promise<{ readonly edit?: ReceivedEdit } | undefined> {
  const { init_image: init, ref_images: references = [], mask_image: mask, ...fields } = body;
  if (!isValid(fields) || !Array.isArray(references)) {
    return undefined;
  }
  const read = await Promise.all([...references, init, mask].map(readDecodable));
  if (read.includes(undefined)) {
    return undefined;
  }
  const pictures = read.map((picture) => picture ?? null);
  const images = pictures.slice(0, -2).filter((picture) => picture !== null);
  const [initImage = null, maskImage = null] = pictures.slice(-2);
  if (maskImage !== null && !fits(maskImage, initImage)) {
    return undefined;
  }
  return images.length === 0 && initImage === null
    ? {}
    : {
        edit: {
          images: images.map(({ bytes }) => bytes),
          ...(maskImage === null ? {} : { mask: maskImage.bytes }),
        },
      };
}

/** Null where there is nothing, undefined where there is something else than a png or jpeg. */
async function readDecodable(value: unknown): Promise<ReadPicture | null | undefined> {
  if (value === undefined || value === null) {
    return null;
  }
  const picture = await readPicture(value);
  return picture !== undefined && ['png', 'jpeg'].includes(picture.format) ? picture : undefined;
}

function fits(mask: ReadPicture, initImage: ReadPicture | null): boolean {
  return mask.channels === 1 && mask.width === initImage?.width && mask.height === initImage.height;
}

function isValid(fields: JsonObject): boolean {
  const { prompt, width = 512, height = 512, batch_count: count = 1 } = fields;
  const isEdge = (edge: unknown): boolean =>
    Number.isInteger(edge) && Number(edge) >= 64 && Number(edge) <= 4096;
  return (
    typeof prompt === 'string' &&
    prompt !== '' &&
    [width, height].every(isEdge) &&
    Number.isInteger(count) &&
    Number(count) >= 1 &&
    Number(count) <= 8 &&
    [undefined, 'png', 'jpeg', 'webp'].includes(fields['output_format'] as string | undefined) &&
    pathsOf(fields).every((path) => FIELDS.has(path))
  );
}

function pathsOf(tree: JsonObject, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? pathsOf(asObject(value), `${prefix}${name}.`)
      : [`${prefix}${name}`],
  );
}
