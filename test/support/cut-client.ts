import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';

/** How far a client reads: so many bytes of the head, or of the body behind it (chunks undone). */
export type Share = { readonly head: number } | { readonly body: number };

const READ_BYTES_MAX = 64 * 1024;

/**
 * A client that takes exactly as much of one answer off its socket as it is told to, so that it can
 * hang up at a known place: the rest stays with the system, and never reaches it.
 */
export class CutClient {
  /** The status line and headers, as far as they were taken. */
  head = '';
  /** All of the answer was taken, to the end of its last chunk. */
  isWhole = false;
  readonly #socket: Socket;
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;
  #line = '';
  /** What is left of the chunk, or of the body that has a length. */
  #left = 0;
  #isChunked = false;
  #share: Share | 'all' = { head: 0 };
  #taken = Promise.withResolvers<void>();

  private constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect({
      port: Number(port),
      host: hostname,
      onread: {
        buffer: () => Buffer.alloc(this.#nextBytes()),
        callback: (count, bytes) => {
          this.#push(Buffer.from(bytes.buffer, bytes.byteOffset, count));
          if (this.#isEnough()) {
            this.#taken.resolve();
          }
          return !this.#isEnough();
        },
      },
    });
    this.#socket.pause();
    this.#socket.on('error', () => undefined);
  }

  static async connect(url: string): Promise<CutClient> {
    const client = new CutClient(url);
    await once(client.#socket, 'connect');
    return client;
  }

  /** What was taken of the body. */
  get body(): Buffer {
    return Buffer.concat(this.#body);
  }

  /** Bytes of any kind that were taken off the socket. */
  get bytesTaken(): number {
    return this.#socket.bytesRead;
  }

  /** The header's value; undefined while the head is not whole. */
  header(name: string): string | undefined {
    const lines = this.#hasHead ? this.head.split('\r\n') : [];
    const prefix = `${name}: `;
    return lines.find((line) => line.toLowerCase().startsWith(prefix))?.slice(prefix.length);
  }

  /** Resolves when the system has taken it. */
  async send(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Reads on until it has this much; rejects when the answer ends before. */
  async take(share: Share | 'all'): Promise<void> {
    this.#share = share;
    if (this.#isEnough()) {
      return;
    }
    this.#taken = Promise.withResolvers();
    const close = (): void =>
      this.#taken.reject(new Error(`the answer ended after ${this.#bodyBytes} bytes of its body`));
    this.#socket.once('close', close);
    this.#socket.resume();
    await this.#taken.promise;
    this.#socket.off('close', close);
  }

  /** Hangs up: with a reset, or in the orderly way of a process that ends. */
  cut(how: 'reset' | 'close'): void {
    if (how === 'reset') {
      this.#socket.resetAndDestroy();
    } else {
      this.#socket.destroy();
    }
  }

  get #hasHead(): boolean {
    return this.head.endsWith('\r\n\r\n');
  }

  #isEnough(): boolean {
    if (this.#share === 'all') {
      return this.isWhole;
    }
    return 'head' in this.#share
      ? this.head.length >= this.#share.head
      : this.#hasHead && this.#bodyBytes >= this.#share.body;
  }

  /** As many bytes as can be read without going past the share. */
  #nextBytes(): number {
    const share = this.#share;
    const isPart = share !== 'all' && 'body' in share;
    const wanted = isPart ? share.body - this.#bodyBytes : READ_BYTES_MAX;
    return Math.max(1, Math.min(this.#left, wanted, READ_BYTES_MAX));
  }

  #push(bytes: Buffer): void {
    if (!this.#hasHead) {
      this.head += bytes.toString('latin1');
      if (!this.#hasHead) {
        return;
      }
      this.#isChunked = /^transfer-encoding: chunked\r$/im.test(this.head);
      this.#left = Number(/^content-length: (\d+)\r$/im.exec(this.head)?.[1] ?? 0);
      return;
    }
    if (this.#left > 0) {
      this.#body.push(bytes);
      this.#bodyBytes += bytes.length;
      this.#left -= bytes.length;
      this.isWhole = !this.#isChunked && this.#left === 0;
      return;
    }
    this.#line += bytes.toString('latin1');
    const size = /^(?:\r\n)?([0-9a-f]+)\r\n$/i.exec(this.#line)?.[1];
    if (size !== undefined && Number.parseInt(size, 16) > 0) {
      this.#left = Number.parseInt(size, 16);
      this.#line = '';
    }
    this.isWhole = /^(?:\r\n)?0\r\n\r\n$/.test(this.#line);
  }
}

/** What a server has seen of one request. */
export interface Sighting {
  /** Its head has come. */
  readonly arrived: Promise<IncomingMessage>;
  /** Its body has come whole. */
  readonly received: Promise<void>;
  /** Nobody is answered any more: it was sent, or the client has left. */
  readonly closed: Promise<void>;
}

/** Lets what a server sees be awaited, by the `x-request-id` of the request. */
export function watchRequests(server: Server): (requestId: string) => Sighting {
  const sightings = new Map<string, ReturnType<typeof openSighting>>();
  const of = (requestId: string): ReturnType<typeof openSighting> => {
    const sighting = sightings.get(requestId) ?? openSighting();
    sightings.set(requestId, sighting);
    return sighting;
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { arrived, received, closed } = of(String(request.headers['x-request-id']));
    arrived.resolve(request);
    request.once('end', received.resolve);
    response.once('close', closed.resolve);
  });
  return (requestId) => {
    const { arrived, received, closed } = of(requestId);
    return { arrived: arrived.promise, received: received.promise, closed: closed.promise };
  };
}

function openSighting() {
  return {
    arrived: Promise.withResolvers<IncomingMessage>(),
    received: Promise.withResolvers<void>(),
    closed: Promise.withResolvers<void>(),
  };
}
