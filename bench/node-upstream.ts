import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CannedAnswer, makeDocument } from './answers.ts';
import { freePort } from '../scripts/servers.mjs';
import { listening, LOAD_CORE, startProcess } from './processes.ts';

export interface NodeUpstreamOptions {
  /** In which it gets a folder of its own. */
  readonly folder: string;
  /** Of the file in `upstreams/`, without its end. */
  readonly program: string;
  /** What it answers to all. */
  readonly answer: CannedAnswer;
  /** After the port and the file of the document. */
  readonly args?: readonly string[];
}

/** An upstream of ours, where nginx will not do. */
export interface NodeUpstream {
  /** What a system takes for OpenAI's base URL, without `/v1`. */
  readonly url: string;
  /** How long the base64 text of its picture is. */
  readonly payloadBytes: number;
  readonly stop: () => Promise<void>;
}

/** Starts it in a process of its own, on the core of the load. */
export async function startNodeUpstream(options: NodeUpstreamOptions): Promise<NodeUpstream> {
  const { folder, program, answer, args = [] } = options;
  const own = join(folder, `${program}-upstream`);
  await mkdir(own, { recursive: true });
  const { payload, document } = await makeDocument(answer);
  const file = join(own, 'answer.json');
  await writeFile(file, document);
  const port = await freePort();
  const started = startProcess({
    command: process.execPath,
    args: [
      fileURLToPath(new URL(`./upstreams/${program}.ts`, import.meta.url)),
      String(port),
      file,
      ...args,
    ],
    core: LOAD_CORE,
    folder: own,
  });
  await listening(started, port);
  return { url: `http://127.0.0.1:${port}`, payloadBytes: payload.length, stop: started.stop };
}
