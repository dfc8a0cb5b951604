import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { type Fault, type FaultKind, faultOfPrompt, type PlainFaultKind } from './faults.ts';

/** A request as it reached the simulator, kept for the test to look at. */
export interface ReceivedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
}

/** A whole answer. The faults that concern bytes are done to it by the base. */
export interface SimulatorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text and bytes go as they are, anything else as JSON. */
  readonly body: unknown;
  /** Whether this request costs money, if it is answered with a status below 300. */
  readonly isPurchase?: boolean;
}

export interface SimulatorOptions {
  /** 0, any free one, by default. */
  readonly port?: number;
  /** The upstream's own behaviour; a fault that concerns its wire is handed in. */
  readonly answer: (
    request: ReceivedRequest,
    fault: Fault | undefined,
  ) => SimulatorAnswer | Promise<SimulatorAnswer>;
  /** The upstream's form of an error. */
  readonly errorBody: (status: number) => unknown;
  /** Which requests use up a fault of the queue: all POSTs by default. */
  readonly takesFault?: (request: ReceivedRequest) => boolean;
  /** Kinds of faults that `answer` deals with, although the base could. */
  readonly ownFaults?: readonly FaultKind[];
  /** The prompt, which may ask for a fault: `prompt` of the JSON body or the form by default. */
  readonly promptOf?: (request: ReceivedRequest) => string;
}

/**
 * An upstream that speaks the provider's wire over real HTTP, as strictly as the provider does, and
 * misbehaves on demand. Close it in `after` or with `await using`.
 */
export class Simulator implements AsyncDisposable {
  /** `http://127.0.0.1:41234` */
  readonly url: string;
  readonly requests: ReceivedRequest[] = [];
  /** Requests that were accepted and would be billed. */
  readonly bought: ReceivedRequest[] = [];
  purchases = 0;
  /** Callers that went away before their answer was complete. */
  hangUps = 0;
  /** What the simulator itself got wrong: nothing, always. */
  readonly problems: unknown[] = [];
  readonly #server: Server;
  readonly #options: SimulatorOptions;
  readonly #faults: Fault[] = [];
  #always: Fault | undefined;
  readonly #held = new Set<() => void>();
  /** Answers that the simulator itself broke off. */
  readonly #broken = new WeakSet<ServerResponse>();
  #watchers: (() => void)[] = [];

  private constructor(server: Server, options: SimulatorOptions) {
    this.#server = server;
    this.#options = options;
    const { port } = server.address() as AddressInfo;
    this.url = `http://127.0.0.1:${port}`;
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  static async start(options: SimulatorOptions): Promise<Simulator> {
    const server = createServer();
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    return new Simulator(server, options);
  }

  /** The next request that can, gets this wrong; several queue up. */
  next(...faults: readonly (Fault | PlainFaultKind)[]): void {
    this.#faults.push(
      ...faults.map((fault) => (typeof fault === 'string' ? { kind: fault } : fault)),
    );
  }

  /** Every request that can, gets this wrong, but for those that `next` is for; until told otherwise. */
  always(fault: Fault | PlainFaultKind | undefined): void {
    this.#always = typeof fault === 'string' ? { kind: fault } : fault;
  }

  /** Lets answers go on that a `slow_…` fault holds back. */
  release(): void {
    for (const letGo of this.#held) {
      letGo();
    }
    this.#held.clear();
  }

  /** Waits until the simulator has seen something: `until(() => sim.hangUps === 1)`. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** How many answers are held back by a fault now. */
  get heldAnswers(): number {
    return this.#held.size;
  }

  /** The body of the last request, as JSON. */
  get lastJson(): Readonly<Record<string, unknown>> {
    return (this.requests.at(-1)?.json ?? {}) as Readonly<Record<string, unknown>>;
  }

