import { fileURLToPath } from 'node:url';
import { GENERATIONS_PATH } from '../answers.ts';
import { freePort } from '../../scripts/servers.mjs';
import { GATEWAY_CORE, listening, startProcess } from '../processes.ts';
import type { RunningSystem, SystemOptions } from './system.ts';

const GATEWAYS = new URL('../gateways/', import.meta.url);

/** One of the small gateways of `bench/gateways`, in a process of its own. */
export async function startNodeGateway(
  file: string,
  { upstreamUrl, folder }: SystemOptions,
): Promise<RunningSystem> {
  const port = await freePort();
  const started = startProcess({
    command: process.execPath,
    args: [fileURLToPath(new URL(file, GATEWAYS)), String(port), upstreamUrl],
    core: GATEWAY_CORE,
    folder,
  });
  await listening(started, port);
  return {
    url: `http://127.0.0.1:${port}${GENERATIONS_PATH}`,
    headers: {},
    pid: started.pid,
    stop: started.stop,
  };
}
