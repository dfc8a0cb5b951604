import type { FastifyInstance } from 'fastify';
import { Failure } from '../../base/errors.ts';
import { HealthBody } from '../../contract/answers.ts';
import { responses } from '../openapi.ts';

export interface HealthParts {
  /** Why this server should get no requests now; undefined when it should. May throw instead. */
  readonly notReady: () => Promise<string | undefined>;
}

/** `/healthz`: the process lives. `/readyz`: it can also serve; red while it drains. */
export function healthRoutes(server: FastifyInstance, parts: HealthParts): void {
  server.get('/healthz', {
    config: { access: 'open', isVital: true },
    schema: {
      operationId: 'getHealth',
      summary: 'Tell whether the process lives',
      tags: ['Server'],
      security: [],
      response: responses(HealthBody),
    },
    handler: async () => ({ status: 'ok' }),
  });

  server.get('/readyz', {
    config: { access: 'open', isVital: true },
    schema: {
      operationId: 'getReadiness',
      summary: 'Tell whether the server takes requests',
      tags: ['Server'],
      security: [],
      response: responses(HealthBody, 'Overloaded'),
    },
    handler: async () => {
      const reason = await parts.notReady().catch((error: unknown) => String(error));
      if (reason !== undefined) {
        throw new Failure('overloaded', { internal: reason });
      }
      return { status: 'ready' };
    },
  });
}
