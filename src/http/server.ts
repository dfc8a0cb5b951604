import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Caller, type Credentials, readCredentials } from '../access/authenticate.ts';
import { type Allowance, refuseExhausted } from '../access/limits.ts';
import type { Clock } from '../base/clock.ts';
import { errorBody, Failure } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { validate } from '../contract/validate.ts';
import { answerErrors, frameworkFailure, notFound, sendFailure } from './errors.ts';
import { allowOrigins } from './allow-origins.ts';
import type { ArrivingOptions } from './body/arriving.ts';
import { readJsonBodies } from './body/json-body.ts';
import type { Telemetry, TraceBegin } from '../telemetry/telemetry.ts';
import { tellExchange } from './exchange-log.ts';
import type { InFlight } from './inFlight.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { suppliedRequestId } from './requestContext.ts';
import { rawAnswer, SAFE_HEADERS } from './safe-headers.ts';
import { shedAnswer, type Shedder } from './shedding.ts';

export interface ServerParts {
  readonly log: Log;
  readonly clock: Clock;
  /** Who is asking; throws the failure that the caller shall read. */
  readonly authenticate: (credentials: Credentials) => Promise<Caller>;
  /** Whether this is the admin key. */
  readonly isAdmin: (sent: string | undefined) => boolean;
  /** How the caller's limits by the minute stand. */
  readonly allowances: (caller: Caller) => Promise<readonly Allowance[]>;
  readonly inFlight: InFlight;
  readonly shedder: Shedder;
  readonly telemetry: Telemetry;
  /** True once the server is on its way out. */
  readonly isDraining: () => boolean;
  /** JSON bodies that are larger, stop, or come too slowly are refused. */
  readonly body: ArrivingOptions;
  /** Whose pages may call this server from a browser; `*`: everybody's. */
  readonly origins: readonly string[];
  /** How long the head of a request may take, in milliseconds. */
  readonly headMs: number;
}

/** How often the heads of requests are looked at that take too long. */
const HEAD_CHECK_MS = 5_000;

/** A body above this is not read for an account without credit. */
const SMALL_BODY_BYTES = 64 * 1024;

/** The HTTP server with all that holds for every route; the routes are added by the caller. */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const { log, telemetry } = parts;
  const server = fastify({
    logger: false,
    bodyLimit: parts.body.bytesMax,
    genReqId: (raw) => suppliedRequestId(raw.headers['x-request-id']) ?? newId('req'),
    return503OnClosing: false,
    // Node would answer a request without a Host by itself, with an empty 400.
    http: {
      requireHostHeader: false,
      headersTimeout: parts.headMs,
      connectionsCheckingInterval: Math.min(parts.headMs, HEAD_CHECK_MS),
    },
    routerOptions: { maxParamLength: 300 },
    frameworkErrors: (error, request, reply) => {
      request.easel ??= { startedAtMs: parts.clock.now() };
      void reply.header('x-request-id', request.id);
      sendFailure(request, reply, frameworkFailure(error));
    },
    clientErrorHandler: answerBrokenRequest,
  });
  // Fastify would take text/plain, too, and hand a string to schemas that expect an object.
  server.removeContentTypeParser('text/plain');
  const { takeBytes, giveBytes } = parts.shedder;
  readJsonBodies(server, { ...parts.body, takeBytes, giveBytes });
  server.setValidatorCompiler(({ schema }) => validatorOf(schema));
  // Answers are built by our own code from the schemas' types; the conformance tests hold them to it.
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  server.decorateRequest('easel');
  answerErrors(server, parts.log);
  // First of all hooks: a page must be able to read refusals, too.
  await allowOrigins(server, parts.origins);
  server.addHook('onRequest', async (request, reply) => {
    request.easel = { startedAtMs: parts.clock.now() };
    void reply.headers({ 'x-request-id': request.id, ...SAFE_HEADERS });
    if (isShed(parts, request)) {
      return turnAway(request, reply);
    }
    request.easel.trace = telemetry.trace?.(traceOf(request));
    parts.inFlight.enter();
    reply.raw.once('close', () => {
      parts.inFlight.leave();
      tellExchange({ log, telemetry, nowMs: parts.clock.now() }, request, reply.raw);
    });
    requireHost(request);
    if (request.is404) {
      throw notFound(server, request, reply);
    }
    await admitCaller(parts, request, reply);
    return undefined;
  });
  parts.shedder.watch(server.server);
  server.addHook('onClose', async () => parts.shedder.close());
  // Node would answer an `Expect` that it does not know by itself, with an empty 417.
  server.server.on('checkExpectation', (request, response) => server.routing(request, response));
  return server;
}

