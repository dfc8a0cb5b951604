import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ErrorEnvelope, ImageResponse, ImageStreamEvent } from '../contract/answers.ts';
import { ImageAccepted, ImageRemoval, ImageStatus } from '../contract/images.ts';
import { dropSafeIntegerBounds, finishDocument, type Schema } from './openapi-document.ts';
import { RESPONSES, type ResponseName, rowOf } from './openapi-errors.ts';

/** Responses by status, as a Fastify route schema takes them. */
export type ResponseSchemas = Record<string, unknown>;

/** A route's responses: its success, and the error answers that it can give. */
export function responses(success: z.ZodType, ...errors: ResponseName[]): ResponseSchemas {
  return { 200: success, ...errorResponses(errors) };
}

function errorResponses(names: readonly ResponseName[]): ResponseSchemas {
  return Object.fromEntries(
    names.map((name) => [rowOf(RESPONSES[name].example).status, ErrorEnvelope]),
  );
}

function json(schema: z.ZodType): Record<string, { readonly schema: z.ZodType }> {
  return { 'application/json': { schema } };
}

const FILE = { schema: z.string().meta({ format: 'binary' }) };
const PICTURES = { 'image/png': FILE, 'image/jpeg': FILE, 'image/webp': FILE };

/** The responses of requests that make pictures. */
export const imageResponses: ResponseSchemas = {
  200: {
    description:
      'The pictures. With `stream: true` a stream of Server-Sent Events: keepalive comments, then ' +
      'an `image_generation.completed` event that carries the picture and the charge. With ' +
      '`Accept: image/*` the picture itself.',
    content: {
      'application/json': { schema: ImageResponse },
      'text/event-stream': { schema: ImageStreamEvent },
      ...PICTURES,
    },
  },
  202: {
    description:
      'With `Prefer: respond-async`: the request runs, and `Location` says where its answer will ' +
      'be. With `wait=N` besides: it did not end within N seconds.',
    content: json(ImageAccepted),
  },
  ...errorResponses([
    'BadRequest',
    'Unauthorized',
    'InsufficientQuota',
    'Forbidden',
    'Cancelled',
    'Gone',
    'PayloadTooLarge',
    'UnsupportedMediaType',
    'KeyReused',
    'RateLimited',
    'InternalError',
    'UpstreamError',
    'Overloaded',
    'UpstreamTimeout',
  ]),
};

/** Those of `GET /v1/images/{id}`. */
export const imageStatusResponses: ResponseSchemas = {
  200: {
    description:
      'How the request stands; of a completed one the whole answer. With `Accept: image/*` the ' +
      'picture, where there is one.',
    content: { ...json(ImageStatus), ...PICTURES },
  },
  ...errorResponses([
    'BadRequest',
    'Unauthorized',
    'Forbidden',
    'NotFound',
    'Gone',
    'InternalError',
    'Overloaded',
  ]),
};

/** Those of `DELETE /v1/images/{id}`. */
export const removalResponses: ResponseSchemas = {
  200: ImageRemoval,
  202: {
    description: 'It cannot be stopped any more: it goes on, is charged and can be fetched.',
    content: json(ImageStatus),
  },
  ...errorResponses(['Unauthorized', 'Forbidden', 'NotFound', 'InternalError', 'Overloaded']),
};

/** Those of one picture as a file. */
export const contentResponses: ResponseSchemas = {
  200: { description: 'The picture.', content: PICTURES },
  206: { description: 'The part of it that `Range` asks for.', content: PICTURES },
  304: z.null().describe('The picture that `If-None-Match` names is the one there is.'),
  ...errorResponses([
    'Unauthorized',
    'Forbidden',
    'NotFound',
    'Gone',
    'RangeNotSatisfiable',
    'InternalError',
    'Overloaded',
  ]),
};

/** Those of the metrics. */
export const metricsResponses: ResponseSchemas = {
  200: {
    description: 'Every metric with its help.',
    content: { 'text/plain': { schema: z.string() } },
  },
  ...errorResponses(['NotFound', 'InternalError']),
};

/** Collects the routes' schemas; must be registered before the routes are. */
export async function registerOpenApi(
  server: FastifyInstance,
  options: { readonly version: string; readonly url?: string },
): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Easel API',
        version: options.version,
        description:
          'One OpenAI-compatible API in front of every image model. Send your API key as a bearer ' +
          'token, and name a model by its id in the `model` field.',
      },
      servers: [{ url: options.url ?? '/', description: 'This server' }],
      tags: [
        {
          name: 'Images',
          description: 'Making pictures, asking their price, fetching them again.',
        },
        { name: 'Models', description: 'What there is to choose from.' },
        { name: 'Account', description: 'What is left to spend.' },
        { name: 'Server', description: 'Whether it runs.' },
        { name: 'Admin', description: 'For operators: accounts, keys, money and what happened.' },
      ],
      security: [{ BearerAuth: [] }],
      components: {
        securitySchemes: {
          BearerAuth: {
            type: 'http',
            scheme: 'bearer',
            description: 'Your API key: `Authorization: Bearer <key>`.',
          },
          AdminKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'The admin key: `Authorization: Bearer sk-easel-admin-…`.',
          },
          SignedLink: {
            type: 'apiKey',
            in: 'query',
            name: 'signature',
            description: 'A signed link to a picture: its `expires` and `signature`, as they are.',
          },
        },
      },
    },
    transform: transformRoute,
    transformObject: (document) => finishDocument(jsonSchemaTransformObject(document) as Schema),
  });
}

const transformSchemas = createJsonSchemaTransform({
  zodToJsonConfig: { override: ({ jsonSchema }) => dropSafeIntegerBounds(jsonSchema) },
});

type RouteDocument = Parameters<typeof transformSchemas>[0];

/** The generator knows bodies of one content type only: of several, each is turned by itself. */
function transformRoute(document: RouteDocument): ReturnType<typeof transformSchemas> {
  const { body, ...schema } = document.schema ?? {};
  const content = (body as { content?: Record<string, { schema: unknown }> } | undefined)?.content;
  if (content === undefined) {
    return transformSchemas(document);
  }
  const transformed = transformSchemas({ ...document, schema });
  const bodies = Object.entries(content).map(([type, { schema: bodySchema }]) => [
    type,
    { schema: transformSchemas({ ...document, schema: { body: bodySchema } }).schema.body },
  ]);
  return {
    ...transformed,
    schema: { ...transformed.schema, body: { content: Object.fromEntries(bodies) } },
  };
}
