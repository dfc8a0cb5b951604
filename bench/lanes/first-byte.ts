import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ANSWER_64_KB, makeDocument } from '../answers.ts';
import { AnswerReader } from '../answer-reader.ts';
import { openConnection, requestText, type Target } from '../connection.ts';
import { whatIsWrong } from '../load.ts';
import { PayloadGauge } from '../payload-gauge.ts';
import { percentile } from '../statistics.ts';
import type { System } from '../systems/system.ts';

export interface FirstByteOptions {
  readonly systems: readonly System[];
  readonly folder: string;
  readonly body: string;
  readonly requests: number;
  readonly say: (line: string) => void;
}

export interface FirstByteRow {
  readonly system: System;
  /** From the upstream's write of the picture's first byte to the client's receipt of it. */
  readonly delaysMs: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly reason?: string;
}

/** The picture's first bytes: what one TLS record brings. */
const FIRST_BYTES = 16_384;
/** Between the answer's head and the picture, and between its first bytes and the rest. */
const PAUSE_MS = 8;
const WARM_UP_REQUESTS = 20;

/**
 * How long a system keeps the first byte of a picture to itself, when it has nothing else to do.
 * Upstream and client live in this process, so one clock times both. The upstream pauses before
 * the picture and within it: who waits for the whole shows the second pause.
 */
export async function runFirstByteLane(options: FirstByteOptions): Promise<FirstByteRow[]> {
  const upstream = await startPausingUpstream();
  const rows: FirstByteRow[] = [];
  for (const system of options.systems) {
    rows.push(await measureSystem(system, upstream, options));
    options.say(`first byte: ${system.title} done`);
  }
  upstream.stop();
  return rows;
}

async function measureSystem(
  system: System,
  upstream: PausingUpstream,
  { folder, body, requests }: FirstByteOptions,
): Promise<FirstByteRow> {
  const own = join(folder, `first-byte-${system.name}`);
  await mkdir(own, { recursive: true });
  const delaysMs: number[] = [];
  try {
    const running = await system.start({ upstreamUrl: upstream.url, folder: own });
    const client = startClient(running, body, upstream.payloadBytes);
    for (let count = -WARM_UP_REQUESTS; count < requests; count += 1) {
      const receivedAt = await client.request();
      if (count >= 0) {
        delaysMs.push(receivedAt - upstream.writtenAt());
      }
      await delay(2);
    }
    client.close();
    await running.stop();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { system, delaysMs: [], p50Ms: Number.NaN, p99Ms: Number.NaN, reason };
  }
  return {
    system,
    delaysMs,
    p50Ms: percentile(delaysMs, 0.5),
    p99Ms: percentile(delaysMs, 0.99),
  };
}

interface PausingUpstream {
  readonly url: string;
  readonly payloadBytes: number;
  /** When the last answer's first payload bytes were written. */
  readonly writtenAt: () => number;
  readonly stop: () => void;
}

async function startPausingUpstream(): Promise<PausingUpstream> {
  const { payload, document } = await makeDocument(ANSWER_64_KB);
  const first = document.indexOf(payload);
  const head =
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n' +
    `content-length: ${document.length}\r\n\r\n${document.slice(0, first)}`;
  let writtenAt = 0;
  const answer = async (socket: Socket): Promise<void> => {
    socket.write(head);
    await delay(PAUSE_MS);
    writtenAt = performance.now();
    socket.write(document.slice(first, first + FIRST_BYTES));
    await delay(PAUSE_MS);
    socket.write(document.slice(first + FIRST_BYTES));
  };
  const server = createServer({ noDelay: true }, (socket) => {
    let asked = '';
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      asked += data.toString('latin1');
      // Head and body of a request may come apart; each begins with its method.
      if (isWholeRequest(asked)) {
        asked = '';
        answer(socket).catch(() => socket.destroy());
      }
    });
  });
  return {
    url: `http://127.0.0.1:${await listen(server)}`,
    payloadBytes: payload.length,
    writtenAt: () => writtenAt,
    stop: () => server.close(),
  };
}

function isWholeRequest(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0);
  return end !== -1 && text.length >= end + 4 + length;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return address === null || typeof address === 'string' ? 0 : address.port;
}

interface FirstByteClient {
  /** Resolves with the time at which the picture's first byte was there, after its last. */
  readonly request: () => Promise<number>;
  readonly close: () => void;
}

/** One connection, one request after the other. */
function startClient(target: Target, body: string, payloadBytes: number): FirstByteClient {
  const text = requestText(target, body);
  let reader: AnswerReader | undefined;
  let fail: (error: Error) => void = () => undefined;
  const socket = openConnection(target, {
    onData: (data) => {
      try {
        reader?.feed(data);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
      return true;
    },
    onClose: (reason) => fail(new Error(reason)),
  });
  const request = (): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    fail = reject;
    const gauge = new PayloadGauge();
    let receivedAt = 0;
    const answer = new AnswerReader({
      onBody: (piece) => {
        gauge.feed(piece);
        if (receivedAt === 0 && gauge.payloadBytes > 0) {
          receivedAt = performance.now();
        }
      },
      onEnd: () => {
        const reason = whatIsWrong(answer.status, gauge, payloadBytes);
        if (reason === undefined) {
          resolve(receivedAt);
        } else {
          reject(new Error(`void: ${reason}`));
        }
      },
    });
    reader = answer;
    socket.write(text);
    return promise;
  };
  return { request, close: () => socket.destroy() };
}
