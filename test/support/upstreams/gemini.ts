import type { ImageFormat, PixelSize } from '../../../src/base/image.ts';
import { probe } from '../../../src/payload/probe.ts';
import { at, type JsonObject } from '../json.ts';
import type { Fault } from './faults.ts';
import {
  API_KEY,
  errorBody,
  failed,
  type ModelRules,
  MODELS,
  picturesOf,
  promptOf,
  refusal,
} from './gemini-rules.ts';
import type { ReceivedEdit } from './received-edit.ts';
import { type ReceivedRequest, Simulator, type SimulatorAnswer } from './simulator.ts';
import { solidPicture } from './solid-picture.ts';
import { payloadText, wireBody } from './spoiled-payload.ts';

/** What Gemini can do of its own, beside the faults that every upstream has. */
export type GeminiQuirk =
  /** No candidates, and `promptFeedback` with this reason. */
  | { readonly kind: 'block'; readonly reason: string }
  /** A candidate with this `finishReason`, with a draft or without any picture. */
  | { readonly kind: 'finish'; readonly reason: string; readonly withDraft?: boolean }
  /** STOP, with words in place of a picture. */
  | { readonly kind: 'text_only' }
  /** STOP, with nothing but thoughts. */
  | { readonly kind: 'thoughts_only' }
  /** Drafts that no `thought` marks stand before the picture: two when absent. */
  | { readonly kind: 'unmarked_drafts'; readonly count?: number }
  /** Words before the picture, and a further thought behind it. */
  | { readonly kind: 'trailing_thought' }
  | { readonly kind: 'usage_without_details' }
  /** Half of the prompt came out of the cache. */
  | { readonly kind: 'cached_usage' }
  /** The other format than usually. */
  | { readonly kind: 'png' }
  /** A signature of so many characters behind the picture. */
  | { readonly kind: 'long_signature'; readonly characters: number }
  /** Another model answers. */
  | { readonly kind: 'served_by'; readonly model: string };

export interface GeminiSimulator extends AsyncDisposable {
  readonly upstream: Simulator;
  /** For `GEMINI_BASE_URL`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** The next right answers are of these kinds. */
  readonly nextAnswers: (...quirks: readonly GeminiQuirk[]) => void;
  /** The pictures of each edit that was taken. */
  readonly edits: readonly ReceivedEdit[];
}

export interface SimulatorStart {
  readonly port?: number;
}

/** Of one that is sent in (PROVIDERS §2.3). */
const TOKENS_PER_PICTURE = 258;

/** Google's Gemini API as of November 2026: `generateContent` of the image models. */
export async function startGemini({ port = 0 }: SimulatorStart = {}): Promise<GeminiSimulator> {
  const state: GeminiState = { quirks: [], edits: [] };
  const upstream = await Simulator.start({
    port,
    answer: (request, fault) => answer(request, fault, state),
    errorBody: (status) => errorBody(status, 'The simulator was told to fail.'),
    promptOf,
  });
  return {
    upstream,
    baseUrl: upstream.url,
    apiKey: API_KEY,
    nextAnswers: (...more) => void state.quirks.push(...more),
    edits: state.edits,
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

interface GeminiState {
  readonly quirks: GeminiQuirk[];
  readonly edits: ReceivedEdit[];
}

function answer(
  request: ReceivedRequest,
  fault: Fault | undefined,
  { quirks, edits }: GeminiState,
): SimulatorAnswer | Promise<SimulatorAnswer> {
  const refused = refusal(request);
  if (refused !== undefined) {
    return refused;
  }
  if (fault?.kind === 'insufficient_quota') {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [] }];
    return failed(429, 'You exceeded your current quota, please check your plan.', details);
  }
  const images = picturesOf(request);
  if (images.length > 0) {
    edits.push({ images });
  }
  const quirk: GeminiQuirk | undefined =
    fault?.kind === 'moderation' ? { kind: 'block', reason: 'SAFETY' } : quirks.shift();
  return painted(request, fault, quirk);
}

async function painted(
  request: ReceivedRequest,
  fault: Fault | undefined,
  quirk: GeminiQuirk | undefined,
): Promise<SimulatorAnswer> {
  const model = request.path.slice('/v1beta/models/'.length, -':generateContent'.length);
  const rules = MODELS[model] as ModelRules;
  const servedModel = quirk?.kind === 'served_by' ? quirk.model : model;
  const head = { modelVersion: servedModel, responseId: `response-${request.body.length}` };
  const usageMetadata = usage(request, rules, quirk);
  if (quirk?.kind === 'block') {
    const promptFeedback = { blockReason: quirk.reason, safetyRatings: [] };
    const { promptTokenCount } = usageMetadata as JsonObject;
    const blocked = { promptTokenCount, totalTokenCount: promptTokenCount };
    return { status: 200, body: { promptFeedback, usageMetadata: blocked, ...head } };
  }
  if (fault?.kind === 'empty_data') {
    return { status: 200, body: { usageMetadata, ...head }, isPurchase: true };
  }
  const { parts, final } = await partsOf(request, rules, { fault, quirk });
  const finishReason = quirk?.kind === 'finish' ? quirk.reason : 'STOP';
  const body = {
    candidates: [{ content: { parts, role: 'model' }, finishReason, index: 0 }],
    ...(fault?.kind === 'no_usage' ? {} : { usageMetadata }),
    ...head,
  };
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: wireBody(body, final, fault),
    isPurchase: true,
  };
}

