import type { Log } from './log.ts';

/**
 * Every failure that a caller can see is a row of this table, and each code has a page in
 * `docs/errors/`. A row is named by what happened; `code` is what goes on the wire.
 */
export interface ErrorRow {
  readonly status: number;
  readonly type: ErrorType;
  readonly code: string | null;
  /** The public text when the thrower gives none. */
  readonly message: string;
  /** The OpenAI SDKs retry 409 and 5xx by themselves, which would buy again: tell them not to. */
  readonly neverRetry?: true;
}

export type ErrorType =
  | 'invalid_request_error'
  | 'image_generation_user_error'
  | 'insufficient_quota'
  | 'rate_limit_error'
  | 'api_error';

const MODEL_MESSAGE = 'The model does not exist or you do not have access to it.';

export const ERRORS = {
  invalid_json: request(400, 'invalid_json', 'The request body is not valid JSON.'),
  invalid_type: request(400, 'invalid_type', 'A field has the wrong type.'),
  missing_required_parameter: request(
    400,
    'missing_required_parameter',
    'A required field is missing.',
  ),
  invalid_value: request(400, 'invalid_value', 'A field has a value that is not allowed.'),
  model_not_found: request(400, 'model_not_found', MODEL_MESSAGE),
  model_forbidden: request(403, 'model_not_found', MODEL_MESSAGE),
  model_absent: request(404, 'model_not_found', MODEL_MESSAGE),
  prompt_too_long: request(400, 'PROMPT_TOO_LONG', 'The prompt is too long for this model.'),
  edit_not_supported: request(400, 'edit_not_supported', 'This model does not edit pictures.'),
  mask_not_supported: request(400, 'mask_not_supported', 'This model does not take a mask.'),
  too_many_images: request(400, 'too_many_images', 'Too many pictures for this model.'),
  invalid_image: request(400, 'invalid_image', 'A picture cannot be read.'),
  invalid_mask: request(400, 'invalid_mask', 'The mask does not fit the first picture.'),
  image_url_refused: request(400, 'image_url_refused', 'That image URL may not be fetched.'),
  moderation_blocked: {
    status: 400,
    type: 'image_generation_user_error',
    code: 'moderation_blocked',
    message: 'The request was refused by the content rules of the model.',
  },
  invalid_api_key: request(401, 'invalid_api_key', 'Incorrect API key provided.'),
  insufficient_quota: {
    status: 402,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: 'You have insufficient credits to complete this request.',
    neverRetry: true,
  },
  api_key_revoked: request(403, 'api_key_revoked', 'This API key has been revoked.'),
  invalid_signature: request(403, 'invalid_signature', 'This link is not valid or has expired.'),
  not_found: request(404, 'not_found', 'There is nothing at this address.'),
  method_not_allowed: request(405, 'method_not_allowed', 'This address does not take that method.'),
  request_cancelled: {
    ...request(409, 'request_cancelled', 'The request was cancelled.'),
    neverRetry: true,
  },
  result_expired: request(410, 'result_expired', 'The picture is no longer kept.'),
  payload_too_large: request(413, 'payload_too_large', 'The request body is too large.'),
  unsupported_media_type: request(
    415,
    'unsupported_media_type',
    'This address does not take that content type.',
  ),
  invalid_range: request(416, 'invalid_range', 'The picture has no such byte range.'),
  idempotency_key_reused: request(
    422,
    'idempotency_key_reused',
    'This idempotency key was used with another request.',
  ),
  rate_limit_exceeded: {
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached. Please retry after a short delay.',
  },
  internal_error: {
    status: 500,
    type: 'api_error',
    code: null,
    message: 'The server had an error while processing your request. Please retry.',
  },
  upstream_error: {
    status: 502,
    type: 'api_error',
    code: 'upstream_error',
    message: 'The image model failed to answer properly. Nothing was charged.',
  },
  overloaded: {
    status: 503,
    type: 'api_error',
    code: 'overloaded',
    message: 'The server cannot take this request now. Please retry after a short delay.',
  },
  upstream_timeout: {
    status: 504,
    type: 'api_error',
    code: 'upstream_timeout',
    message: 'The image model did not answer in time. Nothing was charged.',
    neverRetry: true,
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorName = keyof typeof ERRORS;

export function isErrorName(name: unknown): name is ErrorName {
  return typeof name === 'string' && Object.hasOwn(ERRORS, name);
}

export interface FailureDetails {
  /** What the caller reads; the row's own text when absent. Never an upstream's raw words. */
  readonly message?: string;
  /** The field of the request that is at fault. */
  readonly param?: string;
  /** What the operator reads in the log: never sent, never a prompt or image data. */
  readonly internal?: string;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** A failure with its row of the table, a text for the caller and one for the log. */
export class Failure extends Error {
  readonly row: ErrorRow;
  readonly param: string | null;
  readonly internal: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly errorName: ErrorName;

  constructor(name: ErrorName, details: FailureDetails = {}) {
    const row: ErrorRow = ERRORS[name];
    super(details.message ?? row.message, { cause: details.cause });
    this.name = 'Failure';
    this.errorName = name;
    this.row = row;
    this.param = details.param ?? null;
    this.internal = details.internal;
    this.retryAfterSeconds = details.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS[name];
  }
}

const DEFAULT_RETRY_AFTER_SECONDS: Partial<Record<ErrorName, number>> = {
  rate_limit_exceeded: 1,
  overloaded: 1,
};

/** The envelope of every error answer, always with these four keys. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly code: string | null;
    readonly param: string | null;
  };
}

export function errorBody(failure: Failure): ErrorBody {
  const { message, param, row } = failure;
  return { error: { message, type: row.type, code: row.code, param } };
}

/**
 * Tells the operator of a failure: loudly when it is ours or an upstream's, and of a refusal that
 * only its internal text explains, such as why the content rules struck.
 */
export function logFailure(
  log: Log,
  failure: Failure,
  ids: Readonly<Record<string, string>>,
): void {
  const { internal, message, errorName, row } = failure;
  if (row.status >= 500) {
    log.error({ ...ids, error: errorName, err: failure.cause ?? failure }, internal ?? message);
  } else if (internal !== undefined) {
    log.info({ ...ids, error: errorName }, internal);
  }
}

/** Anything that was thrown, as a Failure: what we did not foresee is our own error, a 500. */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) {
    return thrown;
  }
  const internal = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure('internal_error', { internal, cause: thrown });
}

function request(status: number, code: string, message: string): ErrorRow {
  return { status, type: 'invalid_request_error', code, message };
}

/** What an operator reads of an error in a terminal: what happened, not what a caller is told. */
export function operatorText(error: unknown): string {
  if (error instanceof Failure) {
    return error.internal ?? error.message;
  }
  return error instanceof Error ? error.message : String(error);
}
