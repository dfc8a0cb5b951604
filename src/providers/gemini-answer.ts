import type { Failure } from '../base/errors.ts';
import type { TokenUsage } from '../base/usage.ts';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { retryAfterSeconds } from '../egress/read-body.ts';
import { countOf, type Fields, fieldsOf, listOf, textOf } from './answer-fields.ts';
import { readErrorFields } from './splice-answer.ts';
import { cleanMessage, refusalFailure, type UpstreamRefusal } from './upstream-errors.ts';

/**
 * The failure that an answer other than 200 stands for (PROVIDERS §2.4, November 2026). A key that
 * Google does not know comes as 400 and not as 401, and so does an account or place that may not
 * use the model: neither is the caller's fault.
 */
export async function geminiRefusal(provider: string, answer: EgressAnswer): Promise<Failure> {
  const error = fieldsOf((await readErrorFields(answer))['error']);
  const status = textOf(error['status']);
  const message = textOf(error['message']);
  const details = listOf(error['details']).map(fieldsOf);
  const retryAfter = retryDelaySeconds(details) ?? retryAfterSeconds(answer.headers);
  const refusal: UpstreamRefusal = {
    provider,
    status: answer.status,
    ...(status === undefined ? {} : { type: status }),
    ...(message === undefined ? {} : { message }),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
  };
  if (details.some(({ reason }) => reason === 'API_KEY_INVALID')) {
    return refusalFailure({ ...refusal, code: 'invalid_api_key' });
  }
  // A limit that passes names its delay; a quota that is used up names none.
  const isUsedUp = details.some((detail) => textOf(detail['@type'])?.endsWith('.QuotaFailure'));
  if (isUsedUp && retryAfter === undefined) {
    return refusalFailure({ ...refusal, code: 'insufficient_quota' });
  }
  if (status === 'FAILED_PRECONDITION') {
    const words = cleanMessage(message) ?? 'no reason given';
    const internal = `${provider} answered ${answer.status} (${status}): ${words}`;
    return new UpstreamFailure('upstream_error', { billed: 'no', internal });
  }
  return refusalFailure(refusal);
}

/** `RetryInfo { retryDelay: "23s" }`, rounded up to whole seconds. */
function retryDelaySeconds(details: readonly Fields[]): number | undefined {
  const delay = details.map((detail) => textOf(detail['retryDelay'])).find((text) => text);
  const [, seconds] = /^(\d{1,6}(?:\.\d{1,9})?)s$/.exec(delay ?? '') ?? [];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds));
}

/**
 * `usageMetadata` as tokens (npm @google/genai 3.1.0). Counts that no detail accounts for are text,
 * but an answer without any detail is its picture. Undefined when the upstream counted nothing.
 */
export function geminiTokens(usageMetadata: unknown): TokenUsage | undefined {
  const usage = fieldsOf(usageMetadata);
  const input = countOf(usage['promptTokenCount']);
  const output = countOf(usage['candidatesTokenCount']);
  if (input === undefined && output === undefined) {
    return undefined;
  }
  const imageInput = imageTokens(usage['promptTokensDetails']) ?? 0;
  const imageOutput = imageTokens(usage['candidatesTokensDetails']) ?? output ?? 0;
  const cached = countOf(usage['cachedContentTokenCount']) ?? 0;
  const cachedImageInput = Math.min(imageTokens(usage['cacheTokensDetails']) ?? 0, imageInput);
  const textInput = Math.max((input ?? 0) - imageInput, 0);
  return {
    textInput,
    imageInput,
    cachedTextInput: Math.min(Math.max(cached - cachedImageInput, 0), textInput),
    cachedImageInput,
    textOutput: Math.max((output ?? 0) - imageOutput, 0),
    imageOutput,
    reasoningOutput: countOf(usage['thoughtsTokenCount']) ?? 0,
  };
}

/** The pictures' share of `[{"modality":"IMAGE","tokenCount":1120}]`; undefined without details. */
function imageTokens(details: unknown): number | undefined {
  const counts = listOf(details).map(fieldsOf);
  if (counts.length === 0) {
    return undefined;
  }
  return counts
    .filter(({ modality }) => modality === 'IMAGE')
    .reduce((sum, { tokenCount }) => sum + (countOf(tokenCount) ?? 0), 0);
}
