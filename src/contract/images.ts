import { z } from 'zod';
import { ErrorEnvelope, ImageResponse } from './answers.ts';
import { Metadata } from './generations.ts';

/** How a request stands. */
export const IMAGE_STATUSES = [
  'queued',
  'running',
  'completed',
  'failed',
  'cancelled',
  'lost',
] as const;

/** A request of the past or of now; a completed one with all that its answer said. */
export const ImageStatus = ImageResponse.extend({
  id: z.string().describe('The id of the request, `img_…`.'),
  status: z.enum(IMAGE_STATUSES).describe('`lost`: the server stopped while it ran.'),
  queue_position: z
    .int()
    .min(1)
    .optional()
    .describe('While it waits for its turn at the upstream: so many calls go there up to its own.'),
  created: z.int().meta({ format: 'int64', description: 'Its creation, in Unix seconds.' }),
  model: z.string().describe('The model id as requested.'),
  metadata: Metadata.optional().describe('What was sent with the request.'),
  error: ErrorEnvelope.shape.error
    .optional()
    .describe('Why it failed, was cancelled or got lost. Nothing was charged.'),
}).meta({
  id: 'ImageStatus',
  description: 'How a request stands. A list leaves the pictures of completed ones out.',
});

export const ImageList = z
  .object({
    object: z.literal('list'),
    data: z.array(ImageStatus).describe('Newest first.'),
    has_more: z.boolean().describe('There are older ones: ask for them with `after`.'),
  })
  .meta({ id: 'ImageList' });

/** What became of a `DELETE`. */
export const ImageRemoval = z
  .object({
    id: z.string(),
    status: z.literal('cancelled').optional().describe('It ran, and nothing is charged.'),
    deleted: z.literal(true).optional().describe('It had ended: its pictures are gone.'),
  })
  .meta({ id: 'ImageRemoval' });

/** The answer to `Prefer: respond-async`. */
export const ImageAccepted = z
  .object({ id: z.string(), status: z.literal('queued') })
  .meta({ id: 'ImageAccepted' });

/** The query of `GET /v1/images`. */
export const ImageListQuery = z.object({
  status: z.enum(IMAGE_STATUSES).optional().describe('`queued` counts as `running`.'),
  idempotency_key: z.string().min(1).max(255).optional(),
  request_id: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('The `x-request-id` of the answer that the request got.'),
  after: z.string().min(1).optional().describe('The `img_…` id of the last one of a page.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** The query of `GET /v1/images/{id}`. */
export const ImageAnswerQuery = z.object({
  response_format: z.enum(['b64_json', 'url']).default('b64_json'),
});

/** The query of a signed link; its check is not the schema's. */
export const SignedQuery = z.object({
  expires: z.string().optional().describe('Of a signed link: its end, in Unix seconds.'),
  signature: z.string().optional().describe('Of a signed link.'),
});
