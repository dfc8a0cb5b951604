import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ANSWER_64_KB, makeDocument } from './answers.ts';
import { freePort, listening, LOAD_CORE, startProcess } from './processes.ts';

const PROGRAM = fileURLToPath(new URL('./upstreams/edits.ts', import.meta.url));

export interface ReceivedEdits {
  readonly edits: number;
  /** Of their bodies. */
  readonly bytes: number;
}

/** An upstream that reads edits to their end and answers each with the same small picture. */
export interface EditsUpstream {
  /** What a system takes for OpenAI's base URL, without `/v1`. */
  readonly url: string;
  /** How long the base64 text of its picture is. */
  readonly payloadBytes: number;
  readonly received: () => Promise<ReceivedEdits>;
  readonly stop: () => Promise<void>;
}

/**
 * Starts it in a process of its own, on the core of the load. Not nginx, as elsewhere in the bench:
 * that answers from a file before it has read the body.
 */
export async function startEditsUpstream(folder: string): Promise<EditsUpstream> {
  const own = join(folder, 'edits-upstream');
  await mkdir(own, { recursive: true });
  const { payload, document } = await makeDocument(ANSWER_64_KB);
  const file = join(own, 'answer.json');
  await writeFile(file, document);
  const port = await freePort();
  const started = startProcess({
    command: process.execPath,
    args: [PROGRAM, String(port), file],
    core: LOAD_CORE,
    folder: own,
  });
  await listening(started, port);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    payloadBytes: payload.length,
    received: async () => (await (await fetch(url)).json()) as ReceivedEdits,
    stop: started.stop,
  };
}
