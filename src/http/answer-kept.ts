import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../base/log.ts';
import type { Answerable } from '../requests/job.ts';
import type { Lookup } from '../requests/lookup.ts';
import type { Marks } from '../requests/marks.ts';
import type { RequestRecord } from '../requests/records.ts';
import { Answer } from './answer.ts';
import { endBadly } from './end-badly.ts';
import { parsePrefer } from './prefer.ts';
import { renderJson } from './render/json.ts';
import { renderPicture, wantsPicture } from './render/picture.ts';
import { statusBody } from './render/status.ts';
import { sendHead } from './send-head.ts';
import { whileConnected } from './while-connected.ts';

/** What an answer is given again from. */
export interface KeptParts {
  readonly log: Log;
  readonly lookup: Lookup;
  readonly marks: Marks;
  /** A link to a picture of a request that ended at that time; undefined: `data:` URIs. */
  readonly keptLink?: ((id: string, index: number, endedAtMs: number) => string) | undefined;
}

export interface KeptExchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly record: RequestRecord;
  readonly responseFormat: 'b64_json' | 'url';
}

/**
 * Says how a request stands, after a wait if the client wants one; of a completed one the whole
 * answer again, from the store. Throws `result_expired`.
 */
export async function answerKept(parts: KeptParts, exchange: KeptExchange): Promise<void> {
  const { request, reply } = exchange;
  const record = await waited(parts, exchange);
  const status = parts.lookup.statusOf(record);
  if (status !== 'completed') {
    await reply.send(statusBody(record, status, parts.lookup.placeOf(record)));
    return;
  }
  const source = await parts.lookup.answer(record);
  const isPicture = record.images === 1 && wantsPicture(request.headers.accept);
  await writeAgain(parts, { ...exchange, record }, { source, isPicture });
}

/** The record at the end of the wait that `Prefer: wait=N` asks for. */
async function waited(
  { lookup }: KeptParts,
  { request, reply, record }: KeptExchange,
): Promise<RequestRecord> {
  const { waitSeconds } = parsePrefer(request.headers['prefer']);
  if (waitSeconds === undefined) {
    return record;
  }
  return whileConnected(reply, (signal) => {
    void reply.header('preference-applied', `wait=${waitSeconds}`);
    return lookup.ended(record, waitSeconds * 1000, signal);
  });
}

interface Again {
  readonly source: Answerable;
  readonly isPicture: boolean;
}

async function writeAgain(
  parts: KeptParts,
  exchange: KeptExchange,
  { source, isPicture }: Again,
): Promise<void> {
  const { request, reply, record, responseFormat } = exchange;
  const reader = source.subscribe();
  const { keptLink } = parts;
  const { id } = record;
  const isLinked = !isPicture && responseFormat === 'url' && keptLink !== undefined;
  reply.raw.once('close', () => {
    reader.close();
    // A link is not the picture, and a HEAD brings nothing.
    if (reply.raw.writableFinished && !isLinked && request.method !== 'HEAD') {
      parts.marks.delivered(id);
    }
  });
  const answer = new Answer(reply);
  try {
    if (request.method === 'HEAD') {
      sendHead(reply, isPicture ? {} : { 'content-type': JSON_TYPE });
    } else if (isPicture) {
      await renderPicture(answer, source.facts, reader);
    } else {
      const endedAtMs = record.finishedAt ?? record.createdAt;
      await renderJson(answer, source.facts, reader, {
        responseFormat,
        linkTo: keptLink && ((image, index) => keptLink(image, index, endedAtMs)),
        head: { status: 'completed', ...metadataOf(record) },
      });
    }
  } catch (error) {
    endBadly({ log: parts.log, request, reply, answer, source }, error);
  } finally {
    reader.close();
  }
}

const JSON_TYPE = 'application/json; charset=utf-8';

function metadataOf({ metadata }: RequestRecord): Record<string, unknown> {
  return metadata === undefined ? {} : { metadata };
}
