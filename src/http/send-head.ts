import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Answers a HEAD, past Fastify, which would count the bytes of the body that it does not send. */
export function sendHead(reply: FastifyReply, headers: OutgoingHttpHeaders): void {
  reply.hijack();
  reply.raw.writeHead(200, { ...(reply.getHeaders() as OutgoingHttpHeaders), ...headers });
  reply.raw.end();
}
