import { type PixelSize, parseSize } from '../../../src/base/image.ts';
import { asObject, type JsonObject } from '../json.ts';
import type { Fault } from './faults.ts';
import { answerAsAzure } from './openai-compatible-azure.ts';
import { readCompatibleEdit } from './openai-compatible-edits.ts';
import type { ReceivedEdit } from './received-edit.ts';
import { type ReceivedRequest, Simulator, type SimulatorAnswer } from './simulator.ts';
import { solidPicture } from './solid-picture.ts';
import { payloadText, wireBody } from './spoiled-payload.ts';

export type CompatibleFlavour = 'azure' | 'localai' | 'ollama' | 'sdserver' | 'sglang' | 'vllm';

export interface CompatibleStart {
  readonly flavour: CompatibleFlavour;
  readonly port?: number;
  /** Asked for as a Bearer where set; Azure always asks for its own. */
  readonly apiKey?: string;
  /** The size of the pictures, whatever is asked for: for tests that do not look at it. */
  readonly pictureSize?: PixelSize;
}

export interface CompatibleSimulator extends AsyncDisposable {
  readonly upstream: Simulator;
  readonly baseUrl: string;
  /** What each edit brought that was accepted, in order. */
  readonly edits: readonly ReceivedEdit[];
}

/** A picture that is fetched by its URL. */
type Files = Map<string, Buffer>;

/**
 * Servers that speak OpenAI's Images API in their own ways (PROVIDERS §1.8, §7; August 2026), each
 * with its own form of edits. LocalAI and SGLang answer with a URL of their own when asked to.
 */
export async function startOpenaiCompatible(start: CompatibleStart): Promise<CompatibleSimulator> {
  const { flavour, port = 0 } = start;
  const files: Files = new Map();
  const edits: ReceivedEdit[] = [];
  const upstream: Simulator = await Simulator.start({
    port,
    answer: (request, fault) => answer(request, fault, { start, files, edits, url: upstream.url }),
    errorBody: (status) => errorBody(flavour, status),
    ownFaults: ['redirect_private'],
  });
  return {
    upstream,
    baseUrl: flavour === 'azure' ? upstream.url : `${upstream.url}/v1`,
    edits,
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

interface Server {
  readonly start: CompatibleStart;
  readonly files: Files;
  readonly edits: ReceivedEdit[];
  readonly url: string;
}

async function answer(
  request: ReceivedRequest,
  fault: Fault | undefined,
  server: Server,
): Promise<SimulatorAnswer> {
  const { flavour, apiKey } = server.start;
  const { method, path, headers, json } = request;
  if (method === 'GET') {
    const query = request.query.toString();
    return answerFile(query === '' ? path : `${path}?${query}`, server.files);
  }
  if (flavour === 'azure') {
    return answerAsAzure(request, fault, server.edits);
  }
  if (apiKey !== undefined && headers['authorization'] !== `Bearer ${apiKey}`) {
    return { status: 401, body: errorBody(flavour, 401) };
  }
  if (method === 'POST' && path !== '/v1/images/generations') {
    return answerEdit(request, fault, server);
  }
  if (method !== 'POST') {
    return { status: 404, body: errorBody(flavour, 404) };
  }
  if (headers['content-type'] !== 'application/json' || json === undefined) {
    return { status: 400, body: errorBody(flavour, 400) };
  }
  const body = asObject(json);
  const refusal = refusalOf(flavour, body, fault);
  const images = flavour === 'localai' ? referencesOf(body) : [];
  if (refusal === undefined && images === undefined) {
    return { status: 500, body: errorBody(flavour, 500) };
  }
  if (refusal === undefined && images !== undefined && images.length > 0) {
    server.edits.push({ images });
  }
  return refusal ?? answerPictures(body, fault, server);
}

async function answerEdit(
  request: ReceivedRequest,
  fault: Fault | undefined,
  server: Server,
): Promise<SimulatorAnswer> {
  const { flavour } = server.start;
  const read = await readCompatibleEdit(flavour, request);
  if (typeof read === 'number') {
    return { status: read, body: errorBody(flavour, read) };
  }
  const { fields, edit } = read;
  const refusal = refusalOf(flavour, fields, fault);
  if (refusal !== undefined) {
    return refusal;
  }
  server.edits.push(edit);
  // LocalAI's inpainting gives one picture, always of this size, and names it by its URL.
  const inpainted = { ...fields, size: '512x512', n: 1, response_format: 'url' };
  return answerPictures(flavour === 'localai' ? inpainted : fields, fault, server);
}

/** LocalAI's reference pictures, each in plain base64; undefined when one is none. */
function referencesOf({ ref_images = [] }: JsonObject): readonly Buffer[] | undefined {
  const texts = Array.isArray(ref_images) ? (ref_images as readonly unknown[]) : [''];
  const isBase64 = (text: unknown): text is string =>
    typeof text === 'string' && /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2,3}={1,2})?$/.test(text);
  return texts.every(isBase64) ? texts.map((text) => Buffer.from(text, 'base64')) : undefined;
}

