import { formatSize } from '../../base/image.ts';
import { isPictureField, plainName } from '../images-api/picture-fields.ts';
import type { ImageTask } from '../provider.ts';
import type { CompatibleSettings, Flavour } from './settings.ts';

/**
 * The fields of a generation or an edit, pictures apart (PROVIDERS §1.8 and §7, August to November 2026). The caller's own
 * undeclared fields come first, so that they can change nothing that the card, the operator or
 * this adapter decides.
 */
export function requestFields(
  task: ImageTask,
  { flavour, deployment, responseFormat, extraBody }: CompatibleSettings,
): Readonly<Record<string, unknown>> {
  const { parameters, upstreamParameters, format, compression, seed } = task;
  const { image_size, size, width: _width, height: _height, ...declared } = parameters;
  const { negative_prompt, ...others } = declared;
  const asksForFormat = !WITHOUT_OUTPUT_FORMAT.has(flavour);
  const isCompressed = compression !== undefined && asksForFormat;
  const negative = flavour === 'localai' ? negative_prompt : undefined;
  return {
    ...harmless(task.passthrough, flavour),
    ...others,
    ...(negative === negative_prompt ? {} : { negative_prompt }),
    ...upstreamParameters,
    ...(asksForFormat ? { output_format: format } : {}),
    ...(isCompressed ? { output_compression: compression } : {}),
    ...(seed === undefined ? {} : { seed }),
    ...extraBody,
    model: deployment ?? task.upstreamModel,
    prompt: promptFor(flavour, task.prompt, negative),
    n: task.n,
    size: flavour === 'azure' ? (image_size ?? size ?? 'auto') : formatSize(task.size),
    ...(responseFormat === 'none' ? {} : { response_format: responseFormat }),
    ...(flavour === 'azure' ? streamFields(task) : {}),
  };
}

/** They have no such field, and give png (Go structs of LocalAI and Ollama, August 2026). */
const WITHOUT_OUTPUT_FORMAT: ReadonlySet<Flavour> = new Set(['localai', 'ollama']);

/**
 * Fields by which a server of one's own reads a file or fetches a URL: a caller who may send any
 * field must not choose what the server inside our network opens. vLLM-Omni takes the address of
 * a mask, SGLang the path of a file to write (their sources, August to November 2026).
 */
const OPENED_BY_SERVER: ReadonlySet<string> = new Set([
  'file',
  'files',
  'image',
  'image_url',
  'images',
  'init_image',
  'lora',
  'lora_path',
  'mask',
  'mask_image',
  'perf_dump_path',
  'ref_images',
  'reference_image',
  'reference_images',
  'upscaling_model_path',
  'url',
]);

/** Whether a field of the caller's is not passed on to a server of this flavour. */
export function isHeldBack(flavour: Flavour, field: string): boolean {
  const name = plainName(field);
  const isOurs = name === 'response_format' || name === 'stream';
  return isOurs || (flavour === 'azure' ? isPictureField(field) : OPENED_BY_SERVER.has(name));
}

function harmless(
  passthrough: ImageTask['passthrough'],
  flavour: Flavour,
): Readonly<Record<string, unknown>> {
  const fields = Object.entries(passthrough);
  return Object.fromEntries(fields.filter(([name]) => !isHeldBack(flavour, name)));
}

/**
 * LocalAI takes what stands behind a `|` for the negative prompt, and knows no escape: the caller's
 * bars become full-width ones, which look the same and keep the sense, also in a sign to be
 * painted. stable-diffusion.cpp's server takes settings, paths among them, out of a tag in the
 * prompt: the tag's name is broken up.
 */
function promptFor(flavour: Flavour, prompt: string, negative: unknown): string {
  switch (flavour) {
    case 'localai': {
      const positive = withoutBars(prompt);
      return typeof negative === 'string' && negative !== ''
        ? `${positive}|${withoutBars(negative)}`
        : positive;
    }
    case 'plain':
      // Blanks, not nothing: what is left on both sides must not join to another tag.
      return prompt.replaceAll(/sd_cpp_extra_args/gi, 'sd cpp extra args');
    case 'azure':
    case 'ollama':
    case 'sglang':
    case 'vllm':
      return prompt;
  }
}

function withoutBars(text: string): string {
  return text.replaceAll('|', '｜');
}

/** As with OpenAI: the events of n > 1 could not be told from one another. */
function streamFields({ stream, n, partialImages }: ImageTask): object {
  if (!stream || n > 1) {
    return {};
  }
  return { stream: true, ...(partialImages === 0 ? {} : { partial_images: partialImages }) };
}
