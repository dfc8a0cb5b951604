import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../access/authenticate.ts';
import type { Allowance } from '../access/limits.ts';
import type { Log } from '../base/log.ts';
import type { ImageCall } from '../contract/call.ts';
import type { GenerateOptions, Started } from '../pipeline/generate.ts';
import type { EditInputs } from '../pipeline/pictures.ts';
import type { Answerable, EventReader } from '../requests/job.ts';
import type { Marks } from '../requests/marks.ts';
import { Answer } from './answer.ts';
import { endBadly } from './end-badly.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { renderJson } from './render/json.ts';
import { renderPicture, wantsPicture } from './render/picture.ts';
import { renderStream } from './render/stream.ts';
import { type RequestWishes, readWishes, type WishRules } from './request-options.ts';
import { callerOf, isConnected } from './requestContext.ts';
import { whileConnected } from './while-connected.ts';

/** What the endpoints that make pictures work with. */
export interface ImageParts extends WishRules {
  readonly log: Log;
  readonly keepaliveMs: number;
  /** Steps 3 to 5 of a request: returns what the rest is answered from. */
  readonly generate: (
    caller: Caller,
    call: ImageCall,
    options: GenerateOptions,
  ) => Promise<Started>;
  readonly marks: Marks;
  /** How the caller's limits by the minute stand now. */
  readonly allowances: (caller: Caller) => Promise<readonly Allowance[]>;
  /** A link to a picture that needs no key; undefined where `url` is a `data:` URI. */
  readonly linkTo?: (id: string, index: number) => string;
}

const MODEL_LOGGED_MAX = 100;

export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly call: ImageCall;
  /** The pictures of an edit. */
  readonly inputs?: EditInputs;
}

/** Starts the job and writes it in the form that the caller asked for, or says where it will be. */
export async function answerCall(parts: ImageParts, exchange: Exchange): Promise<void> {
  const { request, reply, call } = exchange;
  // An unknown model may be any text: the log line takes no more of it than an id could have.
  request.easel.model = call.model.slice(0, MODEL_LOGGED_MAX);
  traceParse(request);
  const wishes = await readingWishes(parts, exchange);
  const { answer: source, isReplay } = await start(parts, exchange, wishes);
  const { id } = source.facts;
  request.easel.imageId = id;
  void reply.header('x-easel-image-id', id);
  if (isReplay) {
    void reply.header('idempotent-replayed', 'true');
  } else {
    void reply.headers(rateLimitHeaders(await parts.allowances(callerOf(request))));
  }
  if (wishes.isAsync && !(await endsInTime(source, wishes.waitSeconds))) {
    acceptLater(reply, id);
    return;
  }
  await writeAnswer(parts, exchange, source);
}

/** The body has been read and understood. */
function traceParse({ easel }: FastifyRequest): void {
  easel.trace?.span({
    name: 'parse',
    startMs: easel.checkedAtMs ?? easel.startedAtMs,
    endMs: Date.now(),
  });
}

/** A refusal of the headers must let go of what the body has brought. */
async function readingWishes(
  parts: ImageParts,
  { request, call, inputs }: Exchange,
): Promise<RequestWishes> {
  try {
    return readWishes(request, call, parts);
  } catch (error) {
    await inputs?.spool.dispose();
    throw error;
  }
}

function start(
  parts: ImageParts,
  { request, reply, call, inputs }: Exchange,
  { options }: RequestWishes,
): Promise<Started> {
  return whileConnected(reply, (signal) =>
    parts.generate(callerOf(request), call, {
      ...options,
      requestId: request.id,
      trace: request.easel.trace,
      signal,
      ...(inputs === undefined ? {} : { inputs }),
    }),
  );
}

/** Lets the work begin, and waits for its end for as long as the client wants to. */
async function endsInTime(source: Answerable, waitSeconds: number): Promise<boolean> {
  source.start();
  if (waitSeconds > 0 && source.end === undefined) {
    const over = new AbortController();
    const timer = wait(waitSeconds * 1000, undefined, { signal: over.signal });
    await Promise.race([source.ended, timer.catch(() => undefined)]);
    over.abort();
  }
  return source.end !== undefined && waitSeconds > 0;
}

function acceptLater(reply: FastifyReply, id: string): void {
  void reply
    .code(202)
    .headers({ location: `/v1/images/${id}`, 'preference-applied': 'respond-async' })
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ id, status: 'queued' }));
}

async function writeAnswer(
  parts: ImageParts,
  exchange: Exchange,
  source: Answerable,
): Promise<void> {
  const { reply, request } = exchange;
  const { trace } = request.easel;
  const startMs = Date.now();
  const reader = source.subscribe();
  reply.raw.once('close', () => {
    reader.close();
    trace?.span({ name: 'render', startMs, endMs: Date.now() });
    const { id } = source.facts;
    if (!reply.raw.writableFinished) {
      parts.marks.orphaned(id);
    } else if (!givesLinks(parts, exchange.call)) {
      parts.marks.delivered(id);
    }
  });
  if (!isConnected(reply)) {
    reader.close();
    parts.marks.orphaned(source.facts.id);
  }
  const answer = new Answer(reply);
  try {
    await render(parts, exchange, { answer, source, reader });
  } catch (error) {
    endBadly({ log: parts.log, ...exchange, answer, source }, error);
  } finally {
    reader.close();
    noteOutcome(exchange.request, source);
  }
}

/** Who has a link has no picture yet. */
function givesLinks({ linkTo }: ImageParts, { responseFormat, stream }: ImageCall): boolean {
  return linkTo !== undefined && responseFormat === 'url' && !stream;
}

interface Rendering {
  readonly answer: Answer;
  readonly source: Answerable;
  readonly reader: EventReader;
}

async function render(
  parts: ImageParts,
  { request, call }: Exchange,
  { answer, source, reader }: Rendering,
): Promise<void> {
  const { facts } = source;
  if (call.stream) {
    const place = (): number | undefined => source.place;
    const options = { keepaliveMs: parts.keepaliveMs, n: call.n, place };
    await renderStream(answer, facts, reader, options);
  } else if (call.n === 1 && wantsPicture(request.headers.accept)) {
    await renderPicture(answer, facts, reader);
  } else {
    const { responseFormat } = call;
    await renderJson(answer, facts, reader, { responseFormat, linkTo: parts.linkTo });
  }
}

function noteOutcome(request: FastifyRequest, { end }: Answerable): void {
  if (end?.type === 'completed') {
    request.easel.cost = end.outcome.cost;
  } else if (end?.type === 'failed') {
    request.easel.failure ??= end.failure;
  }
}
