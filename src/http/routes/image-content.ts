import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller, Credentials } from '../../access/authenticate.ts';
import type { Clock } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { mediaType } from '../../base/image.ts';
import type { Log } from '../../base/log.ts';
import { SignedQuery } from '../../contract/images.ts';
import { decodedBytes, decodedRange } from '../../payload/decoded-range.ts';
import type { Content, Lookup } from '../../requests/lookup.ts';
import type { Marks } from '../../requests/marks.ts';
import { namesTag, parseRange, rangeHolds } from '../byte-range.ts';
import { contentResponses } from '../openapi.ts';
import { isConnected } from '../requestContext.ts';
import { sendHead } from '../send-head.ts';
import type { SignedLinks } from '../signed-links.ts';

export interface ContentParts {
  readonly log: Log;
  readonly lookup: Lookup;
  readonly marks: Marks;
  readonly clock: Clock;
  readonly links: SignedLinks;
  /** Whose key it is, where no signature says that this does not matter. */
  readonly authenticate: (credentials: Credentials) => Promise<Caller>;
}

/** A request's id in a path: whatever is none is an unknown path, or another endpoint. */
export const ID_IN_PATH = ':id(^img_[0-9A-Za-z]{1,64}$)';

interface ContentRoute {
  Params: { readonly id: string; readonly index: string };
  Querystring: { readonly expires?: unknown; readonly signature?: unknown };
}

/** `GET /v1/images/{id}/content/{index}`: one picture as the file that it is, whole or in part. */
export function imageContentRoute(server: FastifyInstance, parts: ContentParts): void {
  server.get<ContentRoute>(`/v1/images/${ID_IN_PATH}/content/:index`, {
    // A signature stands in for a key: `admit` looks for either.
    config: { access: 'open' },
    schema: {
      operationId: 'getImageContent',
      summary: 'Fetch one picture',
      description:
        'The picture as a file. A key of its account may fetch it, and whoever has a signed link. ' +
        'A single `Range` is answered in part; the entity tag never changes.',
      tags: ['Images'],
      security: [{ BearerAuth: [] }, { SignedLink: [] }],
      params: z.object({
        id: z.string(),
        index: z.string().meta({ description: 'From 0, as in `data`.', example: '0' }),
      }),
      querystring: SignedQuery,
      response: contentResponses,
    },
    // The schemas only document here: `admit` reads before anything is checked.
    validatorCompiler: () => (value) => ({ value }),
    onRequest: (request) => admit(parts, request),
    handler: async (request, reply) => {
      const { id } = request.params;
      const { caller } = request.easel;
      request.easel.imageId = id;
      if (caller !== undefined) {
        await parts.lookup.find(caller, id);
      }
      const content = await parts.lookup.content(id, indexIn(request.params));
      await answerContent(parts, { id, content, request, reply });
      return reply;
    },
  });
}

/** One half of a signature is enough to be judged by it, also with a key beside it. */
async function admit(
  { links, authenticate }: ContentParts,
  request: FastifyRequest<ContentRoute>,
): Promise<void> {
  const { query, params } = request;
  if ('expires' in query || 'signature' in query) {
    links.check({ id: params.id, index: indexIn(params) }, query);
    return;
  }
  const { authorization, 'x-api-key': sentKey } = request.headers;
  const xApiKey = typeof sentKey === 'string' ? sentKey : undefined;
  request.easel.caller = await authenticate({ authorization, xApiKey });
}

/** Its one spelling, so that no link has two; else what no picture has. */
function indexIn({ index }: ContentRoute['Params']): number {
  return /^(?:0|[1-9]\d?)$/.test(index) ? Number(index) : -1;
}

interface OpenContent {
  readonly id: string;
  readonly content: Content;
  readonly request: FastifyRequest<ContentRoute>;
  readonly reply: FastifyReply;
}

/** Answers from the opened picture, which is closed whatever becomes of the answer. */
async function answerContent(parts: ContentParts, open: OpenContent): Promise<void> {
  const { content, reply } = open;
  const close = (): void => void content.blob.close().catch(() => undefined);
  reply.raw.once('close', close);
  if (!isConnected(reply)) {
    close();
  }
  try {
    await writeContent(parts, open);
  } catch (error) {
    close();
    throw error;
  }
}

async function writeContent(
  { log, clock, marks }: ContentParts,
  { id, content, request, reply }: OpenContent,
): Promise<void> {
  const { blob, record, image, images } = content;
  const { headers, method } = request;
  const tag = `"${record.name}"`;
  const secondsLeft = Math.max(0, Math.floor((record.expiresAt - clock.now()) / 1000));
  // Not on a failure, which may be over in a moment.
  const kept = { etag: tag, 'cache-control': `private, max-age=${secondsLeft}, immutable` };
  void reply.headers({ 'x-easel-image-id': id, 'accept-ranges': 'bytes' });
  if (namesTag(headers['if-none-match'], tag)) {
    await reply.code(304).headers(kept).send();
    return;
  }
  const bytes = await sizeOf(content);
  const wanted = rangeHolds(headers['if-range']?.toString(), tag) ? headers.range : undefined;
  const range = method === 'HEAD' ? 'whole' : parseRange(wanted, bytes);
  if (range === 'unsatisfiable') {
    void reply.headers({ etag: tag, 'content-range': `bytes */${bytes}` });
    throw new Failure('invalid_range');
  }
  const described = { ...kept, 'content-type': mediaType(image.format) };
  if (method === 'HEAD') {
    sendHead(reply, { ...described, 'content-length': bytes });
    return;
  }
  const { start, end } = range === 'whole' ? { start: 0, end: bytes } : range;
  void reply.headers({ ...described, 'content-length': end - start });
  if (range === 'whole') {
    markWhenSent(reply, () => images === 1 && marks.delivered(id));
  } else {
    void reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${bytes}`);
  }
  const stream = Readable.from(decodedRange(blob, { start, end }), { objectMode: false });
  stream.once('error', (error) => log.error({ image: id, err: error }, 'a picture broke off'));
  await reply.send(stream);
}

function markWhenSent(reply: FastifyReply, mark: () => unknown): void {
  reply.raw.once('close', () => {
    if (reply.raw.writableFinished) {
      mark();
    }
  });
}

/** Of the picture itself, however it is stored. */
async function sizeOf({ blob }: Content): Promise<number> {
  const tail: Buffer[] = [];
  for await (const chunk of blob.read({ start: Math.max(0, blob.bytes - 2), end: blob.bytes })) {
    tail.push(chunk);
  }
  return decodedBytes(blob.form, blob.bytes, Buffer.concat(tail));
}