/** What each server refuses by itself. */
function refusalOf(
  flavour: CompatibleFlavour,
  body: JsonObject,
  fault: Fault | undefined,
): SimulatorAnswer | undefined {
  if (fault?.kind === 'moderation') {
    const error = { message: 'Refused by the guard.', code: 'content_policy_violation' };
    return { status: 400, body: { error } };
  }
  const { prompt, n = 1, size, response_format = 'b64_json' } = body;
  if (typeof prompt !== 'string' || prompt === '') {
    return flavour === 'sdserver'
      ? { status: 400, body: { error: 'prompt required' } }
      : { status: flavour === 'localai' ? 500 : 422, body: errorBody(flavour, 422) };
  }
  if (flavour !== 'vllm') {
    return undefined;
  }
  const wrong = [
    { field: 'size', isRight: size === undefined || isSize(size) },
    { field: 'n', isRight: Number.isInteger(n) && Number(n) >= 1 && Number(n) <= 10 },
    { field: 'response_format', isRight: ['b64_json', 'file'].includes(String(response_format)) },
  ].find(({ isRight }) => !isRight);
  return wrong === undefined
    ? undefined
    : {
        status: 422,
        body: { detail: [{ type: 'value_error', loc: ['body', wrong.field], msg: 'Not valid' }] },
      };
}

function isSize(value: unknown): boolean {
  return typeof value === 'string' && /^\d+x\d+$/.test(value);
}

async function answerPictures(
  body: JsonObject,
  fault: Fault | undefined,
  server: Server,
): Promise<SimulatorAnswer> {
  const { flavour, pictureSize } = server.start;
  const { size, n = 1, response_format } = body;
  // LocalAI quietly paints 512x512 when it cannot read the size.
  const wanted = typeof size === 'string' ? parseSize(size) : undefined;
  const painted = pictureSize ?? wanted ?? { width: 512, height: 512 };
  const count = flavour === 'ollama' ? 1 : Number(n);
  const pictures = await Promise.all(
    Array.from({ length: count }, (_, variant) =>
      solidPicture({ ...painted, format: formatOf(flavour, body), variant }),
    ),
  );
  const payloads = pictures.map((picture) => payloadText(picture, fault));
  const givesUrls = response_format === 'url' && (flavour === 'localai' || flavour === 'sglang');
  const items = payloads.map((payload, index) => {
    if (fault?.kind === 'redirect_private') {
      return { url: keep(server, '/redirect', undefined) };
    }
    if (givesUrls) {
      return { url: keep(server, filePath(flavour, index), Buffer.from(payload, 'base64')) };
    }
    return { b64_json: payload };
  });
  const data = fault?.kind === 'empty_data' ? [] : items.map((item) => decorated(flavour, item));
  const json = { created: 1_776_841_943, data, ...extras(flavour, body) };
  const headers = { 'content-type': 'application/json' };
  const text = wireBody(json, payloads[0] ?? '', fault);
  return { status: 200, headers, body: text, isPurchase: true };
}

/** Keeps a picture to be fetched; without one, the address redirects into the private network. */
function keep({ start, files, url }: Server, path: string, picture: Buffer | undefined): string {
  if (picture !== undefined) {
    files.set(path, picture);
  }
  // SGLang names its own without a host.
  return start.flavour === 'sglang' ? path : `${url}${path}`;
}

function filePath(flavour: CompatibleFlavour, index: number): string {
  return flavour === 'sglang'
    ? `/v1/images/img1/content?variant=${index}`
    : `/generated-images/b64${index}.png`;
}

function answerFile(path: string, files: Files): SimulatorAnswer {
  const picture = files.get(path);
  if (picture !== undefined) {
    return { status: 200, headers: { 'content-type': 'image/png' }, body: picture };
  }
  return path === '/redirect'
    ? { status: 302, headers: { location: 'http://169.254.169.254/latest/meta-data' }, body: '' }
    : { status: 404, body: 'not found' };
}

/** What the servers put beside a picture, none of which may reach a caller. */
function decorated(flavour: CompatibleFlavour, item: object): object {
  switch (flavour) {
    case 'vllm':
      return { url: null, revised_prompt: null, ...item };
    case 'sglang':
      return { ...item, file_path: '/srv/secret/outputs/1.png' };
    default:
      return item;
  }
}

function extras(flavour: CompatibleFlavour, body: JsonObject): object {
  switch (flavour) {
    case 'localai': {
      const zero = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };
      const details = { input_tokens_details: { text_tokens: 0, image_tokens: 0 } };
      return { id: 'f7e1', usage: { ...zero, ...details } };
    }
    case 'sglang':
      return { id: 'img1', usage: { image_count: 1 } };
    case 'vllm':
    case 'sdserver':
      return { output_format: formatOf(flavour, body), metrics: { seconds: 1.5 } };
    default:
      return {};
  }
}

function formatOf(flavour: CompatibleFlavour, body: JsonObject): 'png' | 'jpeg' | 'webp' {
  const { output_format: format } = body;
  const isHeard = flavour !== 'localai' && flavour !== 'ollama';
  return isHeard && (format === 'jpeg' || format === 'webp') ? format : 'png';
}

function errorBody(flavour: CompatibleFlavour, status: number): unknown {
  const message = `the model could not be run at /srv/models/secret (${status})`;
  switch (flavour) {
    case 'sdserver':
      return { error: 'server_error', message };
    case 'localai':
      return { error: { code: status, message, type: '' } };
    case 'vllm':
    case 'sglang':
      return { detail: message };
    case 'azure':
    case 'ollama':
      return { error: { message, type: 'api_error', code: null, param: null } };
  }
}
