import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { ERRORS, type ErrorName, type ErrorRow } from '../base/errors.ts';
import { ErrorEnvelope, ImageResponse, ImageStreamEvent } from '../contract/answers.ts';

type Schema = Record<string, unknown>;

/** Error answers that share one description: the OpenAPI document's component responses. */
const RESPONSES = {
  BadRequest: component(
    'model_not_found',
    'The request is malformed, or its model does not exist in the catalogue.',
  ),
  Unauthorized: component('invalid_api_key', 'The API key is missing, malformed or unknown.'),
  InsufficientQuota: component('insufficient_quota', 'The account is out of credits.'),
  Forbidden: component('model_forbidden', 'The key is revoked, or may not use this model.'),
  NotFound: component('not_found', 'There is nothing at this address.'),
  PayloadTooLarge: component('payload_too_large', 'The body is too large.'),
  UnsupportedMediaType: component('unsupported_media_type', 'The content type is not taken here.'),
  RateLimited: component('rate_limit_exceeded', 'Too many requests: wait, then retry.'),
  InternalError: component('internal_error', 'A passing fault of the server: retry later.'),
  UpstreamError: component('upstream_error', 'The image model failed. Nothing was charged.'),
  Overloaded: component('overloaded', 'The server cannot take the request now: retry later.'),
  UpstreamTimeout: component('upstream_timeout', 'The image model took too long.'),
} satisfies Record<string, { example: ErrorName; description: string }>;

type ResponseName = keyof typeof RESPONSES;

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

/** The responses of requests that make pictures. */
export const imageResponses: ResponseSchemas = {
  200: {
    description:
      'The pictures. With `stream: true` a stream of Server-Sent Events: keepalive comments, then ' +
      'an `image_generation.completed` event that carries the picture and the charge.',
    content: {
      'application/json': { schema: ImageResponse },
      'text/event-stream': { schema: ImageStreamEvent },
    },
  },
  ...errorResponses([
    'BadRequest',
    'Unauthorized',
    'InsufficientQuota',
    'Forbidden',
    'PayloadTooLarge',
    'UnsupportedMediaType',
    'RateLimited',
    'InternalError',
    'UpstreamError',
    'Overloaded',
    'UpstreamTimeout',
  ]),
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
        { name: 'Images', description: 'Making pictures and asking their price.' },
        { name: 'Models', description: 'What there is to choose from.' },
        { name: 'Account', description: 'What is left to spend.' },
        { name: 'Server', description: 'Whether it runs.' },
      ],
      security: [{ BearerAuth: [] }],
      components: {
        securitySchemes: {
          BearerAuth: {
            type: 'http',
            scheme: 'bearer',
            description: 'Your API key: `Authorization: Bearer <key>`.',
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

/** zod bounds every integer by what a double holds exactly: noise in a document for people. */
function dropSafeIntegerBounds(schema: Schema): void {
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) {
    delete schema['minimum'];
  }
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) {
    delete schema['maximum'];
  }
}

/**
 * What the generator cannot do: one name a schema (it writes `X` and `XInput`), no schemas that
 * nothing refers to, and error answers as references to component responses.
 */
function finishDocument(document: Schema): Schema {
  const components = document['components'] as { schemas: Record<string, Schema> } & Schema;
  for (const schema of Object.values(components.schemas)) {
    walk(schema, dropSafeIntegerBounds);
  }
  for (const pathItem of Object.values(document['paths'] as Record<string, Schema>)) {
    for (const operation of Object.values(pathItem)) {
      shareErrorResponses((operation as { responses: Schema }).responses);
    }
  }
  const finished = { ...document, components: { ...components, responses: componentResponses() } };
  renameInputs(finished, components.schemas);
  prune(finished, components.schemas);
  return finished;
}

function shareErrorResponses(byStatus: Schema): void {
  for (const [name, { example }] of Object.entries(RESPONSES)) {
    const status = String(rowOf(example).status);
    if (status in byStatus) {
      byStatus[status] = { $ref: `#/components/responses/${name}` };
    }
  }
}

function componentResponses(): Schema {
  const entries = Object.entries(RESPONSES).map(([name, { example, description }]) => {
    const { message, type, code } = rowOf(example);
    const content = {
      schema: { $ref: '#/components/schemas/Error' },
      example: { error: { message, type, code, param: null } },
    };
    return [name, { description, content: { 'application/json': content } }];
  });
  return Object.fromEntries(entries) as Schema;
}

const SCHEMA_PREFIX = '#/components/schemas/';

/** Requests refer to `XInput`; where nothing refers to an output `X`, the name becomes `X`. */
function renameInputs(document: Schema, schemas: Record<string, Schema>): void {
  const used = references(document);
  for (const name of Object.keys(schemas).filter((key) => key.endsWith('Input'))) {
    const plain = name.slice(0, -'Input'.length);
    const schema = schemas[name];
    if (schema === undefined || !used.has(name) || used.has(plain)) {
      continue;
    }
    schemas[plain] = schema;
    walk(document, (node) => {
      if (node['$ref'] === SCHEMA_PREFIX + name) {
        node['$ref'] = SCHEMA_PREFIX + plain;
      }
    });
  }
}

/** Takes out schemas until every one that is left is referred to. */
function prune(document: Schema, schemas: Record<string, Schema>): void {
  for (;;) {
    const used = references(document);
    const unused = Object.keys(schemas).filter((name) => !used.has(name));
    if (unused.length === 0) {
      return;
    }
    for (const name of unused) {
      delete schemas[name];
    }
  }
}

function references(document: Schema): Set<string> {
  const found = new Set<string>();
  walk(document, (node) => {
    const reference = node['$ref'];
    if (typeof reference === 'string' && reference.startsWith(SCHEMA_PREFIX)) {
      found.add(reference.slice(SCHEMA_PREFIX.length));
    }
  });
  return found;
}

function walk(node: unknown, visit: (schema: Schema) => void): void {
  if (typeof node !== 'object' || node === null) {
    return;
  }
  if (!Array.isArray(node)) {
    visit(node as Schema);
  }
  for (const child of Object.values(node)) {
    walk(child, visit);
  }
}

function component(
  example: ErrorName,
  description: string,
): { readonly example: ErrorName; readonly description: string } {
  return { example, description };
}

function rowOf(name: ErrorName): ErrorRow {
  return ERRORS[name];
}
