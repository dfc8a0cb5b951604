import { type ErrorName, ERRORS, Failure } from '../../src/base/errors.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { InFlight } from '../../src/http/inFlight.ts';
import { createServer } from '../../src/http/server.ts';
import { Shedder } from '../../src/http/shedding.ts';
import { NO_TELEMETRY } from '../../src/telemetry/open.ts';
import { type Arrivals, watchArrivals } from './arrivals.ts';

/** The real HTTP layer around a route that fails as it is told. */
export interface FailingServer extends AsyncDisposable {
  readonly url: string;
  readonly arrivals: Arrivals;
}

/** The header that names the row of the error table to fail with. */
export const FAIL_WITH = 'x-fail-with';

/**
 * Serves `POST /v1/images/generations` with the server, hooks and error answers of Easel, so that
 * rows of the error table which nothing can provoke yet are tried on real clients, too.
 */
export async function startFailingServer(): Promise<FailingServer> {
  const log = createLog({ level: 'silent' });
  const rules = {
    connectionsMax: 1000,
    requestsMax: 1000,
    bodyBytesMax: 1024 * 1024,
    loopDelayMsMax: 60_000,
  };
  const server = await createServer({
    log,
    shedder: new Shedder(rules, { log, running: () => 0 }),
    clock: systemClock,
    inFlight: new InFlight(),
    authenticate: () => Promise.reject(new Failure('invalid_api_key')),
    allowances: async () => [],
    isAdmin: () => false,
    telemetry: NO_TELEMETRY,
    isDraining: () => false,
    body: { bytesMax: 1024 * 1024, idleMs: 30_000, bytesPerSecondMin: 0 },
    origins: [],
    headMs: 15_000,
  });
  server.post('/v1/images/generations', { config: { access: 'open' } }, (request) => {
    const name = String(request.headers[FAIL_WITH]);
    const isRow = (text: string): text is ErrorName => Object.hasOwn(ERRORS, text);
    throw new Failure(isRow(name) ? name : 'not_found', { param: 'prompt' });
  });
  const arrivals = watchArrivals(server.server);
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  return { url, arrivals, [Symbol.asyncDispose]: () => server.close() };
}
