import { type App, createApp } from './app.ts';
import { operatorText } from './base/errors.ts';
import { createLog } from './base/log.ts';
import { readVersion } from './package.ts';
import { formatUsd } from './base/money.ts';
import type { Config } from './config/config.ts';

/**
 * Starts the server, says how to use it, and stops in good order on SIGTERM or SIGINT. What keeps
 * it from starting (a port in use, a home in use, a broken card) is said in a sentence.
 */
export async function serve(config: Config): Promise<void> {
  try {
    await start(config);
  } catch (error) {
    process.stderr.write(`Easel cannot start: ${operatorText(error)}\n`);
    process.exit(1);
  }
}

async function start(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel });
  for (const notice of config.notices) {
    log.warn(notice);
  }
  const app = await createApp({ config, log });
  const stop = stopOnce(app);
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const url = await app.server.listen({ ...config.listen });
  process.stdout.write(welcome(config, app, config.publicUrl ?? url));
}

/** One Ctrl-C comes twice, from the terminal and from npm: within this time it is the same one. */
const SAME_SIGNAL_MS = 1_000;

/** The first signal drains; a later one ends the process as if nobody had listened. */
function stopOnce(app: App): (signal: NodeJS.Signals) => void {
  let stoppingSinceMs: number | undefined;
  return (signal) => {
    if (stoppingSinceMs !== undefined) {
      if (Date.now() - stoppingSinceMs > SAME_SIGNAL_MS) {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      }
      return;
    }
    stoppingSinceMs = Date.now();
    app.drain().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`Easel did not stop in good order: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };
}

/** What a newcomer needs: the key, the address, and a line to paste. */
function welcome(config: Config, app: App, url: string): string {
  const { bootstrapped } = app.engine;
  const key = bootstrapped.secret ?? '$EASEL_API_KEY';
  const body = JSON.stringify({
    model: 'deepshi-banana-pro',
    prompt: 'a serene canal in Venice at sunset',
  });
  const lines = [`Easel ${readVersion()}`, ''];
  if (bootstrapped.secret !== undefined) {
    const credit = formatUsd(config.bootstrap.creditUsd);
    lines.push(`API key  ${key}`);
    lines.push(`         a test key with ${credit} USD of test credit; it is not shown again`);
  }
  if (app.newAdminKey !== undefined) {
    lines.push(
      `Admin key  ${app.newAdminKey}`,
      '         for /admin/v1; kept in the data folder, and not shown again',
    );
  }
  lines.push(
    `Listening  ${url}`,
    '',
    'Paste this to paint a picture into out.png:',
    '',
    `curl -fsS ${url}/v1/images/generations -H "Authorization: Bearer ${key}" ` +
      `-H "Content-Type: application/json" -H "Accept: image/*" -d '${body}' -o out.png`,
    '',
    `API playground  ${url}/docs`,
    '',
  );
  return `${lines.join('\n')}\n`;
}
