import assert from 'node:assert/strict';
import type { z } from 'zod';
import { ERRORS, type ErrorName, type ErrorRow } from '../../src/base/errors.ts';
import {
  type ImageData,
  ImageResponse,
  ImageStreamEvent,
  type WarningBody,
} from '../../src/contract/answers.ts';
import { asObject, asString } from './json.ts';
import { readEvents } from './sse.ts';

/** An answer of the images endpoint, held to the contract's schema and with all it promises. */
export interface ImageAnswer {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly size: string;
  readonly output_format: string;
  readonly data: readonly [z.output<typeof ImageData>, ...z.output<typeof ImageData>[]];
  readonly usage: { readonly cost: { readonly total_cost: number } };
  readonly quality?: string;
  readonly background?: string;
  readonly seed?: number;
  readonly test?: boolean;
  readonly warnings?: readonly z.output<typeof WarningBody>[];
}

/** Reads a 200 with pictures. Fails on another status, a missing field or a null. */
export async function readAnswer(response: Response): Promise<ImageAnswer> {
  const text = await response.text();
  assert.equal(response.status, 200, text.slice(0, 500));
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  const answer = ImageResponse.parse(JSON.parse(text)) as unknown as ImageAnswer;
  for (const name of ['id', 'created', 'model', 'size', 'output_format', 'data', 'usage']) {
    assert(name in answer, `the answer has no ${name}`);
  }
  assert(answer.data.length > 0, 'data: [] never leaves Easel');
  assert.deepEqual(
    answer.data.map(({ index }) => index),
    [...answer.data.keys()],
  );
  assert.doesNotMatch(text.slice(-2000), /:null/, 'absent beats null');
  assert.equal(response.headers.get('x-easel-image-id'), answer.id);
  assert.match(response.headers.get('x-request-id') ?? '', /\S/);
  return answer;
}

/** The first picture of an answer that was asked for in base64. */
export function firstPicture(answer: ImageAnswer): string {
  return asString(answer.data[0].b64_json);
}

/** An answer's warnings as `param code`. */
export function warningsOf(answer: {
  readonly warnings?: ImageAnswer['warnings'] | undefined;
}): string[] {
  return (answer.warnings ?? []).map(({ param, code }) => `${param} ${code}`);
}

export interface ExpectedError {
  readonly name: ErrorName;
  /** The field at fault; null by default. */
  readonly param?: string | null;
  readonly message?: RegExp;
}

/** A retry of these could buy a picture again. */
const NEVER_RETRIED = new Set([402, 409, 504]);

/** Reads an error answer: the row of the table, exactly four keys, JSON, with a request id. */
export async function readError(
  response: Response,
  { name, param = null, message }: ExpectedError,
): Promise<void> {
  const text = await response.text();
  const row: ErrorRow = ERRORS[name];
  const seen = `${response.status} ${text.slice(0, 300)}`;
  assert.equal(response.status, row.status, seen);
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/, seen);
  assert.match(response.headers.get('x-request-id') ?? '', /^[\w.:-]{1,128}$/, seen);
  assert.equal(
    response.headers.get('x-should-retry'),
    NEVER_RETRIED.has(row.status) ? 'false' : null,
    seen,
  );
  checkErrorBody(text, { name, param, ...(message === undefined ? {} : { message }) });
}

/** The body of an error answer by itself, for what did not come through `fetch`. */
export function checkErrorBody(text: string, { name, param = null, message }: ExpectedError): void {
  const row: ErrorRow = ERRORS[name];
  const body = asObject(JSON.parse(text));
  assert.deepEqual(Object.keys(body), ['error'], text);
  const error = asObject(body['error']);
  assert.deepEqual(Object.keys(error).toSorted(), ['code', 'message', 'param', 'type'], text);
  assert.equal(error['type'], row.type, text);
  assert.equal(error['code'], row.code, text);
  assert.equal(error['param'], param, text);
  assert.match(asString(error['message']), message ?? /\w/, text);
}

export type StreamEvent = z.output<typeof ImageStreamEvent>;

/** What a stream held, in order, its events held to the contract's schema. */
export interface ReadStream {
  readonly comments: readonly string[];
  readonly events: readonly { readonly event: string; readonly data: StreamEvent }[];
}

/** Reads a 200 with a stream to its end. */
export async function readStream(response: Response): Promise<ReadStream> {
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const pieces = await Array.fromAsync(readEvents(response));
  return {
    comments: pieces.flatMap((piece) => ('comment' in piece ? [piece.comment] : [])),
    events: pieces.flatMap((piece) =>
      'event' in piece ? [{ event: piece.event, data: ImageStreamEvent.parse(piece.data) }] : [],
    ),
  };
}
