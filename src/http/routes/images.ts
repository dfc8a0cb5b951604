import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ImageAnswerQuery } from '../../contract/images.ts';
import type { Lookup } from '../../requests/lookup.ts';
import { answerKept, type KeptParts } from '../answer-kept.ts';
import { imageStatusResponses, removalResponses } from '../openapi.ts';
import { queryReader } from '../query-reader.ts';
import { statusBody } from '../render/status.ts';
import { callerOf } from '../requestContext.ts';
import { type ContentParts, ID_IN_PATH, imageContentRoute } from './image-content.ts';
import { imagesListRoute } from './images-list.ts';

export type ImagesParts = ContentParts & KeptParts;

interface IdRoute {
  Params: { readonly id: string };
}

/** `/v1/images`: what was asked for before, how it stands, its pictures, and its end. */
export function imagesRoutes(server: FastifyInstance, parts: ImagesParts): void {
  imagesListRoute(server, parts.lookup);
  fetchRoute(server, parts);
  removeRoute(server, parts);
  imageContentRoute(server, parts);
}

/** `GET /v1/images/{id}` */
function fetchRoute(server: FastifyInstance, parts: ImagesParts): void {
  server.get<IdRoute & { Querystring: z.output<typeof ImageAnswerQuery> }>(
    `/v1/images/${ID_IN_PATH}`,
    {
      config: { access: 'key' },
      schema: {
        operationId: 'getImage',
        summary: 'Fetch a request with its pictures',
        description:
          'How a request stands; of a completed one the whole answer again, as long as its ' +
          'pictures are kept. `Prefer: wait=N` waits for its end, for N seconds at most. ' +
          '`Accept: image/*` gives the picture itself, where there is one.',
        tags: ['Images'],
        params: z.object({ id: z.string() }),
        querystring: ImageAnswerQuery,
        response: imageStatusResponses,
      },
      validatorCompiler: ({ httpPart }) =>
        httpPart === 'querystring' ? queryReader(ImageAnswerQuery) : (value) => ({ value }),
      handler: async (request, reply) => {
        const record = await find(parts.lookup, request);
        void reply.headers({ 'cache-control': 'no-store', 'x-easel-image-id': record.id });
        const responseFormat = request.query.response_format;
        await answerKept(parts, { request, reply, record, responseFormat });
        return reply;
      },
    },
  );
}

/** `DELETE /v1/images/{id}` */
function removeRoute(server: FastifyInstance, { lookup }: ImagesParts): void {
  server.delete<IdRoute>(`/v1/images/${ID_IN_PATH}`, {
    config: { access: 'key' },
    schema: {
      operationId: 'removeImage',
      summary: 'Cancel a request, or delete its pictures',
      description:
        'Cancels one that runs, where it is certain to cost nothing: else it goes on, is charged ' +
        'and can be fetched. Of one that has ended the pictures are deleted.',
      tags: ['Images'],
      params: z.object({ id: z.string() }),
      response: removalResponses,
    },
    handler: async (request, reply) => {
      const record = await find(lookup, request);
      const { id } = record;
      void reply.header('x-easel-image-id', id);
      switch (await lookup.remove(record)) {
        case 'cancelled':
          return { id, status: 'cancelled' };
        case 'deleted':
          return { id, deleted: true };
        case 'goes_on': {
          const latest = await find(lookup, request);
          return reply
            .code(202)
            .send(statusBody(latest, lookup.statusOf(latest), lookup.placeOf(latest)));
        }
      }
    },
  });
}

function find(
  lookup: Lookup,
  request: FastifyRequest<IdRoute & { Querystring: unknown }>,
): ReturnType<Lookup['find']> {
  const { id } = request.params;
  request.easel.imageId = id;
  return lookup.find(callerOf(request), id);
}
