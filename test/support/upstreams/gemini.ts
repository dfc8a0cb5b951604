import type { ImageFormat, PixelSize } from '../../../src/base/image.ts';
import { asArray, asObject, at, type JsonObject } from '../json.ts';
import type { Fault } from './faults.ts';
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
}

export interface SimulatorStart {
  readonly port?: number;
}

interface ModelRules {
  readonly ratios: readonly string[];
  /** None: the field is refused. */
  readonly imageSizes: readonly string[];
  readonly outputTokens: Readonly<Record<string, number>>;
  /** Pixels at 1K by the first number of the ratio, wide formats; tall ones are mirrored. */
  readonly pixels: Readonly<Record<string, PixelSize>>;
  readonly thinks: boolean;
}

const API_KEY = 'AIzaSimulatedGeminiKey';
const RATIOS = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9'];
const PIXELS_2 = table(
  '1:1 1024x1024 3:2 1248x832 4:3 1184x864 5:4 1152x896 16:9 1344x768 21:9 1536x672',
);
const PIXELS_3 = table(
  '1:1 1024x1024 3:2 1264x848 4:3 1200x896 5:4 1152x928 16:9 1376x768 21:9 1584x672 ' +
    '4:1 2048x512 8:1 3072x384',
);

/** npm @google/genai 3.1.0 and PROVIDERS §2 (November 2026). */
const MODELS: Readonly<Record<string, ModelRules>> = {
  'gemini-2.5-flash-image': {
    ratios: RATIOS,
    imageSizes: [],
    outputTokens: { '1K': 1290 },
    pixels: PIXELS_2,
    thinks: false,
  },
  'gemini-nano-banana-2.1': {
    ratios: [...RATIOS, '1:4', '4:1', '1:8', '8:1'],
    imageSizes: ['1K', '2K', '4K'],
    outputTokens: { '1K': 1120, '2K': 1680, '4K': 3780 },
    pixels: PIXELS_3,
    thinks: true,
  },
  'gemini-3-pro-image': {
    ratios: RATIOS,
    imageSizes: ['1K', '2K', '4K'],
    outputTokens: { '1K': 1120, '2K': 1120, '4K': 2000 },
    pixels: PIXELS_3,
    thinks: true,
  },
};

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** The fields of a request by the object that holds them; objects have an entry of their own. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '': ['contents', 'generationConfig', 'safetySettings', 'systemInstruction', 'serviceTier'],
  contents: ['role', 'parts'],
  parts: ['text', 'inlineData', 'fileData'],
  generationConfig: words(
    'responseModalities candidateCount seed temperature topP topK maxOutputTokens imageConfig ' +
      'thinkingConfig',
  ),
  imageConfig: ['aspectRatio', 'imageSize'],
};

/** Google's Gemini API as of November 2026: `generateContent` of the image models. */
export async function startGemini({ port = 0 }: SimulatorStart = {}): Promise<GeminiSimulator> {
  const quirks: GeminiQuirk[] = [];
  const upstream = await Simulator.start({
    port,
    answer: (request, fault) => answer(request, fault, quirks),
    errorBody: (status) => errorBody(status, 'The simulator was told to fail.'),
    promptOf,
  });
  return {
    upstream,
    baseUrl: upstream.url,
    apiKey: API_KEY,
    nextAnswers: (...more) => void quirks.push(...more),
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

function promptOf({ json }: ReceivedRequest): string {
  const text = at(json, 'contents[0].parts[0].text');
  return typeof text === 'string' ? text : '';
}

function answer(
  request: ReceivedRequest,
  fault: Fault | undefined,
  quirks: GeminiQuirk[],
): SimulatorAnswer | Promise<SimulatorAnswer> {
  const refused = refusal(request);
  if (refused !== undefined) {
    return refused;
  }
  if (fault?.kind === 'insufficient_quota') {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [] }];
    return failed(429, 'You exceeded your current quota, please check your plan.', details);
  }
  const quirk: GeminiQuirk | undefined =
    fault?.kind === 'moderation' ? { kind: 'block', reason: 'SAFETY' } : quirks.shift();
  return painted(request, fault, quirk);
}