interface Parts {
  readonly parts: readonly object[];
  /** The payload of the picture that counts; empty when there is none. */
  readonly final: string;
}

async function partsOf(
  request: ReceivedRequest,
  rules: ModelRules,
  { fault, quirk }: { readonly fault: Fault | undefined; readonly quirk: GeminiQuirk | undefined },
): Promise<Parts> {
  const size = sizeOf(request, rules);
  const draft = async (variant: number): Promise<object> => {
    const half = { width: size.width >> 1, height: size.height >> 1 };
    const bytes = await solidPicture({ ...half, format: 'png', variant });
    return { inlineData: { mimeType: 'image/png', data: bytes.toString('base64') } };
  };
  // The flag stands on either side of the picture: readers must not count on an order.
  const thoughts = rules.thinks
    ? [
        { thought: true, text: 'I plan the picture.' },
        { thought: true, ...(await draft(1)) },
      ]
    : [];
  if (rules.thinks) {
    thoughts.push({ ...(await draft(2)), thought: true });
  }
  if (quirk?.kind === 'text_only') {
    return { parts: [...thoughts, { text: 'I cannot paint that.' }], final: '' };
  }
  if (quirk?.kind === 'thoughts_only') {
    return { parts: [{ thought: true, ...(await draft(1)) }], final: '' };
  }
  if (quirk?.kind === 'finish') {
    return {
      parts: [...thoughts, ...(quirk.withDraft === true ? [await draft(3)] : [])],
      final: '',
    };
  }
  const count = quirk?.kind === 'unmarked_drafts' ? (quirk.count ?? 2) : 0;
  const unmarked = await Promise.all(Array.from({ length: count }, (_, index) => draft(3 + index)));
  const format: ImageFormat = quirk?.kind === 'png' ? 'png' : 'jpeg';
  const final = payloadText(await solidPicture({ ...size, format }), fault);
  const characters = quirk?.kind === 'long_signature' ? quirk.characters : 64;
  const picture = {
    inlineData: { mimeType: `image/${format}`, data: final },
    thoughtSignature: 'S'.repeat(characters),
  };
  if (quirk?.kind === 'trailing_thought') {
    const trailing = { thought: true, ...(await draft(1)) };
    return { parts: [...thoughts, { text: 'Here it is.' }, picture, trailing], final };
  }
  return { parts: [...thoughts, ...unmarked, picture], final };
}

function sizeOf(request: ReceivedRequest, rules: ModelRules): PixelSize {
  const { json } = request;
  const ratio = imageConfig(json, 'aspectRatio') ?? followedRatio(request, rules);
  const [first = '1', second = '1'] = ratio.split(':');
  const wide = rules.pixels[`${first}:${second}`];
  const tall = rules.pixels[`${second}:${first}`];
  const { width, height } = wide ??
    (tall && { width: tall.height, height: tall.width }) ?? { width: 1024, height: 1024 };
  const factor = { '1K': 1, '2K': 2, '4K': 4 }[imageSizeOf(json)] ?? 1;
  return { width: width * factor, height: height * factor };
}

/** The model's ratio that is nearest to the first picture's; a square without a picture. */
function followedRatio(request: ReceivedRequest, { ratios }: ModelRules): string {
  const [first = Buffer.alloc(0)] = picturesOf(request);
  const { width = 1, height = 1 } = probe(first) ?? {};
  const distance = (ratio: string): number => {
    const [across = 1, down = 1] = ratio.split(':').map(Number);
    return Math.abs(Math.log((across / down) * (height / width)));
  };
  return ratios.toSorted((a, b) => distance(a) - distance(b))[0] ?? '1:1';
}

function imageSizeOf(json: unknown): string {
  return imageConfig(json, 'imageSize') ?? '1K';
}

function imageConfig(json: unknown, name: string): string | undefined {
  const value = at(json, `generationConfig.imageConfig.${name}`);
  return typeof value === 'string' ? value : undefined;
}

function usage(
  request: ReceivedRequest,
  rules: ModelRules,
  quirk: GeminiQuirk | undefined,
): object {
  const textTokens = Math.ceil(Buffer.byteLength(promptOf(request)) / 4);
  const pictureTokens = picturesOf(request).length * TOKENS_PER_PICTURE;
  const promptTokenCount = textTokens + pictureTokens;
  const candidatesTokenCount = rules.outputTokens[imageSizeOf(request.json)] ?? 0;
  const thoughtsTokenCount = rules.thinks ? 210 : 0;
  const counts = {
    promptTokenCount,
    candidatesTokenCount,
    ...(rules.thinks ? { thoughtsTokenCount } : {}),
    totalTokenCount: promptTokenCount + candidatesTokenCount + thoughtsTokenCount,
  };
  if (quirk?.kind === 'usage_without_details') {
    return counts;
  }
  const cached = quirk?.kind === 'cached_usage' ? promptTokenCount >> 1 : 0;
  return {
    ...counts,
    ...(cached === 0 ? {} : { cachedContentTokenCount: cached }),
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: textTokens },
      ...(pictureTokens === 0 ? [] : [{ modality: 'IMAGE', tokenCount: pictureTokens }]),
    ],
    candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: candidatesTokenCount }],
  };
}
