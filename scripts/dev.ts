/**
 * The server, restarted whenever a file changes. With `--simulators` every upstream is a simulator
 * of the tests, so that live mode can be seen without a credential. A prompt may ask a simulator
 * for a fault: `a cat sim:moderation`, `sim:status=503`, `sim:slow=20`, `sim:die_mid_payload`.
 */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startAllUpstreams } from '../test/support/upstreams/all.ts';

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
  const { environment: reached, yaml } = await startAllUpstreams();
  const home = resolve('.easel', 'simulated');
  await mkdir(home, { recursive: true });
  const config = join(home, 'easel.yaml');
  await writeFile(config, yaml(250));
  process.stdout.write(
    'Every upstream is a simulator. A live key with 100 USD of play money:\n' +
      `export EASEL_API_KEY=${LIVE_KEY}\n\n`,
  );
  return {
    ...reached,
    EASEL_HOME: home,
    EASEL_CONFIG: config,
    EASEL_BOOTSTRAP_KEY: LIVE_KEY,
    EASEL_BOOTSTRAP_CREDIT_USD: '100',
  };
}
