import { type FormPart, multipartBody, type StreamedBody } from '../../egress/streamed-body.ts';
import { formFile, type ReferenceRules, type SentPicture } from '../references.ts';

/**
 * What OpenAI takes as a picture of an edit, and Azure with it: 50 MB at most (openai 7.55.0
 * `resources/images.d.ts`, November 2026).
 */
export const OPENAI_PICTURES: ReferenceRules = {
  formats: ['png', 'jpeg', 'webp'],
  bytesMax: 50 * 2 ** 20,
};

/**
 * The form of an edit as the OpenAI SDKs send it (openai 7.55.0 `internal/uploads.mjs`): numbers
 * and booleans as text, nothing for null; objects and lists, for which a form has no way, as JSON.
 */
export function editForm(
  fields: Readonly<Record<string, unknown>>,
  files: readonly FormPart[],
): StreamedBody {
  const texts = Object.entries(fields)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ({
      name,
      value: typeof value === 'string' ? value : JSON.stringify(value),
    }));
  return multipartBody([...texts, ...files]);
}

/** The pictures under the names of the SDKs: `image` for one, `image[]` for each of several. */
export function pictureParts(pictures: readonly SentPicture[]): readonly FormPart[] {
  const name = pictures.length === 1 ? 'image' : 'image[]';
  return pictures.map((picture, index) => formFile(name, picture, `image-${index + 1}`));
}
