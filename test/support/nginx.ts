import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accepts, freePort, untilReady } from '../../scripts/servers.mjs';

const DEPLOYED = new URL('../../deploy/nginx.conf', import.meta.url);

/** Why there is no nginx here, or false. */
export const skipWithoutNginx =
  spawnSync('nginx', ['-v']).error === undefined
    ? false
    : 'there is no nginx: on Debian, apt-get install nginx-light';

export interface Nginx extends AsyncDisposable {
  readonly url: string;
}

/**
 * The nginx of `deploy/nginx.conf` as it stands there, but for the addresses, in front of servers of
 * this machine, each in its turn.
 */
export async function startNginx(folder: string, ports: readonly number[]): Promise<Nginx> {
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(file, await configFor(folder, port, ports));
  const child = spawn('nginx', ['-p', folder, '-c', file, '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await untilReady(child, 'nginx', () => accepts(port));
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        await ended;
      }
    },
  };
}

async function configFor(folder: string, port: number, ports: readonly number[]): Promise<string> {
  const deployed = await readFile(DEPLOYED, 'utf8');
  const servers = ports.map((each) => `server 127.0.0.1:${each} max_fails=1 fail_timeout=1s;`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${folder}/${name};`,
  );
  const changes: readonly [RegExp, string][] = [
    [/^pid .*$/m, `pid ${folder}/nginx.pid;`],
    [/^http \{$/m, `http {\n${temporary.join('\n')}`],
    [/^error_log .*$/m, `error_log ${folder}/error.log warn;`],
    [/access_log .*;/, 'access_log off;'],
    [/^ *least_conn;$/m, ''],
    [/(?:^ *server easel-\d:8080 .*;\n)+/m, `${servers.join('\n')}\n`],
    [/listen 80;/, `listen 127.0.0.1:${port};`],
  ];
  return changes.reduce((text, [from, to]) => {
    if (!from.test(text)) {
      throw new Error(`deploy/nginx.conf has no ${String(from)}`);
    }
    return text.replace(from, to);
  }, deployed);
}
