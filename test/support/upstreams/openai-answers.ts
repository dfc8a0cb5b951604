import { formatSize } from '../../../src/base/image.ts';
import type { Fault } from './faults.ts';
import { type OpenaiError, type OpenaiOrder, outputTokensOf } from './openai-rules.ts';
import type { SimulatorAnswer } from './simulator.ts';
import { solidPicture } from './solid-picture.ts';
import { payloadText, wireBody } from './spoiled-payload.ts';

/** Ways in which answers may differ that are all right. */
export interface OpenaiHabits {
  /** An event's payload stands before its other keys. */
  payloadFirst: boolean;
  /** Events have an `event:` line. */
  namesEvents: boolean;
  /** Comments between events, and a `[DONE]` at the end. */
  isChatty: boolean;
  /** `usage` has details. */
  givesDetails: boolean;
  /** So many input tokens came out of a cache. */
  cachedTokens: number;
  /** This usage in place of the formula's. */
  usage: object | undefined;
  /** This picture in place of one of one colour, in the size and format of the order. */
  picture: Buffer | undefined;
}

export const USUAL_HABITS: Readonly<OpenaiHabits> = {
  payloadFirst: false,
  namesEvents: true,
  isChatty: false,
  givesDetails: true,
  cachedTokens: 0,
  usage: undefined,
  picture: undefined,
};

/** A refused prompt (PROVIDERS §1.6, log of September 2026), request id and all. */
export const MODERATION_ERROR: OpenaiError & { readonly moderation_details: object } = {
  status: 400,
  message:
    'Your request was rejected by the safety system. If you believe this is an error, contact us ' +
    'at help.openai.com and include the request ID 11111111-2222-4333-8444-555555555555. ' +
    'safety_violations=[sexual].',
  type: 'image_generation_user_error',
  code: 'moderation_blocked',
  param: null,
  moderation_details: { moderation_stage: 'input', categories: ['sexual'] },
};

export const QUOTA_ERROR: OpenaiError = {
  status: 429,
  message:
    'You exceeded your current quota, please check your plan and billing details. For more ' +
    'information on this error, read the docs: https://platform.openai.com/docs/guides/errors.',
  type: 'insufficient_quota',
  code: 'insufficient_quota',
  param: null,
};

export function errorAnswer({ status, ...error }: OpenaiError): SimulatorAnswer {
  return { status, headers: { 'x-request-id': 'req_simulated_refusal' }, body: { error } };
}

/** OpenAI's words for a status. */
export function openaiErrorBody(status: number): { readonly error: object } {
  return { error: { ...wordsOf(status), param: null } };
}

function wordsOf(status: number): Omit<OpenaiError, 'status' | 'param'> {
  switch (status) {
    case 401:
      return {
        message:
          'Incorrect API key provided: sk-proj-****************abcd. You can find your API key ' +
          'at https://platform.openai.com/account/api-keys.',
        type: 'invalid_request_error',
        code: 'invalid_api_key',
      };
    case 403: {
      const message =
        'Your organization must be verified to use the model `gpt-image-2`. Please go to: ' +
        'https://platform.openai.com/settings/organization/general and click on Verify.';
      return { message, type: 'invalid_request_error', code: null };
    }
    case 429: {
      const message =
        'Rate limit reached for gpt-image-2 in organization org-Secret1234567 on input-images per ' +
        'min: Limit 5, Used 5, Requested 1. Please try again in 12s.';
      return { message, type: 'input-images', code: 'rate_limit_exceeded' };
    }
    default: {
      const message = 'The server had an error while processing your request. Sorry about that!';
      const type = status < 500 ? 'invalid_request_error' : 'server_error';
      return { message, type, code: null };
    }
  }
}

