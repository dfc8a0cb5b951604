import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSocketServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createLog } from '../base/log.ts';
import type { Egress, EgressRequest } from './egress.ts';
import { createEgress, type EgressOptions } from './upstream.ts';

/** An upstream on a free port of this machine, and what it saw. */
export interface TestUpstream {
  readonly url: string;
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly port: number;
  /** All connections that were ever opened. */
  readonly connections: Socket[];
  /** Those that still are. */
  readonly open: Set<Socket>;
  /** The heads of all requests, as they came. */
  readonly heads: string[];
}

/** An upstream that speaks proper HTTP. */
export async function httpUpstream(t: TestContext, listener: RequestListener) {
  return await listen(t, createServer({ keepAliveTimeout: 60_000 }, listener));
}

/** An upstream that answers each request's head with whatever bytes the test wants. */
export async function rawUpstream(
  t: TestContext,
  answer: (socket: Socket, head: string) => void,
): Promise<TestUpstream> {
  const server = createSocketServer((socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end >= 0) {
        const head = text.slice(0, end);
        text = '';
        upstream.heads.push(head);
        answer(socket, head);
      }
    });
  });
  const upstream = await listen(t, server);
  return upstream;
}

/** Starts any server, and ends it with the test. */
export async function listen(t: TestContext, server: Server): Promise<TestUpstream> {
  const connections: Socket[] = [];
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.push(socket);
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  t.after(() => {
    for (const socket of open) {
      socket.destroy();
    }
    server.close();
  });
  const host = `127.0.0.1:${port}`;
  return { url: `http://${host}`, host, port, connections, open, heads: [] };
}

/** The way out to it, with short time-outs where the test gives them. */
export function egressTo(
  t: TestContext,
  baseUrl: string,
  options: Partial<EgressOptions> = {},
): Egress {
  const log = createLog({ level: 'silent' });
  const egress = createEgress({ baseUrl, trustedHosts: new Set(), log, ...options });
  t.after(() => egress.close());
  return egress;
}

/** A request that buys something. */
export function post(url: string, fields: Partial<EgressRequest> = {}): EgressRequest {
  return { method: 'POST', url, body: '{}', signal: new AbortController().signal, ...fields };
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
