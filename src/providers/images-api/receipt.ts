import type { TokenUsage } from '../../base/usage.ts';
import type { EgressAnswer } from '../../egress/egress.ts';
import { countOf, type Fields, fieldsOf, textOf } from '../answer-fields.ts';
import type { Receipt } from '../provider.ts';

/**
 * The receipt of an answer of the Images API, or of the last event of its stream (openai 7.55.0
 * `resources/images.d.ts`, November 2026). The model that served is not named there.
 */
export function receiptOf(document: Fields, headers: EgressAnswer['headers']): Receipt {
  const tokens = tokensOf(document['usage']);
  const quality = nameOf(document['quality']);
  const background = nameOf(document['background']);
  return {
    upstreamIds: requestIds(headers),
    ...(tokens === undefined ? {} : { tokens }),
    ...(quality === undefined ? {} : { quality }),
    ...(background === undefined ? {} : { background }),
  };
}

/**
 * The tokens of a `usage`. Without details the input counts as text and the output as image.
 * Undefined when it counts nothing: LocalAI sends all zeros, SGLang only a count of images
 * (PROVIDERS §7.4, §7.6).
 */
export function tokensOf(usage: unknown): TokenUsage | undefined {
  const fields = fieldsOf(usage);
  const input = countOf(fields['input_tokens']) ?? 0;
  const output = countOf(fields['output_tokens']) ?? 0;
  if (input + output === 0) {
    return undefined;
  }
  const inputDetails = fieldsOf(fields['input_tokens_details']);
  const outputDetails = fieldsOf(fields['output_tokens_details']);
  const imageInput = countOf(inputDetails['image_tokens']) ?? 0;
  const textInput = countOf(inputDetails['text_tokens']) ?? Math.max(0, input - imageInput);
  const textOutput = countOf(outputDetails['text_tokens']) ?? 0;
  return {
    textInput,
    imageInput,
    ...cachedTokens(inputDetails, { textInput, imageInput }),
    textOutput,
    imageOutput: countOf(outputDetails['image_tokens']) ?? Math.max(0, output - textOutput),
    reasoningOutput: 0,
  };
}

/**
 * The cached part of the input. The documented usage has none (November 2026); OpenAI's other APIs
 * give a total and sometimes its split. A total alone is counted as text first, which is the
 * smaller discount: a bill may then be a little too high for the operator, never too low.
 */
function cachedTokens(
  details: Fields,
  { textInput, imageInput }: Pick<TokenUsage, 'textInput' | 'imageInput'>,
): Pick<TokenUsage, 'cachedTextInput' | 'cachedImageInput'> {
  const total = countOf(details['cached_tokens']) ?? 0;
  const split = fieldsOf(details['cached_tokens_details']);
  const text = countOf(split['text_tokens']) ?? Math.min(total, textInput);
  const image = countOf(split['image_tokens']) ?? Math.max(0, total - text);
  return {
    cachedTextInput: Math.min(text, textInput),
    cachedImageInput: Math.min(image, imageInput),
  };
}

/** OpenAI's own header, and those of Azure's gateway. */
const REQUEST_ID_HEADERS = ['x-request-id', 'apim-request-id', 'x-ms-request-id'];

function requestIds(headers: EgressAnswer['headers']): string[] {
  const ids = REQUEST_ID_HEADERS.map((name) => textOf(headers[name]));
  return [...new Set(ids.filter((id) => id !== undefined).map((id) => id.slice(0, 128)))];
}

/** A word such as `high`; whatever else an upstream writes there is not passed on. */
function nameOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^[a-z][a-z0-9_-]{0,31}$/.test(text) ? text : undefined;
}
