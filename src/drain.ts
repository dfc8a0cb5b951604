import type { FastifyInstance } from 'fastify';
import { Failure } from './base/errors.ts';
import type { Log } from './base/log.ts';
import type { InFlight } from './http/inFlight.ts';
import type { JobRegistry } from './requests/registry.ts';

export interface DrainOptions {
  readonly jobs: JobRegistry;
  readonly inFlight: InFlight;
  readonly log: Log;
  /** How long running requests may go on, in milliseconds. */
  readonly deadlineMs: number;
}

/** After the deadline a given-up request has this long to tell its caller. */
const LAST_WORDS_MS = 1000;

/**
 * Closes the server for new requests and waits until the running ones have been answered. At the
 * deadline those that still run are given up: their holds are released, their callers get 503.
 */
export async function drainServer(server: FastifyInstance, options: DrainOptions): Promise<void> {
  const { jobs, inFlight, log, deadlineMs } = options;
  log.info({ running: inFlight.count, deadlineMs }, 'draining');
  const closing = server.close();
  const deadline = setTimeout(() => {
    log.warn({ running: inFlight.count }, 'the drain deadline is over: giving up what still runs');
    jobs.abortAll(new Failure('overloaded', { internal: 'the server was stopped' }));
    setTimeout(() => server.server.closeAllConnections(), LAST_WORDS_MS).unref();
  }, deadlineMs);
  await inFlight.idle();
  await jobs.idle();
  clearTimeout(deadline);
  // A connection on which nothing was ever asked (browsers open some in advance) is not idle to
  // Node, which would wait for it.
  server.server.closeAllConnections();
  await closing;
  log.info('drained');
}
