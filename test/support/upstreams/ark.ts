import {
  formatSize,
  type ImageFormat,
  parseSize,
  type PixelSize,
} from '../../../src/base/image.ts';
import { asObject, type JsonObject } from '../json.ts';
import { followed, type PictureRules, picturesOf, wrongPicture } from './ark-edit.ts';
import type { Fault } from './faults.ts';
import type { ReceivedEdit } from './received-edit.ts';
import { type ReceivedRequest, Simulator, type SimulatorAnswer } from './simulator.ts';
import { solidPicture } from './solid-picture.ts';
import { payloadText, wireBody } from './spoiled-payload.ts';

/** What Ark can do of its own, beside the faults that every upstream has. */
export type ArkQuirk =
  /** One item for each: an error with this code, or a picture where it says `picture`. */
  | { readonly kind: 'items'; readonly codes: readonly string[] }
  /** The timestamp is `created_at`, as the SDK's types have it. */
  | { readonly kind: 'created_at' }
  /** An error object in an answer of status 200. */
  | { readonly kind: 'error_inside'; readonly code: string }
  /** It says to have generated so many. */
  | { readonly kind: 'generated_images'; readonly count: number };

export interface ArkSimulator extends AsyncDisposable {
  readonly upstream: Simulator;
  /** For `ARK_BASE_URL`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** How many pictures left with the vendor's watermark. */
  readonly watermarked: () => number;
  /** The next right answers are of these kinds. */
  readonly nextAnswers: (...quirks: readonly ArkQuirk[]) => void;
  /** The pictures of each edit that was taken. */
  readonly edits: readonly ReceivedEdit[];
}

interface ModelRules extends PictureRules {
  readonly presets: Readonly<Record<string, number>>;
  readonly pixelsMin: number;
  readonly formats: readonly ImageFormat[];
  /** False: 400 if the field is present at all. */
  readonly takesSequential: boolean;
}

const API_KEY = 'ark-simulated-key';
const REQUEST_ID = '021763700000000abcdef0123456789';
const PIXELS_MAX = 16_777_216;
const JPEG: readonly ImageFormat[] = ['jpeg'];
const JPEG_OR_PNG: readonly ImageFormat[] = ['jpeg', 'png'];
const TAKEN_BY_4: PictureRules = { picturesMax: 14, pictureFormats: JPEG_OR_PNG };
const TAKEN_BY_5: PictureRules = { picturesMax: 14, pictureFormats: [...JPEG_OR_PNG, 'webp'] };
const K1 = { '1K': 1024 };
const K2 = { '2K': 2048 };
const K3 = { '3K': 3072 };
const K4 = { '4K': 4096 };
const FIVE: ModelRules = {
  ...TAKEN_BY_5,
  presets: { ...K2, ...K3, ...K4 },
  pixelsMin: 3_686_400,
  formats: JPEG_OR_PNG,
  takesSequential: true,
};
const FIVE_PRO: ModelRules = {
  ...TAKEN_BY_5,
  picturesMax: 10,
  presets: { ...K1, ...K2 },
  pixelsMin: 921_600,
  formats: JPEG_OR_PNG,
  takesSequential: false,
};

/** docs.byteplus.com ModelArk 1541523 and PROVIDERS §5 (November 2026). */
const MODELS: Readonly<Record<string, ModelRules>> = {
  'seedream-4-0-250828': {
    ...TAKEN_BY_4,
    presets: { ...K1, ...K2, ...K4 },
    pixelsMin: 921_600,
    formats: JPEG,
    takesSequential: true,
  },
  'seedream-4-5-251128': {
    ...TAKEN_BY_4,
    presets: { ...K2, ...K4 },
    pixelsMin: 3_686_400,
    formats: JPEG,
    takesSequential: true,
  },
  'seedream-5-0-260128': FIVE,
  'seedream-5-0-lite-260128': FIVE,
  'dola-seedream-5-0-pro-260628': FIVE_PRO,
  'seedream-5-5-261028': { ...FIVE_PRO, presets: { ...K1, '1.5K': 1536, ...K2 } },
};

