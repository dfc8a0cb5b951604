import type { FastifyInstance } from 'fastify';
import type { Caller } from '../../access/authenticate.ts';
import { type Nanousd, usdNumber } from '../../base/money.ts';
import { ImageQuote } from '../../contract/answers.ts';
import type { ImageCall, Warning } from '../../contract/call.ts';
import { ImageQuoteRequest, toQuotedCall } from '../../contract/generations.ts';
import { responses } from '../openapi.ts';

export interface QuoteParts {
  readonly isPublic: boolean;
  /** The price of a call; without a caller, over the whole catalogue. */
  readonly quote: (call: ImageCall, caller: Caller | undefined) => Quoted;
}

export interface Quoted {
  readonly estimated: Nanousd;
  readonly max: Nanousd;
  readonly lines: readonly {
    readonly description: string;
    readonly quantity?: number;
    readonly usd: Nanousd;
  }[];
  readonly warnings: readonly Warning[];
}

/** `POST /v1/images/quotes`: the body of a generation in, its price out; nothing runs. */
export function quotesRoute(server: FastifyInstance, parts: QuoteParts): void {
  server.post('/v1/images/quotes', {
    config: { access: parts.isPublic ? 'open' : 'key' },
    schema: {
      operationId: 'quoteImage',
      summary: 'Tell what a request would cost',
      description:
        'Takes the body of a generation, with `reference_images` as a count. Nothing is painted.',
      tags: ['Images'],
      ...(parts.isPublic ? { security: [] } : {}),
      body: ImageQuoteRequest,
      response: responses(
        ImageQuote,
        'BadRequest',
        'Unauthorized',
        'Forbidden',
        'PayloadTooLarge',
        'UnsupportedMediaType',
        'InternalError',
      ),
    },
    // The schema only documents here: `toQuotedCall` takes out what is absent and then checks.
    validatorCompiler: () => (value) => ({ value }),
    handler: async (request) => {
      const quoted = parts.quote(toQuotedCall(request.body), request.easel.caller);
      return {
        estimated_cost: usdNumber(quoted.estimated),
        max_cost: usdNumber(quoted.max),
        currency: 'USD',
        lines: quoted.lines.map((line) => ({ ...line, usd: usdNumber(line.usd) })),
        warnings: quoted.warnings,
      };
    },
  });
}
