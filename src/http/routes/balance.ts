import type { FastifyInstance } from 'fastify';
import type { Caller } from '../../access/authenticate.ts';
import { type Nanousd, usdNumber } from '../../base/money.ts';
import { BalanceBody } from '../../contract/answers.ts';
import { responses } from '../openapi.ts';
import { callerOf } from '../requestContext.ts';

export interface BalanceParts {
  readonly balance: (
    caller: Caller,
  ) => Promise<{ readonly balance: Nanousd; readonly held: Nanousd; readonly spent: Nanousd }>;
}

/** `GET /v1/balance`: what this key's account has left, test and live apart. */
export function balanceRoute(server: FastifyInstance, parts: BalanceParts): void {
  server.get('/v1/balance', {
    config: { access: 'key' },
    schema: {
      operationId: 'getBalance',
      summary: 'Tell what is left to spend',
      tags: ['Account'],
      response: responses(BalanceBody, 'Unauthorized', 'Forbidden', 'InternalError', 'Overloaded'),
    },
    handler: async (request) => {
      const caller = callerOf(request);
      const { balance, held, spent } = await parts.balance(caller);
      return {
        mode: caller.mode,
        currency: 'USD',
        balance: usdNumber(balance),
        held: usdNumber(held),
        available: usdNumber(balance - held),
        spent: usdNumber(spent),
      };
    },
  });
}
