import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../access/authenticate.ts';
import { Failure } from '../base/errors.ts';
import type { Trace } from '../base/trace.ts';
import type { Nanousd } from '../base/money.ts';

/** What is known of one HTTP request besides its bytes; the log line is made of it. */
export interface RequestContext {
  caller?: Caller;
  imageId?: string;
  model?: string;
  cost?: Nanousd;
  /** Milliseconds from the request's start to the first byte of its answer. */
  firstByteMs?: number;
  failure?: Failure;
  /** Which admin it is: `admin …abcd`. */
  actor?: string;
  trace?: Trace | undefined;
  /** When all that can be checked before the body had been. */
  checkedAtMs?: number;
  readonly startedAtMs: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    easel: RequestContext;
  }
  interface FastifyContextConfig {
    /** `key`, `admin`: that is needed, and is checked before a byte of the body is read. */
    access?: 'open' | 'key' | 'admin';
    /** The account must not be in the red. */
    paid?: true;
    /** Served however much there is to do. */
    isVital?: true;
  }
}

const SAFE_ID_PATTERN = /^[\w.:-]{1,128}$/;

/** The caller's own request id, if it is safe to repeat in a header and in the log. */
export function suppliedRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && SAFE_ID_PATTERN.test(header) ? header : undefined;
}

/** The authenticated caller of a route whose access is `key`. */
export function callerOf(request: FastifyRequest): Caller {
  const { caller } = request.easel;
  if (caller === undefined) {
    throw new Failure('internal_error', { internal: 'this route has no access: key' });
  }
  return caller;
}

/** Whether the client is still there to read an answer. */
export function isConnected(reply: FastifyReply): boolean {
  return !reply.raw.destroyed && reply.raw.socket?.destroyed !== true;
}

/** Who acts on a route whose access is `admin`. */
export function actorOf(request: FastifyRequest): string {
  const { actor } = request.easel;
  if (actor === undefined) {
    throw new Failure('internal_error', { internal: 'this route has no access: admin' });
  }
  return actor;
}
