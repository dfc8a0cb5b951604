import { Failure } from '../base/errors.ts';
import { divideRoundingUp, type Nanousd } from '../base/money.ts';
import type { EgressAnswer } from '../egress/egress.ts';
import { retryAfterSeconds } from '../egress/read-body.ts';
import { jsonBody } from '../egress/streamed-body.ts';
import type { Payload } from '../payload/payload.ts';
import type { JsonPath } from '../payload/splice.ts';
import { type ProviderAccount, refuseUnknownSettings } from './account.ts';
import { countOf, type Fields, fieldsOf, listOf, textOf } from './answer-fields.ts';
import type { ImageTask, Provider, ProviderContext, ProviderEvent, Receipt } from './provider.ts';
import { dataUri, type ReferenceRules, sendable, type SentPicture } from './references.ts';
import { readErrorFields, spliceAnswer } from './splice-answer.ts';
import {
  brokenAnswer,
  contentRefused,
  refusalFailure,
  type UpstreamRefusal,
} from './upstream-errors.ts';

/**
 * xAI's Grok Imagine (docs.x.ai and xai-sdk-python, August 2026), several pictures in one call,
 * made or edited. A mask is refused, since xAI would ignore it without a word. A refused picture is
 * an item without one in an answer of status 200. The verdict on a picture stands behind it, so
 * every picture is spooled, and all are judged when the answer has ended.
 */
export function createXai(account: ProviderAccount): Provider {
  refuseUnknownSettings(account, []);
  return {
    name: account.name,
    holdsBack: (field) => HELD_BACK.has(field),
    generate: (task, context) => generate(account, task, context),
  };
}

interface Answered {
  readonly document: Fields;
  /** The pictures by their place in `data`. */
  readonly pictures: ReadonlyMap<number, Payload>;
}

/** 1 tick is 1e-10 USD (`xai_sdk/cost.py`, August 2026). */
const TICKS_PER_NANOUSD = 10n;

/**
 * Never from a caller's further fields: `size` is an error there, and pictures come from the task
 * alone. Sent to generations they would be ignored, and billed (PROVIDERS §4).
 */
const HELD_BACK: ReadonlySet<string> = new Set(['size', 'image', 'images', 'mask']);

/**
 * docs.x.ai (image editing, August 2026) shows png and jpeg. No source says that webp is taken
 * (PROVIDERS §4: grade C, uncertain), so a webp is sent as png.
 */
const REFERENCE_RULES: ReferenceRules = { formats: ['png', 'jpeg'] };

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
  const pictures = await sendable(task.references, REFERENCE_RULES);
  const answer = await account.egress.request({
    method: 'POST',
    url: `${account.baseUrl}/images/${pictures.length === 0 ? 'generations' : 'edits'}`,
    headers: account.apiKey === undefined ? {} : { authorization: `Bearer ${account.apiKey}` },
    body: jsonBody(requestBody(task, pictures)),
    signal: context.signal,
  });
  if (answer.status !== 200) {
    throw await refusalOf(account.name, answer);
  }
  const answered = await readAnswer(account, answer, { task, context });
  const receipt = receiptOf(answered.document, answer.headers);
  yield* judged(account, task, answered, { receipt, context });
  return receipt;
}

/**
 * The card's names are xAI's own; `seed` is not known there. The `auto` of `aspect_ratio` is the
 * first picture's ratio in an edit.
 */
function requestBody(task: ImageTask, pictures: readonly SentPicture[]): object {
  const { size: _size, resolution, ...parameters } = task.parameters;
  const passthrough = Object.entries(task.passthrough).filter(([field]) => !HELD_BACK.has(field));
  return {
    ...Object.fromEntries(passthrough),
    ...parameters,
    ...(resolution === undefined ? {} : { resolution: String(resolution).toLowerCase() }),
    ...task.upstreamParameters,
    model: task.upstreamModel,
    prompt: task.prompt,
    n: task.n,
    response_format: 'b64_json',
    ...pictureFields(pictures),
  };
}

/** `image` and `images` are mutually exclusive. */
function pictureFields(pictures: readonly SentPicture[]): object {
  const images = pictures.map((picture) => ({ url: dataUri(picture), type: 'image_url' }));
  switch (images.length) {
    case 0:
      return {};
    case 1:
      return { image: images[0] };
    default:
      return { images };
  }
}

async function readAnswer(
  account: ProviderAccount,
  answer: EgressAnswer,
  { task, context }: { readonly task: ImageTask; readonly context: ProviderContext },
): Promise<Answered> {
  const pictures = new Map<number, Payload>();
  for await (const part of spliceAnswer(account.name, answer, SPLICE_OPTIONS)) {
    if (part.type === 'document') {
      return { document: fieldsOf(part.value), pictures };
    }
    const index = pictureIndex(part.path);
    // More than were asked for are nobody's.
    if (index !== undefined && index < task.n) {
      pictures.set(index, await context.spool(part.payload));
    }
  }
  throw brokenAnswer(account.name, 'the answer ended before its document did');
}

