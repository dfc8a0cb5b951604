import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Failure } from '../../base/errors.ts';
import { metricsResponses } from '../openapi.ts';

export interface MetricsParts {
  /** Whoever has it may read them from anywhere; absent: this machine only. */
  readonly token?: string | undefined;
  readonly text: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

/** `GET /metrics`, in the Prometheus text form. */
export function metricsRoute(server: FastifyInstance, { token, text }: MetricsParts): void {
  server.get('/metrics', {
    config: { access: 'open', isVital: true },
    schema: {
      operationId: 'getMetrics',
      summary: 'Count what the server does',
      description: 'In the Prometheus text form, for this machine or with its token.',
      tags: ['Server'],
      security: [],
      response: metricsResponses,
    },
    handler: async (request, reply) => {
      if (token === undefined ? !isFromHere(request) : !hasToken(request, token)) {
        // To those who may not read them they are not there.
        throw new Failure('not_found');
      }
      const { contentType, body } = await text();
      return reply.type(contentType).header('cache-control', 'no-store').send(body);
    },
  });
}

const LOOPBACK = /^(?:(?:::ffff:)?127\.|::1$)/;

/** A proxy on this machine says for whom it asks. */
function isFromHere({ headers, raw }: FastifyRequest): boolean {
  const isForwarded = 'forwarded' in headers || 'x-forwarded-for' in headers;
  return !isForwarded && LOOPBACK.test(raw.socket.remoteAddress ?? '');
}

function hasToken({ headers }: FastifyRequest, token: string): boolean {
  const sent = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(sent), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
