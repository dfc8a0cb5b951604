import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CannedAnswer, makeDocument } from './answers.ts';
import { freePort, listening, LOAD_CORE, startProcess } from './processes.ts';

const PROGRAM = fileURLToPath(new URL('./upstreams/slow.ts', import.meta.url));

/** Small, so that what a request costs is the work of a request, and not its bytes. */
const ANSWER_2_KB: CannedAnswer = { name: '2kb', width: 24, height: 24, channels: 3 };

/** How long the simulated upstream takes for a picture, in milliseconds. */
export const UPSTREAM_MS = 200;

/** An upstream that takes its time for each picture, and any number at once. */
export interface SlowUpstream {
  /** What a system takes for OpenAI's base URL, without `/v1`. */
  readonly url: string;
  /** How long the base64 text of its picture is. */
  readonly payloadBytes: number;
  /** How many pictures were asked for so far. */
  readonly asked: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** Starts it in a process of its own, on the core of the load. */
export async function startSlowUpstream(folder: string): Promise<SlowUpstream> {
  const own = join(folder, 'slow-upstream');
  await mkdir(own, { recursive: true });
  const { payload, document } = await makeDocument(ANSWER_2_KB);
  const file = join(own, 'answer.json');
  await writeFile(file, document);
  const port = await freePort();
  const started = startProcess({
    command: process.execPath,
    args: [PROGRAM, String(port), file, String(UPSTREAM_MS)],
    core: LOAD_CORE,
    folder: own,
  });
  await listening(started, port);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    payloadBytes: payload.length,
    asked: async () => ((await (await fetch(url)).json()) as { asked: number }).asked,
    stop: started.stop,
  };
}
