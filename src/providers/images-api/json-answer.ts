import { Failure } from '../../base/errors.ts';
import type { EgressAnswer } from '../../egress/egress.ts';
import { bytesPayload, type Payload } from '../../payload/payload.ts';
import type { JsonPath } from '../../payload/splice.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../answer-fields.ts';
import type { ProviderEvent, Receipt } from '../provider.ts';
import { spliceAnswer } from '../splice-answer.ts';
import { brokenAnswer } from '../upstream-errors.ts';
import { receiptOf } from './receipt.ts';
import { refusalInside } from './refusal.ts';

export interface JsonAnswerReading {
  readonly provider: string;
  /** How many pictures were asked for; more are nobody's. */
  readonly n: number;
  /** The seed that went with the request: the picture's own where there is one picture. */
  readonly seed?: number;
  /** Fetches a picture that the answer names by its URL; absent: such are not taken. */
  readonly fetchPicture?: (url: string) => Promise<Payload>;
}

/**
 * Shorter strings stay in the document: they are read there at a whole, be they pictures or URLs.
 * Longer ones are lifted out if they are base64, with or without a `data:` prefix.
 */
const LIFTED_BYTES_MIN = 256;

/**
 * Reads a JSON answer of the Images API: each `data[].b64_json` as it arrives, in the order of
 * `data`, then the receipt. What is missing of n pictures is an `image_failed`; throws when there
 * is none at all. Unknown keys end here, with the document.
 */
export async function* readJsonAnswer(
  answer: EgressAnswer,
  reading: JsonAnswerReading,
): AsyncGenerator<ProviderEvent, Receipt, void> {
  const { provider, n, seed, fetchPicture } = reading;
  const keys = fetchPicture === undefined ? ['b64_json'] : ['b64_json', 'url'];
  const shown = n === 1 && seed !== undefined ? { seed } : {};
  let images = 0;
  let document: Fields = {};
  const options = { keys, payloadBytesMin: LIFTED_BYTES_MIN };
  for await (const part of spliceAnswer(provider, answer, options)) {
    if (part.type === 'document') {
      document = fieldsOf(part.value);
    } else if (isPicture(part.path) && images < n) {
      images += 1;
      yield { type: 'image', payload: part.payload, ...shown };
    }
  }
  const failures: Failure[] = [];
  for (const item of listOf(document['data'])) {
    const isWanted = images + failures.length < n;
    const payload = isWanted ? await payloadOf(fieldsOf(item), fetchPicture) : undefined;
    if (payload instanceof Failure) {
      failures.push(payload);
    } else if (payload !== undefined) {
      images += 1;
      yield { type: 'image', payload, ...shown };
    }
  }
  if (images === 0) {
    throw failures[0] ?? noPicture(provider, document);
  }
  yield* missingPictures(provider, n - images, failures);
  return receiptOf(document, answer.headers);
}

/** `data[0].b64_json`: the same key elsewhere is something else. */
function isPicture(path: JsonPath): boolean {
  return path.length === 3 && path[0] === 'data' && typeof path[1] === 'number';
}

/** The picture of an item that is still whole, a failure to fetch it, or undefined: it has none. */
async function payloadOf(
  item: Fields,
  fetchPicture: JsonAnswerReading['fetchPicture'],
): Promise<Payload | Failure | undefined> {
  const url = textOf(item['url']);
  const base64 = textOf(item['b64_json']) ?? dataOf(url);
  if (base64 !== undefined) {
    return bytesPayload(Buffer.from(base64, 'base64'));
  }
  if (url === undefined || fetchPicture === undefined) {
    return undefined;
  }
  try {
    return await fetchPicture(url);
  } catch (error) {
    if (error instanceof Failure) {
      return error;
    }
    // The request was given up: that is no matter of this one picture.
    throw error;
  }
}

/** What a data URI holds, as base64. */
function dataOf(url: string | undefined): string | undefined {
  const prefix = /^data:[^,]{0,200};base64,/i.exec(url ?? '');
  return prefix === null ? undefined : url?.slice(prefix[0].length);
}

function* missingPictures(
  provider: string,
  count: number,
  failures: readonly Failure[],
): Generator<ProviderEvent, void, void> {
  for (let index = 0; index < count; index += 1) {
    const reason = failures[index] ?? brokenAnswer(provider, 'fewer pictures than asked for');
    yield { type: 'image_failed', reason };
  }
}

function noPicture(provider: string, document: Fields): Error {
  return document['error'] === undefined
    ? brokenAnswer(provider, 'an answer without a picture')
    : refusalInside(provider, document);
}
