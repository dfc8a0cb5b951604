import { startNodeGateway } from './node-gateway.ts';
import type { System } from './system.ts';

/** What most gateways do with an answer, and nothing beside it: no keys, no ledger, no log. */
export const parseAndStringify: System = {
  name: 'parse-and-stringify',
  title: 'parse and stringify',
  setup: 'plain node:http with kept connections: buffers, JSON.parse, JSON.stringify',
  start: (options) => startNodeGateway('parse-and-stringify.ts', options),
};
