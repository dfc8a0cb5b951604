import { GENERATIONS_PATH } from '../answers.ts';
import type { System } from './system.ts';

/** Nothing between the load and the upstream: what all others are held against. */
export const direct: System = {
  name: 'direct',
  title: 'direct',
  setup: 'the load straight at the upstream',
  start: async ({ upstreamUrl }) => ({
    url: `${upstreamUrl}${GENERATIONS_PATH}`,
    headers: {},
    stop: async () => undefined,
  }),
};
