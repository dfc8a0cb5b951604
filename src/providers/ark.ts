import { Failure } from '../base/errors.ts';
import { formatSize, type ImageFormat, parseSize } from '../base/image.ts';
import type { TokenUsage } from '../base/usage.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { retryAfterSeconds } from '../egress/read-body.ts';
import { type Base64Value, jsonBody } from '../egress/streamed-body.ts';
import type { JsonPath } from '../payload/splice.ts';
import { type ProviderAccount, refuseUnknownSettings } from './account.ts';
import { countOf, type Fields, fieldsOf, listOf, textOf } from './answer-fields.ts';
import type { ImageTask, Provider, ProviderContext, ProviderEvent, Receipt } from './provider.ts';
import { dataUri, sendable, type SentPicture } from './references.ts';
import { readErrorFields, spliceAnswer } from './splice-answer.ts';
import {
  brokenAnswer,
  contentRefused,
  refusalFailure,
  type UpstreamRefusal,
} from './upstream-errors.ts';

/**
 * ByteDance's Seedream on BytePlus ModelArk or Volcengine Ark (volcengine-python-sdk
 * `types/images`, 2026; docs.byteplus.com ModelArk 1541523, November 2026). A failed picture is an
 * item with an error in place of a payload, so a payload passes through as it arrives. An edit is a
 * generation with pictures; a mask is refused, since Ark has none.
 */
export function createArk(account: ProviderAccount): Provider {
  refuseUnknownSettings(account, []);
  return {
    name: account.name,
    // Pictures come from the task alone, where they were checked, counted and priced.
    holdsBack: (field) => field === 'image',
    generate: (task, context) => generate(account, task, context),
  };
}

/** Takes a name of the card's sizing straight to Ark's: `auto_2K` is the preset `2K`. */
const PRESET_PATTERN = /^(?:auto_)?(\d(?:\.\d)?K)$/;

/** These take the field; 5.0-pro and 5.5 answer 400 if it is there at all (PROVIDERS §5). */
const SEQUENTIAL_MODELS = /seedream-(?:4-[05]|5-0(?:-lite)?)-\d{6}/;

/** 4.x always gives jpeg, does not know `output_format`, and takes no webp (PROVIDERS §5). */
const MODELS_OF_5 = /seedream-5-/;

/** A model of an unknown name, such as an endpoint's id, is sent what all of them take. */
const REFERENCE_FORMATS: readonly ImageFormat[] = ['jpeg', 'png'];

/** Of one picture (docs.byteplus.com ModelArk 1541523, November 2026). */
const REFERENCE_BYTES_MAX = 10 * 2 ** 20;

const CONTENT_CODES = /SensitiveContentDetected|RiskDetection/;

/** Every picture is lifted out, also one of a few bytes. */
const SPLICE_OPTIONS = { keys: ['b64_json'], payloadBytesMin: 1 } as const;

async function* generate(
  account: ProviderAccount,
  task: ImageTask,
  context: ProviderContext,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  if (task.mask !== undefined) {
    throw new Failure('mask_not_supported', { param: 'mask' });
  }
  const isOf5 = MODELS_OF_5.test(task.upstreamModel);
  const pictures = await sendable(task.references, {
    formats: isOf5 ? [...REFERENCE_FORMATS, 'webp'] : REFERENCE_FORMATS,
    bytesMax: REFERENCE_BYTES_MAX,
  });
  const answer = await account.egress.request({
    method: 'POST',
    url: `${account.baseUrl}/images/generations`,
    headers: account.apiKey === undefined ? {} : { authorization: `Bearer ${account.apiKey}` },
    body: jsonBody(requestBody(task, pictures)),
    signal: context.signal,
  });
  if (answer.status !== 200) {
    const refusal = fieldsOf((await readErrorFields(answer))['error']);
    throw failureOf(account.name, refusal, answer);
  }
  let delivered = 0;
  for await (const part of spliceAnswer(account.name, answer, SPLICE_OPTIONS)) {
    if (part.type === 'document') {
      const document = fieldsOf(part.value);
      yield* failedItems(account.name, answer, { document, delivered });
      warnOfMiscount(account.name, document, { delivered, context });
      return receiptOf(document, answer.headers);
    }
    if (isPicture(part.path)) {
      delivered += 1;
      yield { type: 'image', payload: part.payload };
    }
  }
  throw brokenAnswer(account.name, 'the answer ended before its document did');
}

