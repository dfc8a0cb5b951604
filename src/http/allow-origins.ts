import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** What a page may read besides the body. */
const EXPOSED_HEADERS = [
  'idempotent-replayed',
  'location',
  'retry-after',
  'x-easel-cost',
  'x-easel-image-id',
  'x-ratelimit-limit-images',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-images',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-images',
  'x-ratelimit-reset-requests',
  'x-request-id',
  'x-should-retry',
];

/** How long a browser remembers what it may do. */
const PREFLIGHT_SECONDS = 600;

/**
 * Lets pages of these origins call the server from a browser. Without any there is no CORS at all. No
 * cookies: a key is sent as a header, or not at all.
 */
export async function allowOrigins(
  server: FastifyInstance,
  origins: readonly string[],
): Promise<void> {
  if (origins.length === 0) {
    return;
  }
  await server.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
    strictPreflight: false,
  });
}
