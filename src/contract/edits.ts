import { z } from 'zod';
import type { ImageCall } from './call.ts';
import { ImageGenerationRequest, toImageCall } from './generations.ts';

const PICTURES = 'Several pictures are several parts, `image` or `image[]`, of png, jpeg or webp.';

const file = (description: string): z.ZodOptional<z.ZodUnknown> =>
  z.unknown().meta({ type: 'string', format: 'binary', description }).optional();

const files = (description: string): z.ZodOptional<z.ZodUnknown> =>
  z
    .unknown()
    .meta({ type: 'array', items: { type: 'string', format: 'binary' }, description })
    .optional();

const inputFidelity = z
  .unknown()
  .meta({
    type: 'string',
    description: 'How closely the model keeps to the pictures, where declared: `low` or `high`.',
  })
  .optional();

/** The multipart body of `POST /v1/images/edits`, for the OpenAPI document. */
export const ImageEditForm = ImageGenerationRequest.extend({
  image: files(`The pictures to edit, up to 50 MB each. ${PICTURES}`),
  'image[]': files('The same as `image`; both may be used at once.'),
  mask: file(
    'A png or webp of the first picture’s size, transparent where it is to be repainted, for ' +
      'models that take masks. Others answer 400.',
  ),
  input_fidelity: inputFidelity,
}).meta({
  id: 'ImageEditForm',
  description:
    'An edit as a form. `model`, `prompt` and at least one picture are required. Numbers and ' +
    'booleans are texts; the fields may come in any order.',
});

const PictureUrl = z.string().meta({
  description: 'An `https:` URL, or a `data:` URI.',
  example: 'https://example.com/a.png',
});

const PictureObject = z.looseObject({ image_url: PictureUrl.optional() });

/** The JSON body of `POST /v1/images/edits`, for the OpenAPI document. */
export const ImageEditRequest = ImageGenerationRequest.extend({
  images: z.array(PictureObject).min(1).max(16).optional().describe('The pictures to edit.'),
  image: z
    .union([PictureUrl, PictureObject, z.array(z.union([PictureUrl, PictureObject]))])
    .optional()
    .describe('The same as `images`: one picture, or an array.'),
  mask: z
    .union([PictureUrl, PictureObject])
    .optional()
    .describe('The mask, like a picture: transparent where the first one is to be repainted.'),
  input_fidelity: inputFidelity,
}).meta({
  id: 'ImageEditRequest',
  description: 'An edit as JSON, its pictures by address or as `data:` URIs.',
});

export interface EditFacts {
  readonly referenceCount: number;
  readonly hasMask: boolean;
  /** Whether the fields are those of a form, where numbers and booleans are texts. */
  readonly textFields: boolean;
}

/** The fields of an edit, without its pictures, as the call that the rest of Easel works on. */
export function toEditCall(body: ImageGenerationRequest, facts: EditFacts): ImageCall {
  return { ...toImageCall(body), operation: 'edit', ...facts };
}

/**
 * The fields of a form in the types that the contract gives them. What only a model's card knows
 * stays text: the card reads it. A text that is no number stays, to be refused by its name.
 */
export function fromFormFields(fields: ReadonlyMap<string, string>): Record<string, unknown> {
  const body = new Map<string, unknown>();
  const metadata = new Map<string, string>();
  for (const [name, text] of fields) {
    const [, key] = /^metadata\[([^\]]*)\]$/.exec(name) ?? [];
    if (key === undefined) {
      body.set(name, TYPED[name]?.(text) ?? text);
    } else {
      metadata.set(key, text);
    }
  }
  if (metadata.size > 0) {
    body.set('metadata', Object.fromEntries(metadata));
  }
  return Object.fromEntries(body);
}

const TYPED: Readonly<Record<string, (text: string) => unknown>> = {
  n: (text) => (/^\s*[+-]?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : text),
  stream: (text) => ({ true: true, false: false })[text.trim().toLowerCase()] ?? text,
  metadata: readObject,
};

function readObject(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
