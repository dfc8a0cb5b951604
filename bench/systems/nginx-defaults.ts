import { startNginxProxy } from './nginx-proxy.ts';
import type { System } from './system.ts';

/** What one gets from nginx who writes `proxy_pass` and nothing else. */
export const nginxDefaults: System = {
  name: 'nginx-defaults',
  title: 'nginx, defaults',
  setup: 'proxy_pass and nothing else: HTTP/1.0, 8 buffers of a page, temporary files',
  start: (options) => startNginxProxy(options, { keepalive: false, location: [] }),
};
