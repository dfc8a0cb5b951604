import { Failure } from '../../base/errors.ts';
import { pngMask } from '../../payload/mask.ts';
import type { ReferencePicture } from '../../payload/reference.ts';
import type { SentPicture } from '../references.ts';
import { convertedMask } from '../sent-mask.ts';

/**
 * OpenAI takes a mask of less than 4 MB, and does not say which megabytes are meant (openai 7.55.0
 * `resources/images.d.ts`, November 2026): the smaller ones are right in either case.
 */
const MASK_BYTES_MAX = 4_000_000;

/**
 * The mask as OpenAI takes it: a png, transparent where to repaint. As it came to the byte, unless
 * it is a webp or too large; then its transparency alone. Throws `invalid_mask` when it cannot be
 * decoded, and `payload_too_large` when even its transparency has too many bytes.
 */
export async function alphaMask(mask: ReferencePicture): Promise<SentPicture> {
  if (mask.format === 'png' && mask.bytes < MASK_BYTES_MAX) {
    return mask;
  }
  const file = await convertedMask(mask, pngMask);
  if (file.bytes >= MASK_BYTES_MAX) {
    const message = 'The mask is too large: this model takes less than 4 MB.';
    throw new Failure('payload_too_large', { param: 'mask', message });
  }
  return file;
}
