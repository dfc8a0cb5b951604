import { Failure } from '../base/errors.ts';
import { parseSize } from '../base/image.ts';
import type { Base64Value } from '../egress/streamed-body.ts';
import type { ReferencePicture } from '../payload/reference.ts';
import type { ProviderAccount } from './account.ts';
import { chosenSetting } from './chosen-setting.ts';
import type { ImageTask } from './provider.ts';
import { dataUri } from './references.ts';
import { sentWhiteMask } from './sent-mask.ts';

/** How the models of an account take pictures: fal's models differ in it. */
export interface FalEdits {
  /** `image_field`: `image_urls` for a list (the default), `image_url` for models that take one. */
  readonly imageField: 'image_urls' | 'image_url';
  /**
   * `mask`, which goes as `mask_url`: `white` where to repaint (the default), `alpha` as the caller
   * sent it, transparent where to repaint, or `none`: a mask is refused.
   */
  readonly mask: 'white' | 'alpha' | 'none';
}

export const FAL_EDIT_SETTINGS: readonly string[] = ['image_field', 'mask'];

/** The account's settings, checked; throws in words when one is wrong. */
export function readFalEdits(account: ProviderAccount): FalEdits {
  return {
    imageField: chosenSetting(account, 'image_field', ['image_urls', 'image_url']),
    mask: chosenSetting(account, 'mask', ['white', 'alpha', 'none']),
  };
}

/**
 * The body that joins the queue. The card's names are the model's own, but for pixels: `image_size`
 * holds them as an object. Pictures are data URIs, as they came. Throws `too_many_images`,
 * `mask_not_supported` or `invalid_mask` for what these models cannot be sent.
 */
export async function falBody(task: ImageTask, edits: FalEdits): Promise<object> {
  const passthrough = Object.entries(task.passthrough).filter(([name]) => !holdsBack(name));
  const { width, height, image_size, ...parameters } = task.parameters;
  const pixels =
    typeof width === 'number' && typeof height === 'number'
      ? { width, height }
      : parseSize(String(image_size));
  const size = pixels ?? image_size;
  return {
    ...Object.fromEntries(passthrough),
    ...parameters,
    ...(size === undefined ? {} : { image_size: size }),
    output_format: task.format,
    ...task.upstreamParameters,
    ...(task.seed === undefined ? {} : { seed: task.seed }),
    prompt: task.prompt,
    num_images: task.n,
    ...imagesOf(task, edits),
    ...(task.mask === undefined ? {} : { mask_url: await maskUri(task.mask, edits) }),
  };
}

/** Count and delivery behind our back, and pictures, which come with edits. */
const FOREIGN = /^(sync_mode|num_images|webhook|fal_webhook|prompt$|image_urls?$|mask_urls?$)/i;

/** Whether a field of the caller's has no place in a request. */
export function holdsBack(field: string): boolean {
  return FOREIGN.test(field);
}

/** The caller's own word for a field that fal named. */
export function callersParam(field: string): string {
  switch (field) {
    case 'num_images':
      return 'n';
    case 'image_url':
    case 'image_urls':
      return 'image';
    case 'mask_url':
      return 'mask';
    default:
      return field;
  }
}

function imagesOf(
  { references }: ImageTask,
  { imageField }: FalEdits,
): Readonly<Record<string, Base64Value | readonly Base64Value[]>> {
  const [first] = references;
  if (first === undefined) {
    return {};
  }
  if (imageField === 'image_urls') {
    return { image_urls: references.map(dataUri) };
  }
  if (references.length > 1) {
    const message = `This model takes one picture, but ${references.length} were sent.`;
    throw new Failure('too_many_images', { param: 'image', message });
  }
  return { image_url: dataUri(first) };
}

async function maskUri(mask: ReferencePicture, edits: FalEdits): Promise<Base64Value> {
  switch (edits.mask) {
    case 'white':
      return dataUri(await sentWhiteMask(mask));
    case 'alpha':
      return dataUri(mask);
    case 'none':
      throw new Failure('mask_not_supported', { param: 'mask' });
  }
}
