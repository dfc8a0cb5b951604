import sharp from 'sharp';
import { asObject, type JsonObject } from '../json.ts';
import { invalid, type OpenaiError, type OpenaiOrder, readOrder } from './openai-rules.ts';
import { readForm, type ReceivedEdit, type ReceivedPart } from './received-edit.ts';
import type { ReceivedRequest } from './simulator.ts';

export interface OpenaiReading {
  readonly isEdit: boolean;
  /** The model behind a name, which may be a deployment's (Azure). */
  readonly rulesOf?: (model: unknown) => string;
}

export interface OpenaiRequest {
  readonly order: OpenaiOrder;
  readonly edit?: ReceivedEdit;
}

const IMAGES_MAX = 16;
const IMAGE_BYTES_MAX = 50 * 2 ** 20;
const MASK_BYTES_MAX = 4 * 2 ** 20;

/** What the models take as `input_fidelity`; the others know no such field. */
const FIDELITIES: Readonly<Record<string, readonly string[]>> = {
  'gpt-image-1.5': ['low', 'high'],
  'gpt-image-1-mini': ['low'],
};

/** Checks a generation or an edit as strictly as OpenAI does (PROVIDERS §1.1, §1.2). */
export async function readOpenaiRequest(
  request: ReceivedRequest,
  { isEdit, rulesOf = String }: OpenaiReading,
): Promise<OpenaiRequest | OpenaiError> {
  if (isEdit) {
    return readEdit(request, rulesOf);
  }
  const { headers, json } = request;
  if (!/^application\/json\b/.test(headers['content-type'] ?? '') || json === undefined) {
    const message = 'We could not parse the JSON body of your request.';
    return { ...invalid('', message), param: null };
  }
  const order = readOrder(asObject(json), rulesOf);
  return 'status' in order ? order : { order };
}

async function readEdit(
  request: ReceivedRequest,
  rulesOf: (model: unknown) => string,
): Promise<OpenaiRequest | OpenaiError> {
  const parts = await readForm(request);
  if (parts === undefined) {
    return { ...invalid('', 'We could not parse the form of your request.'), param: null };
  }
  const names = parts.flatMap(({ name, text }) => (text === undefined ? [] : [name]));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    return invalid(twice, `Duplicate parameter: '${twice}'.`, 'duplicate_parameter');
  }
  const { input_fidelity, ...others } = formFields(parts);
  const order = readOrder(others, rulesOf);
  if ('status' in order) {
    return order;
  }
  if (input_fidelity !== undefined) {
    const allowed = FIDELITIES[rulesOf(order.model)];
    if (allowed === undefined) {
      const message = "The model does not support the 'input_fidelity' parameter.";
      return invalid('input_fidelity', message, 'invalid_input_fidelity_model');
    }
    if (!allowed.some((fidelity) => fidelity === input_fidelity)) {
      return invalid('input_fidelity', "Invalid value for 'input_fidelity'.");
    }
  }
  const edit = await readPictures(parts);
  return 'status' in edit ? edit : { order: { ...order, references: edit.images.length }, edit };
}

/** The texts of a form, each as what it stands for. */
export function formFields(parts: readonly ReceivedPart[]): JsonObject {
  return Object.fromEntries(
    parts.flatMap(({ name, text }) => (text === undefined ? [] : [[name, valueOf(name, text)]])),
  );
}

const NUMBERS = ['n', 'output_compression', 'partial_images'];

/** A wrong text stays a text, which is then refused as such. */
function valueOf(name: string, text: string): unknown {
  if (NUMBERS.includes(name) && /^\d+$/.test(text)) {
    return Number(text);
  }
  return name === 'stream' && /^(true|false)$/.test(text) ? text === 'true' : text;
}

async function readPictures(parts: readonly ReceivedPart[]): Promise<ReceivedEdit | OpenaiError> {
  const files = parts.filter(({ file }) => file !== undefined);
  const foreign = files.find(({ name }) => !['image', 'image[]', 'mask'].includes(name));
  if (foreign !== undefined) {
    const message = `Unknown parameter: '${foreign.name}'.`;
    return invalid(foreign.name, message, 'unknown_parameter');
  }
  const single = files.filter(({ name }) => name === 'image');
  const listed = files.filter(({ name }) => name === 'image[]');
  const masks = files.filter(({ name }) => name === 'mask');
  const images = [...single, ...listed];
  if (images.length === 0) {
    const message = "Missing required parameter: 'image'.";
    return invalid('image', message, 'missing_required_parameter');
  }
  const isMixed = single.length > 1 || (single.length > 0 && listed.length > 0);
  if (isMixed || images.length > IMAGES_MAX || masks.length > 1) {
    const param = masks.length > 1 ? 'mask' : 'image';
    return invalid(param, `Invalid value for '${param}': too many files.`);
  }
  for (const image of images) {
    const wrong = await wrongFile(image, ['png', 'jpeg', 'webp'], IMAGE_BYTES_MAX);
    if (wrong !== undefined) {
      return wrong;
    }
  }
  const [mask] = masks;
  const wrong = mask === undefined ? undefined : await wrongMask(mask, images[0]);
  const bytes = mask?.file?.bytes;
  return (
    wrong ?? {
      images: images.flatMap(({ file }) => (file === undefined ? [] : [file.bytes])),
      ...(bytes === undefined ? {} : { mask: bytes }),
    }
  );
}

/** A file is what its media type says, and is read to its last pixel. */
async function wrongFile(
  { name, file }: ReceivedPart,
  formats: readonly string[],
  bytesMax: number,
): Promise<OpenaiError | undefined> {
  const { bytes, mediaType } = file ?? { bytes: Buffer.alloc(0), mediaType: '' };
  const { format } = await sharp(bytes)
    .metadata()
    .catch(() => ({ format: 'none' }));
  const isWhole = await sharp(bytes)
    .stats()
    .then(
      () => true,
      () => false,
    );
  if (!formats.includes(format) || mediaType !== `image/${format}` || !isWhole) {
    const message = `Invalid file '${name}': unsupported mimetype ('${mediaType}').`;
    return invalid(name, message, 'unsupported_file_mimetype');
  }
  return bytes.length < bytesMax
    ? undefined
    : invalid(name, `Invalid file '${name}': too large.`, 'image_too_large');
}

async function wrongMask(
  mask: ReceivedPart,
  first: ReceivedPart | undefined,
): Promise<OpenaiError | undefined> {
  const wrong = await wrongFile(mask, ['png'], MASK_BYTES_MAX);
  if (wrong !== undefined) {
    return wrong;
  }
  const shown = await sharp(mask.file?.bytes).metadata();
  const picture = await sharp(first?.file?.bytes).metadata();
  if (!shown.hasAlpha) {
    return invalid('mask', 'Invalid mask image: it has no alpha channel.', 'invalid_mask');
  }
  return shown.width === picture.width && shown.height === picture.height
    ? undefined
    : invalid('mask', 'Invalid mask image: its size is not that of the image.', 'invalid_mask');
}
