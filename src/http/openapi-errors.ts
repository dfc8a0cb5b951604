import { ERRORS, type ErrorName, type ErrorRow } from '../base/errors.ts';

/** Error answers that share one description: the OpenAPI document's component responses. */
export const RESPONSES = {
  BadRequest: component(
    'model_not_found',
    'The request is malformed, or its model does not exist in the catalogue.',
  ),
  Unauthorized: component('invalid_api_key', 'The API key is missing, malformed or unknown.'),
  InsufficientQuota: component('insufficient_quota', 'The account is out of credits.'),
  Forbidden: component(
    'model_forbidden',
    'The key is revoked or may not use this model, or the link is not valid.',
  ),
  NotFound: component('not_found', 'There is nothing at this address.'),
  Cancelled: component('request_cancelled', 'The request was cancelled. Nothing was charged.'),
  Gone: component('result_expired', 'The request is on record, its picture is no longer kept.'),
  PayloadTooLarge: component('payload_too_large', 'The body is too large.'),
  UnsupportedMediaType: component('unsupported_media_type', 'The content type is not taken here.'),
  RangeNotSatisfiable: component('invalid_range', 'The picture has no such byte range.'),
  KeyReused: component('idempotency_key_reused', 'The key came with another request before.'),
  RateLimited: component('rate_limit_exceeded', 'Too many requests: wait, then retry.'),
  InternalError: component('internal_error', 'A passing fault of the server: retry later.'),
  UpstreamError: component('upstream_error', 'The image model failed. Nothing was charged.'),
  Overloaded: component('overloaded', 'The server cannot take the request now: retry later.'),
  UpstreamTimeout: component('upstream_timeout', 'The image model took too long.'),
} satisfies Record<string, { example: ErrorName; description: string }>;

export type ResponseName = keyof typeof RESPONSES;

function component(
  example: ErrorName,
  description: string,
): { readonly example: ErrorName; readonly description: string } {
  return { example, description };
}

/** What the table of errors says of a row. */
export function rowOf(name: ErrorName): ErrorRow {
  return ERRORS[name];
}
