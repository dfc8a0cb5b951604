import type { FastifyInstance } from 'fastify';
import { ImageEditForm, ImageEditRequest } from '../../contract/edits.ts';
import type { Spool } from '../../payload/spool.ts';
import { answerCall, type ImageParts } from '../answer-call.ts';
import { readEdit, type ReadEditOptions } from '../body/read-edit.ts';
import { imageResponses } from '../openapi.ts';
import { readHeaders } from '../request-options.ts';

export interface EditParts extends ImageParts {
  readonly openSpool: () => Spool;
  readonly body: Omit<ReadEditOptions, 'spool'>;
}

/** `POST /v1/images/edits`: pictures and an instruction in, pictures out. */
export function editsRoute(server: FastifyInstance, parts: EditParts): void {
  // A scope of its own, in which the body is not read before the handler reads it as it arrives.
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.post('/v1/images/edits', {
      config: { access: 'key', paid: true },
      schema: {
        operationId: 'editImage',
        summary: 'Edit an image',
        description:
          'Changes one or more pictures by an instruction. Not every model can; the `edit` block ' +
          'of `GET /v1/models` says how many pictures a model takes, and whether it takes a mask. ' +
          'The answer is that of a generation, and so are all other fields.',
        tags: ['Images'],
        body: {
          content: {
            'multipart/form-data': { schema: ImageEditForm },
            'application/json': { schema: ImageEditRequest },
          },
        },
        response: imageResponses,
      },
      // The schemas only document here: the body is checked while it arrives.
      validatorCompiler: () => (value) => ({ value }),
      handler: async (request, reply) => {
        // Before the pictures: what is wrong already needs no upload.
        readHeaders(request);
        const edit = await readEdit(request, { ...parts.body, spool: parts.openSpool() });
        await answerCall(parts, { request, reply, ...edit });
        return reply;
      },
    });
  });
}