/** What the request gets wrong, as Google says it. */
function refusal(request: ReceivedRequest): SimulatorAnswer | undefined {
  const [, model = ''] = /^\/v1beta\/models\/([^/:]+):generateContent$/.exec(request.path) ?? [];
  if (request.method !== 'POST' || model === '') {
    return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>404</h1>' };
  }
  const key = request.headers['x-goog-api-key'];
  if (key === undefined) {
    return failed(403, "Method doesn't allow unregistered callers.");
  }
  if (key !== API_KEY) {
    const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' };
    return failed(400, 'API key not valid. Please pass a valid API key.', [info]);
  }
  const rules = MODELS[model];
  if (rules === undefined) {
    return failed(404, `models/${model} is not found for API version v1beta.`);
  }
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    return failed(400, 'Invalid JSON payload received. Unexpected token.');
  }
  const wrong = unknownField(request.json, '') ?? wrongValue(asObject(request.json), rules);
  return wrong === undefined ? undefined : failed(400, wrong);
}

/** Google refuses every name that its message does not have. */
function unknownField(value: unknown, place: string): string | undefined {
  const known = FIELDS[place];
  if (known === undefined || typeof value !== 'object' || value === null) {
    return undefined;
  }
  for (const item of Array.isArray(value) ? value : [value]) {
    for (const [name, member] of Object.entries(asObject(item))) {
      if (!known.includes(name)) {
        return `Invalid JSON payload received. Unknown name "${name}" at '${place}': Cannot find field.`;
      }
      const wrong = unknownField(member, name);
      if (wrong !== undefined) {
        return wrong;
      }
    }
  }
  return undefined;
}

function wrongValue(body: JsonObject, rules: ModelRules): string | undefined {
  const config = asObject(body['generationConfig'] ?? {});
  const { aspectRatio, imageSize } = asObject(config['imageConfig'] ?? {});
  const { seed, candidateCount = 1 } = config;
  const isOneOf = (value: unknown, allowed: readonly unknown[]): boolean =>
    value === undefined || allowed.includes(value);
  if (promptOf({ json: body } as ReceivedRequest) === '') {
    return 'GenerateContentRequest.contents: contents is not specified';
  }
  if (!asArray(config['responseModalities'] ?? []).includes('IMAGE')) {
    return 'The requested combination of response modalities is not supported by the model.';
  }
  if (candidateCount !== 1) {
    return 'Multiple candidates is not enabled for this model';
  }
  if (!isOneOf(aspectRatio, rules.ratios)) {
    return `Invalid value at 'generation_config.image_config.aspect_ratio': ${JSON.stringify(aspectRatio)}`;
  }
  if (!isOneOf(imageSize, rules.imageSizes)) {
    return `Invalid value at 'generation_config.image_config.image_size': ${JSON.stringify(imageSize)}`;
  }
  const isSeed = seed === undefined || (Number.isInteger(seed) && Math.abs(Number(seed)) < 2 ** 31);
  return isSeed ? undefined : "Invalid value at 'generation_config.seed' (TYPE_INT32)";
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

function sizeOf({ json }: ReceivedRequest, rules: ModelRules): PixelSize {
  const ratio = imageConfig(json, 'aspectRatio') ?? '1:1';
  const [first = '1', second = '1'] = ratio.split(':');
  const wide = rules.pixels[`${first}:${second}`];
  const tall = rules.pixels[`${second}:${first}`];
  const { width, height } = wide ??
    (tall && { width: tall.height, height: tall.width }) ?? { width: 1024, height: 1024 };
  const factor = { '1K': 1, '2K': 2, '4K': 4 }[imageSizeOf(json)] ?? 1;
  return { width: width * factor, height: height * factor };
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
  const promptTokenCount = Math.ceil(Buffer.byteLength(promptOf(request)) / 4);
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
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: promptTokenCount }],
    candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: candidatesTokenCount }],
  };
}

function failed(status: number, message: string, details?: readonly object[]): SimulatorAnswer {
  return { status, body: errorBody(status, message, details) };
}

function errorBody(status: number, message: string, details?: readonly object[]): object {
  const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '22.4s' };
  const shown = details ?? (status === 429 ? [retry] : undefined);
  const error = { code: status, message, status: STATUS_NAMES[status] ?? 'UNKNOWN' };
  return { error: { ...error, ...(shown === undefined ? {} : { details: shown }) } };
}

function words(text: string): readonly string[] {
  return text.split(' ');
}

/** `1:1 1024x1024 3:2 1248x832` as a table. */
function table(text: string): Record<string, PixelSize> {
  const pairs = [...text.matchAll(/(\S+) (\d+)x(\d+)/g)];
  return Object.fromEntries(
    pairs.map(([, ratio, width, height]) => [
      ratio,
      { width: Number(width), height: Number(height) },
    ]),
  );
}
