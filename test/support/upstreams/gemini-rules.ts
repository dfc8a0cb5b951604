import type { PixelSize } from '../../../src/base/image.ts';
import { probe } from '../../../src/payload/probe.ts';
import { asArray, asObject, at, type JsonObject } from '../json.ts';
import type { ReceivedRequest, SimulatorAnswer } from './simulator.ts';

/** What one model takes, and the sizes and tokens of what it gives. */
export interface ModelRules {
  readonly ratios: readonly string[];
  /** None: the field is refused. */
  readonly imageSizes: readonly string[];
  readonly outputTokens: Readonly<Record<string, number>>;
  /** Pixels at 1K by the first number of the ratio, wide formats; tall ones are mirrored. */
  readonly pixels: Readonly<Record<string, PixelSize>>;
  readonly thinks: boolean;
  readonly picturesMax: number;
}

export const API_KEY = 'AIzaSimulatedGeminiKey';
const RATIOS = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9'];
const PIXELS_2 = table(
  '1:1 1024x1024 3:2 1248x832 4:3 1184x864 5:4 1152x896 16:9 1344x768 21:9 1536x672',
);
const PIXELS_3 = table(
  '1:1 1024x1024 3:2 1264x848 4:3 1200x896 5:4 1152x928 16:9 1376x768 21:9 1584x672 ' +
    '4:1 2048x512 8:1 3072x384',
);

/** npm @google/genai 3.1.0 and PROVIDERS §2 (November 2026). */
export const MODELS: Readonly<Record<string, ModelRules>> = {
  'gemini-2.5-flash-image': {
    ratios: RATIOS,
    imageSizes: [],
    outputTokens: { '1K': 1290 },
    pixels: PIXELS_2,
    thinks: false,
    // Advised at most: more are not certain to be taken.
    picturesMax: 3,
  },
  'gemini-nano-banana-2.1': {
    ratios: [...RATIOS, '1:4', '4:1', '1:8', '8:1'],
    imageSizes: ['1K', '2K', '4K'],
    outputTokens: { '1K': 1120, '2K': 1680, '4K': 3780 },
    pixels: PIXELS_3,
    thinks: true,
    picturesMax: 14,
  },
  'gemini-3-pro-image': {
    ratios: RATIOS,
    imageSizes: ['1K', '2K', '4K'],
    outputTokens: { '1K': 1120, '2K': 1120, '4K': 2000 },
    pixels: PIXELS_3,
    thinks: true,
    picturesMax: 14,
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
  inlineData: ['mimeType', 'data', 'displayName'],
};

/** Those that Easel may send, of the types that Google knows. */
const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/webp'];

const REQUEST_BYTES_MAX = 100 * 2 ** 20;

/** The text of the first part. */
export function promptOf({ json }: Pick<ReceivedRequest, 'json'>): string {
  const text = at(json, 'contents[0].parts[0].text');
  return typeof text === 'string' ? text : '';
}

/** What the request gets wrong, as Google says it. */
export function refusal(request: ReceivedRequest): SimulatorAnswer | undefined {
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
  if (request.body.length > REQUEST_BYTES_MAX) {
    return failed(400, `Request payload size exceeds the limit: ${REQUEST_BYTES_MAX} bytes.`);
  }
  const rules = MODELS[model];
  if (rules === undefined) {
    return failed(404, `models/${model} is not found for API version v1beta.`);
  }
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    return failed(400, 'Invalid JSON payload received. Unexpected token.');
  }
  const wrong = wrongRequest(asObject(request.json), rules);
  return wrong === undefined ? undefined : failed(400, wrong);
}

/** The pictures of an edit, in order. */
export function picturesOf(request: ReceivedRequest): readonly Buffer[] {
  return partsOf(request.json)
    .filter(({ inlineData }) => inlineData !== undefined)
    .map(({ inlineData }) => Buffer.from(String(at(inlineData, 'data')), 'base64'));
}

function partsOf(json: unknown): readonly JsonObject[] {
  return asArray(at(json, 'contents[0].parts') ?? []).map(asObject);
}

function wrongRequest(body: JsonObject, rules: ModelRules): string | undefined {
  return unknownField(body, '') ?? wrongValue(body, rules) ?? wrongPicture(body, rules);
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
        const what = `Unknown name "${name}" at '${place}': Cannot find field.`;
        return `Invalid JSON payload received. ${what}`;
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
  if (promptOf({ json: body }) === '') {
    return 'GenerateContentRequest.contents: contents is not specified';
  }
  if (!asArray(config['responseModalities'] ?? []).includes('IMAGE')) {
    return 'The requested combination of response modalities is not supported by the model.';
  }
  if (candidateCount !== 1) {
    return 'Multiple candidates is not enabled for this model';
  }
  const place = "Invalid value at 'generation_config.image_config";
  if (!isOneOf(aspectRatio, rules.ratios)) {
    return `${place}.aspect_ratio': ${JSON.stringify(aspectRatio)}`;
  }
  if (!isOneOf(imageSize, rules.imageSizes)) {
    return `${place}.image_size': ${JSON.stringify(imageSize)}`;
  }
  const isSeed = seed === undefined || (Number.isInteger(seed) && Math.abs(Number(seed)) < 2 ** 31);
  return isSeed ? undefined : "Invalid value at 'generation_config.seed' (TYPE_INT32)";
}

function wrongPicture(body: JsonObject, { picturesMax }: ModelRules): string | undefined {
  const parts = partsOf(body);
  const pictures = parts.flatMap(({ inlineData }) => inlineData ?? []).map(asObject);
  if (pictures.length > picturesMax) {
    return `The model takes ${picturesMax} images at most, but ${pictures.length} were given.`;
  }
  for (const { mimeType, data } of pictures) {
    if (!PICTURE_TYPES.includes(String(mimeType))) {
      return `Unsupported MIME type: ${String(mimeType)}`;
    }
    const bytes = Buffer.from(String(data), 'base64');
    if (bytes.length === 0 || bytes.toString('base64') !== data) {
      return "Invalid value at 'contents[0].parts' (TYPE_BYTES), Base64 decoding failed";
    }
    const format = probe(bytes)?.format;
    const isAsSaid = format !== undefined && `image/${format}` === mimeType;
    if (!isAsSaid) {
      return 'Unable to process input image. Please retry or check the image.';
    }
  }
  return undefined;
}

/** An answer that is an error. */
export function failed(
  status: number,
  message: string,
  details?: readonly object[],
): SimulatorAnswer {
  return { status, body: errorBody(status, message, details) };
}

/** Google's form of an error. */
export function errorBody(status: number, message: string, details?: readonly object[]): object {
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