function requestBody(task: ImageTask, pictures: readonly SentPicture[]): object {
  const { image_size: imageSize, ...parameters } = task.parameters;
  const { image: _image, ...passthrough } = task.passthrough;
  const model = task.upstreamModel;
  return {
    ...passthrough,
    ...parameters,
    ...task.upstreamParameters,
    model,
    prompt: task.prompt,
    size: sizeOf(task, imageSize),
    response_format: 'b64_json',
    // On by default: every picture would carry "AI generated" in its corner.
    watermark: false,
    stream: false,
    ...(SEQUENTIAL_MODELS.test(model) ? { sequential_image_generation: 'disabled' } : {}),
    ...(MODELS_OF_5.test(model) ? { output_format: task.format } : {}),
    ...(pictures.length === 0 ? {} : { image: imageField(pictures.map(dataUri)) }),
  };
}

/** One picture stands alone, several in a list. With the one that is made they may be 15. */
function imageField(pictures: readonly Base64Value[]): Base64Value | readonly Base64Value[] {
  const [first, ...others] = pictures;
  return first !== undefined && others.length === 0 ? first : pictures;
}

/** A preset, where the model chooses the ratio, else pixels: as sent, or as the card names them. */
function sizeOf(task: ImageTask, imageSize: string | number | boolean | undefined): string {
  const name = String(imageSize);
  const [, preset] = PRESET_PATTERN.exec(name) ?? [];
  return preset ?? formatSize(parseSize(name) ?? task.size);
}

function isPicture(path: JsonPath): boolean {
  const [data, index, key] = path;
  return data === 'data' && typeof index === 'number' && key === 'b64_json';
}

/** The items that are failures; throws the first of them when no picture came beside it. */
function* failedItems(
  provider: string,
  answer: EgressAnswer,
  { document, delivered }: { readonly document: Fields; readonly delivered: number },
): Generator<ProviderEvent, void, void> {
  const reasons = [document, ...listOf(document['data']).map(fieldsOf)]
    .map((item) => fieldsOf(item['error']))
    .filter((error) => 'code' in error || 'message' in error)
    .map((error) => failureOf(provider, error, answer));
  if (delivered === 0) {
    throw reasons[0] ?? brokenAnswer(provider, 'an answer without a picture');
  }
  yield* reasons.map((reason): ProviderEvent => ({ type: 'image_failed', reason }));
}

/** Billed is what `generated_images` counts: if it is not what came, somebody should know. */
function warnOfMiscount(
  provider: string,
  document: Fields,
  { delivered, context }: { readonly delivered: number; readonly context: ProviderContext },
): void {
  const generated = countOf(fieldsOf(document['usage'])['generated_images']);
  if (generated !== undefined && generated !== delivered) {
    context.log.warn({ provider, generated, delivered }, 'the upstream counts other pictures');
  }
}

function receiptOf(document: Fields, headers: EgressAnswer['headers']): Receipt {
  const tokens = tokensOf(document['usage']);
  const servedModel = textOf(document['model']);
  return {
    upstreamIds: requestIds(headers),
    ...(tokens === undefined ? {} : { tokens }),
    ...(servedModel === undefined ? {} : { servedModel }),
  };
}

/** Ark counts what it painted, and no input: its `total_tokens` are its `output_tokens`. */
function tokensOf(usage: unknown): TokenUsage | undefined {
  const imageOutput = countOf(fieldsOf(usage)['output_tokens']);
  return imageOutput === undefined
    ? undefined
    : {
        textInput: 0,
        imageInput: 0,
        cachedTextInput: 0,
        cachedImageInput: 0,
        textOutput: 0,
        imageOutput,
        reasoningOutput: 0,
      };
}

function requestIds(headers: EgressAnswer['headers']): string[] {
  const ids = [textOf(headers['x-request-id']), textOf(headers['x-tt-logid'])];
  return [...new Set(ids.filter((id) => id !== undefined))];
}

/**
 * The failure that `{"code","message","param","type"}` stands for, as the answer to a request or as
 * one of its items. Ark's message ends in the request's id, which its support asks for.
 */
function failureOf(provider: string, error: Fields, { status, headers }: EgressAnswer): Failure {
  const code = textOf(error['code']);
  const message = textOf(error['message']);
  const type = textOf(error['type']);
  const param = textOf(error['param']);
  const retryAfter = retryAfterSeconds(headers);
  const refusal: UpstreamRefusal = {
    provider: [provider, ...refusalIds(message, headers)].join(' '),
    status,
    ...(code === undefined ? {} : { code }),
    ...(type === undefined ? {} : { type }),
    ...(message === undefined ? {} : { message }),
    // The caller's name of the field.
    ...(param === undefined ? {} : { param: param === 'size' ? 'image_size' : param }),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
  };
  return CONTENT_CODES.test(code ?? '') ? contentRefused(refusal) : refusalFailure(refusal);
}

function refusalIds(message: string | undefined, headers: EgressAnswer['headers']): string[] {
  const [, id] = /request id:?\s*([\w-]{8,64})/i.exec(message?.slice(0, 2000) ?? '') ?? [];
  return id === undefined ? requestIds(headers) : [id];
}
