import type { IncomingMessage, Server } from 'node:http';

/** Requests as they reach a server, whatever becomes of them: what a client's retries look like. */
export interface Arrivals {
  /** How many requests have come with this `x-request-id`. */
  readonly count: (requestId: string) => number;
  readonly requests: readonly IncomingMessage[];
}

/** Counts from now on, beside the server's own handler. */
export function watchArrivals(server: Server): Arrivals {
  const requests: IncomingMessage[] = [];
  server.on('request', (request: IncomingMessage) => {
    requests.push(request);
  });
  return {
    count: (requestId) =>
      requests.filter((request) => request.headers['x-request-id'] === requestId).length,
    requests,
  };
}