  async close(): Promise<void> {
    this.release();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      const isOurDoing = response.writableFinished || this.#broken.has(response);
      this.hangUps += isOurDoing ? 0 : 1;
      this.#changed();
    });
    try {
      const request = await receive(incoming);
      const takesFault = this.#options.takesFault ?? (({ method }) => method === 'POST');
      const fault = takesFault(request)
        ? (this.#faults.shift() ??
          this.#always ??
          faultOfPrompt((this.#options.promptOf ?? promptOf)(request)))
        : undefined;
      this.requests.push(request);
      this.#changed();
      const right = typed(await this.#options.answer(request, fault));
      const answer = right.status < 300 ? this.#spoil(right, fault) : right;
      if (answer.isPurchase === true && answer.status < 300) {
        this.purchases += 1;
        this.bought.push(request);
      }
      await this.#send(response, answer, fault);
    } catch (error) {
      // A caller that hung up is no problem of ours.
      if (!response.destroyed) {
        this.problems.push(error);
        this.#break(response);
      }
    }
  }

  /** The faults that replace a whole answer. */
  #spoil(right: SimulatorAnswer, fault: Fault | undefined): SimulatorAnswer {
    if (fault === undefined || this.#options.ownFaults?.includes(fault.kind) === true) {
      return right;
    }
    switch (fault.kind) {
      case 'status': {
        const { status, headers = {}, body = this.#options.errorBody(status) } = fault;
        return typed({ status, headers, body });
      }
      case 'garbage':
        return { ...right, body: Buffer.from('\u0000\u0001 no JSON at all }{"') };
      case 'html': {
        const { status = 502 } = fault;
        const body = `<html><head><title>${status}</title></head><body>nginx</body></html>`;
        return { ...right, status, headers: { 'content-type': 'text/html' }, body };
      }
      case 'half_json': {
        const bytes = bytesOf(right.body);
        return { ...right, body: bytes.subarray(0, bytes.length >> 1) };
      }
      case 'oversized': {
        const padding = `"padding":"${'x'.repeat(fault.bytes ?? 2 * 1024 * 1024)}"`;
        const text = bytesOf(right.body).toString();
        const isObject = text.startsWith('{');
        const body = isObject ? `{${padding},${text.slice(1)}` : `data: {${padding}}\n\n${text}`;
        return { ...right, body };
      }
      case 'redirect_private': {
        const headers = { location: 'http://169.254.169.254/latest/meta-data' };
        return { status: 302, headers, body: '' };
      }
      default:
        return right;
    }
  }

  /** Sends an answer; the faults that concern its way strike here. */
  async #send(
    response: ServerResponse,
    answer: SimulatorAnswer,
    fault: Fault | undefined,
  ): Promise<void> {
    const bytes = bytesOf(answer.body);
    if (fault?.kind === 'slow_first_byte') {
      await (fault.ms === undefined ? this.#hold() : wait(fault.ms));
    }
    if (fault?.kind === 'hang_up') {
      this.#break(response);
      return;
    }
    response.writeHead(answer.status, answer.headers);
    if (fault?.kind === 'die_mid_payload' || fault?.kind === 'slow_mid_payload') {
      const count = fault.afterBytes ?? bytes.length >> 1;
      await new Promise((resolve) => response.write(bytes.subarray(0, count), resolve));
      if (fault.kind === 'die_mid_payload') {
        this.#break(response);
        return;
      }
      await this.#hold();
      response.end(bytes.subarray(count));
      return;
    }
    response.end(bytes);
  }

  #break(response: ServerResponse): void {
    this.#broken.add(response);
    response.destroy();
  }

  #hold(): Promise<void> {
    return new Promise((resolve) => {
      this.#held.add(resolve);
      this.#changed();
    });
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) {
      watcher();
    }
  }
}

/** With the content type of JSON where the body is a value and no text. */
function typed(answer: SimulatorAnswer): SimulatorAnswer {
  const isPlain = typeof answer.body === 'string' || Buffer.isBuffer(answer.body);
  return isPlain
    ? answer
    : { ...answer, headers: { 'content-type': 'application/json', ...answer.headers } };
}

async function receive(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const url = new URL(incoming.url ?? '/', 'http://simulator');
  const body = await buffer(incoming);
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
  );
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers,
    body,
    json: parse(body),
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return undefined;
  }
}

function promptOf({ json, body, headers }: ReceivedRequest): string {
  if (headers['content-type']?.startsWith('multipart/form-data') === true) {
    // Looked for in the bytes: the pictures behind it are no text, and long.
    const name = 'name="prompt"\r\n\r\n';
    const start = body.indexOf(name);
    const text = start === -1 ? body.subarray(0, 0) : body.subarray(start + name.length);
    return text.subarray(0, Math.max(0, text.indexOf('\r\n--'))).toString();
  }
  const { prompt } = (json ?? {}) as { readonly prompt?: unknown };
  return typeof prompt === 'string' ? prompt : '';
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) {
    return body;
  }
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