/** Whether there is too much to do already. What tells how the server does is never turned away. */
function isShed({ shedder }: ServerParts, request: FastifyRequest): boolean {
  const { access, paid, isVital } = request.routeOptions.config;
  return access !== undefined && isVital !== true && shedder.sheds(paid === true);
}

/** Before anything is looked up or read, and without a line in the log. */
function turnAway(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { headers, body } = shedAnswer();
  const isSmall = Number(request.headers['content-length'] ?? 0) <= SMALL_BODY_BYTES;
  const isCounted = request.headers['transfer-encoding'] === undefined;
  // Its body is read for nothing only where that is less than a new connection.
  if (!isSmall || !isCounted) {
    void reply.header('connection', 'close');
  }
  return reply.code(503).headers(headers).send(body);
}

/** RFC 9112 §3.2: a request of HTTP/1.1 without a Host is answered 400. */
function requireHost({ raw }: FastifyRequest): void {
  if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
    throw new Failure('invalid_value', { message: 'The request has no Host header.' });
  }
}

/** Everything that can be refused before a byte of the body is read. */
async function admitCaller(
  parts: ServerParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { access, paid } = request.routeOptions.config;
  if (access === undefined) {
    return;
  }
  if (parts.isDraining() && paid === true) {
    throw new Failure('overloaded', { internal: 'draining' });
  }
  if (access === 'open') {
    return;
  }
  const { authorization, 'x-api-key': sentKey } = request.headers;
  const xApiKey = typeof sentKey === 'string' ? sentKey : undefined;
  if (access === 'admin') {
    admitAdmin(parts, request, readCredentials({ authorization, xApiKey }));
    return;
  }
  const step = stepper(parts, request);
  const caller = await parts.authenticate({ authorization, xApiKey });
  request.easel.caller = caller;
  step('authenticate');
  const isLarge = !(Number(request.headers['content-length']) <= SMALL_BODY_BYTES);
  if (paid !== true) {
    return;
  }
  const allowances = await parts.allowances(caller);
  step('limit');
  void reply.headers(rateLimitHeaders(allowances));
  if (mayBePaid(request)) {
    return;
  }
  refuseExhausted(allowances);
  if (isBroke(caller, isLarge)) {
    throw new Failure('insufficient_quota');
  }
}

/** Adds a span for each step, from the end of the one before. */
function stepper({ clock }: ServerParts, { easel }: FastifyRequest): (name: string) => void {
  let startMs = clock.now();
  return (name) => {
    const endMs = clock.now();
    easel.trace?.span({ name, startMs, endMs });
    easel.checkedAtMs = endMs;
    startMs = endMs;
  };
}

function traceOf(request: FastifyRequest): TraceBegin {
  const { traceparent } = request.headers;
  return {
    name: `${request.method} ${request.routeOptions.url ?? 'none'}`,
    startMs: request.easel.startedAtMs,
    traceparent: typeof traceparent === 'string' ? traceparent : undefined,
  };
}

/** An admin key opens nothing else, and no other key opens this. */
function admitAdmin(
  { isAdmin, log }: ServerParts,
  request: FastifyRequest,
  sent: string | undefined,
): void {
  if (!isAdmin(sent)) {
    log.warn({ requestId: request.id, from: request.ip }, 'an admin request without the admin key');
    throw new Failure('invalid_api_key', { internal: 'it is not the admin key' });
  }
  request.easel.actor = `admin …${sent?.slice(-4)}`;
}

function isBroke({ available }: Caller, isLarge: boolean): boolean {
  return available < 0n || (available === 0n && isLarge);
}

/** It may repeat a request that was paid with the last of the money, or that took the last place. */
function mayBePaid({ headers }: FastifyRequest): boolean {
  return 'idempotency-key' in headers || Number(headers['x-stainless-retry-count'] ?? 0) > 0;
}

function validatorOf(schema: unknown): (data: unknown) => { value: unknown } | { error: Error } {
  return (data) => {
    try {
      return { value: validate(schema as Parameters<typeof validate>[0], data) };
    } catch (error) {
      return { error: error as Error };
    }
  };
}

/** What Node's own parser refuses never reaches Fastify: garbage, or headers without end. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = BROKEN_STATUS[error.code ?? ''] ?? '400 Bad Request';
  const failure = new Failure('invalid_value', { message: 'This is not a valid HTTP request.' });
  const body = JSON.stringify(errorBody(failure));
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'x-request-id': newId('req'),
  };
  socket.end(rawAnswer(status, headers, body));
}

const BROKEN_STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
