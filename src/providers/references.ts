import { type ImageFormat, mediaType } from '../base/image.ts';
import { Failure } from '../base/errors.ts';
import { Base64Value, type FormPart } from '../egress/streamed-body.ts';
import type { ReferencePicture, WholeFile } from '../payload/reference.ts';
import { transcode } from '../payload/transcode.ts';

/** A picture as an upstream takes it. */
export interface SentPicture extends WholeFile {
  readonly format: ImageFormat;
}

/** What an upstream takes as a reference. */
export interface ReferenceRules {
  readonly formats: readonly ImageFormat[];
  /** The most bytes of one file. */
  readonly bytesMax?: number;
}

/**
 * The pictures as they came, but for those of a format that the upstream does not take: they become
 * png, without loss. Throws `invalid_image` for one that cannot be decoded, and `payload_too_large`
 * for one that has too many bytes for this upstream.
 */
export async function sendable(
  references: readonly ReferencePicture[],
  { formats, bytesMax = Infinity }: ReferenceRules,
): Promise<SentPicture[]> {
  const sent: SentPicture[] = [];
  for (const [index, reference] of references.entries()) {
    const picture = formats.includes(reference.format) ? reference : await asPng(reference, index);
    if (picture.bytes > bytesMax) {
      const most = Math.floor(bytesMax / 2 ** 20);
      const message = `Picture ${index + 1} is too large: this model takes ${most} MB at most.`;
      throw new Failure('payload_too_large', { param: 'image', message });
    }
    sent.push(picture);
  }
  return sent;
}

/** The picture as a `data:` URI inside a JSON body. */
export function dataUri(picture: SentPicture): Base64Value {
  return new Base64Value(picture, `data:${mediaType(picture.format)};base64,`);
}

/** The picture as a file of a form, under a plain name. */
export function formFile(name: string, picture: SentPicture, fileName: string): FormPart {
  const { payload, bytes, format } = picture;
  const extension = format === 'jpeg' ? 'jpg' : format;
  return {
    name,
    value: { payload, bytes, mediaType: mediaType(format), name: `${fileName}.${extension}` },
  };
}

async function asPng(reference: ReferencePicture, index: number): Promise<SentPicture> {
  try {
    const payload = await transcode(reference.payload, { format: 'png' });
    const bytes = (await payload.peek(Infinity)).length;
    return { payload, bytes, format: 'png' };
  } catch (cause) {
    const message = `Picture ${index + 1} cannot be read.`;
    throw new Failure('invalid_image', { param: 'image', message, cause });
  }
}
