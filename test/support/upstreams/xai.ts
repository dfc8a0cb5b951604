import type { PixelSize } from '../../../src/base/image.ts';
import { probe } from '../../../src/payload/probe.ts';
import { asObject, type JsonObject } from '../json.ts';
import type { Fault } from './faults.ts';
import type { ReceivedEdit } from './received-edit.ts';
import { type ReceivedRequest, Simulator, type SimulatorAnswer } from './simulator.ts';
import { solidPicture } from './solid-picture.ts';
import { payloadText, wireBody } from './spoiled-payload.ts';
import { picturesOf, wrongPicture } from './xai-edit.ts';

/** What xAI can do of its own, beside the faults that every upstream has. */
export type XaiQuirk =
  /** The pictures at these places are refused: items with a verdict and nothing else. */
  | { readonly kind: 'refuse'; readonly places: readonly number[] }
  /** Refused, though the picture is there: its verdict follows it. Never seen, always possible. */
  | { readonly kind: 'refuse_after_picture'; readonly places: readonly number[] }
  /** The base64 begins as a data URI, as over gRPC. */
  | { readonly kind: 'data_prefix' }
  | { readonly kind: 'revised_prompt'; readonly text: string }
  /** So many pictures, whatever was asked for. */
  | { readonly kind: 'pictures'; readonly count: number }
  /** So many ticks, whatever it costs. */
  | { readonly kind: 'ticks'; readonly ticks: unknown }
  /** Addresses, although base64 was asked for. */
  | { readonly kind: 'urls' };

export interface XaiSimulator extends AsyncDisposable {
  readonly upstream: Simulator;
  /** For `XAI_BASE_URL`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** The next right answers are of these kinds. */
  readonly nextAnswers: (...quirks: readonly XaiQuirk[]) => void;
  /** The pictures of each edit that was taken. */
  readonly edits: readonly ReceivedEdit[];
}

interface ModelRules {
  /** The model that really serves the slug. */
  readonly servedBy: string;
  readonly ratios: readonly string[];
  /** None: the field is ignored. */
  readonly qualities: readonly string[];
  readonly picturesMax: number;
  /** For each picture that is sent in. */
  readonly inputTicks: number;
}

const GENERATIONS = '/v1/images/generations';
const EDITS = '/v1/images/edits';
/** 1 tick is 1e-10 USD. */
const TICKS_PER_CENT = 100_000_000;
const API_KEY = 'xai-simulated-key';
const RATIOS = 'auto 1:1 3:4 4:3 9:16 16:9 2:3 3:2 9:19.5 19.5:9 9:20 20:9 1:2 2:1'.split(' ');
const SECOND: ModelRules = {
  servedBy: 'grok-imagine-image-2.0',
  ratios: [...RATIOS, '21:9', '5:2'],
  qualities: ['auto', 'low', 'medium'],
  picturesMax: 5,
  // That of the model before: of this one it is not known.
  inputTicks: TICKS_PER_CENT,
};

/** docs.x.ai and PROVIDERS §4 (November 2026). The retired slugs still answer. */
const MODELS: Readonly<Record<string, ModelRules>> = {
  'grok-imagine-image': {
    servedBy: 'grok-imagine-image',
    ratios: RATIOS,
    qualities: [],
    picturesMax: 3,
    inputTicks: TICKS_PER_CENT / 5,
  },
  'grok-imagine-image-2.0': SECOND,
  'grok-imagine-image-quality': SECOND,
  'grok-imagine-image-pro': SECOND,
};

/** Generations ignore pictures without a word, and every address ignores a mask. */
const FIELDS: ReadonlySet<string> = new Set(
  (
    'model prompt n aspect_ratio resolution quality response_format user image images mask ' +
    'storage_options'
  ).split(' '),
);

