import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../access/authenticate.ts';
import { logFailure, toFailure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ImageCall } from '../contract/call.ts';
import { parseTestFault } from '../pipeline/faults.ts';
import type { GenerateOptions } from '../pipeline/generate.ts';
import type { EditInputs } from '../pipeline/pictures.ts';
import type { Job } from '../requests/job.ts';
import { Answer, ClientLeft } from './answer.ts';
import { sendFailure } from './errors.ts';
import { renderJson } from './render/json.ts';
import { renderPicture, wantsPicture } from './render/picture.ts';
import { renderStream } from './render/stream.ts';
import { callerOf, isConnected } from './requestContext.ts';

/** What the endpoints that make pictures work with. */
export interface ImageParts {
  readonly log: Log;
  readonly keepaliveMs: number;
  /** Steps 3 to 5 of a request: returns the job that carries out the rest. */
  readonly generate: (caller: Caller, call: ImageCall, options: GenerateOptions) => Promise<Job>;
}

const MODEL_LOGGED_MAX = 100;

export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly call: ImageCall;
  /** The pictures of an edit. */
  readonly inputs?: EditInputs;
}

/** Starts the job and writes it in the form that the caller asked for. */
export async function answerCall(parts: ImageParts, exchange: Exchange): Promise<void> {
  const { request, reply, call } = exchange;
  // An unknown model may be any text: the log line takes no more of it than an id could have.
  request.easel.model = call.model.slice(0, MODEL_LOGGED_MAX);
  const asPicture = !call.stream && call.n === 1 && wantsPicture(request.headers.accept);
  const job = await startJob(parts, exchange);
  request.easel.imageId = job.facts.id;
  void reply.header('x-easel-image-id', job.facts.id);
  const subscription = job.subscribe();
  reply.raw.once('close', () => subscription.close());
  if (!isConnected(reply)) {
    subscription.close();
  }
  const answer = new Answer(reply);
  try {
    if (call.stream) {
      const options = { keepaliveMs: parts.keepaliveMs, n: call.n };
      await renderStream(answer, job.facts, subscription, options);
    } else if (asPicture) {
      await renderPicture(answer, job.facts, subscription);
    } else {
      await renderJson(answer, job.facts, subscription, call.responseFormat);
    }
  } catch (error) {
    endBadly(parts, { ...exchange, answer, job }, error);
  } finally {
    subscription.close();
    noteOutcome(request, job);
  }
}

async function startJob(
  parts: ImageParts,
  { request, reply, call, inputs }: Exchange,
): Promise<Job> {
  const caller = callerOf(request);
  const fault =
    caller.mode === 'test' ? parseTestFault(request.headers['x-easel-test']) : undefined;
  const left = new AbortController();
  const leave = (): void => left.abort(new ClientLeft());
  reply.raw.once('close', leave);
  try {
    return await parts.generate(caller, call, {
      requestId: request.id,
      signal: left.signal,
      ...(fault === undefined ? {} : { fault }),
      ...(inputs === undefined ? {} : { inputs }),
    });
  } finally {
    reply.raw.off('close', leave);
  }
}

/** A failure before the head is an ordinary error answer; after it, the connection breaks. */
function endBadly(
  parts: ImageParts,
  { request, reply, answer, job }: Exchange & { readonly answer: Answer; readonly job: Job },
  error: unknown,
): void {
  const failure = toFailure(error);
  const isJobs = job.end?.type === 'failed' && job.end.failure === failure;
  if (!isJobs && !(error instanceof ClientLeft)) {
    logFailure(parts.log, failure, { requestId: request.id, image: job.facts.id });
  }
  if (!answer.started && isConnected(reply)) {
    sendFailure(request, reply, failure);
    return;
  }
  answer.destroy();
}

function noteOutcome(request: FastifyRequest, job: Job): void {
  const { end } = job;
  if (end?.type === 'completed') {
    request.easel.cost = end.outcome.cost;
  } else if (end?.type === 'failed') {
    request.easel.failure ??= end.failure;
  }
}
