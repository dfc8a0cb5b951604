import { type OptionSpecs, type Options, UsageError } from './command.ts';

/** The house's own model: it paints without any credential. */
const DEFAULT_MODEL = 'deepshi-banana-pro';

/** The options that `generate` and `quote` share: the fields of a request. */
export const REQUEST_OPTIONS = {
  model: {
    type: 'string',
    short: 'm',
    placeholder: 'MODEL',
    summary: `Which model (${DEFAULT_MODEL}).`,
  },
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

/** The body of a request, as the API takes it. Throws a UsageError for a `-p` without `=`. */
export function requestBody(prompt: string, options: Options): Record<string, unknown> {
  const format = options.text('format')?.toLowerCase();
  const fields = {
    n: readValue(options.text('n')),
    size: options.text('size'),
    seed: readValue(options.text('seed')),
    output_format: format === 'jpg' ? 'jpeg' : format,
    quality: options.text('quality'),
  };
  return {
    model: options.text('model') ?? DEFAULT_MODEL,
    ...(prompt === '' ? {} : { prompt }),
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
    ...Object.fromEntries(options.list('param').map(readParameter)),
  };
}

function readParameter(text: string): [string, unknown] {
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
function readValue(text: string | undefined): string | number | boolean | undefined {
  if (text === 'true' || text === 'false') {
    return text === 'true';
  }
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
