import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../access/authenticate.ts';
import { Failure } from '../../base/errors.ts';
import { Model, ModelList } from '../../contract/models.ts';
import { responses } from '../openapi.ts';
import { callerOf } from '../requestContext.ts';

export interface ModelParts {
  /** The models that this caller may use, in the catalogue's order. */
  readonly models: (caller: Caller) => readonly { readonly id: string }[];
}

/** `GET /v1/models` and `GET /v1/models/{id}`: made from the same cards that check requests. */
export function modelRoutes(server: FastifyInstance, parts: ModelParts): void {
  server.get('/v1/models', {
    config: { access: 'key' },
    schema: {
      operationId: 'listModels',
      summary: 'List the models that this key can use',
      tags: ['Models'],
      response: responses(ModelList, 'Unauthorized', 'Forbidden', 'InternalError', 'Overloaded'),
    },
    handler: async (request) => ({ object: 'list', data: parts.models(callerOf(request)) }),
  });

  server.get<{ Params: { id: string } }>('/v1/models/:id', {
    config: { access: 'key' },
    schema: {
      operationId: 'getModel',
      summary: 'Describe one model',
      tags: ['Models'],
      params: z.object({ id: z.string() }),
      response: responses(
        Model,
        'Unauthorized',
        'Forbidden',
        'NotFound',
        'InternalError',
        'Overloaded',
      ),
    },
    handler: async (request) => {
      const models = parts.models(callerOf(request));
      const found = models.find((model) => model.id === request.params.id);
      if (found === undefined) {
        throw new Failure('model_absent');
      }
      return found;
    },
  });
}