/** The whole answer to an order, as JSON or as a stream. */
export async function openaiAnswer(
  order: OpenaiOrder,
  fault: Fault | undefined,
  { habits, modelRules }: { readonly habits: OpenaiHabits; readonly modelRules: string },
): Promise<SimulatorAnswer> {
  const pictures = await Promise.all(
    Array.from({ length: order.n }, async (_, index) => habits.picture ?? picture(order, 1, index)),
  );
  const payloads = pictures.map((bytes) => payloadText(bytes, fault));
  const facts = {
    background: order.background,
    output_format: order.outputFormat,
    quality: order.quality,
    size: formatSize(order.size),
  };
  const tokens = usageOf(order, modelRules, habits);
  const usage = fault?.kind === 'no_usage' ? {} : { usage: tokens };
  const headers = { 'x-request-id': 'req_simulated', 'openai-processing-ms': '1' };
  if (order.stream) {
    const body = await streamBody({ order, payloads, facts, usage, habits }, fault);
    const contentType = { 'content-type': 'text/event-stream; charset=utf-8' };
    return { status: 200, headers: { ...headers, ...contentType }, body, isPurchase: true };
  }
  const data = fault?.kind === 'empty_data' ? [] : payloads.map((b64_json) => ({ b64_json }));
  const body = wireBody(
    { created: 1_776_841_943, ...facts, data, ...usage },
    payloads[0] ?? '',
    fault,
  );
  const contentType = { 'content-type': 'application/json' };
  return { status: 200, headers: { ...headers, ...contentType }, body, isPurchase: true };
}

interface StreamParts {
  readonly order: OpenaiOrder;
  readonly payloads: readonly string[];
  readonly facts: object;
  readonly usage: object;
  readonly habits: OpenaiHabits;
}

async function streamBody(
  { order, payloads, facts, usage, habits }: StreamParts,
  fault: Fault | undefined,
): Promise<string> {
  const event = (type: string, payload: string, fields: object): string => {
    const rest = { created_at: 1_776_841_943, ...facts, ...fields };
    const data = habits.payloadFirst
      ? { b64_json: payload, ...rest, type }
      : { type, ...rest, b64_json: payload };
    const name = habits.namesEvents ? `event: ${type}\n` : '';
    const comment = habits.isChatty ? ': ping\n\n' : '';
    return `${comment}${name}data: ${wireBody(data, payload, fault)}\n\n`;
  };
  const prefix = order.references > 0 ? 'image_edit' : 'image_generation';
  const events: string[] = [];
  for (let index = 0; index < order.partialImages; index += 1) {
    const payload = (await picture(order, 2, index)).toString('base64');
    const fields = { partial_image_index: index };
    events.push(event(`${prefix}.partial_image`, payload, fields));
  }
  if (fault?.kind === 'sse_error') {
    const { code = null } = fault;
    const error = { ...wordsOf(500), code, type: code ?? 'server_error', param: null };
    events.push(`event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`);
  } else if (fault?.kind !== 'empty_data') {
    events.push(...payloads.map((payload) => event(`${prefix}.completed`, payload, usage)));
  }
  return events.join('') + (habits.isChatty ? 'data: [DONE]\n\n' : '');
}

/** A picture of the order in its size, or in a fraction of it as partial ones are. */
function picture(order: OpenaiOrder, fraction: number, variant: number): Promise<Buffer> {
  const { size, outputFormat, background } = order;
  return solidPicture({
    width: Math.floor(size.width / fraction),
    height: Math.floor(size.height / fraction),
    format: outputFormat,
    variant,
    isTransparent: background === 'transparent',
  });
}

/** There is no public formula: a round figure, so that bills can be checked by hand. */
const IMAGE_TOKENS_PER_REFERENCE = 1000;

function usageOf(order: OpenaiOrder, modelRules: string, habits: OpenaiHabits): object {
  if (habits.usage !== undefined) {
    return habits.usage;
  }
  const { prompt, n, quality, size, partialImages, references } = order;
  const textInput = Math.ceil(Buffer.byteLength(prompt) / 4) + 4;
  const imageInput = IMAGE_TOKENS_PER_REFERENCE * references;
  const input = textInput + imageInput;
  const output = n * outputTokensOf(modelRules, quality, size) + 100 * partialImages;
  const { cachedTokens } = habits;
  const details = {
    input_tokens_details: {
      text_tokens: textInput,
      image_tokens: imageInput,
      ...(cachedTokens === 0 ? {} : { cached_tokens: cachedTokens }),
    },
    output_tokens_details: { image_tokens: output, text_tokens: 0 },
  };
  return {
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    ...(habits.givesDetails ? details : {}),
  };
}
