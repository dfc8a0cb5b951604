import type { FastifyInstance } from 'fastify';
import { ImageGenerationRequest, toImageCall, withoutAbsent } from '../../contract/generations.ts';
import { answerCall, type ImageParts } from '../answer-call.ts';
import { imageResponses } from '../openapi.ts';

/** `POST /v1/images/generations`: a prompt in, pictures out, as JSON, a stream or plain bytes. */
export function generationsRoute(server: FastifyInstance, parts: ImageParts): void {
  server.post<{ Body: ImageGenerationRequest }>('/v1/images/generations', {
    config: { access: 'key', paid: true },
    schema: {
      operationId: 'createImage',
      summary: 'Generate an image',
      description:
        'Makes one or more pictures from a prompt. Each model takes its own sizing and quality ' +
        'fields; `GET /v1/models` lists them. The answer says what was charged in `usage.cost`. ' +
        'Set `stream: true` for Server-Sent Events.',
      tags: ['Images'],
      body: ImageGenerationRequest,
      response: imageResponses,
    },
    preValidation: async (request) => {
      request.body = withoutAbsent(request.body) as ImageGenerationRequest;
    },
    handler: async (request, reply) => {
      const call = toImageCall(request.body);
      await answerCall(parts, { request, reply, call });
      return reply;
    },
  });
}
