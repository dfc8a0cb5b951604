import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody, Failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { rawAnswer } from './safe-headers.ts';

export interface SheddingRules {
  /** Connections that are open at once. */
  readonly connectionsMax: number;
  /** Requests for pictures that are running, or wait for their turn. */
  readonly requestsMax: number;
  /** Bytes of JSON bodies that are in memory while they arrive. */
  readonly bodyBytesMax: number;
  /**
   * How long a turn of the event loop may take, on the average of some hundred milliseconds. From a
   * quarter of it on, requests for pictures are refused in part: the nearer to it, the more of them.
   */
  readonly loopDelayMsMax: number;
}

export const SHED_REASONS = ['connections', 'requests', 'bodies', 'event_loop'] as const;
export type ShedReason = (typeof SHED_REASONS)[number];

const TICK_MS = 50;
/** The weight of the newest tick: neither a pause of the collector nor a burst is overload. */
const NEWEST = 0.1;
/** They come back spread over so many seconds. */
const RETRY_SECONDS_MAX = 3;
/** From this part of the bound on requests are refused, the more the nearer to it. */
const SHED_FROM = 0.25;
/** An average never quite comes to a bound at which its samples end. */
const SHARE_OF_ALL = 0.9;
const TELL_EVERY_MS = 1000;

const BODY = JSON.stringify(errorBody(new Failure('overloaded')));

/** What a request gets that is shed: made once, for it must cost next to nothing. */
export function shedAnswer(): { readonly headers: Record<string, string>; readonly body: string } {
  const seconds = 1 + Math.floor(Math.random() * RETRY_SECONDS_MAX);
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'retry-after': String(seconds),
  };
  return { headers, body: BODY };
}

/**
 * Refuses work while there is too much of it, at once and cheaply, so that what runs already is
 * finished in good time. It looks at what is there, never at who asks.
 */
export class Shedder {
  readonly #rules: SheddingRules;
  readonly #log: Log;
  readonly #running: () => number;
  readonly #counts: Record<ShedReason, number> = {
    connections: 0,
    requests: 0,
    bodies: 0,
    event_loop: 0,
  };
  #timer: NodeJS.Timeout | undefined;
  #connections = 0;
  #bodyBytes = 0;
  #loopDelayMs = 0;
  /** Parts of refusals that are not made yet: a half of all is every second one, not half by chance. */
  #owed = 0;
  #untold = 0;
  #toldAt = 0;

  /** `running`: how many requests for pictures there are now. Closed by `close`. */
  constructor(rules: SheddingRules, { log, running }: { log: Log; running: () => number }) {
    this.#rules = rules;
    this.#log = log;
    this.#running = running;
  }

  /** How often each bound has turned work away since the start. */
  get counts(): Readonly<Record<ShedReason, number>> {
    return this.#counts;
  }

  get connections(): number {
    return this.#connections;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** How long a turn of the event loop takes now, on the average. */
  get loopDelayMs(): number {
    return this.#loopDelayMs;
  }

  /**
   * Counts its connections, of which those above the bound get a 503 and are closed, and looks at the
   * event loop from the moment that it listens.
   */
  watch(server: Server): void {
    // What loading and opening took says nothing of requests.
    server.once('listening', () => {
      this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
    });
    server.on('connection', (socket: Socket) => {
      this.#connections += 1;
      socket.once('close', () => {
        this.#connections -= 1;
      });
      if (this.#connections > this.#rules.connectionsMax) {
        this.#note('connections');
        refuse(socket);
      }
    });
  }

  /** Whether a request is to be turned away; it is then counted. `isPaid`: it asks for pictures. */
  sheds(isPaid: boolean): boolean {
    if (this.#isLate(isPaid)) {
      this.#note('event_loop');
      return true;
    }
    if (isPaid && this.#running() >= this.#rules.requestsMax) {
      this.#note('requests');
      return true;
    }
    return false;
  }

  /** Counts bytes of a body that are kept in memory; throws `overloaded` when there are too many. */
  readonly takeBytes = (bytes: number): void => {
    if (this.#bodyBytes + bytes > this.#rules.bodyBytesMax) {
      this.#note('bodies');
      throw new Failure('overloaded', { internal: 'too many bytes of bodies are in memory' });
    }
    this.#bodyBytes += bytes;
  };

  readonly giveBytes = (bytes: number): void => {
    this.#bodyBytes -= bytes;
  };

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * Measures one turn: from the end of one poll for events to the end of the next. A request goes
   * through the loop a dozen times (files, sockets, commits), and waits for a turn each time; so this
   * is what saturates first, long before a timer is late by as much as a client would notice.
   */
  #tick(): void {
    setImmediate(() => {
      const startedAt = performance.now();
      setImmediate(() => {
        // No single pause, however long, can pass a quarter of the bound.
        const turnMs = Math.min(performance.now() - startedAt, 2 * this.#rules.loopDelayMsMax);
        this.#loopDelayMs = NEWEST * turnMs + (1 - NEWEST) * this.#loopDelayMs;
      });
    });
  }

  /** What is asked of things that exist is cheap, and refused only when all is. */
  #isLate(isPaid: boolean): boolean {
    const fullness = this.#loopDelayMs / this.#rules.loopDelayMsMax;
    const share = (fullness - SHED_FROM) / (1 - SHED_FROM);
    if (!isPaid || share <= 0) {
      return share > SHARE_OF_ALL;
    }
    this.#owed += share;
    if (this.#owed < 1) {
      return false;
    }
    this.#owed -= 1;
    return true;
  }

  /** One line a second, however many are shed. */
  #note(reason: ShedReason): void {
    this.#counts[reason] += 1;
    this.#untold += 1;
    const now = performance.now();
    if (this.#toldAt === 0 || now - this.#toldAt >= TELL_EVERY_MS) {
      this.#toldAt = now;
      this.#log.warn(
        { reason, shed: this.#untold, connections: this.#connections },
        'overloaded: requests are turned away',
      );
      this.#untold = 0;
    }
  }
}

/** Before anything was read: whatever will be asked, this is the answer. */
function refuse(socket: Socket): void {
  const { headers, body } = shedAnswer();
  socket.on('error', () => undefined);
  socket.end(rawAnswer('503 Service Unavailable', headers, body));
  // A client that sends on and never reads must not keep the socket.
  socket.destroySoon();
}
