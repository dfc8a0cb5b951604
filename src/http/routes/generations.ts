import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../access/authenticate.ts';
import { logFailure, toFailure } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ImageCall } from '../../contract/call.ts';
import { ImageGenerationRequest, toImageCall, withoutAbsent } from '../../contract/generations.ts';
import { parseTestFault } from '../../pipeline/faults.ts';
import type { GenerateOptions } from '../../pipeline/generate.ts';
import type { Job } from '../../requests/job.ts';
import { Answer, ClientLeft } from '../answer.ts';
import { sendFailure } from '../errors.ts';
import { imageResponses } from '../openapi.ts';
import { renderJson } from '../render/json.ts';
import { renderPicture, wantsPicture } from '../render/picture.ts';
import { renderStream } from '../render/stream.ts';
import { callerOf, isConnected } from '../requestContext.ts';

export interface GenerationParts {
  readonly log: Log;
  readonly keepaliveMs: number;
  /** Steps 3 to 5 of a request: returns the job that carries out the rest. */
  readonly generate: (caller: Caller, call: ImageCall, options: GenerateOptions) => Promise<Job>;
}

/** `POST /v1/images/generations`: a prompt in, pictures out, as JSON, a stream or plain bytes. */
export function generationsRoute(server: FastifyInstance, parts: GenerationParts): void {
  server.post<{ Body: ImageGenerationRequest }>('/v1/images/generations', {
    config: { access: 'key', paid: true },
    schema: {
      operationId: 'createImage',
      summary: 'Generate an image',
      description:
        'Makes one or more pictures from a prompt. Each model takes its own sizing and quality ' +
        'fields; `GET /v1/models` lists them. The answer says what was charged in `usage.cost`. ' +
        'Set `stream: true` for Server-Sent Events.',
      tags: ['Images'],
      body: ImageGenerationRequest,
      response: imageResponses,
    },
    preValidation: async (request) => {
      request.body = withoutAbsent(request.body) as ImageGenerationRequest;
    },
    handler: async (request, reply) => {
      const call = toImageCall(request.body);
      await answerCall(parts, { request, reply, call });
      return reply;
    },
  });
}

const MODEL_LOGGED_MAX = 100;

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly call: ImageCall;
}

/** Starts the job and writes it in the form that the caller asked for. */
async function answerCall(parts: GenerationParts, exchange: Exchange): Promise<void> {
  const { request, reply, call } = exchange;
  // An unknown model may be any text: the log line takes no more of it than an id could have.
  request.easel.model = call.model.slice(0, MODEL_LOGGED_MAX);
  const caller = callerOf(request);
  const asPicture = !call.stream && call.n === 1 && wantsPicture(request.headers.accept);
  const fault =
    caller.mode === 'test' ? parseTestFault(request.headers['x-easel-test']) : undefined;
  const job = await parts.generate(caller, call, {
    requestId: request.id,
    ...(fault === undefined ? {} : { fault }),
  });
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

/** A failure before the head is an ordinary error answer; after it, the connection breaks. */
function endBadly(
  parts: GenerationParts,
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
