import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ANSWER_64_MB } from '../answers.ts';
import { AnswerReader } from '../answer-reader.ts';
import { openConnection, requestText, type Target } from '../connection.ts';
import { whatIsWrong } from '../load.ts';
import { PayloadGauge } from '../payload-gauge.ts';
import { rssBytes } from '../proc.ts';
import { median } from '../statistics.ts';
import type { System } from '../systems/system.ts';
import type { Upstream } from '../upstream.ts';

export interface SlowReaderOptions {
  readonly system: System;
  readonly upstream: Upstream;
  readonly folder: string;
  readonly body: string;
  readonly bytesPerSecond: number;
}

export interface SlowReaderResult {
  readonly answerBytes: number;
  readonly bytesPerSecond: number;
  readonly seconds: number;
  /** Of the system's process tree, every quarter of a second. */
  readonly samples: readonly RssSample[];
  /** Before the request, after the same answer was read eight times at full speed. */
  readonly beforeBytes: number;
  readonly peakBytes: number;
  /** Median of the first and of the last quarter: flat is when the two are alike. */
  readonly firstQuarterBytes: number;
  readonly lastQuarterBytes: number;
}

export interface RssSample {
  readonly atMs: number;
  readonly receivedBytes: number;
  readonly rssBytes: number;
}

const SAMPLE_MS = 250;

/** The same answer at full speed, before anything is measured. */
const WARM_UP_READS = 8;

/**
 * One client that reads a large answer slowly. A system without back-pressure takes the answer from
 * the upstream as fast as that gives it, and holds what the client has not read. Throws when the
 * answer is wrong.
 */
export async function runSlowReaderLane(options: SlowReaderOptions): Promise<SlowReaderResult> {
  const { system, upstream, folder, body, bytesPerSecond } = options;
  const own = join(folder, `slow-reader-${system.name}`);
  await mkdir(own, { recursive: true });
  const { payloadBytes } = upstream.writtenOf(ANSWER_64_MB);
  const running = await system.start({ upstreamUrl: upstream.urlOf(ANSWER_64_MB), folder: own });
  const { pid } = running;
  if (pid === undefined) {
    throw new Error(`${system.title} has no process to watch`);
  }
  // A fresh heap grows until its first collections, whatever passes: the level of a process that
  // has worked is what a slow reader must not raise.
  for (let done = 0; done < WARM_UP_READS; done += 1) {
    await readSlowly(running, {
      body,
      payloadBytes,
      bytesPerSecond: Number.MAX_SAFE_INTEGER,
      onReceived: () => undefined,
    });
  }
  const beforeBytes = rssBytes(pid);
  const samples: RssSample[] = [];
  const startedAt = performance.now();
  let receivedBytes = 0;
  const sampling = setInterval(() => {
    const atMs = Math.round(performance.now() - startedAt);
    samples.push({ atMs, receivedBytes, rssBytes: rssBytes(pid) });
  }, SAMPLE_MS);
  try {
    await readSlowly(running, {
      body,
      payloadBytes,
      bytesPerSecond,
      onReceived: (count) => {
        receivedBytes += count;
      },
    });
  } finally {
    clearInterval(sampling);
    await running.stop();
  }
  const rss = samples.map((sample) => sample.rssBytes);
  const quarter = Math.ceil(rss.length / 4);
  return {
    answerBytes: receivedBytes,
    bytesPerSecond,
    seconds: (performance.now() - startedAt) / 1000,
    samples,
    beforeBytes,
    peakBytes: Math.max(...rss),
    firstQuarterBytes: median(rss.slice(0, quarter)),
    lastQuarterBytes: median(rss.slice(-quarter)),
  };
}

interface SlowRead {
  readonly body: string;
  readonly payloadBytes: number;
  readonly bytesPerSecond: number;
  readonly onReceived: (count: number) => void;
}

/** Stops reading whenever it is ahead of its pace. */
function readSlowly(target: Target, options: SlowRead): Promise<void> {
  const { body, payloadBytes, bytesPerSecond, onReceived } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const startedAt = performance.now();
  let received = 0;
  const gauge = new PayloadGauge();
  const reader = new AnswerReader({
    onBody: (piece) => gauge.feed(piece),
    onEnd: () => {
      const reason = whatIsWrong(reader.status, gauge, payloadBytes);
      if (reason === undefined) {
        resolve();
      } else {
        reject(new Error(`void: ${reason}`));
      }
      socket.destroy();
    },
  });
  const socket = openConnection(target, {
    onData: (data) => {
      received += data.length;
      onReceived(data.length);
      try {
        reader.feed(data);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        socket.destroy();
      }
      const aheadMs = (received / bytesPerSecond) * 1000 - (performance.now() - startedAt);
      if (aheadMs <= 0) {
        return true;
      }
      setTimeout(() => socket.resume(), aheadMs);
      return false;
    },
    onClose: (reason) => reject(new Error(reason)),
  });
  socket.write(requestText(target, body));
  return promise;
}
