import { startNodeGateway } from './node-gateway.ts';
import type { System } from './system.ts';

/** What Node costs when it only passes bytes on. Not among the default systems of `payload`. */
export const nodePipe: System = {
  name: 'node-pipe',
  title: 'plain Node pipe',
  setup: 'plain node:http with kept connections: the answer is piped on, unread',
  start: (options) => startNodeGateway('node-pipe.ts', options),
};
