import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../scripts/servers.mjs';
import { listening, type StartedProcess, startProcess } from './processes.ts';

export interface NginxOptions {
  /** Its own folder: configuration, logs and temporary files. Made here. */
  readonly folder: string;
  readonly core: number;
  /** What stands in the `http` block, for the port that it shall listen on. */
  readonly http: (port: number) => string;
}

/** Starts an nginx that shares nothing with one that the machine may run, and waits for it. */
export async function startNginx(
  options: NginxOptions,
): Promise<StartedProcess & { readonly port: number }> {
  const { folder, core, http } = options;
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, http(port)));
  const started = startProcess({ command: 'nginx', args: nginxArgs(folder, file), core, folder });
  await listening(started, port);
  return { ...started, port };
}

function nginxArgs(folder: string, file: string): string[] {
  return ['-p', folder, '-e', join(folder, 'error.log'), '-c', file];
}

/** One worker, for every system has one core. As root the worker must be told to stay root. */
function configuration(folder: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${join(folder, name)};`,
  );
  return [
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'daemon off;',
    'worker_processes 1;',
    `pid ${join(folder, 'nginx.pid')};`,
    'events { worker_connections 2048; }',
    'http {',
    ...temporary,
    '  access_log off;',
    '  default_type application/json;',
    '  client_body_buffer_size 1m;',
    http,
    '}',
    '',
  ].join('\n');
}
