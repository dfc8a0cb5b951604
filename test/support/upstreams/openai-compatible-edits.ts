import sharp from 'sharp';
import type { JsonObject } from '../json.ts';
import type { CompatibleFlavour } from './openai-compatible.ts';
import { formFields } from './openai-edits.ts';
import { dataUriBytes, readForm, type ReceivedEdit, type ReceivedPart } from './received-edit.ts';
import type { ReceivedRequest } from './simulator.ts';

export interface CompatibleEdit {
  readonly fields: JsonObject;
  readonly edit: ReceivedEdit;
}

/** The status with which the server refuses. */
type Refusal = number;

/**
 * The form of an edit as each server reads it (sources of stable-diffusion.cpp, LocalAI, SGLang and
 * vLLM-Omni, August to November 2026). What a server would ignore is refused here: a file in a
 * field that it does not read, an address to fetch, a mask that it has no use for.
 */
export async function readCompatibleEdit(
  flavour: CompatibleFlavour,
  request: ReceivedRequest,
): Promise<CompatibleEdit | Refusal> {
  const place = flavour === 'localai' ? '/v1/images/inpainting' : '/v1/images/edits';
  if (flavour === 'ollama' || request.path !== place) {
    return 404;
  }
  const parts = await readForm(request);
  if (parts === undefined) {
    return flavour === 'sglang' || flavour === 'vllm' ? 422 : 400;
  }
  const { mask_image, ...fields } = formFields(parts);
  // stable-diffusion.cpp gives webp for generations only.
  if (flavour === 'sdserver' && fields['output_format'] === 'webp') {
    return 400;
  }
  if (parts.some(({ name, text }) => text !== undefined && FETCHED.has(name))) {
    return 400;
  }
  const files = parts.filter(({ file }) => file !== undefined);
  const named = (wanted: string): readonly ReceivedPart[] =>
    files.filter(({ name }) => name === wanted);
  const [single, listed, masks] = [named('image'), named('image[]'), named('mask')];
  const images = listed.length > 0 ? listed : single;
  const isNamed = files.length === single.length + listed.length + masks.length;
  const isMixed = single.length > 0 && listed.length > 0;
  if (!isNamed || isMixed || images.length === 0 || masks.length > 1) {
    return 422;
  }
  if (flavour === 'localai' && !(single.length === 1 && masks.length === 1 && hasTexts(fields))) {
    return 400;
  }
  const mask = flavour === 'vllm' ? dataUriBytes(mask_image) : masks[0]?.file?.bytes;
  const isMaskRead = flavour === 'vllm' ? masks.length === 0 : mask_image === undefined;
  const pictures = bytesOf(images);
  const formats = await Promise.all([...pictures, ...(mask ? [mask] : [])].map(formatOf));
  const isRead = formats.every((format) => READS[flavour].includes(format));
  return isMaskRead && isRead
    ? { fields, edit: { images: pictures, ...(mask === undefined ? {} : { mask }) } }
    : 400;
}

/** Texts of a form that name a file or an address for the server to open. */
const FETCHED: ReadonlySet<string> = new Set(['image', 'image[]', 'url', 'url[]', 'mask', 'lora']);

const READS: Readonly<Record<CompatibleFlavour, readonly string[]>> = {
  azure: [],
  localai: ['png', 'jpeg'],
  ollama: [],
  // As it is built without webp.
  sdserver: ['png', 'jpeg'],
  sglang: ['png', 'jpeg', 'webp'],
  vllm: ['png', 'jpeg', 'webp'],
};

function hasTexts({ model, prompt }: JsonObject): boolean {
  return typeof model === 'string' && model !== '' && typeof prompt === 'string' && prompt !== '';
}

function bytesOf(parts: readonly ReceivedPart[]): readonly Buffer[] {
  return parts.flatMap(({ file }) => (file === undefined ? [] : [file.bytes]));
}

/** What a decoder finds; `none` where it finds nothing, or not all of it. */
async function formatOf(bytes: Buffer): Promise<string> {
  try {
    await sharp(bytes).stats();
    return (await sharp(bytes).metadata()).format;
  } catch {
    return 'none';
  }
}
