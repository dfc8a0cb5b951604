import type { Socket } from 'node:net';
import { AnswerReader } from './answer-reader.ts';
import { openConnection, requestText, type Target } from './connection.ts';
import { PayloadGauge } from './payload-gauge.ts';

export interface LoadOptions {
  readonly target: Target;
  readonly body: string;
  /** What the picture of each answer must measure. */
  readonly payloadBytes: number;
  readonly connections: number;
  /**
   * No request begins after it but each connection's first; all that have begun are waited for.
   */
  readonly durationMs: number;
}

export interface LoadResult {
  /** Of each right answer, to its last byte. */
  readonly latenciesMs: readonly number[];
  /** From the first request to the last byte of the last answer. */
  readonly wallMs: number;
  /** What was wrong, an answer each. One is enough to make the run void. */
  readonly wrong: readonly string[];
}

/**
 * Closed-loop load: each connection sends its next request when it has its answer. Every answer's
 * status is checked, and that its picture has the right length and its document an end. The first
 * that is wrong ends the run.
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const wrong: string[] = [];
  const startedAt = performance.now();
  const isOver = (): boolean =>
    wrong.length > 0 || performance.now() - startedAt >= options.durationMs;
  const connections = Array.from({ length: options.connections }, () =>
    drive(options, { latenciesMs, wrong, isOver }),
  );
  await Promise.all(connections);
  return { latenciesMs, wallMs: performance.now() - startedAt, wrong };
}

interface Run {
  readonly latenciesMs: number[];
  readonly wrong: string[];
  readonly isOver: () => boolean;
}

/** One connection, until the run is over. */
function drive(options: LoadOptions, { latenciesMs, wrong, isOver }: Run): Promise<void> {
  const { target, body, payloadBytes } = options;
  const request = requestText(target, body);
  const { promise, resolve } = Promise.withResolvers<void>();
  let sentAt = 0;
  let reader: AnswerReader | undefined;
  const refuse = (socket: Socket, reason: string): void => {
    wrong.push(reason);
    reader = undefined;
    socket.destroy();
  };
  const send = (socket: Socket): void => {
    const gauge = new PayloadGauge();
    const answer = new AnswerReader({
      onBody: (piece) => gauge.feed(piece),
      onEnd: () => {
        const reason = whatIsWrong(answer.status, gauge, payloadBytes);
        if (reason !== undefined) {
          refuse(socket, reason);
          return;
        }
        latenciesMs.push(performance.now() - sentAt);
      },
    });
    reader = answer;
    sentAt = performance.now();
    socket.write(request);
  };
  const socket = openConnection(target, {
    onData: (data) => {
      try {
        reader?.feed(data);
      } catch (error) {
        refuse(socket, error instanceof Error ? error.message : String(error));
      }
      if (reader?.isDone !== true) {
        return true;
      }
      if (isOver()) {
        reader = undefined;
        socket.destroy();
      } else {
        send(socket);
      }
      return true;
    },
    onClose: (reason) => {
      if (reader !== undefined) {
        wrong.push(reason);
      }
      resolve();
    },
  });
  send(socket);
  return promise;
}

/** Undefined for the answer that was to come. */
export function whatIsWrong(
  status: number,
  gauge: PayloadGauge,
  payloadBytes: number,
): string | undefined {
  if (status !== 200) {
    return `status ${status}: ${gauge.prefix.slice(0, 300)}`;
  }
  if (gauge.payloadBytes !== payloadBytes) {
    return `a picture of ${gauge.payloadBytes} bytes of base64 in place of ${payloadBytes}`;
  }
  return gauge.isWhole ? undefined : 'the document has no end';
}
