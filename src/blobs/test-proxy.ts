import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** For tests: the way to a storage, which can be blocked and broken. */
export interface TestProxy {
  readonly url: string;
  /** Breaks whatever is open; until `back` nobody gets through. */
  readonly away: () => void;
  readonly back: () => void;
  /** Nothing passes any more, and nothing breaks, until `flow`. */
  readonly stall: () => void;
  readonly flow: () => void;
  /** Breaks one connection in the middle of what it sends, once so many bytes have passed. */
  readonly cutSent: (bytes: number) => void;
  /** The same for what comes back. */
  readonly cutAnswered: (bytes: number) => void;
  /** The next request that has this text in its head gets through; its answer does not. */
  readonly loseAnswer: (text: string) => void;
  /** Bytes that were sent and that were answered, and how often it has cut them off. */
  readonly passed: () => Passed;
}

interface Passed {
  readonly sent: number;
  readonly answered: number;
  readonly cuts: number;
}

/** Stands before the server at the URL until the test is over. */
export async function startProxy(context: TestContext, target: string): Promise<TestProxy> {
  const proxy = new Proxied(target);
  context.after(() => proxy.close());
  await proxy.listen();
  return proxy;
}

class Proxied implements TestProxy {
  readonly #target: URL;
  readonly #server = createServer({ allowHalfOpen: false }, (socket) => this.#join(socket));
  readonly #sockets = new Set<Socket>();
  #isAway = false;
  #isStalled = false;
  #cuts = { sent: Infinity, answered: Infinity };
  #losing: string | undefined;
  #passed = { sent: 0, answered: 0, cuts: 0 };

  constructor(target: string) {
    this.#target = new URL(target);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  close(): void {
    this.#breakAll();
    this.#server.close();
  }

  readonly away = (): void => {
    this.#isAway = true;
    this.#breakAll();
  };

  readonly back = (): void => {
    this.#isAway = false;
  };

  readonly stall = (): void => {
    this.#isStalled = true;
    this.#sockets.forEach((socket) => socket.pause());
  };

  readonly flow = (): void => {
    this.#isStalled = false;
    this.#sockets.forEach((socket) => socket.resume());
  };

  readonly cutSent = (bytes: number): void => {
    this.#cuts.sent = this.#passed.sent + bytes;
  };

  readonly cutAnswered = (bytes: number): void => {
    this.#cuts.answered = this.#passed.answered + bytes;
  };

  readonly loseAnswer = (text: string): void => {
    this.#losing = text;
  };

  readonly passed = (): Passed => ({ ...this.#passed });

  #breakAll(): void {
    this.#sockets.forEach((socket) => socket.destroy());
  }

  #join(client: Socket): void {
    if (this.#isAway) {
      client.destroy();
      return;
    }
    const server = connect(Number(this.#target.port), this.#target.hostname);
    let isLost = false;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      if (this.#isStalled) {
        socket.pause();
      }
    }
    client.on('data', (chunk) => {
      if (this.#losing !== undefined && chunk.includes(this.#losing)) {
        this.#losing = undefined;
        isLost = true;
      }
      this.#pass('sent', chunk, { from: client, to: server });
    });
    server.on('data', (chunk) => {
      if (isLost) {
        client.destroy();
        return;
      }
      this.#pass('answered', chunk, { from: server, to: client });
    });
  }

  #pass(
    way: 'sent' | 'answered',
    chunk: Buffer,
    { from, to }: { readonly from: Socket; readonly to: Socket },
  ): void {
    this.#passed[way] += chunk.length;
    if (this.#passed[way] >= this.#cuts[way]) {
      this.#cuts[way] = Infinity;
      this.#passed.cuts += 1;
      from.destroy();
      return;
    }
    if (!to.write(chunk)) {
      from.pause();
      to.once('drain', () => {
        if (!this.#isStalled) {
          from.resume();
        }
      });
    }
  }
}
