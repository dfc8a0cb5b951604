import type { EgressAnswer } from '../egress/egress.ts';
import { retryAfterSeconds } from '../egress/read-body.ts';
import { type Fields, fieldsOf, listOf, textOf } from './answer-fields.ts';
import { readErrorFields } from './splice-answer.ts';
import type { UpstreamRefusal } from './upstream-errors.ts';

/**
 * What an asynchronous upstream says of a request that it did not take, whatever the body is: that
 * of a proxy's page says nothing. Reads FastAPI's `{"detail":"text"}` and
 * `{"detail":[{loc,msg,type}]}` (BFL and fal, PROVIDERS §3.4, §6), fal's `error_type`
 * (fal.ai/docs, request errors, 2026), and sd-server's `{"error":"text"}`,
 * `{"error":"name","message":"text"}` and `{"error":{code,message}}` (PROVIDERS §7.1).
 */
export async function readRefusal(
  provider: string,
  answer: EgressAnswer,
): Promise<UpstreamRefusal> {
  const seconds = retryAfterSeconds(answer.headers);
  return {
    provider,
    status: answer.status,
    ...wordsOf(await readErrorFields(answer)),
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
  };
}

function wordsOf(body: Fields): Partial<UpstreamRefusal> {
  const first = fieldsOf(listOf(body['detail'])[0]);
  const error = fieldsOf(body['error']);
  const message =
    textOf(first['msg']) ??
    textOf(body['detail']) ??
    textOf(error['message']) ??
    textOf(body['message']) ??
    textOf(body['error']);
  const code = textOf(first['type']) ?? textOf(body['error_type']) ?? textOf(error['code']);
  const param = fieldOf(first['loc']);
  return {
    ...(message === undefined ? {} : { message }),
    ...(code === undefined ? {} : { code }),
    ...(param === undefined ? {} : { param }),
  };
}

/** `["body", "image_size", "width"]` is `image_size`: the name that a caller may have sent. */
function fieldOf(location: unknown): string | undefined {
  return listOf(location)
    .map(textOf)
    .find((part) => part !== undefined && part !== 'body');
}
