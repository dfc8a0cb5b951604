import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Log } from '../base/log.ts';
import { formatUsd } from '../base/money.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** What 499 means to nginx: the client left before there was an answer. */
const CLIENT_LEFT = 499;

/** Bytes of a connection that earlier requests on it have used. */
const counted = new WeakMap<Socket, { read: number; written: number }>();

/** Everything that is told of one HTTP exchange when it is over. */
export function tellExchange(
  { log, telemetry, nowMs }: { log: Log; telemetry: Telemetry; nowMs: number },
  request: FastifyRequest,
  response: ServerResponse,
): void {
  const { headersSent, writableFinished } = response;
  const status = headersSent ? response.statusCode : CLIENT_LEFT;
  const { failure, firstByteMs, startedAtMs, trace } = request.easel;
  const durationMs = nowMs - startedAtMs;
  const error = failure?.row.code ?? failure?.errorName;
  log.info(lineOf(request, { status, durationMs, isWhole: writableFinished }), 'request');
  const route = request.routeOptions.url ?? 'none';
  const { method } = request;
  telemetry.exchangeEnded({
    route,
    method,
    status,
    durationMs,
    firstByteMs,
    error: failure?.errorName,
    ...bytesOf(request.raw.socket),
  });
  trace?.end(
    {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
      'easel.request_id': request.id,
      'gen_ai.response.id': request.easel.imageId,
    },
    error,
  );
}

/** One line a request, whatever became of it: ids, sums and times, never what was in it. */
function lineOf(
  request: FastifyRequest,
  ended: { readonly status: number; readonly durationMs: number; readonly isWhole: boolean },
): Record<string, unknown> {
  const { caller, imageId, model, cost, failure, firstByteMs } = request.easel;
  return {
    requestId: request.id,
    method: request.method,
    // The path only: a query may hold what is none of the log's business.
    path: request.url.split('?', 1)[0],
    status: ended.status,
    ...(ended.isWhole ? {} : { aborted: true }),
    ...(caller === undefined
      ? {}
      : { account: caller.accountId, key: caller.keyId, mode: caller.mode }),
    ...(imageId === undefined ? {} : { image: imageId }),
    ...(model === undefined ? {} : { model }),
    ...(cost === undefined ? {} : { costUsd: formatUsd(cost) }),
    ...(failure === undefined ? {} : { error: failure.row.code ?? failure.errorName }),
    ...(firstByteMs === undefined ? {} : { firstByteMs }),
    durationMs: ended.durationMs,
  };
}

function bytesOf(socket: Socket): { receivedBytes: number; sentBytes: number } {
  const before = counted.get(socket) ?? { read: 0, written: 0 };
  const { bytesRead, bytesWritten } = socket;
  counted.set(socket, { read: bytesRead, written: bytesWritten });
  return { receivedBytes: bytesRead - before.read, sentBytes: bytesWritten - before.written };
}
