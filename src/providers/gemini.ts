import { Failure } from '../base/errors.ts';
import { mediaType } from '../base/image.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { Base64Value, jsonBody, type StreamedBody } from '../egress/streamed-body.ts';
import { bytesPayload, type Payload } from '../payload/payload.ts';
import type { ReferencePicture } from '../payload/reference.ts';
import type { JsonPath } from '../payload/splice.ts';
import { type ProviderAccount, refuseUnknownSettings } from './account.ts';
import { type Fields, fieldsOf, listOf, textOf } from './answer-fields.ts';
import { geminiRefusal, geminiTokens } from './gemini-answer.ts';
import type { ImageTask, Provider, ProviderContext, ProviderEvent, Receipt } from './provider.ts';
import { spliceAnswer } from './splice-answer.ts';
import { brokenAnswer, contentRefused } from './upstream-errors.ts';

/**
 * Google's Gemini image models over `generateContent` (npm @google/genai 3.1.0, October 2026). One
 * picture a call; the pictures of an edit are parts of it, and a mask is refused. Its verdict
 * follows its pictures, and drafts may stand before the final one, so every picture is spooled and
 * one is delivered when the answer has ended. An answer without a picture is never asked for again:
 * it may have been billed.
 */
export function createGemini(account: ProviderAccount): Provider {
  refuseUnknownSettings(account, []);
  return {
    name: account.name,
    generate: (task, context) => generate(account, task, context),
  };
}

interface Answered {
  readonly document: Fields;
  /** The answer's pictures by the index of their part, until the document says which is the one. */
  readonly kept: ReadonlyMap<number, Payload>;
}

/**
 * Lifted out of the document: pictures, and signatures of thoughts, which can be as long and are
 * dropped as they pass.
 */
const PAYLOAD_KEYS = ['data', 'thoughtSignature'];

/** Ten were seen at most (PROVIDERS §2.3, November 2026); all of them lie in the spool. */
const KEPT_MAX = 32;

/**
 * Of a request with its pictures in base64 (blog.google, "Increased file size limits", January
 * 2026). It varies by the kind of file, and was 20 MB before: what is still too large, Google
 * refuses itself.
 */
const REQUEST_BYTES_MAX = 100 * 2 ** 20;

/** The request or its picture broke a content rule: `BlockReason` and `FinishReason` of the SDK. */
const CONTENT_FINISHES: ReadonlySet<string> = new Set([
  'SAFETY',
  'IMAGE_SAFETY',
  'PROHIBITED_CONTENT',
  'IMAGE_PROHIBITED_CONTENT',
  'BLOCKLIST',
  'SPII',
  'RECITATION',
  'IMAGE_RECITATION',
]);

/** The model gave up: what stands in such an answer is at most a draft. */
const BROKEN_FINISHES: ReadonlySet<string> = new Set([
  'NO_IMAGE',
  'IMAGE_OTHER',
  'OTHER',
  'MALFORMED_RESPONSE',
  'LANGUAGE',
  'MAX_TOKENS',
  'CONTINUATION',
]);

async function* generate(
  account: ProviderAccount,
  task: ImageTask,
  context: ProviderContext,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  if (task.mask !== undefined) {
    throw new Failure('mask_not_supported', { param: 'mask' });
  }
  const model = encodeURIComponent(task.upstreamModel);
  const body = boundedBody(task);
  const answer = await account.egress.request({
    method: 'POST',
    url: `${account.baseUrl}/v1beta/models/${model}:generateContent`,
    headers: account.apiKey === undefined ? {} : { 'x-goog-api-key': account.apiKey },
    body,
    signal: context.signal,
  });
  if (answer.status !== 200) {
    throw await geminiRefusal(account.name, answer);
  }
  const { document, kept } = await readAnswer(account, answer, context);
  const payload = finalPicture(account, document, kept);
  yield { type: 'image', payload, ...(task.seed === undefined ? {} : { seed: task.seed }) };
  return receiptOf(document);
}

function boundedBody(task: ImageTask): StreamedBody {
  const body = jsonBody(requestBody(task));
  if (body.contentLength > REQUEST_BYTES_MAX) {
    // In base64 four bytes stand for three.
    const most = Math.floor((REQUEST_BYTES_MAX / 2 ** 20 / 4) * 3);
    const message = `The pictures are too large: this model takes ${most} MB of them in all.`;
    throw new Failure('payload_too_large', { param: 'image', message });
  }
  return body;
}

/**
 * The card's `aspect_ratio` and `resolution` have places of their own in `imageConfig`; whatever
 * else it declares, and its upstream parameters, are fields of `generationConfig`.
 */
