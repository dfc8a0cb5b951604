import { Failure } from '../base/errors.ts';
import { whiteMask } from '../payload/mask.ts';
import type { ReferencePicture } from '../payload/reference.ts';
import type { SentPicture } from './references.ts';

/**
 * The mask as most engines want it: a png of one channel, white where to repaint. Throws
 * `invalid_mask` when the caller's cannot be decoded.
 */
export async function sentWhiteMask(mask: ReferencePicture): Promise<SentPicture> {
  try {
    return { ...(await whiteMask(mask)), format: 'png' };
  } catch (cause) {
    const message = 'The mask cannot be read.';
    throw new Failure('invalid_mask', { param: 'mask', message, cause });
  }
}
