import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { ArrivingBody } from './arriving-body.ts';
import type { EgressAnswer } from './egress.ts';
import {
  brokenFailure,
  type ExchangeState,
  silentFailure,
  tooLargeFailure,
  transportFailure,
} from './failures.ts';

export interface ExchangeRequest {
  readonly dispatcher: Dispatcher;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | AsyncIterable<Buffer>;
  readonly signal: AbortSignal;
  /** From now to the answer's head, a place among the connections included. */
  readonly firstByteMs: number;
  /** The longest silence within the body. */
  readonly idleMs: number;
  readonly bodyBytesMax: number;
  /** From now to the body's end; without a bound when absent. */
  readonly totalMs?: number;
  /** `false`: what this exchange fetches was bought before, so its failures are never `no`. */
  readonly buys: boolean;
}

/** An answer whose body may still be arriving. */
export interface ExchangeAnswer extends EgressAnswer {
  /** Closes the connection when the body is not wanted. */
  readonly abandon: () => void;
}

/**
 * One request and its answer, on a connection that is used for nothing else meanwhile. Nothing is
 * ever sent twice. Throws an UpstreamFailure, or the signal's reason once that aborts; the body
 * does the same. `no` as to money only if undici had not yet begun to write the request.
 */
export function exchange(request: ExchangeRequest): Promise<ExchangeAnswer> {
  return new Exchange(request).answer;
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<ExchangeAnswer>;
  readonly #request: ExchangeRequest;
  readonly #answer = Promise.withResolvers<ExchangeAnswer>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #controller: Dispatcher.DispatchController | undefined;
  #body: ArrivingBody | undefined;
  #receivedBytes = 0;
  #isDone = false;

  constructor(request: ExchangeRequest) {
    this.#request = request;
    this.answer = this.#answer.promise;
    const { signal, firstByteMs, totalMs } = request;
    if (signal.aborted) {
      this.#end(signal.reason);
      return;
    }
    signal.addEventListener('abort', this.#onAbort);
    // Not undici's own: that starts when a connection is there, and each 1xx answer resets it.
    this.#after(firstByteMs, () => {
      if (this.#body === undefined) {
        this.#giveUp(silentFailure(`no answer within ${firstByteMs} ms`, this.#state()));
      }
    });
    if (totalMs !== undefined) {
      this.#after(totalMs, () => {
        this.#giveUp(silentFailure(`took longer than ${totalMs} ms`, this.#state()));
      });
    }
    this.#dispatch();
  }

  #dispatch(): void {
    const { dispatcher, method, url, headers, body, idleMs } = this.#request;
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: { ...headers },
        ...(body === undefined ? {} : { body: dispatchable(body) }),
        headersTimeout: 0,
        bodyTimeout: idleMs,
      },
      this,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isDone) {
      controller.abort(new Error('given up before it was sent'));
    }
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    rawHeaders: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200 || this.#isDone) {
      return;
    }
    const headers = joinHeaders(rawHeaders);
    const refusal = this.#whyRefused(headers);
    if (refusal !== undefined) {
      this.#giveUp(refusal);
      return;
    }
    const { signal, idleMs } = this.#request;
    const abandon = (): void => {
      this.#giveUp(new Error('the rest was not wanted'));
    };
    const body = new ArrivingBody({
      pause: () => {
        controller.pause();
      },
      resume: () => {
        controller.resume();
      },
      abandon,
      check: () => {
        signal.throwIfAborted();
      },
    });
    this.#body = body;
    this.#answer.resolve({ status, headers, body, abandon });
    // A full connection that nobody reads would be paused, and so kept, for good.
    this.#after(idleMs, () => {
      if (!body.isTaken) {
        this.#giveUp(silentFailure('nobody read the answer', this.#state()));
      }
    });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    const { bodyBytesMax } = this.#request;
    if (this.#receivedBytes > bodyBytesMax) {
      this.#giveUp(tooLargeFailure(`sent more than ${bodyBytesMax} bytes`, this.#state()));
      return;
    }
    this.#body?.push(chunk);
  }

  onResponseEnd(): void {
    this.#body?.complete();
    this.#release();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: unknown): void {
    this.#end(transportFailure(error, this.#state()));
  }

  readonly #onAbort = (): void => {
    this.#giveUp(this.#request.signal.reason);
  };

  /** Ends the exchange from our side. */
  #giveUp(reason: unknown): void {
    if (!this.#isDone) {
      this.#end(reason);
      this.#controller?.abort(new Error('given up'));
    }
  }

  #end(reason: unknown): void {
    if (this.#isDone) {
      return;
    }
    this.#release();
    if (this.#body === undefined) {
      this.#answer.reject(reason);
    } else {
      this.#body.fail(reason);
    }
  }

  #release(): void {
    this.#isDone = true;
    this.#request.signal.removeEventListener('abort', this.#onAbort);
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
    this.#timers.clear();
  }

  #after(delayMs: number, act: () => void): void {
    this.#timers.add(setTimeout(act, delayMs));
  }

  #whyRefused(headers: Readonly<Record<string, string>>): Error | undefined {
    const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
    if (encoding !== '' && encoding !== 'identity') {
      return brokenFailure('sent an encoded body though told not to', this.#state());
    }
    const { bodyBytesMax } = this.#request;
    return Number(headers['content-length'] ?? 0) > bodyBytesMax
      ? tooLargeFailure(`announced more than ${bodyBytesMax} bytes`, this.#state())
      : undefined;
  }

  #state(): ExchangeState {
    const { url, buys } = this.#request;
    const nothingSent = buys && this.#controller === undefined;
    return { host: url.host, billed: nothingSent ? 'no' : 'unknown' };
  }
}

function dispatchable(body: NonNullable<ExchangeRequest['body']>): string | Buffer | Readable {
  return typeof body === 'string' || Buffer.isBuffer(body)
    ? body
    : Readable.from(body, { objectMode: false });
}

function joinHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}
