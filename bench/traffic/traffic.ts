import type { Socket } from 'node:net';
import { AnswerReader } from '../answer-reader.ts';
import { openConnection, requestText, type Target } from '../connection.ts';
import { whatIsWrong } from '../load.ts';
import { PayloadGauge } from '../payload-gauge.ts';

export interface TrafficOptions {
  readonly target: Target;
  readonly body: string;
  /** What the picture of each answer must measure. */
  readonly payloadBytes: number;
  /** Open from the beginning to the end. */
  readonly connections: number;
  /**
   * How many requests begin in a second, whatever becomes of those before. Undefined: a connection
   * sends its next request when it has its answer.
   */
  readonly perSecond?: number | undefined;
  /** No request begins after it; all that have begun are waited for. */
  readonly durationMs: number;
}

export interface TrafficResult {
  /** Of each whole picture, from the moment that its request was due to its last byte. */
  readonly servedMs: readonly number[];
  /** The same of each 503 and 429 with `retry-after`. */
  readonly refusedMs: readonly number[];
  /** How many got which status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Connections that ended with a request on them, and answers that are not what they should be. */
  readonly wrong: ReadonlyMap<string, number>;
  /** Requests that were due when no connection was free: they were never sent. */
  readonly unsent: number;
  /** From the first request to the end of the duration. */
  readonly wallMs: number;
  /** Pictures that had come when the duration was over. */
  readonly servedInTime: number;
}

/** A small request for a small picture. */
export const SMALL_BODY = JSON.stringify({
  model: 'gpt-image-2',
  prompt: 'a lamp',
  quality: 'low',
  size: '1024x1024',
});

/** Requests are due in ticks: no timer is finer. */
const TICK_MS = 2;
const REFUSALS: ReadonlySet<number> = new Set([429, 503]);

/** Ordinary requests for pictures, as fast as told, over connections that are kept. */
export async function runTraffic(options: TrafficOptions): Promise<TrafficResult> {
  const run = new Run(options);
  await run.begin();
  await run.finish();
  return run.result();
}

class Run {
  readonly #options: TrafficOptions;
  readonly #request: string;
  readonly #free: Line[] = [];
  readonly #lines: Line[] = [];
  readonly #servedMs: number[] = [];
  readonly #refusedMs: number[] = [];
  readonly #statuses = new Map<number, number>();
  readonly #wrong = new Map<string, number>();
  readonly #idle = Promise.withResolvers<void>();
  #unsent = 0;
  #underWay = 0;
  #isOver = false;
  #wallMs = 0;
  #servedInTime = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#request = requestText(options.target, options.body);
  }

  /** Resolves when the duration is over. */
  async begin(): Promise<void> {
    const { connections, perSecond, durationMs } = this.#options;
    for (let index = 0; index < connections; index += 1) {
      const line = new Line(this.#options.target, (answer) => this.#onAnswer(line, answer));
      this.#lines.push(line);
      this.#free.push(line);
    }
    const startedAt = performance.now();
    if (perSecond === undefined) {
      for (const line of this.#free.splice(0)) {
        this.#send(line, performance.now());
      }
    }
    const pace = perSecond ?? 0;
    let due = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const ticking = setInterval(() => {
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs >= durationMs) {
        clearInterval(ticking);
        resolve();
        return;
      }
      for (; due < (elapsedMs / 1000) * pace; due += 1) {
        this.#sendOverAny(startedAt + (due * 1000) / pace);
      }
    }, TICK_MS);
    await promise;
    this.#isOver = true;
    this.#wallMs = performance.now() - startedAt;
    this.#servedInTime = this.#servedMs.length;
  }

  /** Waits for what is under way, then closes all connections. */
  async finish(): Promise<void> {
    if (this.#underWay > 0) {
      await this.#idle.promise;
    }
    for (const line of this.#lines) {
      line.close();
    }
  }

  result(): TrafficResult {
    return {
      servedMs: this.#servedMs,
      refusedMs: this.#refusedMs,
      statuses: this.#statuses,
      wrong: this.#wrong,
      unsent: this.#unsent,
      wallMs: this.#wallMs,
      servedInTime: this.#servedInTime,
    };
  }

  #sendOverAny(dueAt: number): void {
    const line = this.#free.shift();
    if (line === undefined) {
      this.#unsent += 1;
    } else {
      this.#send(line, dueAt);
    }
  }

  #send(line: Line, dueAt: number): void {
    this.#underWay += 1;
    line.send(this.#request, dueAt);
  }

  #onAnswer(line: Line, { status, retryAfter, gauge, dueAt, broken }: Answered): void {
    this.#underWay -= 1;
    const tookMs = performance.now() - dueAt;
    count(this.#statuses, status);
    const reason = broken ?? this.#whatIsWrong(status, retryAfter, gauge);
    if (reason !== undefined) {
      count(this.#wrong, reason);
    } else if (status === 200) {
      this.#servedMs.push(tookMs);
    } else {
      this.#refusedMs.push(tookMs);
    }
    if (this.#isOver) {
      if (this.#underWay === 0) {
        this.#idle.resolve();
      }
    } else if (this.#options.perSecond === undefined) {
      this.#send(line, performance.now());
    } else {
      this.#free.push(line);
    }
  }

  #whatIsWrong(status: number, retryAfter: string, gauge: PayloadGauge): string | undefined {
    if (REFUSALS.has(status)) {
      return /^[1-9]\d*$/.test(retryAfter) ? undefined : `a ${status} without retry-after`;
    }
    return whatIsWrong(status, gauge, this.#options.payloadBytes);
  }
}

