import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { Failure } from '../../base/errors.ts';
import { ImageList, ImageListQuery } from '../../contract/images.ts';
import type { Lookup, Owner, WireStatus } from '../../requests/lookup.ts';
import { responses } from '../openapi.ts';
import { queryReader } from '../query-reader.ts';
import { statusBody } from '../render/status.ts';
import { callerOf } from '../requestContext.ts';

type ListQuery = z.output<typeof ImageListQuery>;

/** `GET /v1/images`: the requests of an account in one mode, without their pictures. */
export function imagesListRoute(server: FastifyInstance, lookup: Lookup): void {
  server.get<{ Querystring: ListQuery }>('/v1/images', {
    config: { access: 'key' },
    schema: {
      operationId: 'listImages',
      summary: 'List requests for pictures',
      description: 'Those of this account and mode, newest first, without their pictures.',
      tags: ['Images'],
      querystring: ImageListQuery,
      response: responses(
        ImageList,
        'BadRequest',
        'Unauthorized',
        'Forbidden',
        'InternalError',
        'Overloaded',
      ),
    },
    validatorCompiler: () => queryReader(ImageListQuery),
    handler: async (request, reply) => {
      void reply.header('cache-control', 'no-store');
      return listImages(lookup, callerOf(request), request.query);
    },
  });
}

async function listImages(lookup: Lookup, owner: Owner, query: ListQuery): Promise<object> {
  const { status, idempotency_key: idempotencyKey, request_id: requestId, after, limit } = query;
  const { accountId, mode } = owner;
  if (after !== undefined) {
    await requireOwn(lookup, owner, after);
  }
  const filter = { ...filterOf(status), idempotencyKey, requestId, after, limit: limit + 1 };
  const records = await lookup.list({ accountId, mode }, filter);
  return {
    object: 'list',
    data: records
      .slice(0, limit)
      .map((record) => statusBody(record, lookup.statusOf(record), lookup.placeOf(record))),
    has_more: records.length > limit,
  };
}

/** A page after nothing would look like the last one. */
async function requireOwn(lookup: Lookup, owner: Owner, after: string): Promise<void> {
  try {
    await lookup.find(owner, after);
  } catch (error) {
    if (!(error instanceof Failure && error.errorName === 'not_found')) {
      throw error;
    }
    const message = "Invalid value for 'after': there is no such request.";
    throw new Failure('invalid_value', { param: 'after', message });
  }
}

function filterOf(
  status: WireStatus | undefined,
): Pick<Parameters<Lookup['list']>[1], 'status' | 'isCancelled'> {
  switch (status) {
    case 'queued':
      return { status: 'running' };
    case 'failed':
    case 'cancelled':
      return { status: 'failed', isCancelled: status === 'cancelled' };
    case undefined:
    case 'running':
    case 'completed':
    case 'lost':
      return { status };
  }
}
