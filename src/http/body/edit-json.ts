import { Failure } from '../../base/errors.ts';
import { type JsonPath, splice } from '../../payload/splice.ts';
import { SpliceError } from '../../payload/splice-error.ts';
import type { PictureSource } from '../../pipeline/pictures.ts';
import type { PicturePlace, PictureTaker } from './picture-taker.ts';

/** Names under which clients send pictures; each may hold one or several. */
const MASK_FIELDS: ReadonlySet<string> = new Set(['mask', 'mask_url']);
const PICTURE_FIELDS: ReadonlySet<string> = new Set([
  'image',
  'images',
  'image_url',
  'image_urls',
  ...MASK_FIELDS,
]);

/** Names of an object's member that holds the picture itself, or an object once more. */
const MEMBERS = ['image_url', 'url', 'b64_json'];

/** `images: [{ image_url: { url: '…' } }]` is as deep as any client goes. */
const DEPTH_MAX = 4;

const SPLICING = { keys: [...PICTURE_FIELDS, ...MEMBERS], liftsItems: true };

/**
 * Reads an edit's JSON body. Pictures in base64 are kept as they arrive, without ever being a
 * string in memory, and go to the taker with those that are addresses, in the order of the body;
 * everything else is returned. Throws a Failure that names the field.
 */
export async function readEditJson(
  body: AsyncIterable<Buffer>,
  taker: PictureTaker,
  documentBytesMax: number,
): Promise<unknown> {
  const received = new Map<string, PictureSource>();
  try {
    for await (const part of splice(body, { ...SPLICING, documentBytesMax })) {
      if (part.type === 'document') {
        return await takePictures(part.value, taker, received);
      }
      const place = placeOf(part.path);
      if (!PICTURE_FIELDS.has(String(part.path[0]))) {
        // It would be gone from the field, which nobody asked for.
        const message = `'${place.param}' holds a picture: those are taken in images and mask only.`;
        throw new Failure('invalid_value', { param: place.param, message });
      }
      received.set(keyOf(part.path), await taker.receive(part.payload, place));
    }
  } catch (error) {
    throw error instanceof SpliceError ? translate(error) : error;
  }
  throw new Failure('invalid_json');
}

/** Takes the picture fields out of the body. */
async function takePictures(
  body: unknown,
  taker: PictureTaker,
  received: ReadonlyMap<string, PictureSource>,
): Promise<unknown> {
  if (!isObject(body)) {
    return body;
  }
  // As everywhere else: it has no meaning, and would be gone without a word.
  if (Object.hasOwn(body, '__proto__')) {
    throw new Failure('invalid_json');
  }
  const rest: [string, unknown][] = [];
  for (const [name, value] of Object.entries(body)) {
    if (!PICTURE_FIELDS.has(name)) {
      rest.push([name, value]);
      continue;
    }
    for (const found of picturesIn(value, [name])) {
      const place = placeOf(found.path);
      const source = received.get(keyOf(found.path)) ?? (await taker.read(found.text, place));
      taker.add(source, place);
    }
  }
  return Object.fromEntries(rest);
}

interface FoundText {
  readonly path: JsonPath;
  readonly text: string;
}

/** The strings that stand for pictures, in order. Throws for anything else in their place. */
function picturesIn(value: unknown, path: JsonPath): FoundText[] {
  if (value === null) {
    return [];
  }
  if (typeof value === 'string') {
    return [{ path, text: value }];
  }
  const { param } = placeOf(path);
  if (Array.isArray(value) && path.length === 1) {
    return value.flatMap((item, index) => picturesIn(item, [...path, index]));
  }
  if (!isObject(value) || path.length >= DEPTH_MAX) {
    const message = `'${param}' must be a URL, a data: URI, or an object with an image_url.`;
    throw new Failure('invalid_type', { param, message });
  }
  if ('file_id' in value) {
    const message = "There are no uploaded files here: send an image_url in place of 'file_id'.";
    throw new Failure('invalid_value', { param: `${param}.file_id`, message });
  }
  const members = MEMBERS.filter((name) => Object.hasOwn(value, name));
  const [member] = members;
  if (member === undefined || members.length > 1) {
    const message = `'${param}' must have exactly one of ${MEMBERS.join(', ')}.`;
    throw new Failure('invalid_value', { param, message });
  }
  return picturesIn(value[member], [...path, member]);
}

function placeOf(path: JsonPath): PicturePlace {
  return { param: path.join('.'), isMask: MASK_FIELDS.has(String(path[0])) };
}

function keyOf(path: JsonPath): string {
  return JSON.stringify(path);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function translate(error: SpliceError): Failure {
  switch (error.fault) {
    case 'limit':
      return new Failure('payload_too_large', { internal: error.message });
    case 'malformed':
    case 'cut_off':
      return new Failure('invalid_json');
    case 'not_base64':
      return new Failure('invalid_image', { param: 'image', internal: error.message });
  }
}