interface Answered {
  /** 0 of a connection that ended. */
  readonly status: number;
  readonly retryAfter: string;
  readonly gauge: PayloadGauge;
  readonly dueAt: number;
  readonly broken: string | undefined;
}

/** One connection, opened anew when the server has closed it. */
class Line {
  readonly #target: Target;
  readonly #onAnswer: (answer: Answered) => void;
  #socket: Socket | undefined;
  #dueAt = 0;
  #gauge = new PayloadGauge();
  #reader: AnswerReader | undefined;

  constructor(target: Target, onAnswer: (answer: Answered) => void) {
    this.#target = target;
    this.#onAnswer = onAnswer;
    this.#socket = this.#open();
  }

  send(request: string, dueAt: number): void {
    this.#dueAt = dueAt;
    this.#gauge = new PayloadGauge();
    const gauge = this.#gauge;
    this.#reader = new AnswerReader({
      onBody: (piece) => gauge.feed(piece),
      onEnd: () => undefined,
    });
    this.#socket ??= this.#open();
    this.#socket.write(request);
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = openConnection(this.#target, {
      onData: (data) => {
        this.#take(data);
        return true;
      },
      onClose: (reason) => {
        if (this.#socket === socket) {
          this.#socket = undefined;
          this.#end(`the connection ended: ${reason}`);
        }
      },
      silenceMs: 600_000,
    });
    return socket;
  }

  #take(data: Buffer): void {
    try {
      this.#reader?.feed(data);
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.#reader?.isDone === true) {
      if (this.#reader.headers.get('connection') === 'close') {
        this.#socket?.destroy();
        this.#socket = undefined;
      }
      this.#end(undefined);
    }
  }

  #end(broken: string | undefined): void {
    const reader = this.#reader;
    if (reader === undefined) {
      return;
    }
    this.#reader = undefined;
    this.#onAnswer({
      status: broken === undefined ? reader.status : 0,
      retryAfter: reader.headers.get('retry-after') ?? '',
      gauge: this.#gauge,
      dueAt: this.#dueAt,
      broken,
    });
  }
}

/** What was wrong, a line each with its number; empty when nothing was. */
export function whatWasWrong(results: readonly TrafficResult[]): string[] {
  const all = results.flatMap(({ wrong }) => [...wrong]);
  return all.map(([reason, times]) => `${times} × ${reason}`);
}

/** Adds one. */
function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
