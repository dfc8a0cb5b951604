import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Failure } from '../../base/errors.ts';
import { metricsResponses } from '../openapi.ts';

export interface MetricsParts {
  /** Whoever has it may read them from anywhere; absent: this machine only. */
  readonly token?: string | undefined;
  /** Others reach this server by another address: whoever asks from here may ask for them. */
  readonly isProxied: boolean;
  readonly text: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

/** `GET /metrics`, in the Prometheus text form. */
export function metricsRoute(server: FastifyInstance, parts: MetricsParts): void {
  const { token, isProxied, text } = parts;
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
      const mayRead =
        token === undefined ? !isProxied && isFromHere(request) : hasToken(request, token);
      if (!mayRead) {
        // To those who may not read them they are not there.
        throw new Failure('not_found');
      }
      const { contentType, body } = await text();
      return reply.type(contentType).header('cache-control', 'no-store').send(body);
    },
  });
}

const LOOPBACK_ADDRESS = /^(?:(?:::ffff:)?127\.|::1$)/;
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;
const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

/**
 * A proxy on this machine comes from here, too. It says for whom it asks, or at least by which name
 * it was asked; and so does a browser whose page has that name lead here.
 */
function isFromHere({ headers, raw }: FastifyRequest): boolean {
  const isForwarded = FORWARDED.some((name) => name in headers);
  return (
    !isForwarded &&
    LOOPBACK_HOST.test(headers.host ?? '') &&
    LOOPBACK_ADDRESS.test(raw.socket.remoteAddress ?? '')
  );
}

function hasToken({ headers }: FastifyRequest, token: string): boolean {
  const sent = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(sent), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
