import { Failure } from '../base/errors.ts';
import { whiteMask } from '../payload/mask.ts';
import type { ReferencePicture, WholeFile } from '../payload/reference.ts';
import type { SentPicture } from './references.ts';

/**
 * The mask as most engines want it: a png of one channel, white where to repaint. Throws
 * `invalid_mask` when the caller's cannot be decoded.
 */
export function sentWhiteMask(mask: ReferencePicture): Promise<SentPicture> {
  return convertedMask(mask, whiteMask);
}

/** The mask as another png. Throws `invalid_mask` when the caller's cannot be decoded. */
export async function convertedMask(
  mask: ReferencePicture,
  convert: (mask: ReferencePicture) => Promise<WholeFile>,
): Promise<SentPicture> {
  try {
    return { ...(await convert(mask)), format: 'png' };
  } catch (cause) {
    const message = 'The mask cannot be read.';
    throw new Failure('invalid_mask', { param: 'mask', message, cause });
  }
}
