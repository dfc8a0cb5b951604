import type { FastifyReply } from 'fastify';
import { ClientLeft } from './answer.ts';
import { isConnected } from './requestContext.ts';

/** Works with a signal that aborts when the client leaves, or has left already. */
export async function whileConnected<T>(
  reply: FastifyReply,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const left = new AbortController();
  const leave = (): void => left.abort(new ClientLeft());
  reply.raw.once('close', leave);
  if (!isConnected(reply)) {
    leave();
  }
  try {
    return await work(left.signal);
  } finally {
    reply.raw.off('close', leave);
  }
}
