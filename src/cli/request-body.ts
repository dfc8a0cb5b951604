import { type OptionSpec, type OptionSpecs, type Options, UsageError } from './command.ts';

/** The house's own models, which paint and edit without any credential. */
export const PAINTING_MODEL = 'deepshi-banana-pro';
export const EDITING_MODEL = 'deepshi-image-1';

/** The option for the model; what is in brackets is the one that is taken without it. */
export function modelOption(defaults: string): OptionSpec {
  return {
    type: 'string',
    short: 'm',
    placeholder: 'MODEL',
    summary: `Which model (${defaults}).`,
  };
}

/** The options that several commands share: the other fields of a request. */
export const REQUEST_OPTIONS = {
  n: { type: 'string', short: 'n', placeholder: 'N', summary: 'How many pictures (1).' },
  size: { type: 'string', placeholder: 'WxH', summary: 'Such as 1024x768, for any model.' },
  seed: { type: 'string', placeholder: 'N', summary: 'The same seed paints the same picture.' },
  format: { type: 'string', placeholder: 'FORMAT', summary: 'png, jpeg or webp.' },
  quality: { type: 'string', placeholder: 'QUALITY', summary: 'Where the model has qualities.' },
  param: {
    type: 'string',
    short: 'p',
    multiple: true,
    placeholder: 'NAME=VALUE',
    summary: 'Any other field of the API; may be repeated.',
  },
} as const satisfies OptionSpecs;

export type FieldValue = string | number | boolean;

/** The body of a request, as the API takes it. Throws a UsageError for a `-p` without `=`. */
export function requestBody(
  prompt: string,
  options: Options,
  defaultModel: string,
): Record<string, FieldValue> {
  const format = options.text('format')?.toLowerCase();
  const fields = {
    n: readValue(options.text('n')),
    size: options.text('size'),
    seed: readValue(options.text('seed')),
    output_format: format === 'jpg' ? 'jpeg' : format,
    quality: options.text('quality'),
  };
  return {
    model: options.text('model') ?? defaultModel,
    ...(prompt === '' ? {} : { prompt }),
    ...Object.fromEntries(Object.entries(fields).flatMap(given)),
    ...Object.fromEntries(options.list('param').map(readParameter)),
  };
}

function given([name, value]: [string, FieldValue | undefined]): [string, FieldValue][] {
  return value === undefined ? [] : [[name, value]];
}

function readParameter(text: string): [string, FieldValue] {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(0, at)).trim();
  if (name === '') {
    throw new UsageError(
      `-p takes NAME=VALUE, not "${text}".`,
      'For example -p aspect_ratio=16:9.',
    );
  }
  return [name, readValue(text.slice(at + 1))];
}

/** Numbers and booleans as such, everything else as text. */
function readValue(text: string): FieldValue;
function readValue(text: string | undefined): FieldValue | undefined;
function readValue(text: string | undefined): FieldValue | undefined {
  if (text === 'true' || text === 'false') {
    return text === 'true';
  }
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
