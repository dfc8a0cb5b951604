import { startNginxProxy } from './nginx-proxy.ts';
import type { System } from './system.ts';

/** The floor: a C program that does nothing but copy, in large pieces. */
export const nginxTuned: System = {
  name: 'nginx-tuned',
  title: 'nginx, tuned',
  setup: 'proxy_pass, HTTP/1.1 with kept connections, 16 × 64 KB buffers, no temporary files',
  start: (options) =>
    startNginxProxy(options, {
      keepalive: true,
      location: [
        'proxy_http_version 1.1;',
        'proxy_set_header Connection "";',
        'proxy_buffering on;',
        'proxy_buffer_size 64k;',
        'proxy_buffers 16 64k;',
        'proxy_busy_buffers_size 512k;',
        'proxy_max_temp_file_size 0;',
      ],
    }),
};