/** xAI's image API as of November 2026: generations and edits. */
export async function startXai({
  port = 0,
}: { readonly port?: number } = {}): Promise<XaiSimulator> {
  const state: XaiState = { quirks: [], edits: [] };
  const upstream = await Simulator.start({
    port,
    answer: (request, fault) => answer(request, fault, state),
    errorBody: (status) => errorBody('The simulator was told to fail.', `status_${status}`),
  });
  return {
    upstream,
    baseUrl: `${upstream.url}/v1`,
    apiKey: API_KEY,
    nextAnswers: (...more) => void state.quirks.push(...more),
    edits: state.edits,
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

interface XaiState {
  readonly quirks: XaiQuirk[];
  readonly edits: ReceivedEdit[];
}

function answer(
  request: ReceivedRequest,
  fault: Fault | undefined,
  { quirks, edits }: XaiState,
): SimulatorAnswer | Promise<SimulatorAnswer> {
  const refused = refusal(request);
  if (refused !== undefined) {
    return refused;
  }
  if (fault?.kind === 'insufficient_quota') {
    const code = 'The caller does not have permission to execute the specified operation';
    return { status: 403, body: { code, error: 'Your team has used all available credits.' } };
  }
  const body = asObject(request.json);
  const images = request.path === EDITS ? picturesOf(body) : [];
  if (images.length > 0) {
    edits.push({ images });
  }
  const quirk: XaiQuirk | undefined =
    fault?.kind === 'moderation' ? { kind: 'refuse', places: [0, 1, 2, 3] } : quirks.shift();
  return painted({ body, images }, fault, quirk);
}

/** What the request gets wrong, as xAI says it. */
function refusal(request: ReceivedRequest): SimulatorAnswer | undefined {
  if (request.path !== GENERATIONS && request.path !== EDITS) {
    return { status: 404, body: errorBody('The requested resource was not found', 'not_found') };
  }
  if (request.method !== 'POST') {
    return { status: 405, body: errorBody('Method not allowed', 'method_not_allowed') };
  }
  const { authorization } = request.headers;
  if (authorization === undefined) {
    return { status: 401, body: { code: 'Unauthenticated', error: 'No API key was provided.' } };
  }
  if (authorization !== `Bearer ${API_KEY}`) {
    // Not a 401, and in the other shape.
    const error = 'Incorrect API key provided: xa***ey. You can obtain one from console.x.ai.';
    return { status: 400, body: { code: 'Client specified an invalid argument', error } };
  }
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    const error = 'Expected request with `Content-Type: application/json`';
    return { status: 415, body: { code: 'Unsupported media type', error } };
  }
  if (request.json === undefined) {
    return { status: 400, body: errorBody('The body is not JSON', 'invalid_json') };
  }
  const body = asObject(request.json);
  const rules = MODELS[String(body['model'])];
  if (rules === undefined) {
    const error = `The model ${String(body['model'])} does not exist or your team has no access.`;
    return { status: 404, body: { code: 'Some requested entity was not found', error } };
  }
  const wrong = wrongValue(body, rules);
  if (wrong !== undefined || request.path === GENERATIONS) {
    return wrong;
  }
  const wrongImage = wrongPicture(body, rules.picturesMax);
  return wrongImage === undefined ? undefined : invalid(wrongImage, 'image');
}

function wrongValue(body: JsonObject, rules: ModelRules): SimulatorAnswer | undefined {
  const unknown = Object.keys(body).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) {
    return invalid(`Argument not supported: ${unknown}`, unknown);
  }
  const { prompt, n = 1, aspect_ratio = 'auto', resolution = '1k', quality = 'auto' } = body;
  const { response_format = 'url' } = body;
  if (typeof prompt !== 'string' || prompt === '' || prompt.length > 8000) {
    return invalid('prompt must be a string of 1 to 8000 characters', 'prompt');
  }
  if (!Number.isInteger(n) || Number(n) < 1 || Number(n) > 10) {
    return invalid('n must be between 1 and 10', 'n');
  }
  if (!rules.ratios.includes(String(aspect_ratio))) {
    return invalid(`unknown variant \`${String(aspect_ratio)}\``, 'aspect_ratio');
  }
  // Lower case only.
  if (resolution !== '1k' && resolution !== '2k') {
    return invalid(`unknown variant \`${String(resolution)}\`, expected 1k or 2k`, 'resolution');
  }
  if (rules.qualities.length > 0 && !rules.qualities.includes(String(quality))) {
    return invalid(`unknown variant \`${String(quality)}\``, 'quality');
  }
  return response_format === 'url' || response_format === 'b64_json'
    ? undefined
    : invalid('response_format must be url or b64_json', 'response_format');
}

