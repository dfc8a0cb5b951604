import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a PostgreSQL server that may lose the answer to a COMMIT. */
export interface CuttingProxy extends AsyncDisposable {
  /** The server's URL, by this way. */
  readonly url: string;
  /**
   * The next COMMIT behind which this stood in the same transaction reaches the server, and its
   * connection ends before the answer. Resolves when that has happened.
   */
  readonly cutNext: (statement: string) => Promise<void>;
}

/** Passes bytes on in both directions. */
export async function startCuttingProxy(serverUrl: string): Promise<CuttingProxy> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let armed: { readonly statement: string; readonly done: () => void } | undefined;
  const proxy = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    let isMarked = false;
    let isCut = false;
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      isMarked ||= armed !== undefined && text.includes(armed.statement);
      // A simple query: its letter, four bytes of length, its text.
      isCut ||= isMarked && text.startsWith('Q') && text.startsWith('commit', 5);
      server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => {
      if (!isCut) {
        client.write(chunk);
        return;
      }
      // The server has answered: it is written. Nobody hears of it.
      client.destroy();
      armed?.done();
      armed = undefined;
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const url = new URL(serverUrl);
  url.port = String((proxy.address() as AddressInfo).port);
  return {
    url: url.href,
    cutNext: (statement) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      armed = { statement, done: resolve };
      return promise;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) {
        socket.destroy();
      }
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
