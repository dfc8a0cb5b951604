import { type PixelSize, parseSize } from '../../../src/base/image.ts';
import type { JsonObject } from '../json.ts';

/** A field that the upstream refuses, as OpenAI says it. */
export interface OpenaiError {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
}

interface ModelRules {
  readonly qualities: readonly string[];
  readonly sizes: 'presets' | 'any';
  /** Axis factors of the formula, or a table by preset. */
  readonly tokens:
    | { readonly factors: Readonly<Record<string, number>> }
    | { readonly table: Readonly<Record<string, Readonly<Record<string, number>>>> };
}

const THREE = ['low', 'medium', 'high'];
const FIVE = [...THREE, 'xhigh', 'max'];
const TABLE = {
  '1024x1024': { low: 272, medium: 1056, high: 4160 },
  '1024x1536': { low: 408, medium: 1584, high: 6240 },
  '1536x1024': { low: 400, medium: 1568, high: 6208 },
};
const OLDER: ModelRules = { qualities: THREE, sizes: 'presets', tokens: { table: TABLE } };
const TWO: ModelRules = {
  qualities: THREE,
  sizes: 'any',
  tokens: { factors: { low: 16, medium: 48, high: 96 } },
};
const NEWER: ModelRules = {
  qualities: FIVE,
  sizes: 'any',
  tokens: { factors: { low: 16, medium: 24, high: 48, xhigh: 64, max: 96 } },
};

/** The live ones (PROVIDERS §0, §1; November 2026); what is not here was retired, or never was. */
const MODELS: ReadonlyMap<string, ModelRules> = new Map([
  ['gpt-image-1-mini', OLDER],
  ['gpt-image-1.5', OLDER],
  ['gpt-image-2', TWO],
  ['gpt-image-2-2026-04-21', TWO],
  ...['2.5', '2.6'].flatMap((version) =>
    ['sunburst', 'flare'].map((name): [string, ModelRules] => [
      `gpt-image-${version}-${name}`,
      NEWER,
    ]),
  ),
]);

const FIELDS = new Set([
  'background',
  'complexity',
  'model',
  'moderation',
  'n',
  'output_compression',
  'output_format',
  'partial_images',
  'prompt',
  'quality',
  'safety_identifier',
  'size',
  'stream',
  'user',
]);

/** A generation or an edit as the upstream understands it, everything decided. */
export interface OpenaiOrder {
  readonly model: string;
  readonly prompt: string;
  readonly n: number;
  readonly size: PixelSize;
  readonly quality: string;
  readonly background: 'opaque' | 'transparent';
  readonly outputFormat: 'png' | 'jpeg' | 'webp';
  readonly stream: boolean;
  readonly partialImages: number;
  /** How many pictures an edit brings; none for a generation. */
  readonly references: number;
}

/** Checks a body as strictly as OpenAI does; `model` may be called otherwise (Azure). */
export function readOrder(
  body: JsonObject,
  rulesOf: (model: unknown) => string = String,
): OpenaiOrder | OpenaiError {
  const unknown = Object.keys(body).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) {
    return invalid(unknown, `Unknown parameter: '${unknown}'.`, 'unknown_parameter');
  }
  const { model, prompt, n = 1, size = 'auto', quality = 'auto', background = 'auto' } = body;
  const rules = MODELS.get(rulesOf(model));
  if (rules === undefined) {
    const message = `The model '${rulesOf(model)}' does not exist.`;
    return { ...invalid('model', message, 'model_not_found'), status: 404, param: null };
  }
  if (typeof prompt !== 'string' || prompt === '') {
    const message = "Missing required parameter: 'prompt'.";
    return invalid('prompt', message, 'missing_required_parameter');
  }
  const { moderation = 'auto', output_format = 'png', output_compression, stream = false } = body;
  const { partial_images = 0 } = body;
  const isJpegOrWebp = output_format === 'jpeg' || output_format === 'webp';
  const wrong = firstWrong([
    ['prompt', prompt.length <= 32_000],
    ['n', isIntegerIn(n, 1, 10)],
    ['quality', isOneOf(quality, ['auto', ...rules.qualities])],
    ['background', isOneOf(background, ['auto', 'opaque', 'transparent'])],
    ['background', background !== 'transparent' || output_format !== 'jpeg'],
    ['moderation', isOneOf(moderation, ['auto', 'low'])],
    ['output_format', isOneOf(output_format, ['png', 'jpeg', 'webp'])],
    [
      'output_compression',
      output_compression === undefined || (isJpegOrWebp && isIntegerIn(output_compression, 0, 100)),
    ],
    ['stream', typeof stream === 'boolean'],
    // Not documented as an error; but it would be paid for in vain.
    ['partial_images', isIntegerIn(partial_images, 0, stream === true ? 3 : 0)],
    ['size', isAllowedSize(size, rules)],
  ]);
  if (wrong !== undefined) {
    return invalid(wrong, `Invalid value for '${wrong}': see the documentation.`);
  }
  return {
    model: String(model),
    prompt,
    n: Number(n),
    size: parseSize(String(size)) ?? { width: 1024, height: 1024 },
    quality: quality === 'auto' ? 'medium' : String(quality),
    background: background === 'transparent' ? 'transparent' : 'opaque',
    outputFormat: isJpegOrWebp ? output_format : 'png',
    stream: stream === true,
    partialImages: Number(partial_images),
    references: 0,
  };
}

/** Output tokens of one picture: the tables and the formula of PROVIDERS §1.7. */
export function outputTokensOf(model: string, quality: string, size: PixelSize): number {
  const { tokens } = MODELS.get(model) ?? TWO;
  const { width, height } = size;
  if ('table' in tokens) {
    return tokens.table[`${width}x${height}`]?.[quality] ?? 0;
  }
  const factor = tokens.factors[quality] ?? 0;
  const short = Math.round((factor * Math.min(width, height)) / Math.max(width, height));
  return Math.ceil((factor * short * (2_000_000 + width * height)) / 4_000_000);
}

export function invalid(param: string, message: string, code = 'invalid_value'): OpenaiError {
  return { status: 400, message, type: 'invalid_request_error', code, param };
}

/** §1.3: steps of 16, edges to 3,840, 1:3 to 3:1, 655,360 to 8,294,400 pixels. */
function isAllowedSize(size: unknown, { sizes }: ModelRules): boolean {
  if (isOneOf(size, ['auto', '1024x1024', '1536x1024', '1024x1536'])) {
    return true;
  }
  const match = /^(\d{1,4})x(\d{1,4})$/.exec(String(size));
  if (sizes === 'presets' || match === null) {
    return false;
  }
  const [width, height] = [Number(match[1]), Number(match[2])];
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  const pixels = width * height;
  const isOnGrid = width % 16 === 0 && height % 16 === 0;
  return isOnGrid && long <= 3840 && long <= 3 * short && pixels >= 655_360 && pixels <= 8_294_400;
}

function firstWrong(checks: readonly (readonly [string, boolean])[]): string | undefined {
  return checks.find(([, isRight]) => !isRight)?.[0];
}

function isOneOf(value: unknown, allowed: readonly string[]): boolean {
  return typeof value === 'string' && allowed.includes(value);
}

function isIntegerIn(value: unknown, minimum: number, maximum: number): boolean {
  return Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum;
}
