import type { FastifyRequest } from 'fastify';
import { Failure } from '../base/errors.ts';
import type { ImageCall, Warning } from '../contract/call.ts';
import { parseTestFault } from '../pipeline/faults.ts';
import type { GenerateOptions } from '../pipeline/generate.ts';
import { parsePrefer } from './prefer.ts';
import { callerOf } from './requestContext.ts';

/** What the headers of a request, and its webhook, say of how it is to be carried out. */
export interface RequestWishes {
  readonly options: Omit<GenerateOptions, 'requestId' | 'signal' | 'inputs'>;
  /** The client does not wait for the answer, or for so many seconds only. */
  readonly isAsync: boolean;
  readonly waitSeconds: number;
}

export interface WishRules {
  /** Pictures are kept, so that an answer can be fetched later. */
  readonly keeps: boolean;
  /** Why a URL cannot be a webhook, as a clause; undefined when it can. */
  readonly whyNoWebhook: (url: string) => string | undefined;
}

const KEY_CHARACTERS_MAX = 255;

/** Throws a Failure that names the header or the field. */
export function readWishes(
  request: FastifyRequest,
  call: ImageCall,
  rules: WishRules,
): RequestWishes {
  const { headers } = request;
  const { fault, key } = readHeaders(request);
  const preference = parsePrefer(headers['prefer']);
  const isAsync = preference.respondAsync && rules.keeps && !call.stream;
  const warnings = warningsOf(call, { respondAsync: preference.respondAsync, isAsync });
  const webhookUrl = isAsync ? checkedWebhook(call, rules) : undefined;
  return {
    isAsync,
    waitSeconds: preference.waitSeconds ?? 0,
    options: {
      isAsync,
      // The OpenAI SDKs count their own retries here.
      isRetry: Number(headers['x-stainless-retry-count'] ?? 0) > 0,
      warnings,
      ...(fault === undefined ? {} : { fault }),
      ...(key === undefined ? {} : { idempotencyKey: key }),
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
    },
  };
}

/** What can be read of the headers alone. Throws a Failure that names the header. */
export function readHeaders(request: FastifyRequest): {
  readonly fault: ReturnType<typeof parseTestFault>;
  readonly key: string | undefined;
} {
  const { headers } = request;
  const isTest = callerOf(request).mode === 'test';
  return {
    fault: isTest ? parseTestFault(headers['x-easel-test']) : undefined,
    key: idempotencyKey(headers['idempotency-key']),
  };
}

function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) {
    return undefined;
  }
  const key = String(header);
  if (key === '' || key.length > KEY_CHARACTERS_MAX) {
    const message = `An Idempotency-Key has 1 to ${KEY_CHARACTERS_MAX} characters.`;
    throw new Failure('invalid_value', { param: 'Idempotency-Key', message });
  }
  return key;
}

function checkedWebhook({ webhookUrl }: ImageCall, rules: WishRules): string | undefined {
  const reason = webhookUrl === undefined ? undefined : rules.whyNoWebhook(webhookUrl);
  if (reason !== undefined) {
    const message = `webhook_url cannot be a webhook: ${reason}.`;
    throw new Failure('invalid_value', { param: 'webhook_url', message });
  }
  return webhookUrl;
}

function warningsOf(
  call: ImageCall,
  { respondAsync, isAsync }: { readonly respondAsync: boolean; readonly isAsync: boolean },
): Warning[] {
  const warnings: Warning[] = [];
  if (respondAsync && !isAsync) {
    const message = call.stream
      ? 'Prefer: respond-async was ignored: the answer is a stream.'
      : 'Prefer: respond-async was ignored: this server keeps no pictures.';
    warnings.push({ param: 'Prefer', code: 'ignored', message });
  }
  if (call.webhookUrl !== undefined && !isAsync) {
    const message = 'webhook_url was ignored: it is for requests with Prefer: respond-async.';
    warnings.push({ param: 'webhook_url', code: 'ignored', message });
  }
  return warnings;
}
