import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, type ErrorName, Failure, logFailure, toFailure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

/** Fastify's own failures, as rows of our table. */
const FASTIFY_FAILURES: Readonly<Record<string, ErrorName>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_json',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_BAD_URL: 'not_found',
  FST_ERR_ASYNC_CONSTRAINT: 'not_found',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
};

/** Makes every failure of a route, of the parser or of the framework an answer of our table. */
export function answerErrors(server: FastifyInstance, log: Log): void {
  server.setErrorHandler((error: FastifyError, request, reply) => {
    const failure = frameworkFailure(error);
    logFailure(log, failure, { requestId: request.id });
    sendFailure(request, reply, failure);
  });
  server.setNotFoundHandler((request, reply) => {
    sendFailure(request, reply, notFound(server, request, reply));
  });
}

/** Answers with a failure, unless the answer has begun already. */
export function sendFailure(request: FastifyRequest, reply: FastifyReply, failure: Failure): void {
  request.easel.failure = failure;
  void reply
    .code(failure.row.status)
    .headers(failureHeaders(failure))
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(errorBody(failure)));
}

/** The headers that belong to a failure besides its status. */
export function failureHeaders(failure: Failure): Record<string, string> {
  return {
    ...(failure.retryAfterSeconds === undefined
      ? {}
      : { 'retry-after': String(failure.retryAfterSeconds) }),
    ...(failure.row.neverRetry === true ? { 'x-should-retry': 'false' } : {}),
  };
}

/** Anything that Fastify or a handler threw, as a failure of our table. */
export function frameworkFailure(error: unknown): Failure {
  const code = (error as Partial<FastifyError> | null)?.code;
  const name = code === undefined ? undefined : FASTIFY_FAILURES[code];
  return name === undefined ? toFailure(error) : new Failure(name, { cause: error });
}

/**
 * An unknown path, or a known one with another method: then `allow` says which it takes. Not left to
 * Fastify, which would read the body first, and has an opinion of its own on that of a QUERY.
 */
export function notFound(
  server: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
): Failure {
  const path = request.url.split('?', 1)[0] ?? '/';
  const allowed = METHODS.filter((method) => server.findRoute({ method, url: path }) !== null);
  if (allowed.length === 0) {
    return new Failure('not_found');
  }
  void reply.header('allow', allowed.join(', '));
  const message = `${path} takes ${allowed.join(', ')}, not ${request.method}.`;
  return new Failure('method_not_allowed', { message });
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;