const FIELDS: ReadonlySet<string> = new Set(
  (
    'model prompt image size response_format watermark stream sequential_image_generation ' +
    'sequential_image_generation_options optimize_prompt_options output_format tools'
  ).split(' '),
);

const CODES: Readonly<Record<number, string>> = {
  400: 'InvalidParameter',
  401: 'AuthenticationError',
  403: 'AccountOverdueError',
  404: 'InvalidEndpointOrModel.NotFound',
  429: 'ModelAccountIpmRateLimitExceeded',
  500: 'InternalServiceError',
  503: 'ServiceUnavailable',
};

/** BytePlus ModelArk's image API as of November 2026: with pictures or without, no streams. */
export async function startArk({
  port = 0,
}: { readonly port?: number } = {}): Promise<ArkSimulator> {
  const state: ArkState = { quirks: [], edits: [], watermarked: 0 };
  const upstream = await Simulator.start({
    port,
    answer: (request, fault) => answer(request, fault, state),
    errorBody: (status) => errorBody(CODES[status] ?? 'UnknownError', 'Told to fail.'),
  });
  return {
    upstream,
    baseUrl: `${upstream.url}/api/v3`,
    apiKey: API_KEY,
    watermarked: () => state.watermarked,
    nextAnswers: (...more) => void state.quirks.push(...more),
    edits: state.edits,
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

interface ArkState {
  readonly quirks: ArkQuirk[];
  readonly edits: ReceivedEdit[];
  watermarked: number;
}

function answer(
  request: ReceivedRequest,
  fault: Fault | undefined,
  state: ArkState,
): SimulatorAnswer | Promise<SimulatorAnswer> {
  const refused = refusal(request);
  if (refused !== undefined) {
    return refused;
  }
  if (fault?.kind === 'insufficient_quota') {
    return failed(403, 'AccountOverdueError', 'The account has an overdue balance.');
  }
  if (fault?.kind === 'moderation') {
    const message = 'The request failed because the input text may contain sensitive information.';
    return failed(400, 'InputTextSensitiveContentDetected', message);
  }
  return painted(asObject(request.json), fault, state);
}

/** What the request gets wrong, as Ark says it. */
function refusal(request: ReceivedRequest): SimulatorAnswer | undefined {
  if (request.path !== '/api/v3/images/generations' || request.method !== 'POST') {
    return failed(404, 'NotFound', 'The requested path does not exist.');
  }
  if (request.headers['authorization'] !== `Bearer ${API_KEY}`) {
    return failed(401, 'AuthenticationError', 'The API key in the request is missing or invalid.');
  }
  const isJson = /^application\/json\b/.test(request.headers['content-type'] ?? '');
  if (!isJson || request.json === undefined) {
    return failed(400, 'InvalidParameter', 'The request body is not JSON.');
  }
  const body = asObject(request.json);
  const rules = MODELS[String(body['model'])];
  if (rules === undefined) {
    const message = `The model or endpoint ${String(body['model'])} does not exist.`;
    return failed(404, 'InvalidEndpointOrModel.NotFound', message);
  }
  return wrongValue(body, rules);
}

function wrongValue(body: JsonObject, rules: ModelRules): SimulatorAnswer | undefined {
  const unknown = Object.keys(body).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) {
    return invalid(unknown);
  }
  if (typeof body['prompt'] !== 'string' || body['prompt'] === '') {
    return failed(400, 'MissingParameter', 'The prompt is missing.', 'prompt');
  }
  const wrong = wrongPicture(body['image'], rules);
  if (wrong !== undefined) {
    return invalid('image', wrong);
  }
  const { size = '2K', response_format = 'url', watermark = true, stream = false } = body;
  const { sequential_image_generation: sequential, output_format: format } = body;
  if (!isSize(size, rules)) {
    return invalid('size');
  }
  if (response_format !== 'url' && response_format !== 'b64_json') {
    return invalid('response_format');
  }
  if (typeof watermark !== 'boolean') {
    return invalid('watermark');
  }
  // The simulator does not stream.
  if (stream !== false) {
    return invalid('stream');
  }
  const isSequential = sequential === 'disabled' || sequential === 'auto';
  if (sequential !== undefined && !(rules.takesSequential && isSequential)) {
    return invalid('sequential_image_generation');
  }
  // 4.x does not have the field.
  const formats: readonly unknown[] = rules.formats.length > 1 ? rules.formats : [];
  return format === undefined || formats.includes(format) ? undefined : invalid('output_format');
}

function isSize(size: unknown, rules: ModelRules): boolean {
  const pixels = /^\d+x\d+$/.test(String(size)) ? parseSize(String(size)) : undefined;
  if (pixels === undefined) {
    return rules.presets[String(size)] !== undefined;
  }
  const area = pixels.width * pixels.height;
  const ratio = pixels.width / pixels.height;
  return area >= rules.pixelsMin && area <= PIXELS_MAX && ratio >= 1 / 16 && ratio <= 16;
}

async function painted(
  body: JsonObject,
  fault: Fault | undefined,
  state: ArkState,
): Promise<SimulatorAnswer> {
  const images = picturesOf(body['image']);
  if (images.length > 0) {
    state.edits.push({ images });
  }
  const quirk = state.quirks.shift();
  if (quirk?.kind === 'error_inside') {
    return { status: 200, body: errorBody(quirk.code, 'It failed after all.') };
  }
  const rules = MODELS[String(body['model'])] as ModelRules;
  const size = sizeOf(body['size'] ?? '2K', rules, images);
  const format: ImageFormat = body['output_format'] === 'png' ? 'png' : 'jpeg';
  const codes = quirk?.kind === 'items' ? quirk.codes : ['picture'];
  const isMarked = body['watermark'] !== false;
  const picture = await solidPicture({ ...size, format, variant: isMarked ? 9 : 0 });
  const payload = payloadText(picture, fault);
  const isUrl = body['response_format'] !== 'b64_json';
  const made = {
    ...(isUrl ? { url: 'https://ark.tos.example/picture.jpg' } : { b64_json: payload }),
    size: formatSize(size),
    ...(rules.formats.length > 1 ? { output_format: format } : {}),
  };
  const data = codes.map((code) => (code === 'picture' ? made : errorBody(code, 'It failed.')));
  const pictures = fault?.kind === 'empty_data' ? [] : data;
  const generated = pictures.filter((item) => item === made).length;
  state.watermarked += isMarked ? generated : 0;
  const tokens = (generated * size.width * size.height) / 256;
  const usage = {
    input_images: images.length,
    generated_images: quirk?.kind === 'generated_images' ? quirk.count : generated,
    output_tokens: tokens,
    total_tokens: tokens,
  };
  const reply = {
    model: body['model'],
    [quirk?.kind === 'created_at' ? 'created_at' : 'created']: 1_763_700_000,
    data: pictures,
    ...(fault?.kind === 'no_usage' ? {} : { usage }),
  };
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'x-request-id': REQUEST_ID },
    body: wireBody(reply, payload, fault),
    isPurchase: generated > 0,
  };
}

/** With a preset an edit follows its first picture. */
function sizeOf(size: unknown, rules: ModelRules, images: readonly Buffer[]): PixelSize {
  const name = String(size);
  const edge = rules.presets[name];
  return edge === undefined
    ? (parseSize(name) ?? { width: 2048, height: 2048 })
    : followed({ width: edge, height: edge }, images);
}

function invalid(param: string, why = 'unknown value'): SimulatorAnswer {
  const message = `The parameter \`${param}\` specified in the request is not valid: ${why}.`;
  return failed(400, 'InvalidParameter', message, param);
}

function failed(status: number, code: string, message: string, param = ''): SimulatorAnswer {
  return { status, body: errorBody(code, message, param) };
}

function errorBody(code: string, message: string, param = ''): JsonObject {
  const words = `${message} Request id: ${REQUEST_ID}`;
  return { error: { code, message: words, param, type: 'BadRequest' } };
}
