import { z } from 'zod';
import { IMAGE_FORMATS } from '../base/image.ts';
import type { ImageCall } from './call.ts';
import { validate } from './validate.ts';

/** A field that only some models declare: documented here, checked by the model's own card. */
function modelSpecific(schema: {
  readonly type: 'string' | 'integer' | 'boolean';
  readonly description: string;
  readonly enum?: readonly string[];
  readonly example?: string | number;
}): z.ZodOptional<z.ZodUnknown> {
  return z.unknown().meta(schema).optional();
}

const METADATA_PAIRS_MAX = 16;

export const Metadata = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= METADATA_PAIRS_MAX, {
    message: `At most ${METADATA_PAIRS_MAX} pairs`,
  });

const modelFields = {
  seed: modelSpecific({
    type: 'integer',
    description: 'Seed for a picture that can be made again. Omit it for a random one.',
  }),
  width: modelSpecific({
    type: 'integer',
    description: 'Width in pixels, for models sized in pixels (`flux-2-pro`).',
  }),
  height: modelSpecific({
    type: 'integer',
    description: 'Height in pixels, for models sized in pixels.',
  }),
  aspect_ratio: modelSpecific({
    type: 'string',
    description: 'Aspect ratio, for models sized by ratio or by resolution tier.',
    example: '16:9',
  }),
  resolution: modelSpecific({
    type: 'string',
    description: 'Resolution tier, for models sized by tier. The price may depend on it.',
    example: '2K',
  }),
  quality: modelSpecific({
    type: 'string',
    description: 'Quality tier of the GPT Image models. The price depends on it.',
    enum: ['low', 'medium', 'high', 'xhigh', 'max', 'standard', 'hd', 'auto'],
  }),
  image_size: modelSpecific({
    type: 'string',
    description: 'Named size, for models sized by preset.',
    example: 'auto_2K',
  }),
  size: modelSpecific({
    type: 'string',
    description: 'The OpenAI size, `WIDTHxHEIGHT` or `auto`: translated to the model’s own sizing.',
    example: '1024x1024',
  }),
  background: modelSpecific({
    type: 'string',
    description: 'Background of the picture, where the model declares it.',
    enum: ['auto', 'transparent', 'opaque'],
  }),
  moderation: modelSpecific({
    type: 'string',
    description: 'Strictness of the model’s content rules, where declared.',
  }),
  output_compression: modelSpecific({
    type: 'integer',
    description: 'Quality 0 to 100 of a jpeg or webp, where declared.',
  }),
  partial_images: modelSpecific({
    type: 'integer',
    description: 'Partial pictures 0 to 3 in a stream, where declared. Each has a price.',
  }),
};

/** The body of `POST /v1/images/generations`. Fields that it does not name stay as sent. */
export const ImageGenerationRequest = z
  .looseObject({
    model: z.string().min(1).meta({
      description: 'The id of an image model, as `GET /v1/models` lists it.',
      example: 'nano-banana-pro',
    }),
    prompt: z.string().min(1).meta({
      description: 'What to paint. Every model has a longest prompt.',
      example: 'a serene canal in Venice at sunset',
    }),
    n: z.int().min(1).max(4).default(1).describe('How many pictures, 1 to 4.'),
    response_format: z
      .enum(['b64_json', 'url'])
      .default('b64_json')
      .describe('`b64_json`, or `url`: a `data:` URI, or a link where the operator has links.'),
    output_format: z
      .enum(IMAGE_FORMATS)
      .optional()
      .describe('Encoding of the picture. What the model cannot give is converted.'),
    stream: z.boolean().default(false).describe('Answer with Server-Sent Events.'),
    metadata: Metadata.optional().describe('Up to 16 pairs of strings, kept with the request.'),
    webhook_url: z
      .string()
      .max(2048)
      .optional()
      .describe('With `Prefer: respond-async`: an https URL that is told of the end.'),
    ...modelFields,
  })
  .meta({
    id: 'ImageGenerationRequest',
    description:
      'A request for pictures. `model` and `prompt` are required. A model ignores a field that it ' +
      'does not declare, and the answer names it in `warnings`.',
  });

export type ImageGenerationRequest = z.output<typeof ImageGenerationRequest>;

/**
 * Takes out what means "absent": nulls, and `"auto"` on the contract's own enums. Anything but an
 * object is left for the schema to refuse.
 */
export function withoutAbsent(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return body;
  }
  const kept = Object.entries(body).filter(
    ([name, value]) => value !== null && !(value === 'auto' && AUTO_MEANS_ABSENT.has(name)),
  );
  return Object.fromEntries(kept);
}

const AUTO_MEANS_ABSENT = new Set(['response_format', 'output_format']);

/** The parsed body as the call that the rest of Easel works on. */
export function toImageCall(body: ImageGenerationRequest): ImageCall {
  const { model, prompt, n, response_format, output_format, stream, ...others } = body;
  const { metadata, webhook_url: webhookUrl, ...fields } = others;
  return {
    operation: 'generation',
    model,
    prompt,
    n,
    responseFormat: response_format,
    ...(output_format === undefined ? {} : { outputFormat: output_format }),
    stream,
    metadata: metadata ?? {},
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
    fields,
    referenceCount: 0,
    hasMask: false,
    textFields: false,
  };
}

/** `POST /v1/images/quotes`: the same body, with a count in place of pictures. */
export const ImageQuoteRequest = ImageGenerationRequest.extend({
  prompt: z.string().default('').describe('The prompt; without one its tokens are not counted.'),
  reference_images: z.int().min(0).max(16).default(0).describe('How many pictures an edit takes.'),
}).meta({ id: 'ImageQuoteRequest', description: 'A request for a price: nothing is painted.' });

/** The body of a quote as a call: an edit as soon as it counts reference pictures. */
export function toQuotedCall(body: unknown): ImageCall {
  const { reference_images, ...rest } = validate(ImageQuoteRequest, withoutAbsent(body));
  return {
    ...toImageCall(rest),
    operation: reference_images > 0 ? 'edit' : 'generation',
    referenceCount: reference_images,
  };
}
