import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Payload } from '../payload/payload.ts';
import { isConnected } from './requestContext.ts';

/** Thrown by a write to a client that has left: nobody is there to be told. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft';

  constructor() {
    super('the client closed the connection');
  }
}

/**
 * An answer that is written piece by piece, past Fastify's buffering. Each write waits while the
 * client reads more slowly than we write, so a slow client costs no memory.
 */
export class Answer {
  readonly #reply: FastifyReply;
  #started = false;
  #writtenAtMs = Date.now();

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  get started(): boolean {
    return this.#started;
  }

  /** When something was last written, by the system's clock. */
  get writtenAtMs(): number {
    return this.#writtenAtMs;
  }

  /** Sends status 200 and the headers: from here on no other status is possible. */
  start(headers: OutgoingHttpHeaders): void {
    this.#reply.hijack();
    const kept = this.#reply.getHeaders() as OutgoingHttpHeaders;
    this.#reply.raw.writeHead(200, { ...kept, ...headers });
    this.#started = true;
    this.#reply.raw.flushHeaders();
    const { easel } = this.#reply.request;
    easel.firstByteMs = Date.now() - easel.startedAtMs;
  }

  /** Writes and waits until the client has room for more. Throws ClientLeft when it is gone. */
  async write(piece: string | Buffer): Promise<void> {
    if (!this.#push(piece)) {
      await this.#drained();
    }
  }

  /**
   * Writes all chunks of a payload. False when the source died in its middle: the job then says
   * why in its next event. Throws ClientLeft when it is the client that is gone.
   */
  async writeAll(chunks: ReturnType<Payload['chunks']>): Promise<boolean> {
    const source = chunks[Symbol.asyncIterator]();
    for (;;) {
      const step = await source.next().catch(() => undefined);
      if (step === undefined || step.done === true) {
        return step !== undefined;
      }
      try {
        if (!this.#push(step.value)) {
          await this.#drained();
        }
      } catch (error) {
        await source.return?.();
        throw error;
      }
    }
  }

  end(trailers?: Readonly<Record<string, string>>): void {
    if (trailers !== undefined) {
      this.#reply.raw.addTrailers(trailers);
    }
    this.#reply.raw.end();
  }

  /** Breaks the connection, so that what was sent cannot pass for a whole answer. */
  destroy(): void {
    const { raw } = this.#reply;
    if (this.isChunked) {
      raw.destroy();
    } else {
      // HTTP/1.0 ends a body by closing the connection: only a reset tells that it was not whole.
      raw.socket?.resetAndDestroy();
    }
  }

  /** Whether the body has an end of its own, and trailers behind it: not so in HTTP/1.0. */
  get isChunked(): boolean {
    return this.#reply.request.raw.httpVersion !== '1.0';
  }

  /** False when the client has no room for more. */
  #push(piece: string | Buffer): boolean {
    if (!isConnected(this.#reply)) {
      throw new ClientLeft();
    }
    this.#writtenAtMs = Date.now();
    return this.#reply.raw.write(piece);
  }

  #drained(): Promise<void> {
    const { raw } = this.#reply;
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): (() => void) => {
        return () => {
          raw.off('drain', onDrain);
          raw.off('close', onClose);
          finish();
        };
      };
      const onDrain = settle(resolve);
      const onClose = settle(() => reject(new ClientLeft()));
      raw.once('drain', onDrain);
      raw.once('close', onClose);
    });
  }
}