/** The item's index in `data[index].b64_json`. */
function pictureIndex(path: JsonPath): number | undefined {
  const [data, index, key] = path;
  return data === 'data' && key === 'b64_json' && typeof index === 'number' ? index : undefined;
}

/** Every item as a picture or a failure, in order; throws when none of them is a picture. */
function* judged(
  account: ProviderAccount,
  task: ImageTask,
  { document, pictures }: Answered,
  { receipt, context }: { readonly receipt: Receipt; readonly context: ProviderContext },
): Generator<ProviderEvent, void, void> {
  const items = listOf(document['data']).map(fieldsOf);
  const events = Array.from({ length: task.n }, (_, index) =>
    itemEvent(account.name, items[index], pictures.get(index)),
  );
  if (events.some(({ type }) => type === 'image')) {
    yield* events;
    return;
  }
  const { upstreamCost = 0n, upstreamIds } = receipt;
  if (upstreamCost > 0n) {
    const facts = { provider: account.name, upstreamIds, costNanousd: upstreamCost.toString() };
    context.log.warn(facts, 'the upstream names a cost for an answer without a picture');
  }
  // `data: []` is a refusal as well; no `data` at all is another server's answer.
  const isEmpty = Array.isArray(document['data']) && items.length === 0;
  throw isEmpty || items.some(isRefusal)
    ? refusedItem(account.name)
    : brokenAnswer(account.name, `${items.length} items, none of them with a picture`);
}

function itemEvent(
  provider: string,
  item: Fields | undefined,
  payload: Payload | undefined,
): ProviderEvent {
  if (item === undefined) {
    return { type: 'image_failed', reason: brokenAnswer(provider, 'fewer pictures than asked') };
  }
  if (isRefusal(item)) {
    return { type: 'image_failed', reason: refusedItem(provider) };
  }
  if (payload === undefined) {
    return { type: 'image_failed', reason: brokenAnswer(provider, 'an item without a picture') };
  }
  const revisedPrompt = textOf(item['revised_prompt']);
  return { type: 'image', payload, ...(revisedPrompt === undefined ? {} : { revisedPrompt }) };
}

function isRefusal(item: Fields): boolean {
  return item['respect_moderation'] === false;
}

function refusedItem(provider: string): Error {
  return contentRefused({ provider, status: 200, code: 'respect_moderation' });
}

function receiptOf(document: Fields, headers: EgressAnswer['headers']): Receipt {
  const upstreamCost = costOf(fieldsOf(document['usage'])['cost_in_usd_ticks']);
  const servedModel = textOf(document['model']);
  const requestId = textOf(headers['x-request-id']);
  return {
    upstreamIds: requestId === undefined ? [] : [requestId],
    ...(upstreamCost === undefined ? {} : { upstreamCost }),
    ...(servedModel === undefined ? {} : { servedModel }),
  };
}

/** Ticks as money, rounded up. Absent where xAI names none: the card's price counts then. */
function costOf(ticks: unknown): Nanousd | undefined {
  const count = countOf(ticks);
  return count === undefined ? undefined : divideRoundingUp(BigInt(count), TICKS_PER_NANOUSD);
}

/** Words of a refusal on content; xAI has no code of its own for it (PROVIDERS §4). */
const CONTENT_PATTERN = /content.{0,20}(moderat|policy|violat)|usage guidelines|safety/i;

/** A bad key is a 400 like any other, but for its words. */
const CREDENTIAL_PATTERN = /api key/i;

/**
 * The failure that an answer other than 200 stands for. Two shapes: `{"error":{"message",…}}` and
 * `{"code":"…","error":"the message"}` (docs.x.ai, November 2026).
 */
async function refusalOf(provider: string, answer: EgressAnswer): Promise<Error> {
  const body = await readErrorFields(answer);
  const error = fieldsOf(body['error']);
  const code = textOf(error['code']) ?? textOf(body['code']);
  const message = textOf(error['message']) ?? textOf(body['error']);
  const type = textOf(error['type']);
  const param = textOf(error['param']);
  const retryAfter = retryAfterSeconds(answer.headers);
  const refusal: UpstreamRefusal = {
    provider,
    status: answer.status,
    ...(code === undefined ? {} : { code }),
    ...(type === undefined ? {} : { type }),
    ...(message === undefined ? {} : { message }),
    ...(param === undefined ? {} : { param }),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
  };
  const isCallersFault = answer.status === 400 || answer.status === 403 || answer.status === 422;
  const words = `${code ?? ''} ${message ?? ''}`;
  if (isCallersFault && CREDENTIAL_PATTERN.test(words)) {
    return refusalFailure({ ...refusal, code: 'invalid_api_key' });
  }
  return isCallersFault && CONTENT_PATTERN.test(words)
    ? contentRefused(refusal)
    : refusalFailure(refusal);
}
