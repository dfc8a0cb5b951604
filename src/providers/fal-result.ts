import type { Failure } from '../base/errors.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { bytesPayload, type Payload } from '../payload/payload.ts';
import { countOf, type Fields, fieldsOf, listOf, textOf } from './answer-fields.ts';
import type { ProviderContext } from './provider.ts';
import { spliceAnswer } from './splice-answer.ts';
import { brokenAnswer, contentRefused } from './upstream-errors.ts';

/** A result as it was read, its pictures aside. */
export interface FalResult {
  readonly document: Fields;
  /** Spooled pictures of data URIs, by their place: `images.0.url`. */
  readonly pictures: ReadonlyMap<string, Payload>;
}

export type FalImage =
  | { readonly state: 'named'; readonly url: string }
  | { readonly state: 'whole'; readonly payload: Payload }
  | { readonly state: 'failed'; readonly reason: Failure };

export interface FalVerdict {
  /** As many as were asked for. */
  readonly images: readonly FalImage[];
  readonly seed?: number;
}

/** Signed addresses are shorter than this, data URIs of pictures longer. */
const PICTURE_BYTES_MIN = 8192;

/**
 * Reads the body of a response URL. Its verdict stands behind its pictures, so those that lie in it
 * as data URIs are spooled.
 */
export async function readFalResult(
  provider: string,
  answer: EgressAnswer,
  { spool }: ProviderContext,
): Promise<FalResult> {
  const pictures = new Map<string, Payload>();
  let document: Fields = {};
  const options = { keys: ['url'], payloadBytesMin: PICTURE_BYTES_MIN };
  for await (const part of spliceAnswer(provider, answer, options)) {
    if (part.type === 'payload') {
      pictures.set(part.path.join('.'), await spool(part.payload));
    } else {
      document = fieldsOf(part.value);
    }
  }
  return { document, pictures };
}

/**
 * What may be done with each of the n pictures that were asked for. A flagged one is black
 * (PROVIDERS §6), so it is refused. Throws when none is left: `moderation_blocked` if any was
 * flagged.
 */
export function falVerdict(provider: string, result: FalResult, n: number): FalVerdict {
  const { document } = result;
  const seed = countOf(document['seed']);
  const images = Array.from({ length: n }, (_, index) => imageAt(provider, result, index));
  const reasons = images.flatMap((image) => (image.state === 'failed' ? [image.reason] : []));
  const [first] = reasons;
  if (first !== undefined && reasons.length === images.length) {
    throw reasons.find(({ errorName }) => errorName === 'moderation_blocked') ?? first;
  }
  return { images, ...(seed === undefined ? {} : { seed }) };
}

function imageAt(provider: string, { document, pictures }: FalResult, index: number): FalImage {
  if (listOf(document['has_nsfw_concepts'])[index] === true) {
    const code = 'has_nsfw_concepts';
    return { state: 'failed', reason: contentRefused({ provider, status: 200, code }) };
  }
  // Some models give their one picture as `image`.
  const isList = Array.isArray(document['images']);
  const items = isList ? listOf(document['images']) : [document['image']];
  const spooled = pictures.get(isList ? `images.${index}.url` : 'image.url');
  if (spooled !== undefined && index < items.length) {
    return { state: 'whole', payload: spooled };
  }
  const url = textOf(fieldsOf(items[index])['url']);
  if (url === undefined) {
    return { state: 'failed', reason: brokenAnswer(provider, 'fewer pictures than asked for') };
  }
  const prefix = /^data:[^,]{0,100};base64,/i.exec(url)?.[0];
  return prefix === undefined
    ? { state: 'named', url }
    : { state: 'whole', payload: bytesPayload(Buffer.from(url.slice(prefix.length)), 'base64') };
}
