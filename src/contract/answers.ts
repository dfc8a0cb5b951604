import { z } from 'zod';

export const Cost = z
  .looseObject({
    total_cost: z
      .number()
      .describe('USD that this request took from the balance, exact to the nano-dollar.')
      .meta({ example: 0.000135 }),
  })
  .meta({ id: 'Cost', description: 'The exact charge. The official OpenAI SDKs ignore it.' });

const tokenCount = (description: string): z.ZodOptional<z.ZodInt> =>
  z.int().optional().describe(description);

/** Tokens when known, in both dialects, and always the cost. */
export const Usage = z
  .looseObject({
    prompt_tokens: tokenCount('All input tokens, cached ones included.'),
    prompt_tokens_details: z
      .looseObject({
        cached_tokens: z.int().optional(),
        cached_read_tokens: tokenCount('Input tokens billed at the cached rate.'),
        image_tokens: z.int().optional(),
      })
      .optional(),
    completion_tokens: tokenCount('All output tokens, reasoning included.'),
    completion_tokens_details: z
      .looseObject({
        reasoning_tokens: z.int().optional(),
        image_tokens: z.int().optional(),
      })
      .optional(),
    input_tokens: tokenCount('The same as `prompt_tokens`, by its OpenAI images name.'),
    input_tokens_details: z
      .looseObject({ text_tokens: z.int().optional(), image_tokens: z.int().optional() })
      .optional(),
    output_tokens: tokenCount('The same as `completion_tokens`, by its OpenAI images name.'),
    output_tokens_details: z
      .looseObject({ text_tokens: z.int().optional(), image_tokens: z.int().optional() })
      .optional(),
    total_tokens: tokenCount('Input and output together.'),
    cost: Cost.optional(),
  })
  .meta({ id: 'Usage', description: 'Tokens, where the model counts them, and the charge.' });

export const ImageData = z
  .looseObject({
    b64_json: z
      .string()
      .nullable()
      .optional()
      .describe('The picture in base64, when `response_format` is `b64_json`.'),
    url: z
      .string()
      .nullable()
      .optional()
      .describe('A `data:` URI or a link to the picture, when `response_format` is `url`.'),
    revised_prompt: z
      .string()
      .nullable()
      .optional()
      .describe('The prompt really used, if the model changed it.'),
    index: z.int().describe('Position in the batch, from 0, without gaps.'),
  })
  .meta({ id: 'ImageData' });

export const WarningBody = z
  .looseObject({
    param: z.string().describe('The field it is about.'),
    code: z.enum([
      'ignored',
      'adjusted',
      'converted',
      'conversion_failed',
      'model_redirected',
      'image_failed',
      'not_kept',
    ]),
    message: z.string(),
  })
  .meta({ id: 'Warning', description: 'Something that was changed, ignored or not possible.' });

export const ImageResponse = z
  .looseObject({
    id: z.string().optional().describe('The id of this request, `img_…`.'),
    created: z
      .int()
      .optional()
      .meta({ format: 'int64', description: 'When the request was created, in Unix seconds.' }),
    model: z.string().optional().describe('The model id as requested.'),
    size: z.string().optional().describe('`WIDTHxHEIGHT`, read from the picture itself.'),
    data: z.array(ImageData).optional().describe('The pictures.'),
    output_format: z.string().optional(),
    quality: z.string().optional(),
    background: z.string().optional(),
    seed: z.int().optional(),
    test: z.boolean().optional().describe('True when a test key asked: the painter painted it.'),
    usage: Usage.optional(),
    warnings: z.array(WarningBody).optional(),
  })
  .meta({ id: 'ImageResponse' });

export const ImageStreamEvent = z
  .looseObject({
    b64_json: z.string().optional().describe('The picture in base64.'),
    size: z.string().optional().meta({ example: '1024x1024' }),
    output_format: z.string().optional(),
    created_at: z.int().optional(),
    model: z.string().optional(),
    id: z.string().optional(),
    index: z.int().optional(),
    partial_image_index: z.int().optional().describe('On partial pictures only, from 0.'),
    usage: Usage.optional(),
    warnings: z.array(WarningBody).optional(),
    type: z.string().optional().meta({
      description: '`image_generation.partial_image`, `image_generation.completed` or `error`.',
      example: 'image_generation.completed',
    }),
  })
  .meta({
    id: 'ImageStreamEvent',
    description:
      'One Server-Sent Event of a streamed request. Comments keep the connection alive; the last ' +
      'event is `image_generation.completed` with the picture and the charge, or `error`.',
  });

export const ErrorEnvelope = z
  .object({
    error: z.object({
      message: z.string().describe('What is wrong, for a person.'),
      type: z.string().describe('The kind of error, such as `invalid_request_error`.'),
      code: z.string().nullable().describe('What is wrong, for a program; may be null.'),
      param: z.string().nullable().describe('The field that is at fault, where there is one.'),
    }),
  })
  .meta({ id: 'Error', description: 'Every failure has this shape.' });

export const BalanceBody = z
  .object({
    mode: z.enum(['test', 'live']).describe('The balance of this key: test or live.'),
    currency: z.literal('USD'),
    balance: z.number().describe('Credit less charges.'),
    held: z.number().describe('Set aside for requests that are still running.'),
    available: z.number().describe('`balance` less `held`.'),
    spent: z.number().describe('All charges so far.'),
  })
  .meta({ id: 'Balance' });

export const ImageQuote = z
  .object({
    estimated_cost: z.number().describe('What the request will probably cost, in USD.'),
    max_cost: z.number().describe('What is held while it runs: an upper bound by the card.'),
    currency: z.literal('USD'),
    lines: z.array(
      z.object({ description: z.string(), quantity: z.number().optional(), usd: z.number() }),
    ),
    warnings: z.array(WarningBody),
  })
  .meta({ id: 'ImageQuote' });

export const HealthBody = z.object({ status: z.string() }).meta({ id: 'Health' });
