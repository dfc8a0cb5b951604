import { GENERATIONS_PATH } from '../answers.ts';
import { startNginx } from '../nginx.ts';
import { GATEWAY_CORE } from '../processes.ts';
import type { RunningSystem, SystemOptions } from './system.ts';

export interface ProxySettings {
  /** Whether connections to the upstream are kept. */
  readonly keepalive: boolean;
  /** Directives of the location, beside `proxy_pass`. */
  readonly location: readonly string[];
}

/** An nginx that passes everything on to the upstream, on the gateway's core. */
export async function startNginxProxy(
  { upstreamUrl, folder }: SystemOptions,
  { keepalive, location }: ProxySettings,
): Promise<RunningSystem> {
  const upstream = new URL(upstreamUrl);
  const nginx = await startNginx({
    folder,
    core: GATEWAY_CORE,
    http: (port) => `
  keepalive_requests 1000000;
  upstream openai {
    server ${upstream.host};
    ${keepalive ? 'keepalive 64; keepalive_requests 1000000;' : ''}
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://openai;
      ${location.join('\n      ')}
    }
  }`,
  });
  return {
    url: `http://127.0.0.1:${nginx.port}${upstream.pathname}${GENERATIONS_PATH}`,
    headers: {},
    pid: nginx.pid,
    stop: nginx.stop,
  };
}
