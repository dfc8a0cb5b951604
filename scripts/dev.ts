/**
 * The server, restarted whenever a file changes. With `--simulators` every upstream is a simulator
 * of the tests, so that live mode can be seen without a credential. A prompt may ask a simulator
 * for a fault: `a cat sim:moderation`, `sim:status=503`, `sim:slow=20`, `sim:die_mid_payload`.
 */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startArk } from '../test/support/upstreams/ark.ts';
import { startBfl } from '../test/support/upstreams/bfl.ts';
import { startFal } from '../test/support/upstreams/fal.ts';
import { startGemini } from '../test/support/upstreams/gemini.ts';
import { startOpenai } from '../test/support/upstreams/openai.ts';
import { startSdServer } from '../test/support/upstreams/sd-server.ts';
import { startXai } from '../test/support/upstreams/xai.ts';

/** Good for nothing but a home folder whose upstreams are simulators. */
const LIVE_KEY = `sk-easel-live-${'SimulatedUpstreamsOnly'.padEnd(43, '0')}`;

const environment = process.argv.includes('--simulators') ? await simulate() : {};
const server = spawn(process.execPath, ['--watch', 'src/main.ts'], {
  stdio: 'inherit',
  env: { ...process.env, ...environment },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => server.kill(signal));
}
server.on('exit', (code) => process.exit(code ?? 1));

async function simulate(): Promise<Record<string, string>> {
  const [openai, gemini, xai, ark, bfl, fal, sdServer] = await Promise.all([
    startOpenai(),
    startGemini(),
    startXai(),
    startArk(),
    startBfl(),
    startFal(),
    startSdServer(),
  ]);
  const home = resolve('.easel', 'simulated');
  await mkdir(home, { recursive: true });
  const config = join(home, 'easel.yaml');
  const polling = JSON.stringify({ polling_hosts: [bfl.clusterHost] });
  await writeFile(config, `providers:\n  bfl: { kind: bfl, settings: ${polling} }\n`);
  process.stdout.write(
    'Every upstream is a simulator. A live key with 100 USD of play money:\n' +
      `export EASEL_API_KEY=${LIVE_KEY}\n\n`,
  );
  return {
    EASEL_HOME: home,
    EASEL_CONFIG: config,
    EASEL_BOOTSTRAP_KEY: LIVE_KEY,
    EASEL_BOOTSTRAP_CREDIT_USD: '100',
    EASEL_FETCH_ALLOW: [...bfl.hosts, fal.cdnHost].join(','),
    OPENAI_API_KEY: openai.apiKey,
    OPENAI_BASE_URL: openai.baseUrl,
    GEMINI_API_KEY: gemini.apiKey,
    GEMINI_BASE_URL: gemini.baseUrl,
    XAI_API_KEY: xai.apiKey,
    XAI_BASE_URL: xai.baseUrl,
    ARK_API_KEY: ark.apiKey,
    ARK_BASE_URL: ark.baseUrl,
    BFL_API_KEY: bfl.apiKey,
    BFL_BASE_URL: bfl.baseUrl,
    FAL_KEY: fal.apiKey,
    FAL_BASE_URL: fal.baseUrl,
    SDSERVER_BASE_URL: sdServer.baseUrl,
  };
}