interface Order {
  readonly body: JsonObject;
  /** Of an edit; none for a generation. */
  readonly images: readonly Buffer[];
}

async function painted(
  order: Order,
  fault: Fault | undefined,
  quirk: XaiQuirk | undefined,
): Promise<SimulatorAnswer> {
  const { body } = order;
  const rules = MODELS[String(body['model'])] as ModelRules;
  const size = sizeOf(order);
  const count = quirk?.kind === 'pictures' ? quirk.count : Number(body['n'] ?? 1);
  const isEmpty = fault?.kind === 'empty_data';
  const pictures = await Promise.all(
    Array.from({ length: isEmpty ? 0 : count }, async (_, variant) =>
      payloadText(await solidPicture({ ...size, format: 'jpeg', variant }), fault),
    ),
  );
  const inBase64 = body['response_format'] === 'b64_json' && quirk?.kind !== 'urls';
  const data = pictures.map((picture, place) => item(picture, { place, quirk, inBase64 }));
  const billed = data.filter(({ respect_moderation }) => respect_moderation === true).length;
  const ticks = quirk?.kind === 'ticks' ? quirk.ticks : ticksOf(order, billed);
  const reply = {
    data,
    model: rules.servedBy,
    ...(fault?.kind === 'no_usage' ? {} : { usage: { cost_in_usd_ticks: ticks } }),
  };
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'x-request-id': 'xai-request-1' },
    body: wireBody(reply, pictures[0] ?? '', fault),
    isPurchase: billed > 0,
  };
}

interface ItemOptions {
  readonly place: number;
  readonly quirk: XaiQuirk | undefined;
  readonly inBase64: boolean;
}

/** The verdict and the prompt stand behind the picture. */
function item(picture: string, { place, quirk, inBase64 }: ItemOptions): JsonObject {
  if (quirk?.kind === 'refuse' && quirk.places.includes(place)) {
    return { mime_type: '', revised_prompt: '', respect_moderation: false };
  }
  const prefix = quirk?.kind === 'data_prefix' ? 'data:image/jpeg;base64,' : '';
  const isRefused = quirk?.kind === 'refuse_after_picture' && quirk.places.includes(place);
  return {
    ...(inBase64 ? { b64_json: prefix + picture } : { url: `https://imgen.x.ai/${place}.jpg` }),
    mime_type: 'image/jpeg',
    revised_prompt: quirk?.kind === 'revised_prompt' ? quirk.text : '',
    respect_moderation: !isRefused,
  };
}

/** List prices of November 2026: for the pictures that came out, and for those that went in. */
function ticksOf({ body, images }: Order, billed: number): number {
  const { model, quality = 'auto', resolution } = body;
  const { inputTicks } = MODELS[String(model)] as ModelRules;
  const input = billed === 0 ? 0 : images.length * inputTicks;
  if (model === 'grok-imagine-image') {
    return billed * 2 * TICKS_PER_CENT + input;
  }
  // `auto` is `low` for generations, and `medium` for edits.
  const isMedium = quality === 'medium' || (quality === 'auto' && images.length > 0);
  const cents = (resolution === '2k' ? 6 : 4) + (isMedium ? 2 : 0);
  return billed * cents * TICKS_PER_CENT + input;
}

/** About 1 or 4 megapixels at the ratio; `auto` is that of an edit's first picture. */
function sizeOf({ body, images: [picture] }: Order): PixelSize {
  const { aspect_ratio = 'auto', resolution = '1k' } = body;
  const { width = 1, height = 1 } = (picture === undefined ? undefined : probe(picture)) ?? {};
  const ratio = aspect_ratio === 'auto' ? `${width}:${height}` : String(aspect_ratio);
  const [first = 1, second = 1] = ratio.split(':').map(Number);
  const edge = resolution === '2k' ? 2048 : 1024;
  const snapped = (pixels: number): number => Math.round(pixels / 16) * 16;
  const root = Math.sqrt(first / second);
  return { width: snapped(edge * root), height: snapped(edge / root) };
}

function invalid(message: string, param: string): SimulatorAnswer {
  return { status: 400, body: errorBody(message, 'invalid_argument', param) };
}

function errorBody(message: string, code: string, param: string | null = null): object {
  return { error: { message, type: 'invalid_request_error', param, code } };
}
