import { Failure } from '../base/errors.ts';
import { Base64Value } from '../egress/streamed-body.ts';
import type { ImageTask } from './provider.ts';
import { sendable } from './references.ts';
import { sentWhiteMask } from './sent-mask.ts';

export interface ImgGenOptions {
  readonly seed: number;
  /** Whether the first picture is also what the model begins from: with a mask only, or always. */
  readonly initImage: 'with_mask' | 'always';
}

/**
 * The body of `POST /sdcpp/v1/img_gen` (stable-diffusion.cpp `examples/server/api.md`, August
 * 2026). Parameters are looked for in the card's, then in the passed-on fields; of those only what
 * is named here goes on, since others name files and models of the server. A card's
 * `upstream_parameters` reach any field, by its path: `sample_params.guidance.img_cfg`. Throws
 * `invalid_image` and `invalid_mask` for pictures that had to be converted and cannot be read.
 */
export async function imgGenBody(task: ImageTask, options: ImgGenOptions): Promise<object> {
  const body: Tree = { embed_image_metadata: false };
  for (const [name, { path, type }] of Object.entries(FIELDS)) {
    const value = task.parameters[name] ?? task.passthrough[name];
    if (value !== undefined && value !== null) {
      setAt(body, path, checked(name, type, value));
    }
  }
  for (const [path, value] of Object.entries(task.upstreamParameters)) {
    setAt(body, path, value);
  }
  return {
    ...body,
    prompt: cleanPrompt(task.prompt),
    width: task.size.width,
    height: task.size.height,
    seed: options.seed,
    batch_count: task.n,
    output_format: task.format,
    ...(task.compression === undefined ? {} : { output_compression: task.compression }),
    ...(await imagesOf(task, options)),
  };
}

/** Not every build of the server decodes webp (`examples/common/media_io.cpp`, August 2026). */
const IMAGE_RULES = { formats: ['png', 'jpeg'] } as const;

/** `ref_images` are all pictures in order; a mask lies on `init_image`, the first of them. */
async function imagesOf(
  { references, mask }: ImageTask,
  { initImage }: ImgGenOptions,
): Promise<Readonly<Record<string, Base64Value | readonly Base64Value[]>>> {
  const pictures = await sendable(references, IMAGE_RULES);
  const images = pictures.map((picture) => new Base64Value(picture));
  const [first] = images;
  if (first === undefined) {
    return {};
  }
  const begins = mask !== undefined || initImage === 'always';
  return {
    ref_images: images,
    ...(begins ? { init_image: first } : {}),
    ...(mask === undefined ? {} : { mask_image: new Base64Value(await sentWhiteMask(mask)) }),
  };
}

const EXTRA_ARGS = 'sd_cpp_extra_args';

/**
 * The prompt without `<sd_cpp_extra_args>` blocks, by which a prompt could set what the server's
 * operator did not open: sizes, steps, files (PROVIDERS §7.1). Throws when nothing else is in it.
 */
export function cleanPrompt(prompt: string): string {
  const cleaned = withoutExtraArgs(prompt);
  if (cleaned === '' && prompt !== '') {
    const message = `The prompt holds nothing but ${EXTRA_ARGS}, which are not taken.`;
    throw new Failure('invalid_value', { param: 'prompt', message });
  }
  return cleaned;
}

/**
 * Blocks go with what is in them, tags without a partner go alone, and then the name itself,
 * however it is written: since a space is put in its place, the pieces left and right of it cannot
 * form it again. Takes one pass whatever the text.
 */
function withoutExtraArgs(text: string): string {
  const name = new RegExp(EXTRA_ARGS, 'gi');
  if (text.search(name) === -1) {
    return text;
  }
  const tag = new RegExp(`<\\s{0,9}(/?)\\s{0,9}${EXTRA_ARGS}[^<>]{0,99}>`, 'gi');
  const pieces: string[] = [];
  /** How many pieces stood before each tag that is open. */
  const open: number[] = [];
  let position = 0;
  for (const match of text.matchAll(tag)) {
    pieces.push(text.slice(position, match.index));
    position = match.index + match[0].length;
    if (match[1] === '') {
      open.push(pieces.length);
    } else {
      pieces.length = open.pop() ?? pieces.length;
    }
  }
  pieces.push(text.slice(position));
  return pieces.join(' ').replaceAll(name, ' ').trim();
}

interface Field {
  readonly path: string;
  readonly type: 'string' | 'number';
}

/** Names that a card may declare, and where they stand. */
const FIELDS: Readonly<Record<string, Field>> = {
  negative_prompt: { path: 'negative_prompt', type: 'string' },
  clip_skip: { path: 'clip_skip', type: 'number' },
  strength: { path: 'strength', type: 'number' },
  steps: { path: 'sample_params.sample_steps', type: 'number' },
  sampler: { path: 'sample_params.sample_method', type: 'string' },
  scheduler: { path: 'sample_params.scheduler', type: 'string' },
  cfg: { path: 'sample_params.guidance.txt_cfg', type: 'number' },
  cfg_scale: { path: 'sample_params.guidance.txt_cfg', type: 'number' },
  guidance: { path: 'sample_params.guidance.distilled_guidance', type: 'number' },
};

/** Whether a field of the caller's has no place in a request: it may name a file of the server. */
export function holdsBack(field: string): boolean {
  return !Object.hasOwn(FIELDS, field);
}

interface Tree {
  [name: string]: string | number | boolean | Tree;
}

function setAt(tree: Tree, path: string, value: string | number | boolean): void {
  const names = path.split('.');
  const last = names.pop() ?? path;
  let place = tree;
  for (const name of names) {
    const found = Object.hasOwn(place, name) ? place[name] : undefined;
    const next: Tree = typeof found === 'object' ? found : Object.create(null);
    place[name] = next;
    place = next;
  }
  place[last] = value;
}

function checked(name: string, type: Field['type'], value: unknown): string | number {
  if (type === 'number' && typeof value === 'number' && Number.isFinite(value)) {
    return value;
  }
  if (type === 'string' && typeof value === 'string') {
    return name === 'negative_prompt' ? withoutExtraArgs(value) : value;
  }
  throw new Failure('invalid_type', { param: name, message: `${name} must be a ${type}.` });
}
