import type { Failure } from '../../base/errors.ts';
import type { EgressAnswer } from '../../egress/egress.ts';
import { retryAfterSeconds } from '../../egress/read-body.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../answer-fields.ts';
import { readErrorFields } from '../splice-answer.ts';
import { refusalFailure, type UpstreamRefusal } from '../upstream-errors.ts';

/** The failure that an answer with a status other than 200 stands for; reads its body. */
export async function readRefusal(provider: string, answer: EgressAnswer): Promise<Failure> {
  const { status, headers } = answer;
  const retryAfter = retryAfterSeconds(headers);
  return refusalFailure({
    provider,
    status,
    ...wordsOf(await readErrorFields(answer)),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
  });
}

/** The failure for an error object inside an answer, or a stream, that began with status 200. */
export function refusalInside(provider: string, document: Fields): Failure {
  return refusalFailure({ provider, status: 200, ...wordsOf(document) });
}

/**
 * What an error body says, in the forms that servers of the Images API use: OpenAI's
 * `{"error":{message,type,code,param}}`, Azure's with an `inner_error`, `{"error":"text"}`,
 * `{"error":"server_error","message":"text"}`, FastAPI's `{"detail":"text"}` and
 * `{"detail":[{"loc":["body","size"],"msg":"text"}]}` (PROVIDERS §1.6, §1.8, §7).
 */
export function wordsOf(body: unknown): Omit<UpstreamRefusal, 'provider' | 'status'> {
  const document = fieldsOf(body);
  const error = fieldsOf(document['error']);
  const detail = detailOf(document['detail']);
  const inner = fieldsOf(error['inner_error'] ?? error['innererror']);
  const outerMessage = textOf(document['message']);
  const errorText = textOf(document['error']);
  const message = textOf(error['message']) ?? outerMessage ?? errorText ?? detail.message;
  // Azure's own reason stands one object deeper: `ResponsibleAIPolicyViolation`.
  const code = textOf(inner['code']) ?? textOf(error['code']) ?? textOf(document['code']);
  const type = textOf(error['type']);
  const param = textOf(error['param']) ?? detail.param;
  return {
    ...(message === undefined ? {} : { message }),
    ...(code === undefined ? {} : { code }),
    ...(type === undefined ? {} : { type }),
    ...(param === undefined ? {} : { param }),
  };
}

function detailOf(detail: unknown): { readonly message?: string; readonly param?: string } {
  const text = textOf(detail);
  if (text !== undefined) {
    return { message: text };
  }
  const first = fieldsOf(listOf(detail)[0]);
  const message = textOf(first['msg']);
  const param = listOf(first['loc'])
    .filter((part) => part !== 'body')
    .join('.');
  return {
    ...(message === undefined ? {} : { message }),
    ...(param === '' ? {} : { param }),
  };
}
