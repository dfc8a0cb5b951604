import { binaryChunks } from './base64.ts';
import { bytesPayload } from './payload.ts';
import type { ReferencePicture, WholeFile } from './reference.ts';

/** What a picture says of its channels stands in front of its pixels. */
const HEADER_BYTES = 256 * 1024;

/** Whether a picture has transparency at all, by its header; false when that cannot be read. */
export async function hasAlpha({ payload }: ReferencePicture): Promise<boolean> {
  const { default: sharp } = await import('sharp');
  const head = await payload.peek(HEADER_BYTES);
  const metadata = await sharp(head, { failOn: 'none' })
    .metadata()
    .catch(() => undefined);
  return metadata?.hasAlpha === true;
}

/**
 * An OpenAI mask (transparent where to repaint) as most other engines want it: a png of one channel
 * and the same size, white where to repaint, black where not, grey in between. Throws when the mask
 * cannot be decoded.
 */
export async function whiteMask(mask: ReferencePicture): Promise<WholeFile> {
  const image = await openMask(mask);
  return fileOf(
    await image
      .ensureAlpha()
      .extractChannel('alpha')
      .negate()
      .png({ compressionLevel: 6 })
      .toBuffer(),
  );
}

/**
 * The same mask as a png of few bytes: black with the mask's own alpha. For an upstream that takes
 * no webp, or no mask of that many bytes. Throws when the mask cannot be decoded.
 */
export async function pngMask(mask: ReferencePicture): Promise<WholeFile> {
  const image = await openMask(mask);
  // All colours to 0 and alpha as it is: OpenAI looks at nothing else.
  const black = image.ensureAlpha().linear([0, 0, 0, 1], [0, 0, 0, 0]);
  return fileOf(await black.png({ compressionLevel: 6 }).toBuffer());
}

async function openMask(mask: ReferencePicture): Promise<import('sharp').Sharp> {
  const { default: sharp } = await import('sharp');
  const bytes = Buffer.concat(await Array.fromAsync(binaryChunks(mask.payload)));
  return (
    sharp(bytes, { limitInputPixels: mask.width * mask.height })
      // Of four channels, also where it came in grey.
      .pipelineColourspace('srgb')
      .toColourspace('srgb')
  );
}

function fileOf(bytes: Buffer): WholeFile {
  return { payload: bytesPayload(bytes), bytes: bytes.length };
}
