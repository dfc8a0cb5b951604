import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AnswerReader } from '../answer-reader.ts';
import { EDITS_PATH } from '../answers.ts';
import { openConnection, requestHead, type Target } from '../connection.ts';
import type { EditForm } from '../edit-form.ts';
import { whatIsWrong } from '../load.ts';
import { PayloadGauge } from '../payload-gauge.ts';
import { descriptorsInto, peakRssBytes, processTree, resetPeak, rssBytesOf } from '../proc.ts';
import { type EaselUse, startEasel } from '../systems/easel.ts';

export interface UploadsOptions {
  /** Of its folder. */
  readonly name: string;
  readonly keyKind: EaselUse['keyKind'];
  readonly upstreamUrl: string;
  readonly folder: string;
  readonly form: EditForm;
  /** How many edits are sent at once. */
  readonly edits: number;
  /** What each answer's picture must measure in base64; undefined where nobody knows before. */
  readonly payloadBytes: number | undefined;
  /** Between the edit for warming up and `idleBytes`. */
  readonly idleMs: number;
  /** Between the last answer and `laterBytes`. */
  readonly laterMs: number;
}

export interface UploadsResult {
  readonly startBytes: number;
  readonly idleBytes: number;
  /** The highest of the samples, or the kernel's own mark where that is higher. */
  readonly peakBytes: number;
  /** The highest of the samples alone. */
  readonly sampledPeakBytes: number;
  readonly laterBytes: number;
  /** Of all edits, from the first byte sent to the last byte of the last answer. */
  readonly seconds: number;
  readonly sentBytes: number;
  /** How many spool files were seen open at once, to show that looking for them finds some. */
  readonly spoolDescriptorsMost: number;
  readonly spoolDescriptorsLeft: number;
  readonly spoolFilesLeft: number;
  /** The highest RSS of each second, from the first edit on; none of one without a sample. */
  readonly rssBytesBySecond: readonly number[];
}

const SAMPLE_MS = 20;
/** Looking through the descriptors takes longer. */
const DESCRIPTORS_MS = 250;
const SETTLED_MS = 1_000;
/** The painter has one core, and all edits take turns at it. */
const SILENCE_MS = 300_000;

/**
 * Many large edits at once, and what memory and files they leave. Throws when an answer is wrong or
 * when Easel does not start.
 */
export async function runUploadsLane(options: UploadsOptions): Promise<UploadsResult> {
  const { name, keyKind, upstreamUrl, edits, idleMs, laterMs } = options;
  const folder = join(options.folder, `uploads-${name}`);
  await mkdir(folder, { recursive: true });
  const easel = await startEasel({ upstreamUrl, folder }, { keyKind, path: EDITS_PATH });
  const { pid } = easel;
  const spool = join(folder, 'spool');
  try {
    await delay(SETTLED_MS);
    const startBytes = rssBytesOf(processTree(pid));
    await sendEdit(easel, options);
    await delay(idleMs);
    const idleBytes = rssBytesOf(processTree(pid));
    const isPeakOwn = resetPeak(pid);
    using watch = watchProcess(pid, spool);
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: edits }, () => sendEdit(easel, options)));
    const seconds = (performance.now() - startedAt) / 1000;
    const sampledPeakBytes = watch.peakBytes();
    const highWaterBytes = isPeakOwn ? peakRssBytes(pid) : 0;
    await delay(laterMs);
    return {
      startBytes,
      idleBytes,
      peakBytes: Math.max(sampledPeakBytes, highWaterBytes),
      sampledPeakBytes,
      laterBytes: rssBytesOf(processTree(pid)),
      seconds,
      sentBytes: edits * options.form.body.length,
      spoolDescriptorsMost: watch.spoolDescriptorsMost(),
      spoolDescriptorsLeft: descriptorsInto(pid, spool),
      spoolFilesLeft: await countFiles(spool),
      rssBytesBySecond: watch.bySecond(),
    };
  } finally {
    await easel.stop();
  }
}

interface Watch extends Disposable {
  /** The highest RSS so far. */
  readonly peakBytes: () => number;
  readonly bySecond: () => readonly number[];
  readonly spoolDescriptorsMost: () => number;
}

/** Easel's processes are looked up once: walking through all of `/proc` takes too long. */
function watchProcess(pid: number, spool: string): Watch {
  const pids = processTree(pid);
  const startedAt = performance.now();
  const bySecond: number[] = [];
  let descriptorsMost = 0;
  const sampling = setInterval(() => {
    const second = Math.floor((performance.now() - startedAt) / 1000);
    bySecond[second] = Math.max(bySecond[second] ?? 0, rssBytesOf(pids));
  }, SAMPLE_MS);
  const looking = setInterval(() => {
    descriptorsMost = Math.max(descriptorsMost, descriptorsInto(pid, spool));
  }, DESCRIPTORS_MS);
  return {
    peakBytes: () => Math.max(0, ...bySecond.filter((bytes) => bytes > 0)),
    bySecond: () => bySecond.filter((bytes) => bytes > 0),
    spoolDescriptorsMost: () => descriptorsMost,
    [Symbol.dispose]: () => {
      clearInterval(sampling);
      clearInterval(looking);
    },
  };
}

/** On a connection of its own. Resolves when the whole answer has come and is right. */
function sendEdit(target: Target, { form, payloadBytes }: UploadsOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const gauge = new PayloadGauge();
  const reader = new AnswerReader({
    onBody: (piece) => gauge.feed(piece),
    onEnd: () => {
      const expectedBytes = payloadBytes ?? Math.max(1, gauge.payloadBytes);
      const reason = whatIsWrong(reader.status, gauge, expectedBytes);
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
      try {
        reader.feed(data);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        socket.destroy();
      }
      return true;
    },
    onClose: (reason) => reject(new Error(reason)),
    silenceMs: SILENCE_MS,
  });
  const { contentType, body } = form;
  socket.write(requestHead(target, { contentType, bytes: body.length }));
  socket.write(body);
  return promise;
}

/** None where nobody has made the folder. */
async function countFiles(folder: string): Promise<number> {
  try {
    return (await readdir(folder)).length;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return 0;
    }
    throw error;
  }
}
