import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { GENERATIONS_PATH } from '../answers.ts';
import { freePort } from '../../scripts/servers.mjs';
import { GATEWAY_CORE, listening, startProcess } from '../processes.ts';
import type { RunningSystem, System, SystemOptions } from './system.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** More than any run can spend. */
const CREDIT_USD = '1000000';

/** The real server with its defaults: keys checked, money held and settled, log lines written. */
export const easel: System = {
  name: 'easel',
  title: 'Easel',
  setup: 'src/main.ts with its defaults: live key, ledger on (SQLite, durability full), log on',
  start: (options) => startEasel(options, { keyKind: 'live', path: GENERATIONS_PATH }),
};

export interface EaselUse {
  /** With a test key the built-in painter paints, and no upstream is asked. */
  readonly keyKind: 'live' | 'test';
  /** The route that the load goes to. */
  readonly path: string;
  /** Settings that are not its defaults. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface RunningEasel extends RunningSystem {
  readonly pid: number;
  /** Where its admin API is, and the key to it. */
  readonly admin: { readonly url: string; readonly key: string };
}

/** The folder is its home, too. */
export async function startEasel(
  { upstreamUrl, folder }: SystemOptions,
  { keyKind, path, environment = {} }: EaselUse,
): Promise<RunningEasel> {
  const port = await freePort();
  const key = randomKey(keyKind);
  const adminKey = randomKey('admin');
  const started = startProcess({
    command: process.execPath,
    args: [MAIN],
    core: GATEWAY_CORE,
    // An easel.yaml in the folder of whoever runs this would be found otherwise.
    folder,
    environment: {
      PORT: String(port),
      EASEL_HOME: folder,
      EASEL_BOOTSTRAP_KEY: key,
      EASEL_ADMIN_KEY: adminKey,
      EASEL_BOOTSTRAP_CREDIT_USD: CREDIT_USD,
      OPENAI_API_KEY: 'sk-bench',
      OPENAI_BASE_URL: `${upstreamUrl}/v1`,
      ...environment,
    },
  });
  await listening(started, port);
  return {
    url: `http://127.0.0.1:${port}${path}`,
    headers: { authorization: `Bearer ${key}` },
    pid: started.pid,
    stop: started.stop,
    admin: { url: `http://127.0.0.1:${port}/admin/v1`, key: adminKey },
  };
}

function randomKey(kind: string): string {
  return `sk-easel-${kind}-${randomBytes(22).toString('hex').slice(0, 43)}`;
}
