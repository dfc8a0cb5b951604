import type { FastifyReply, FastifyRequest } from 'fastify';
import { logFailure, toFailure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Answerable } from '../requests/job.ts';
import { type Answer, ClientLeft } from './answer.ts';
import { sendFailure } from './errors.ts';
import { isConnected } from './requestContext.ts';

export interface BadEnd {
  readonly log: Log;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly answer: Answer;
  readonly source: Answerable;
}

/** A failure before the head is an ordinary error answer; after it, the connection breaks. */
export function endBadly({ log, request, reply, answer, source }: BadEnd, error: unknown): void {
  const failure = toFailure(error);
  // What the job failed with stands in the log already.
  const isJobs = source.end?.type === 'failed' && source.end.failure === failure;
  if (!isJobs && !(error instanceof ClientLeft)) {
    logFailure(log, failure, { requestId: request.id, image: source.facts.id });
  }
  if (!answer.started && isConnected(reply)) {
    sendFailure(request, reply, failure);
    return;
  }
  answer.destroy();
}