function requestBody(task: ImageTask): object {
  const { aspect_ratio: aspectRatio, resolution, ...others } = task.parameters;
  const imageConfig = {
    // Left out, the model follows the picture of an edit, or else chooses the ratio itself: that is
    // `auto`, which it does not know.
    ...(aspectRatio === undefined || aspectRatio === 'auto' ? {} : { aspectRatio }),
    ...(resolution === undefined ? {} : { imageSize: resolution }),
  };
  return {
    ...task.passthrough,
    contents: [
      { role: 'user', parts: [{ text: task.prompt }, ...task.references.map(picturePart)] },
    ],
    generationConfig: {
      ...others,
      ...task.upstreamParameters,
      responseModalities: ['IMAGE'],
      ...(task.seed === undefined ? {} : { seed: task.seed }),
      ...(Object.keys(imageConfig).length === 0 ? {} : { imageConfig }),
    },
  };
}

/** png, jpeg and webp are all taken. */
function picturePart(picture: ReferencePicture): object {
  const { format } = picture;
  return { inlineData: { mimeType: mediaType(format), data: new Base64Value(picture) } };
}

async function readAnswer(
  account: ProviderAccount,
  answer: EgressAnswer,
  context: ProviderContext,
): Promise<Answered> {
  const kept = new Map<number, Payload>();
  for await (const part of spliceAnswer(account.name, answer, { keys: PAYLOAD_KEYS })) {
    if (part.type === 'document') {
      return { document: fieldsOf(part.value), kept };
    }
    const partIndex = pictureIndex(part.path);
    if (partIndex !== undefined) {
      if (kept.size === KEPT_MAX) {
        throw brokenAnswer(account.name, `more than ${KEPT_MAX} pictures in one answer`);
      }
      kept.set(partIndex, await context.spool(part.payload));
    }
  }
  throw brokenAnswer(account.name, 'the answer ended before its document did');
}

/** The part's index in `candidates[0].content.parts[index].inlineData.data`. */
function pictureIndex(path: JsonPath): number | undefined {
  const [candidates, candidate, content, parts, index, inlineData, data] = path;
  const isPicture =
    candidates === 'candidates' &&
    candidate === 0 &&
    content === 'content' &&
    parts === 'parts' &&
    inlineData === 'inlineData' &&
    data === 'data';
  return isPicture && typeof index === 'number' ? index : undefined;
}

/** The last picture that is no thought; throws when the answer is a refusal or holds none. */
function finalPicture(
  account: ProviderAccount,
  document: Fields,
  kept: ReadonlyMap<number, Payload>,
): Payload {
  const { blockReason } = fieldsOf(document['promptFeedback']);
  const candidate = fieldsOf(listOf(document['candidates'])[0]);
  const finishReason = textOf(candidate['finishReason']) ?? 'none';
  const refusal = { provider: account.name, status: 200, type: 'generateContent' };
  if (textOf(blockReason) !== undefined && blockReason !== 'BLOCK_REASON_UNSPECIFIED') {
    throw contentRefused({ ...refusal, code: String(blockReason) });
  }
  if (CONTENT_FINISHES.has(finishReason)) {
    throw contentRefused({ ...refusal, code: finishReason });
  }
  const final = listOf(fieldsOf(candidate['content'])['parts'])
    .map((part, index) => pictureOf(fieldsOf(part), kept.get(index)))
    .findLast((picture) => picture !== undefined);
  if (final === undefined || BROKEN_FINISHES.has(finishReason)) {
    const id = textOf(document['responseId']) ?? 'unknown';
    throw brokenAnswer(account.name, `no picture: finish ${finishReason}, response ${id}`);
  }
  return final;
}

/** The part's picture, unless it is a thought or something else. */
function pictureOf(part: Fields, kept: Payload | undefined): Payload | undefined {
  const { mimeType, data } = fieldsOf(part['inlineData']);
  const isPicture = textOf(mimeType)?.startsWith('image/') ?? true;
  if (part['thought'] === true || !isPicture) {
    return undefined;
  }
  // A picture of a few hundred bytes was not lifted out.
  const text = textOf(data);
  return kept ?? (text === undefined ? undefined : bytesPayload(Buffer.from(text), 'base64'));
}

function receiptOf(document: Fields): Receipt {
  const tokens = geminiTokens(document['usageMetadata']);
  const servedModel = textOf(document['modelVersion']);
  const responseId = textOf(document['responseId']);
  return {
    upstreamIds: responseId === undefined ? [] : [responseId],
    ...(tokens === undefined ? {} : { tokens }),
    ...(servedModel === undefined ? {} : { servedModel }),
  };
}
