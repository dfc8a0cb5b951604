import { z } from 'zod';

/** One parameter of a model, in the very form that checks it. */
const ModelParameter = z
  .looseObject({
    type: z.enum(['enum', 'integer', 'number', 'boolean', 'string']),
    values: z.array(z.string()).optional().describe('The values of an enum.'),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    multiple_of: z.number().optional().describe('Other values are moved to the nearest.'),
    default: z.union([z.string(), z.number(), z.boolean()]).optional(),
  })
  .meta({ id: 'ModelParameter', description: 'One parameter of a model, as it is checked.' });

export const Model = z
  .looseObject({
    id: z.string().meta({ example: 'nano-banana-pro' }),
    object: z.literal('model'),
    created: z.int().describe('When the model joined the catalogue, in Unix seconds.'),
    owned_by: z.string(),
    parameters: z.record(z.string(), ModelParameter),
    edit: z.looseObject({
      supported: z.boolean(),
      max_reference_images: z.int().optional(),
      mask: z.boolean().optional(),
    }),
    prompt_max_length: z.int().describe('In Unicode code points.'),
    input_modalities: z.array(z.string()),
    output_modalities: z.array(z.string()),
    sizing: z.enum(['pixels', 'tier', 'ratio', 'preset']),
    max_pixels: z.int().optional().describe('Largest area of models sized in pixels.'),
    max_n: z.int(),
    output_formats: z.array(z.string()),
    streaming: z.boolean(),
    capabilities: z.array(z.string()),
    pricing: z.array(z.looseObject({ unit: z.string(), usd: z.number() })),
    shutdown_at: z.string().optional(),
    successor: z.string().optional(),
    engine: z.string().optional().describe('`painter`: a built-in painter, not an AI model.'),
  })
  .meta({ id: 'Model' });

export const ModelList = z
  .object({ object: z.literal('list'), data: z.array(Model) })
  .meta({ id: 'ModelList' });
